"""How long it takes to read figures from a big store, and from one with a tenth of its events.

`RANTAI_BENCH_EVENTS` and `RANTAI_BENCH_FEWER_EVENTS` set the numbers of events. If
`RANTAI_BENCH_DIR` is set, the stores are kept in that folder and used again by the next run.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

EVENTS = int(os.environ.get("RANTAI_BENCH_EVENTS", "10000000"))
FEWER_EVENTS = int(os.environ.get("RANTAI_BENCH_FEWER_EVENTS", "1000000"))
AIMS = {
    "scorecard": "median < 20 ms, p95 < 60 ms",
    "scorecard over HTTP": "median < 20 ms, p95 < 60 ms",
    "programme": "< 1 s",
    "standings, one more month end": "< 30 s",
    "backtest of other weights": "< 300 s",
    "backtest of other tolerances": "< 300 s",
}


@pytest.mark.bench
@pytest.mark.timeout(7200)
def test_reading_figures(tmp_path: Path) -> None:
    console = Console()
    folder = Path(os.environ.get("RANTAI_BENCH_DIR", tmp_path))
    runs = []
    for events in (FEWER_EVENTS, EVENTS):
        path = folder / f"store-{events}"
        made = _made(console, path, events)
        console.print(f"reading figures from {made['events']:,} events")
        read = _run("tests.bench.figure_reading", "--path", str(path / "store"))
        assert read["suppliers"] > 0
        runs.append({**made, **read})
    fewer, many = runs
    _show_stores(console, fewer, many)
    _show_scorecards(console, fewer["ms"], many["ms"])
    _show_everyone(console, fewer, many)


def _made(console: Console, path: Path, events: int) -> dict[str, Any]:
    """Make a store unless an earlier run left it; return its events and how long that took."""
    note = path / "made.json"
    if not note.exists():
        console.print(f"making a store of {events:,} events")
        store = ["--path", str(path / "store"), "--events", str(events)]
        made = _run("tests.bench.big_store", *store)
        # Written last: a store without this file was interrupted while it was made.
        note.write_text(json.dumps(made))
    found: dict[str, Any] = json.loads(note.read_text())
    return found


def _run(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module, which shows its progress on stderr; return the JSON of its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        timeout=6000,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    line: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return line


def _show_stores(console: Console, fewer: Mapping[str, Any], many: Mapping[str, Any]) -> None:
    table = Table("", f"{fewer['events']:,} events", f"{many['events']:,} events", title="Stores")
    for name in ("fill_seconds", "fold_seconds"):
        table.add_row(name.replace("_", ", "), *(f"{run[name]:,.1f}" for run in (fewer, many)))
    for name, held in many["tables"].items():
        if held["bytes"] > 1_000_000:
            other = fewer["tables"].get(name, {"rows": 0, "bytes": 0, "parts": 0})
            table.add_row(name, _size(other), _size(held))
    for name in ("bytes on disk", "peak memory of reading"):
        table.add_row(name, *(f"{_bytes(run, name) / 1e6:,.0f} MB" for run in (fewer, many)))
    console.print(table)


def _size(held: Mapping[str, int]) -> str:
    return f"{held['rows']:,} rows, {held['bytes'] / 1e6:,.1f} MB, {held['parts']} parts"


def _bytes(run: Mapping[str, Any], name: str) -> float:
    if name == "bytes on disk":
        return float(sum(held["bytes"] for held in run["tables"].values()))
    return float(run["peak_bytes"])


def _show_scorecards(
    console: Console, fewer: Mapping[str, Sequence[float]], many: Mapping[str, Sequence[float]]
) -> None:
    columns = ("", "median, p95 of fewer events", "median, p95", "ratio of medians", "aim")
    table = Table(*columns, title="One supplier, in ms")
    for name, times in many.items():
        ratio = statistics.median(times) / statistics.median(fewer[name])
        shown = (_middle(fewer[name]), _middle(times), f"{ratio:.2f}", AIMS.get(name, ""))
        table.add_row(name, *shown)
    console.print(table)


def _middle(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f}, {statistics.quantiles(times, n=20)[-1]:.1f}"


def _show_everyone(console: Console, fewer: Mapping[str, Any], many: Mapping[str, Any]) -> None:
    columns = ("", "fewer events", "all", "ratio", "aim")
    table = Table(*columns, title=f"All {many['suppliers']:,} suppliers, in s")
    for name, seconds in many["seconds"].items():
        before = fewer["seconds"][name]
        ratio = f"{seconds / before:.1f}"
        table.add_row(name, f"{before:.2f}", f"{seconds:.2f}", ratio, AIMS.get(name, ""))
    console.print(table)
