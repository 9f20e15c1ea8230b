"""Opens suppliers' pages on a big store. A process of its own: the engine opens one store only.

`python -m tests.bench.page_reading --path DIR` prints one JSON line: for each kind of page, the
milliseconds of every request over HTTP on this machine, from the first byte sent to the last byte
received. Each supplier's page is opened once, by its link, by a reader that has nothing in memory.
Its standing at the month end is already kept, as the processor does for every supplier.
"""

import argparse
import json
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from tempfile import mkdtemp

import httpx
import uvicorn

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links
from services.access.sessions import Sessions
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.cli.compose import application
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.store.migrate import Placement, migrate
from services.web import site_routes
from services.web.form_tokens import Forms
from services.web.site import Site
from tests.bench.big_store import UNTIL
from tests.integration.pages_story import refuse

AS_OF = UNTIL.date()
ASKED, WARM_UP = 100, 10
PAGE = "supplier's page"
_STORY = re.compile(r'href="(/suppliers/[^"]+/line\?[^"]+)"')


def measured(clickhouse: ClickHouse) -> dict[str, list[float]]:
    """Open every kind of page for some suppliers; return the milliseconds by kind."""
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    names = [
        str(row["supplier_id"])
        for row in clickhouse.rows("SELECT DISTINCT supplier_id FROM fold_marks ORDER BY 1")
    ]
    some = random.Random(20261101).sample(names, ASKED + WARM_UP)
    reader.standings.summaries(Selection(AS_OF, WINDOW_DAYS, some))
    links = Links(Path(mkdtemp()) / "link.secret")
    with _serving(ScorecardReader(clickhouse, DEFAULT_POLICY), links) as http:
        opened = {name: links.create(LinkHolder(Role.SUPPLIER, name)) for name in some}
        stories: dict[str, str] = {}

        def page(name: str) -> None:
            answer = _get(http, f"/s/{opened[name]}?as_of={AS_OF}")
            found = _STORY.search(answer)
            if found:
                stories[name] = unescape(found[1])

        def inside(path: str) -> Callable[[str], None]:
            def ask(name: str) -> None:
                _get(http, f"/suppliers/{name}/{path}?as_of={AS_OF}")

            return ask

        times = {PAGE: _timed(some, page, http)}
        times["explanation of a figure"] = _timed(some, inside("figures/otif"), http, opened)
        times["deliveries"] = _timed(some, inside("deliveries"), http, opened)
        with_story = [name for name in some if name in stories]
        times["story of a line"] = _timed(
            with_story, lambda name: _none(_get(http, stories[name])), http, opened
        )
    return times


def _none(_: str) -> None:
    return None


def _timed(
    names: list[str],
    work: Callable[[str], None],
    http: httpx.Client,
    opened: dict[str, str] | None = None,
) -> list[float]:
    """Return the milliseconds of `work` for each supplier; the first few only warm up.

    `opened` holds the link of each supplier: it is opened first, outside the measurement.
    """
    found = []
    for place, name in enumerate(names):
        http.cookies.clear()
        if opened is not None:
            # Sign in first: opening the link is not measured here.
            _get(http, f"/s/{opened[name]}?as_of={AS_OF}")
        began = time.perf_counter()
        work(name)
        if place >= WARM_UP:
            found.append((time.perf_counter() - began) * 1000)
    return found


def _get(http: httpx.Client, path: str) -> str:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


@contextmanager
def _serving(reader: ScorecardReader, links: Links) -> Iterator[httpx.Client]:
    """Serve the pages on a free port; yield a client with cookies, like a browser's."""
    keys = KeyStore(Path(mkdtemp()) / "keys.json")
    site = Site(
        reader=reader,
        evaluations=EvaluationStore(reader.store.clickhouse),
        keys=keys,
        links=links,
        sessions=Sessions(keys, links),
        forms=Forms(links.secret),
        submit=refuse,
        base_url="http://127.0.0.1",
    )

    async def ready() -> None:
        return None

    app = application("bench", site_routes.routes(site), ready)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            yield http
    finally:
        server.should_exit = True
        thread.join()


def main() -> None:
    """Measure one store and print the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", type=Path, required=True)
    clickhouse = ClickHouse(path=parser.parse_args().path)
    migrate(clickhouse, Placement(fsync=False))
    print(json.dumps({"ms": measured(clickhouse)}))
    sys.stdout.flush()
    clickhouse.close()


if __name__ == "__main__":
    main()
