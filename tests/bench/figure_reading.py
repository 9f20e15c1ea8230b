"""Reading figures from a big store, as a process of its own: it may open one store only.

`python -m tests.bench.figure_reading --path DIR` prints one JSON line: what the store holds, and
how long each way of reading took. Times are milliseconds, or seconds where the name says so.
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
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import httpx
import uvicorn
from rich.console import Console

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.cli.compose import application
from services.readiness.policy import DEFAULT_POLICY
from services.readiness.sums import FigureSums
from services.scorecards import api
from services.scorecards.assembling import assess, month_ends
from services.scorecards.reading import Reader
from services.warehouse.client import Warehouse
from services.warehouse.figures import FigureStore, Rows, Selection
from tests.bench.big_store import UNTIL

AS_OF = UNTIL.date()
WINDOW_DAYS = 180
ASKED = 200
WARM_UP = 20
MONTHS = 24

Told = Callable[[str], None]
Result = TypeVar("Result")


def holds(warehouse: Warehouse) -> dict[str, dict[str, int]]:
    """Return rows, parts and bytes on disk of each table that holds anything."""
    rows = warehouse.rows(
        "SELECT table, sum(rows) AS rows, count() AS parts, sum(bytes_on_disk) AS bytes "
        "FROM system.parts WHERE active AND database = {database:String} "
        "GROUP BY table ORDER BY bytes DESC",
        {"database": warehouse.database},
    )
    return {row.pop("table"): row for row in rows}


def measured(warehouse: Warehouse, told: Told) -> dict[str, Any]:
    """Read in every way, one supplier at a time first."""
    reader = Reader(warehouse, DEFAULT_POLICY)
    store = FigureStore(warehouse, DEFAULT_POLICY)
    names = [
        str(row["supplier_id"])
        for row in warehouse.rows("SELECT DISTINCT supplier_id FROM figure_parts ORDER BY 1")
    ]
    some = random.Random(20261101).sample(names, ASKED + WARM_UP)
    told("one scorecard")
    found: dict[str, Any] = {"suppliers": len(names), "ms": _one_by_one(reader, store, some)}
    told("all suppliers, one date")
    seconds: dict[str, float] = {}
    _at_one_date(reader, store, seconds)
    told(f"all suppliers, {MONTHS} month ends")
    everyone = Selection(AS_OF, WINDOW_DAYS)
    ends = month_ends(date(AS_OF.year - 2, AS_OF.month, 1), AS_OF)
    _seconds(seconds, f"sums at {len(ends)} month ends", lambda: len(store.sums(everyone, ends)))
    told("all suppliers with their month ends")
    _seconds(seconds, "assessed with month ends", lambda: len(reader.assessed(everyone)))
    found["seconds"] = seconds
    found["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return found


def _timed(label: str, names: Sequence[str], work: Callable[[str], object]) -> list[float]:
    """Return the milliseconds of each supplier, in order; the first few only warm up."""
    for name in names[:WARM_UP]:
        work(name)
    found = []
    for name in names[WARM_UP:]:
        began = time.perf_counter()
        work(name)
        found.append((time.perf_counter() - began) * 1000)
    print(f"{label}: median {statistics.median(found):.1f} ms", file=sys.stderr, flush=True)
    return found


def _one_by_one(reader: Reader, store: FigureStore, names: Sequence[str]) -> dict[str, list[float]]:
    ends = month_ends(date(AS_OF.year - 2, AS_OF.month, 1), AS_OF)
    one = {name: Selection(AS_OF, WINDOW_DAYS, [name]) for name in names}
    ways: dict[str, Callable[[str], object]] = {
        "scorecard": lambda name: reader.scorecard(name, one[name]),
        "its partner facts alone": lambda name: store.partner_facts(one[name]),
        "its sums alone": lambda name: store.sums(one[name], ends),
        "its sums at one date alone": lambda name: store.sums(one[name]),
    }
    found = {label: _timed(label, names, work) for label, work in ways.items()}
    with _serving(reader) as http:
        label = "scorecard over HTTP"
        found[label] = _timed(label, names, lambda name: _get(http, name))
    return found


def _at_one_date(reader: Reader, store: FigureStore, seconds: dict[str, float]) -> None:
    everyone = Selection(AS_OF, WINDOW_DAYS)
    sums = _seconds(seconds, "sums at one date", lambda: store.sums(everyone))
    partner = _seconds(seconds, "partner facts", lambda: store.partner_facts(everyone))
    python = _seconds(seconds, "assessing alone", lambda: _without_months(sums, partner))
    assert python > 0
    parts = ("sums at one date", "partner facts", "assessing alone")
    seconds["assessed at one date, no month ends"] = sum(seconds[name] for name in parts)
    _seconds(seconds, "figures at one date", lambda: len(reader.figures(everyone)))


def _without_months(rows: Rows, partner: Rows) -> int:
    """Assess every supplier at one date, as `Reader.assessed` does at all its month ends."""
    sums, facts = _by_supplier(rows), _by_supplier(partner)
    for name in sums.keys() | facts.keys():
        at = {AS_OF: FigureSums.of(AS_OF, sums.get(name, []))}
        assess(DEFAULT_POLICY, AS_OF, at, facts.get(name, []), one_buyer=False)
    return len(sums)


def _by_supplier(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row["supplier_id"], []).append(row)
    return found


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
def _serving(reader: Reader) -> Iterator[httpx.Client]:
    """Serve scorecards on a free port; lend a connection with a programme's key."""
    keys = KeyStore(Path(mkdtemp()) / "keys.json")
    key = keys.create(Role.PROGRAMME, "PROGRAMME")

    async def ready() -> None:
        return None

    app = application("bench", [api.routes(api.Scorecards(keys, reader))], ready)
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
    """Measure one store."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", type=Path, required=True)
    asked = parser.parse_args()
    console = Console(stderr=True)
    warehouse = Warehouse(path=asked.path)
    with console.status("reading") as status:
        found = {"tables": holds(warehouse), **measured(warehouse, status.update)}
    print(json.dumps(found))
    sys.stdout.flush()
    warehouse.close()


if __name__ == "__main__":
    main()
