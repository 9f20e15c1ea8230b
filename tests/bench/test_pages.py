"""How long the server takes for each kind of supplier's page on a big store.

Uses the store that `test_figures` made, or makes it.
"""

import os
import statistics
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.bench.page_reading import PAGE
from tests.bench.test_figures import EVENTS, _made, _run

AIMS = {PAGE: "p95 < 100 ms"}


@pytest.mark.bench
@pytest.mark.timeout(7200)
def test_opening_pages(tmp_path: Path) -> None:
    console = Console()
    path = Path(os.environ.get("RANTAI_BENCH_DIR", tmp_path)) / f"store-{EVENTS}"
    events = _made(console, path, EVENTS)["events"]
    read = _run("tests.bench.page_reading", "--path", str(path / "store"))
    table = Table("", "median", "p95", "aim", title=f"Pages over {events:,} events, in ms")
    for name, times in read["ms"].items():
        assert times
        shown = (statistics.median(times), statistics.quantiles(times, n=20)[-1])
        table.add_row(name, *(f"{one:.1f}" for one in shown), AIMS.get(name, ""))
    console.print(table)
