"""`bound_heaps`: memory that threads freed is returned to the system."""

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import gc, threading, time
from pathlib import Path
from services.runtime import heap

heap._EVERY_SECONDS = 0.5
if {bounded}:
    heap.bound_heaps()
gc.disable()

def held():
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous"):
            return int(line.split()[1]) // 1024

def garbage():
    # Cycles are freed only by a collection; each lies between two blocks that are kept.
    kept = []
    for _ in range(300):
        cycle = [b"x" * 100_000]
        cycle.append(cycle)
        kept.append(b"x" * 1_000)
    time.sleep(0.2)
    return kept

before = held()
threads = [threading.Thread(target=garbage) for _ in range(8)]
for one in threads:
    one.start()
for one in threads:
    one.join()
filled = held() - before
time.sleep(3)
print(filled, held() - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed memory in heaps per thread"
)
def test_memory_that_threads_freed_is_returned_to_the_system() -> None:
    grown = {}
    for bounded in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(bounded=bounded)],
            capture_output=True,
            check=True,
            text=True,
        )
        filled, left = map(int, done.stdout.split())
        assert filled > 200
        grown[bounded] = left
    assert grown[False] > 200
    assert grown[True] < 40
