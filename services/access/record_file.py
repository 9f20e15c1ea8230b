"""Records in one JSON file, changed by commands and followed by running services.

In production the file is a mounted secret or volume. A running service takes a change with the
next request. A file that can't be read leaves the records as they were.
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
_LOOKS: Final = 5
_BETWEEN_LOOKS_SECONDS: Final = 0.01

Record = TypeVar("Record")


class RecordFileError(ValueError):
    """The file can't be read or written; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class _Seen(Generic[Record]):
    """What a look at the file gave.

    `signature`: of the file as it was then; None where the next look has to read it in any case.
    `records`: None where the file was never read. `fault`: why these are records of a look before.
    """

    signature: tuple[int, ...] | None
    records: Mapping[str, Record] | None
    fault: str | None = None


class RecordFile(Generic[Record]):
    """The records in one file, each under its id. For any thread.

    Every call asks the system whether the file changed, which takes 4 microseconds, and reads it
    only then: 100 keys in 0.3 ms, 10,000 links in 40 ms.

    `name`: of the list in the file. `content`: reads and writes a file of one such list; it must
    refuse what it does not know, because a restriction that is not read is a right that nobody
    gave. `id_of`: a record's id.
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
        """Return every record as the file has it now. Raises RecordFileError."""
        seen = self._look()
        if seen.records is None or seen.fault is not None:
            raise RecordFileError(seen.fault)
        return seen.records

    def current(self) -> Mapping[str, Record]:
        """Return every record as the file has it now, or had it when it could be read last.

        Raises RecordFileError where the file was never read.
        """
        seen = self._look()
        if seen.records is None:
            raise RecordFileError(seen.fault)
        return seen.records

    @contextmanager
    def changing(self) -> Iterator[dict[str, Record]]:
        """Yield the records to be changed, and write them when the context ends without an error.

        Two that change the file at the same time, threads or processes, take turns. When the
        context has ended, every running process knows the change, and a power cut does not undo it.
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
        """Raise RecordFileError, and log it, where the file or its folder can't be written."""
        try:
            yield
        except OSError as error:
            fault = (
                f"{self.path} can't be written ({error.strerror}); give this process room there, "
                "and the right to write, or change the file where it is made"
            )
            log(_LOGGER, "records_unwritable", level=logging.ERROR, error=fault)
            raise RecordFileError(fault) from None

    def _look(self) -> _Seen[Record]:
        seen = self._seen
        if seen.signature is not None and seen.signature == self._signature():
            return seen
        # One at a time, the look included: a thread that read before a change would otherwise put
        # its old records over those that another read after it.
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
        # One that was there is looked for again: an editor, or the swap of a mounted secret, may
        # take it away for a moment, in which no sender is to be told that its key is revoked.
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
                f"{self.path} is no list of {self._name}"
                + (f" at {place}" if place else "")
                + "; mend it, or put back a good copy"
            ) from None
        return {self._id_of(record): record for record in records}


def _signature(status: os.stat_result) -> tuple[int, ...]:
    # What `replace` writes has another time each time. The rest tells what others did: a secret
    # that was mounted anew, a copy put back with its old time.
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
    )
