"""Reads figures from a big store. A process of its own: the engine opens one store only.

`python -m tests.bench.figure_reading --path DIR` prints one JSON line: what the store contains and
how long each way of reading took. Times are in ms, or in seconds where the name says so.
"""

import argparse
import json
import random
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import httpx
import uvicorn
from rich.console import Console

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import SUPPLIERS_A_QUERY, WINDOW_DAYS, Selection, portions
from services.assessment.programme_figures import Filter, Programme
from services.assessment.scorecard_reader import ScorecardReader
from services.cli.compose import application
from services.operations.backtest import backtest
from services.readiness.month_ends import month_end_before
from services.readiness.policy import DEFAULT_POLICY, packaged_text
from services.scorecards import scorecard_api
from services.store.client import ClickHouse
from services.store.migrate import Placement, migrate
from tests.bench.big_store import UNTIL

AS_OF = UNTIL.date()
COLD, KEPT = "scorecard, without kept standings", "scorecard"
OVER_HTTP = "scorecard over HTTP"
POLICIES = {
    "backtest of other weights": DEFAULT_POLICY.load_text(
        packaged_text()
        .replace("weight = 25", "weight = 20")
        .replace("weight = 15", "weight = 20", 1)
    ),
    "backtest of other tolerances": DEFAULT_POLICY.with_tolerances(late_days=1),
}
ASKED = 200
WARM_UP = 20
MONTHS = 24

Progress = Callable[[str], None]
Result = TypeVar("Result")


def holds(clickhouse: ClickHouse) -> dict[str, dict[str, int]]:
    """Return rows, parts and bytes on disk of each table that is not empty."""
    rows = clickhouse.rows(
        "SELECT table, sum(rows) AS rows, count() AS parts, sum(bytes_on_disk) AS bytes "
        "FROM system.parts WHERE active AND database = {database:String} "
        "GROUP BY table ORDER BY bytes DESC",
        {"database": clickhouse.database},
    )
    return {row.pop("table"): row for row in rows}


def measured(clickhouse: ClickHouse, progress: Progress) -> dict[str, Any]:
    """Compute the standings of all suppliers at a month end, then read in every way."""
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    names = [
        str(row["supplier_id"])
        for row in clickhouse.rows("SELECT DISTINCT supplier_id FROM figure_parts ORDER BY 1")
    ]
    some = random.Random(20261101).sample(names, ASKED + WARM_UP)
    # As if no figure had been computed before.
    clickhouse.command("TRUNCATE TABLE standings")
    clickhouse.command("TRUNCATE TABLE evaluations")
    progress("one scorecard, without kept standings")
    ms = {COLD: _timed(COLD, some, _scorecards(clickhouse, AS_OF))}
    progress("all suppliers, each month end for the first time")
    seconds: dict[str, float] = {}
    before = Selection(month_end_before(AS_OF), WINDOW_DAYS, names)
    _seconds(
        seconds,
        "standings, every month end for the first time",
        lambda: reader.standings.summaries(before),
    )
    progress("all suppliers, the next month end")
    at = Selection(AS_OF, WINDOW_DAYS, names)
    _seconds(seconds, "standings, one more month end", lambda: _evaluated(reader, at))
    progress("the programme")
    programme, everyone = Programme(reader), Selection(AS_OF, WINDOW_DAYS)
    _seconds(seconds, "programme", lambda: programme.summary(everyone, Filter(), 5))
    _seconds(seconds, "clusters", lambda: programme.clusters(everyone, Filter(), 5, 100, 0))
    progress("one scorecard")
    ms |= _one_by_one(clickhouse, some)
    progress("backtest")
    for label, new in POLICIES.items():
        progress(label)
        work = partial(backtest, clickhouse, DEFAULT_POLICY, new, AS_OF, months=MONTHS)
        _seconds(seconds, label, work)
    return {
        "suppliers": len(names),
        "ms": ms,
        "seconds": seconds,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _evaluated(reader: ScorecardReader, at: Selection) -> int:
    """Compute and freeze the evaluation of every supplier; return how many were frozen."""
    store = EvaluationStore(reader.store.clickhouse)
    inputs, frozen = store.high_water(), 0
    for some in portions(at.suppliers, SUPPLIERS_A_QUERY):
        judged = reader.standings.refreshed(replace(at, suppliers=some))
        rows = ((name, at.as_of, one) for name, one in judged.items())
        frozen += store.freeze(DEFAULT_POLICY.version, inputs, rows)
    return frozen


def _timed(label: str, names: Sequence[str], work: Callable[[str], object]) -> list[float]:
    """Return the milliseconds of `work` for each supplier; the first few only warm up."""
    for name in names[:WARM_UP]:
        work(name)
    found = []
    for name in names[WARM_UP:]:
        began = time.perf_counter()
        work(name)
        found.append((time.perf_counter() - began) * 1000)
    print(f"{label}: median {statistics.median(found):.1f} ms", file=sys.stderr, flush=True)
    return found


def _one_by_one(clickhouse: ClickHouse, names: Sequence[str]) -> dict[str, list[float]]:
    other = AS_OF - timedelta(days=17)
    ways: dict[str, Callable[[str], object]] = {
        KEPT: _scorecards(clickhouse, AS_OF),
        "scorecard at another date": _scorecards(clickhouse, other),
    }
    found = {label: _timed(label, names, work) for label, work in ways.items()}
    with _serving(ScorecardReader(clickhouse, DEFAULT_POLICY)) as http:
        found[OVER_HTTP] = _timed(OVER_HTTP, names, lambda name: _get(http, name))
    return found


def _scorecards(clickhouse: ClickHouse, as_of: date) -> Callable[[str], bytes]:
    """Return a function that reads a scorecard with a new reader, which has none in memory."""
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    return lambda name: reader.scorecard(name, Selection(as_of, WINDOW_DAYS, [name]))


def _seconds(kept: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    began = time.perf_counter()
    result = work()
    kept[name] = time.perf_counter() - began
    print(f"{name}: {kept[name]:.2f} s", file=sys.stderr, flush=True)
    return result


def _get(http: httpx.Client, name: str) -> None:
    answer = http.get(
        f"/v1/suppliers/{name}/scorecard",
        params={"as_of": AS_OF.isoformat(), "window_days": WINDOW_DAYS},
    )
    assert answer.status_code == 200, answer.text


@contextmanager
def _serving(reader: ScorecardReader) -> Iterator[httpx.Client]:
    """Serve scorecards on a free port; yield a client with a programme's key."""
    keys = KeyStore(Path(mkdtemp()) / "keys.json")
    key = keys.create(Role.PROGRAMME, "PROGRAMME")

    async def ready() -> None:
        return None

    app = application(
        "bench", [scorecard_api.routes(scorecard_api.Scorecards(keys, reader))], ready
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as http:
            yield http
    finally:
        server.should_exit = True
        thread.join()


def main() -> None:
    """Measure one store and print the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", type=Path, required=True)
    arguments = parser.parse_args()
    console = Console(stderr=True)
    clickhouse = ClickHouse(path=arguments.path)
    migrate(clickhouse, Placement(fsync=False))
    with console.status("reading") as status:
        found = {"tables": holds(clickhouse), **measured(clickhouse, status.update)}
    print(json.dumps(found))
    sys.stdout.flush()
    clickhouse.close()


if __name__ == "__main__":
    main()
