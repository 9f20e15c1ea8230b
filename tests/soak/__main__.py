"""`python -m tests.soak --broker embedded|kafka --minutes N --seed S [--kills K] [--json]`."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from tests.soak.hostile import BODIES
from tests.soak.soak import soak
from tests.soak.world import Plan


def main() -> int:
    """Run a soak and print its table; the status is 0 where all holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded")
    parser.add_argument("--minutes", type=float, default=1.2)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--kills", type=int, help="faults of the broker; default 2, of Kafka 1")
    parser.add_argument("--without", action="append", default=[], choices=sorted(BODIES))
    parser.add_argument("--folder", type=Path, help="an empty one, to be kept; default: none is")
    parser.add_argument("--json", action="store_true", help="for scripts")
    given = parser.parse_args()
    default = 2 if given.broker == "embedded" else 1
    kills = default if given.kills is None else given.kills
    plan = Plan(given.broker, given.minutes, given.seed, kills, frozenset(given.without))
    # What it started is ended in order when it is told to stop, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="rantai-soak-") as kept_not:
        report = asyncio.run(soak(plan, (given.folder or Path(kept_not)).resolve()))
    if given.json:
        print(report.as_json())
    else:
        report.print()
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
