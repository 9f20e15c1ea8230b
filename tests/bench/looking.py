"""Looks of the exporter at a big store. A process of its own: the engine opens one store only.

`python -m tests.bench.looking --path DIR` prints one JSON line: the milliseconds of each look, of
each of its queries, of building its series and of a scrape, and the number of series.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client import generate_latest as text
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.standings import Standings
from services.assessment.watched import WatchStore
from services.exporter.bounds import Bounds
from services.exporter.families import families
from services.exporter.looks import StoreLook, Watch
from services.readiness.month_ends import month_end_before
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.store.migrate import Placement, migrate
from tests.bench.big_store import UNTIL

TODAY = UNTIL.date()
LOOKS = 40

Result = TypeVar("Result")


class TimedClickHouse(ClickHouse):
    """Keeps how long each query took, by the question in its first line."""

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)
        self.times: dict[str, list[float]] = {}

    def rows(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Run a SELECT."""
        name = statement.splitlines()[0].removeprefix("-- ")
        kept = self.times.setdefault(name, [])
        return _timed(kept, partial(super().rows, statement, parameters, settings))


def judge_all(clickhouse: ClickHouse) -> None:
    """Compute and keep the standings of all suppliers, as the processor does before a look."""
    rows = clickhouse.rows("SELECT DISTINCT supplier_id FROM figure_parts ORDER BY 1")
    names = [str(row["supplier_id"]) for row in rows]
    standings = Standings(clickhouse, DEFAULT_POLICY)
    for day in (month_end_before(TODAY), TODAY):
        standings.summaries(Selection(day, WINDOW_DAYS, names))


def measured(clickhouse: TimedClickHouse) -> dict[str, Any]:
    """Take looks and scrape them; return the times in ms and some counts."""
    store = WatchStore(clickhouse, DEFAULT_POLICY)
    first: list[float] = []
    looks: list[float] = []
    series: list[float] = []
    _timed(first, partial(store.look, TODAY))
    clickhouse.times.clear()
    for _ in range(LOOKS):
        looked = _timed(looks, partial(store.look, TODAY))
        _timed(series, partial(families, looked, Bounds(), DEFAULT_POLICY.zone))
    queries = dict(clickhouse.times)
    behind = sum(one.standing is None or not one.standing.current for one in looked.suppliers)
    assert behind == 0, behind
    return {
        "events": looked.size.events,
        "suppliers": len(looked.suppliers),
        "first": first,
        "looks": looks,
        "store": [sum(some) for some in zip(*queries.values(), strict=True)],
        "queries": queries,
        "series made": series,
        **_scraped(clickhouse),
    }


def _scraped(clickhouse: ClickHouse) -> Mapping[str, Any]:
    watch = Watch(
        StoreLook(lambda: clickhouse, DEFAULT_POLICY, Bounds(), today=lambda _zone: TODAY)
    )
    watch.store.look()
    registry = CollectorRegistry()
    registry.register(watch)
    times: list[float] = []
    for _ in range(LOOKS):
        for encode in (text, openmetrics):
            _timed(times, partial(encode, registry))
    return {"scrapes": times, "series": sum(len(one.samples) for one in watch.collect())}


def _timed(kept: list[float], work: Callable[[], Result]) -> Result:
    began = time.perf_counter()
    result = work()
    kept.append((time.perf_counter() - began) * 1000)
    return result


def main() -> None:
    """Measure one store and print the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", type=Path, required=True)
    arguments = parser.parse_args()
    clickhouse = TimedClickHouse(arguments.path)
    migrate(clickhouse, Placement(fsync=False))
    judge_all(clickhouse)
    print(json.dumps(measured(clickhouse)))
    sys.stdout.flush()
    clickhouse.close()


if __name__ == "__main__":
    main()
