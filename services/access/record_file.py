"""Records in one JSON file, changed by commands and watched by running services.

In production the file is a mounted secret or volume; a running service takes a change within a
second. A file that can't be read leaves the records as they were.
"""

import fcntl
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from services.telemetry.logs import log

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LOGGER: Final = logging.getLogger("rantai.access")
_WATCH_SECONDS: Final = 0.5

Record = TypeVar("Record", bound="DataclassInstance")


class RecordFileError(ValueError):
    """The file can't be read; the message names it."""


class RecordFile(Generic[Record]):
    """The records in one file, each under its id.

    Reading is cheap enough for every request: the file is looked at once in half a second, and
    parsed only when it changed. `name`: of the list in the file. `read`: makes a record of a row,
    and raises ValueError, KeyError or TypeError for what is none. `id_of`: a record's id.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        read: Callable[[Mapping[str, Any]], Record],
        id_of: Callable[[Record], str],
    ) -> None:
        self.path = path
        self._name, self._read, self._id_of = name, read, id_of
        self._records: dict[str, Record] = {}
        self._signature: tuple[int, int, int] | None = None
        self._looked_at = 0.0

    def fresh(self) -> Mapping[str, Record]:
        """Return every record as the file has it now. Raises RecordFileError."""
        self._load()
        return self._records

    def current(self) -> Mapping[str, Record]:
        """Return every record as the file had it within the last half second.

        Raises RecordFileError where the file was never read.
        """
        if time.monotonic() - self._looked_at > _WATCH_SECONDS:
            try:
                self._load()
            except RecordFileError as error:
                if self._signature is None:
                    raise
                log(_LOGGER, "records_unreadable", level=logging.ERROR, error=str(error))
                self._looked_at = time.monotonic()
        return self._records

    @contextmanager
    def changing(self) -> Iterator[dict[str, Record]]:
        """Give the records to be changed, and write them when the context ends without an error.

        Two that change the file at the same time, threads or processes, take turns.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._load()
            records = dict(self._records)
            yield records
            self._write(records)

    def _load(self) -> None:
        try:
            status = self.path.stat()
            text = self.path.read_text() if _signature(status) != self._signature else None
        except FileNotFoundError:
            self._records, self._signature = {}, None
            self._looked_at = time.monotonic()
            return
        if text is not None:
            self._records = self._parsed(text)
            self._signature = _signature(status)
        # Last: a second thread must not take old records for fresh ones.
        self._looked_at = time.monotonic()

    def _parsed(self, text: str) -> dict[str, Record]:
        try:
            records = [self._read(row) for row in json.loads(text)[self._name]]
        except (ValueError, KeyError, TypeError) as error:
            raise RecordFileError(f"{self.path} has no {self._name}: {error!r}") from None
        return {self._id_of(record): record for record in records}

    def _write(self, records: Mapping[str, Record]) -> None:
        # Written beside and renamed into place: a reader never sees half a file.
        text = json.dumps({self._name: [asdict(one) for one in records.values()]}, indent=1)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self._name}-")
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(self.path)
        self._load()


def _signature(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_mtime_ns, status.st_size, status.st_ino)
