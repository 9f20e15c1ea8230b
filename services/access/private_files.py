"""Files for their owner's eyes alone: whole or not there at all, and kept over a power cut."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_CLOCK_STEP_NS: Final = 2_000_000_000
"""The coarsest step in which a file system notes times."""


def make_folder(folder: Path) -> None:
    """Make a folder that its owner alone may look into; one that is there stays as it is.

    Raises OSError.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700 if one == folder else 0o777, exist_ok=True)
        _keep_names(one.parent)


def replace(file: Path, content: bytes) -> None:
    """Write a file, or put it in the place of the one that is there; its folder is made if needed.

    A reader sees the old content or the new one, never a part. When this returns, a power cut does
    not take it back. The time of change is always later than that of the replaced file: who
    compares times, sizes and inodes sees every change, however fast they follow one another.
    Raises OSError.
    """
    with _written_beside(file, content) as beside:
        beside.replace(file)
    _keep_names(file.parent)


def write_once(file: Path, content: bytes) -> None:
    """Write a file where there is none; of several that do so at once, one wins. Raises OSError."""
    with _written_beside(file, content) as beside, suppress(FileExistsError):
        os.link(beside, file)
    _keep_names(file.parent)


@contextmanager
def _written_beside(file: Path, content: bytes) -> Iterator[Path]:
    """Yield a file of this content, on the disk under another name, until the context ends."""
    make_folder(file.parent)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            _be_later(out.fileno(), file)
            os.fsync(out.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _be_later(handle: int, file: Path) -> None:
    # The clock of a file system ticks every few milliseconds, or seconds, and may be set back.
    with suppress(FileNotFoundError):
        before = file.stat().st_mtime_ns
        if os.fstat(handle).st_mtime_ns <= before:
            os.utime(handle, ns=(before + _CLOCK_STEP_NS,) * 2)


def _keep_names(folder: Path) -> None:
    # A file's own sync does not keep its name: after a power cut the old file may be there again.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
