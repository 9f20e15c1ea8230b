"""Memory that nobody holds goes back to the system, once a minute.

Cycles of objects that outlived the first collections wait for the last one, which comes rarely: the
ledger's batches make the collector wait for hundred thousands of new objects.

glibc gives each of a process's threads a heap of its own, up to eight a processor, and keeps what
is freed in all of them: in half an hour of partners that come and go they came to 270 MB, with next
to nothing in them that anybody held. Other C libraries have neither function and need none.
"""

import ctypes
import gc
import threading
import time
from functools import cache
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
"""As glibc's malloc.h numbers them."""

_ARENAS: Final = 2
_MAPPED_BYTES: Final = 256 * 1024
"""A block of this size and more is mapped by itself, so that it goes back when it is freed. Left
alone, the threshold rises with the largest body that ever came."""

_EVERY_SECONDS: Final = 60.0


@cache
def bound_heaps() -> None:
    """Keep freed memory from piling up in this process; whoever starts a service calls it first.

    What threads have by then stays as it is.
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
        # Holds up the whole process for about 0.1 s.
        gc.collect()
        trim(0)
