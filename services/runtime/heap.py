"""Returning unused memory to the system once a minute.

Garbage cycles that survived the young generations wait for a full collection, which runs rarely:
the ledger's batches raise the collector's threshold to hundreds of thousands of new objects.

glibc gives each thread of a process a heap (arena) of its own, up to eight per processor, and keeps
freed memory in all of them: in half an hour of partners coming and going they grew to 270 MB with
hardly anything in use. Other C libraries have neither `mallopt` nor `malloc_trim` and need neither.
"""

import ctypes
import gc
import threading
import time
from functools import cache
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
"""Option numbers of `mallopt` in glibc's malloc.h."""

_ARENAS: Final = 2
_MAPPED_BYTES: Final = 256 * 1024
"""A block of at least this size is mapped separately, so that freeing it returns it to the system.
Unless it is set, glibc raises this threshold with the largest block (request body) ever freed."""

_EVERY_SECONDS: Final = 60.0


@cache
def bound_heaps() -> None:
    """Keep freed memory from piling up in this process.

    A command that starts a service calls it first: arenas that threads already have stay.
    """
    library = ctypes.CDLL(None)
    set_option, trim = (getattr(library, name, None) for name in ("mallopt", "malloc_trim"))
    if set_option is None or trim is None:
        return
    set_option(_M_ARENA_MAX, _ARENAS)
    set_option(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
    threading.Thread(target=_give_back, args=(trim,), name="memory", daemon=True).start()


def _give_back(trim: "ctypes._FuncPointer") -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        # Stops the whole process for about 0.1 s.
        gc.collect()
        trim(0)
