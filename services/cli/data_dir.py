"""One process at a time on a data directory: a lock of the system, which ends with its process.

The store in the directory takes one process. The lock is held as long as the process lives, and
whoever kills it frees it, in whatever moment; no file that it leaves behind holds anybody up.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from services.access import private_files
from services.settings import SettingsError

_LOCK_FILE: Final = "rantai.lock"
_RUN_FILE: Final = "run.json"
_TRIES: Final = 20
_BETWEEN_TRIES_SECONDS: Final = 0.05


class DataDirInUse(SettingsError):
    """Another process holds the data directory; the message names it and says what to do."""


@contextmanager
def held(data_dir: Path, command: str) -> Iterator[None]:
    """Hold a data directory for this process alone; it is made where there is none.

    Called before anything in it or beside it is opened, and left when all of it is closed.
    `command`: what this process is called to others. Raises DataDirInUse, after a second at most;
    SettingsError where the directory can't be used.
    """
    try:
        private_files.make_folder(data_dir)
        # Python lets no child that is started inherit it: the embedded broker may outlive us.
        handle = os.open(data_dir / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(
            f"{data_dir} can't be used as data directory ({error.strerror}); "
            "give this process the right to write there, or choose another with --data-dir"
        ) from None
    try:
        _lock(handle, data_dir)
        # What an ended process noted is not true of this one.
        remove_run_file(data_dir)
        os.truncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "command": command}).encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, data_dir: Path) -> None:
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Perhaps it is only one who asks whether it is held.
            if not left:
                raise DataDirInUse(_who_holds(data_dir)) from None
            time.sleep(_BETWEEN_TRIES_SECONDS)
        else:
            return


def in_use(data_dir: Path) -> bool:
    """Return whether a process that lives holds a data directory."""
    try:
        handle = os.open(data_dir / _LOCK_FILE, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _who_holds(data_dir: Path) -> str:
    holder = _read(data_dir / _LOCK_FILE)
    who = f"process {holder['pid']} ({holder['command']})" if holder else "another process"
    note = _read(data_dir / _RUN_FILE)
    where = f", which listens on {note['url']}" if note else ""
    return (
        f"{data_dir} is in use by {who}{where}. One process at a time can use a data directory: "
        "stop that one, or choose another directory with --data-dir"
    )


def write_run_file(data_dir: Path, url: str, broker: str, keys: Path) -> None:
    """Note where the holder listens and reads keys, for commands on its data directory."""
    note = {"url": url, "broker": broker, "keys": str(keys), "pid": os.getpid()}
    private_files.replace(data_dir / _RUN_FILE, json.dumps(note).encode())


def remove_run_file(data_dir: Path) -> None:
    """Take the note away."""
    (data_dir / _RUN_FILE).unlink(missing_ok=True)


def read_run_file(data_dir: Path) -> dict[str, Any] | None:
    """Return what the process that holds a data directory noted: `url`, `broker`, `keys`, `pid`.

    None where none holds it, or the one that does is not ready.
    """
    return _read(data_dir / _RUN_FILE) if in_use(data_dir) else None


def _read(file: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        note = json.loads(file.read_text())
        if isinstance(note, dict):
            return note
    return None
