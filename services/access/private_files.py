"""Writes files that only their owner can read, atomically, and so that they survive a power cut."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_CLOCK_STEP_NS: Final = 2_000_000_000
"""The coarsest step in which a file system records times."""


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may open; an existing one stays as it is.

    Missing parents are made with the usual permissions. Raises OSError.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700 if one == folder else 0o777, exist_ok=True)
        _sync_folder(one.parent)


def replace(file: Path, content: bytes) -> None:
    """Write a file or replace an existing one; make its folder if needed.

    A reader sees the old content or the new one, never a part. When this returns, the change
    survives a power cut. The modification time is always later than that of the replaced file, so
    that comparing times, sizes and inodes shows every change, however fast changes follow one
    another. Raises OSError.
    """
    with _written_beside(file, content) as beside:
        beside.replace(file)
    _sync_folder(file.parent)


def write_once(file: Path, content: bytes) -> None:
    """Write a file unless it exists; of several concurrent writers one wins. Raises OSError."""
    with _written_beside(file, content) as beside, suppress(FileExistsError):
        os.link(beside, file)
    _sync_folder(file.parent)


@contextmanager
def _written_beside(file: Path, content: bytes) -> Iterator[Path]:
    """Yield a file of this content, synced to disk in the same folder; it is removed at the end."""
    make_folder(file.parent)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            _set_later_time(out.fileno(), file)
            os.fsync(out.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _set_later_time(handle: int, file: Path) -> None:
    """Make the modification time of an open file later than that of `file`."""
    # The clock of a file system ticks every few milliseconds, or seconds, and may be set back.
    with suppress(FileNotFoundError):
        before = file.stat().st_mtime_ns
        if os.fstat(handle).st_mtime_ns <= before:
            os.utime(handle, ns=(before + _CLOCK_STEP_NS,) * 2)


def _sync_folder(folder: Path) -> None:
    # Syncing a file does not sync its name: after a power cut the old file could be back.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
