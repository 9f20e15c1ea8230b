"""From the broker to queryable facts: the batch loop, a plain Faust agent, the engine alone."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.topics import apply
from tests.bench.workload import accepted_events, publish, save

EVENTS = 200_000
ROUNDS = 3
WAYS = ("ours", "agent", "engine")


@pytest.mark.bench
@pytest.mark.timeout(3000)
def test_from_broker_to_queryable(tmp_path: Path) -> None:
    console = Console()
    file = tmp_path / "events.pickle"
    with EmbeddedBroker() as broker:
        with console.status(f"making {EVENTS:,} events"):
            events = accepted_events(EVENTS)
            save(events, file)
        with console.status("publishing them"):
            apply(broker.bootstrap, partitions=6, replication=1)
            publish(broker.bootstrap, events)
        runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for number in range(ROUNDS):
            for way in WAYS:
                path = tmp_path / f"{way}-{number}"
                with console.status(f"round {number + 1}: {way}"):
                    runs[way].append(_run(way, broker.bootstrap, file, path))
    _show(console, runs)


def _run(way: str, bootstrap: str, file: Path, path: Path) -> dict[str, float]:
    arguments = [way, "--bootstrap", bootstrap, "--events", str(file), "--path", str(path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.contestants", *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    line: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return line


def _show(console: Console, runs: dict[str, list[dict[str, float]]]) -> None:
    table = Table("way", "events/s (median)", "seconds by round", title="Broker to queryable")
    rates = {}
    for way, rows in runs.items():
        rates[way] = statistics.median(row["events"] / row["seconds"] for row in rows)
        seconds = ", ".join(f"{row['seconds']:.2f}" for row in rows)
        table.add_row(way, f"{rates[way]:,.0f}", seconds)
    console.print(table)
    for other, aim in (("agent", 5.0), ("engine", 0.3)):
        ratios = [
            theirs["seconds"] / mine["seconds"]
            for mine, theirs in zip(runs["ours"], runs[other], strict=True)
        ]
        listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        middle = statistics.median(ratios)
        console.print(f"ours / {other}: median {middle:.2f} ({listed}); aim {aim}")
