"""Records in one JSON file, changed by commands and followed by running services.

In production the file is a mounted secret or volume. A running service applies a change from the
next request on. While the file can't be read, the records that were read last stay in force.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from services.access import private_files
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.access")

_ABSENT: Final[tuple[int, ...]] = ()
"""The signature of a file that does not exist."""

_LOOKS: Final = 5
"""Attempts to read a file that existed before and is gone."""

_BETWEEN_LOOKS_SECONDS: Final = 0.01

Record = TypeVar("Record")


class RecordFileError(ValueError):
    """The file can't be read or written; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class _Seen(Generic[Record]):
    """The result of the last look at the file.

    `signature`: of the file at that time; None if the next look must read it in any case.
    `records`: None if the file was never read. `fault`: why the file could not be read; `records`
    are then those of an earlier look.
    """

    signature: tuple[int, ...] | None
    records: Mapping[str, Record] | None
    fault: str | None = None


class RecordFile(Generic[Record]):
    """The records in one file, by id. For any thread.

    Every call checks whether the file changed, which takes 4 microseconds, and reads it only if it
    did: 100 keys in 0.3 ms, 10,000 links in 40 ms.

    `name`: the JSON key of the list in the file. `content`: parses and writes the file, whose
    content is one such list; it must refuse unknown fields, because overlooking a restriction would
    grant a right that nobody gave. `id_of`: returns a record's id.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        content: TypeAdapter[dict[str, list[Record]]],
        id_of: Callable[[Record], str],
    ) -> None:
        self.path = path
        self._name, self._content, self._id_of = name, content, id_of
        self._seen: _Seen[Record] = _Seen(None, None)
        self._reading = threading.Lock()

    def fresh(self) -> Mapping[str, Record]:
        """Return the records of the file as it is at present.

        For commands and lists. Raises RecordFileError if the file can't be read.
        """
        seen = self._look()
        if seen.records is None or seen.fault is not None:
            raise RecordFileError(seen.fault)
        return seen.records

    def current(self) -> Mapping[str, Record]:
        """Return the records of the file or, while it can't be read, those that were read last.

        For checking requests. Raises RecordFileError if the file was never read.
        """
        seen = self._look()
        if seen.records is None:
            raise RecordFileError(seen.fault)
        return seen.records

    @contextmanager
    def changing(self) -> Iterator[dict[str, Record]]:
        """Yield the records to change, and write them when the context ends without an error.

        Threads and processes that change the file at the same time take turns. Once the context has
        ended, every running process sees the change, and a power cut does not undo it.
        Raises RecordFileError.
        """
        with self._write_faults():
            private_files.make_folder(self.path.parent)
            lock = self.path.with_name(f".{self.path.name}.lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            records = dict(self.fresh())
            yield records
            content = self._content.dump_json({self._name: list(records.values())})
            with self._write_faults():
                private_files.replace(self.path, content)
            self._look()

    @contextmanager
    def _write_faults(self) -> Iterator[None]:
        """Log and raise RecordFileError if the file or its folder can't be written."""
        try:
            yield
        except OSError as error:
            fault = (
                f"{self.path} can't be written ({error.strerror}); make room on the disk, let this "
                "process write there, or change the file that is mounted there at its source"
            )
            log(_LOGGER, "records_unwritable", level=logging.ERROR, error=fault)
            raise RecordFileError(fault) from None

    def _look(self) -> _Seen[Record]:
        seen = self._seen
        if seen.signature is not None and seen.signature == self._signature():
            return seen
        # One thread at a time, the check included: otherwise a thread that read the file before a
        # change could overwrite the records that another thread read after it.
        with self._reading:
            before = self._seen
            if before.signature is None or before.signature != self._signature():
                self._seen = self._read(before)
                if self._seen.fault not in (None, before.fault):
                    log(
                        _LOGGER,
                        "records_unreadable",
                        level=logging.ERROR,
                        error=self._seen.fault,
                    )
            return self._seen

    def _signature(self) -> tuple[int, ...] | None:
        try:
            return _signature(self.path.stat())
        except FileNotFoundError:
            return _ABSENT
        except OSError:
            return None

    def _read(self, before: _Seen[Record]) -> _Seen[Record]:
        # A file that existed is looked for again: an editor, or the swap of a mounted secret, may
        # remove it for a moment, and no sender must be told meanwhile that its key is revoked.
        looks = _LOOKS if before.signature != _ABSENT and before.records else 1
        for look in range(looks):
            if look:
                time.sleep(_BETWEEN_LOOKS_SECONDS)
            try:
                with self.path.open("rb") as file:
                    signature = _signature(os.fstat(file.fileno()))
                    content = file.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                fault = f"{self.path} can't be read ({error.strerror}); let this process read it"
                return _Seen(None, before.records, fault)
            try:
                return _Seen(signature, self._parsed(content))
            except RecordFileError as error:
                return _Seen(signature, before.records, str(error))
        return _Seen(_ABSENT, {})

    def _parsed(self, content: bytes) -> dict[str, Record]:
        try:
            records = self._content.validate_json(content)[self._name]
        except (ValidationError, KeyError) as error:
            places = error.errors() if isinstance(error, ValidationError) else []
            place = "/".join(map(str, places[0]["loc"])) if places else ""
            raise RecordFileError(
                f"{self.path} is not a valid list of {self._name}"
                + (f" at {place}" if place else "")
                + "; repair it, or restore a good copy"
            ) from None
        return {self._id_of(record): record for record in records}


def _signature(status: os.stat_result) -> tuple[int, ...]:
    # Each `private_files.replace` gives the file another modification time. The other fields show
    # changes by others: a secret that was mounted again, a copy restored with its old time.
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
    )
