"""Runs the generated tests with fresh examples, file by file, until the time is out.

Called by `make test-generated`. Ends with 1 where a test fails: pytest has printed the falsifying
example, and what follows says how to run it again. It belongs into the test as an `@example`.
"""

import argparse
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

_TESTS: Final = Path(__file__).parent
_GIVE_UP_SECONDS: Final = 60
"""For a file to put away what it started, once it is told to stop."""


def main() -> int:
    """Run the files in any order, each with a seed of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=170.0, help="after which it ends")
    deadline = time.monotonic() + parser.parse_args().seconds
    files = sorted(file for file in _TESTS.rglob("test_*.py") if "@given" in file.read_text())
    random.shuffle(files)
    done = 0
    for file in files:
        seed = random.randrange(2**32)
        command = [sys.executable, "-m", "pytest", "-m", "hypothesis", "-p", "no:cacheprovider"]
        command += ["--hypothesis-profile=fresh", f"--hypothesis-seed={seed}", str(file)]
        status = _until(deadline, command)
        if status is None:
            break
        if status != 0:
            print(f"\nTo run it again:\n  {' '.join(command)}", flush=True)
            return 1
        done += 1
    print(f"{done} of {len(files)} files passed with fresh examples", flush=True)
    return 0


def _until(deadline: float, command: list[str]) -> int | None:
    """Run a command; return its status, or None where the time was out before its end."""
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    with subprocess.Popen(command) as process:
        try:
            return process.wait(left)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        try:
            # One that failed before it was told to stop has failed all the same.
            return 1 if process.wait(_GIVE_UP_SECONDS) == 1 else None
        except subprocess.TimeoutExpired:
            process.kill()
            return None


if __name__ == "__main__":
    sys.exit(main())
