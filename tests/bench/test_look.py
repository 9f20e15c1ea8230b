"""What one look of the exporter costs in a big store, and in one with a tenth of its events.

`RANTAI_BENCH_EVENTS`, `RANTAI_BENCH_FEWER_EVENTS` and `RANTAI_BENCH_DIR`: as in `test_figures`.
"""

import os
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.bench.test_figures import EVENTS, FEWER_EVENTS, _made, _run

AIM_MS = 200


@pytest.mark.bench
@pytest.mark.timeout(7200)
def test_one_look(tmp_path: Path) -> None:
    console = Console()
    folder = Path(os.environ.get("RANTAI_BENCH_DIR", tmp_path))
    runs = []
    for events in (FEWER_EVENTS, EVENTS):
        path = folder / f"store-{events}"
        _made(console, path, events)
        console.print(f"looking at {events:,} events")
        runs.append(_run("tests.bench.looking", "--path", str(path / "store")))
    columns = [f"{run['events']:,} events, {run['suppliers']:,} suppliers" for run in runs]
    table = Table("ms: median, p95", *columns, title="One look of the exporter")
    for name in ("store", "looks", "series made", "scrapes"):
        table.add_row(name, *(_middle(run[name]) for run in runs))
    table.add_row("the first look", *(f"{run['first'][0]:.0f}" for run in runs))
    for query in runs[0]["queries"]:
        table.add_row(query, *(_middle(run["queries"][query]) for run in runs))
    table.add_row("series", *(f"{run['series']:,}" for run in runs))
    console.print(table)
    assert statistics.median(runs[-1]["store"]) < AIM_MS


def _middle(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f}, {statistics.quantiles(times, n=20)[-1]:.1f}"
