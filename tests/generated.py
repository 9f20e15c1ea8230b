"""Runs the property-based tests with fresh examples, file by file, until the time is up.

Called by `make test-generated`. Exits with 1 if a test fails: pytest prints the falsifying example,
and this prints the command that runs it again. Add the example to the test as an `@example`.
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
"""Time for the tests of a file to clean up after SIGINT."""


def main() -> int:
    """Run the files in random order, each with its own seed; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=170.0, help="stop after this many seconds")
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
    """Run a command; return its exit status, or None if the time was up before it ended."""
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    with subprocess.Popen(command) as process:
        try:
            return process.wait(left)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        try:
            # pytest exits with 1 if a test had failed before the interrupt: that still counts.
            return 1 if process.wait(_GIVE_UP_SECONDS) == 1 else None
        except subprocess.TimeoutExpired:
            process.kill()
            return None


if __name__ == "__main__":
    sys.exit(main())
