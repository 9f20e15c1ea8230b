"""Locks a data directory so that one process at a time uses it.

The embedded store in the directory allows only one process. The lock is one of the operating system
(`flock`), which releases it whenever and however the process ends: no file that a killed process
leaves behind blocks the next one.
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
def hold_data_dir(data_dir: Path, command: str) -> Iterator[None]:
    """Hold a data directory for this process alone; create it if it is missing.

    Enter it before opening anything in or beside the directory, and leave it when all of that is
    closed. `command` names this process in the error messages of others. Raises DataDirInUse after
    at most a second, and SettingsError if the directory can't be used.
    """
    try:
        private_files.make_folder(data_dir)
        # Python does not pass the handle on to child processes: an embedded broker that outlives
        # this process does not keep the lock.
        handle = os.open(data_dir / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(
            f"{data_dir} can't be used as the data directory ({error.strerror}); "
            "give this process permission to write there, or choose another with --data-dir"
        ) from None
    try:
        _lock(handle, data_dir)
        # A run file that an earlier process left behind is not true of this one.
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
            # It may be another process's `in_use`, which takes the lock for a moment.
            if not left:
                raise DataDirInUse(_who_holds(data_dir)) from None
            time.sleep(_BETWEEN_TRIES_SECONDS)
        else:
            return


def in_use(data_dir: Path) -> bool:
    """Return whether a running process holds a data directory."""
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
    """Write the holder's URL, broker and keys file, for commands on the same data directory."""
    note = {"url": url, "broker": broker, "keys": str(keys), "pid": os.getpid()}
    private_files.replace(data_dir / _RUN_FILE, json.dumps(note).encode())


def remove_run_file(data_dir: Path) -> None:
    """Remove the run file, if there is one."""
    (data_dir / _RUN_FILE).unlink(missing_ok=True)


def read_run_file(data_dir: Path) -> dict[str, Any] | None:
    """Return `url`, `broker`, `keys` and `pid` of the process that holds a data directory.

    Returns None if no process holds it, or if the one that does is still starting.
    """
    return _read(data_dir / _RUN_FILE) if in_use(data_dir) else None


def _read(file: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        note = json.loads(file.read_text())
        if isinstance(note, dict):
            return note
    return None
