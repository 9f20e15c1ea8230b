"""Concurrent requests are limited for each key, link and address, and for all, over real HTTP."""

import asyncio
from asyncio import Task
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links
from services.cli import compose
from services.http import reads as access_reads
from services.http.reads import Reads
from services.kafka.embedded_broker import free_port
from services.readiness.policy import DEFAULT_POLICY
from services.settings import Settings
from services.store.client import READING, WRITING, ClickHouse
from tests.support.holding import HANG_SECONDS, clients_held, held

pytestmark = pytest.mark.anyio

EACH, EVERYBODY, THREADS = 2, 5, 2
SUPPLIER = "IKM-READS"


@dataclass
class Site:
    """A client of a running server, with its places and turns, and its keys and links."""

    client: httpx.AsyncClient
    reads: Reads
    keys: KeyStore
    links: Links

    @property
    def under_way(self) -> int:
        """The number of requests that hold a place."""
        return self.reads.places.under_way

    async def get(self, asked: "Asked") -> httpx.Response:
        """Send a request and return the response."""
        path, headers = asked
        return await self.client.get(path, headers=headers)

    async def asking(self, asked: "Asked", count: int = 1) -> "list[Task[httpx.Response]]":
        """Start `count` requests while every thread is held; return once all have a place."""
        before = self.under_way
        tasks = [asyncio.create_task(self.get(asked)) for _ in range(count)]
        await self.until(before + count)
        return tasks

    async def until(self, under_way: int) -> None:
        """Wait until exactly `under_way` requests hold a place."""
        async with asyncio.timeout(HANG_SECONDS):
            while self.under_way != under_way:  # noqa: ASYNC110 - places signal no change
                await asyncio.sleep(0.01)


@pytest.fixture
async def site(
    own_clickhouse: ClickHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    monkeypatch.setattr(access_reads, "_HELD_SECONDS", (0.0, 0.0))
    port = free_port()
    settings = Settings(
        data_dir=tmp_path,
        port=port,
        max_reads_per_reader=EACH,
        max_reads=EVERYBODY,
        read_threads=THREADS,
    )
    keys = KeyStore(settings.keys_path)
    reads = compose.reads(settings, keys)
    nothing_sent: Any = None
    routers = compose.scorecard_routes(settings, keys, own_clickhouse, DEFAULT_POLICY, nothing_sent)
    app = compose.application("test", [*routers, compose.metrics_routes()], _ready, reads)
    server = compose.server(app, settings)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=HANG_SECONDS) as client:
        yield Site(client, reads, keys, Links(tmp_path / "link.secret"))
    server.should_exit = True
    await serving


async def _ready() -> None:
    return None


Asked = tuple[str, dict[str, str]]
"""A path and the headers of a request."""


def by_key(site: Site) -> Asked:
    key = site.keys.create(Role.SUPPLIER, SUPPLIER)
    return f"/v1/suppliers/{SUPPLIER}/scorecard", {"authorization": f"Bearer {key}"}


def by_link(site: Site) -> Asked:
    return f"/s/{site.links.create(LinkHolder(Role.SUPPLIER, SUPPLIER))}", {}


async def by_session(site: Site) -> Asked:
    path, _ = by_link(site)
    async with httpx.AsyncClient(base_url=site.client.base_url) as client:
        await client.get(path)
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    assert cookies
    return f"/suppliers/{SUPPLIER}", {"cookie": cookies}


def by_address(_: Site) -> Asked:
    return "/metrics", {}


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("rantai_reads_refused_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize(
    ("whose", "kind"),
    [(by_key, "key"), (by_link, "link"), (by_session, "link"), (by_address, "address")],
)
async def test_who_asks_too_much_is_refused_and_nobody_else(
    site: Site, whose: Callable[[Site], Any], kind: str
) -> None:
    asked = whose(site)
    asked = await asked if asyncio.iscoroutine(asked) else asked
    before = refused(kind)
    async with held(site.reads.turns, THREADS):
        waiting = await site.asking(asked, EACH)
        answer = await site.get(asked)
        assert answer.status_code == 429, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert refused(kind) == before + 1
        # Another key gets a place and waits for its turn. A route that reads no data does not wait.
        waiting += await site.asking(by_key(site))
        assert (await site.get(("/healthz", {}))).status_code == 200
    assert {one.status_code for one in await asyncio.gather(*waiting)} == {200}
    assert site.under_way == 0
    assert (await site.get(asked)).status_code == 200


async def test_a_program_is_told_by_a_problem_and_a_person_by_a_page(site: Site) -> None:
    program, person = by_key(site), by_link(site)
    async with held(site.reads.turns, THREADS):
        waiting = await site.asking(program, EACH) + await site.asking(person, EACH)
        problem = await site.get(program)
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["detail"].startswith(f"{EACH} requests of this key")
        page = await site.get(person)
        assert page.headers["content-type"].startswith("text/html")
        assert "Terlalu banyak diminta sekaligus" in page.text
        page = await site.get((person[0] + "?lang=en", {}))
        assert "Too much is asked for at once" in page.text
    await asyncio.gather(*waiting)


async def test_all_together_have_a_bound_too(site: Site) -> None:
    before = refused("all")
    async with held(site.reads.turns, THREADS):
        waiting = [one for _ in range(EVERYBODY) for one in await site.asking(by_key(site))]
        answer = await site.get(by_key(site))
        assert answer.status_code == 429
        assert answer.json()["detail"].startswith(f"{EVERYBODY} requests of all readers")
        assert refused("all") == before + 1
    await asyncio.gather(*waiting)


async def test_a_client_that_hangs_up_gives_up_its_place_and_its_turn(site: Site) -> None:
    async with held(site.reads.turns, THREADS):
        (gone,) = await site.asking(by_key(site))
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        # All threads are still held, so the place is given up without a turn.
        await site.until(0)


async def test_no_share_of_the_engine_can_take_anothers_clients(own_clickhouse: ClickHouse) -> None:
    threads = "SELECT getSetting('max_threads') AS threads"
    with clients_held(own_clickhouse, READING):
        assert await asyncio.to_thread(own_clickhouse.rows, threads)
    assert own_clickhouse.with_share(READING) is own_clickhouse.with_share(READING)
    assert own_clickhouse.with_share(READING).rows(threads) == [{"threads": READING.threads}]
    assert WRITING.threads == 0
