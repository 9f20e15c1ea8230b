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
    """Run a soak and print its report; exit with 0 if every check passes."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded")
    parser.add_argument("--minutes", type=float, default=1.2)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument(
        "--kills", type=int, help="number of broker faults (default: 2; with Kafka: 1)"
    )
    parser.add_argument("--without", action="append", default=[], choices=sorted(BODIES))
    parser.add_argument(
        "--folder",
        type=Path,
        help="empty folder to run in, kept afterwards (default: a temporary one)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args()
    default = 2 if arguments.broker == "embedded" else 1
    kills = default if arguments.kills is None else arguments.kills
    plan = Plan(
        arguments.broker, arguments.minutes, arguments.seed, kills, frozenset(arguments.without)
    )
    # SIGTERM must unwind like Ctrl-C, so that all started processes are ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="rantai-soak-") as temporary:
        report = asyncio.run(soak(plan, (arguments.folder or Path(temporary)).resolve()))
    if arguments.json:
        print(report.as_json())
    else:
        report.print()
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
