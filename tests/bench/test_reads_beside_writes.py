"""How much heavy reading slows down a POST and the health check, compared with no reading.

Runs `rantai up` with `DAYS` days of the simulation. Every reader repeats its request as soon as it
is answered, whatever the answer. Prints the median and the worst time of each, and the ratio of
medians to those without readers; asserts nothing about them. If `RANTAI_BENCH_DIR` is set, the
store is kept in that folder and used again by the next run.
"""

import asyncio
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from rich.console import Console
from rich.table import Table

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links
from services.cli.simulate import load_history
from services.simulator import history, participants
from services.simulator.companies import BUYERS, PROGRAMME, SUPPLIERS
from tests.integration.process import Up

DAYS: Final = int(os.environ.get("RANTAI_BENCH_DAYS", "330"))
READERS: Final = 64
POSTS: Final = 10
SUPPLIER: Final = SUPPLIERS[0].id
READER: Final = BUYERS[0].id
WRITER: Final = BUYERS[1].id
_WARM_SECONDS: Final = 2.0
_HEALTH_PAUSE: Final = 0.05
_SETTLE_SECONDS: Final = 20.0


@dataclass
class Times:
    """Measurements with one kind of readers, in ms, and the readers' answers by status."""

    post: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    reads: Counter[int] = field(default_factory=Counter)


@pytest.mark.bench
@pytest.mark.timeout(1200)
def test_reads_beside_writes(tmp_path: Path) -> None:
    up = Up(Path(os.environ.get("RANTAI_BENCH_DIR", tmp_path)) / f"reads-{DAYS}")
    up.start()
    try:
        found = asyncio.run(_measured(up))
    finally:
        up.end()
    _show(found)


async def _measured(up: Up) -> dict[str, Times]:
    store = KeyStore(up.data_dir / "keys.json")
    keys = {partner: store.create(role, partner) for partner, role in participants().items()}
    note = up.data_dir / "loaded"
    if not note.exists():
        await load_history(up.url, keys, history(7, datetime.now(UTC), DAYS))
        note.touch()
    await asyncio.sleep(_SETTLE_SECONDS)  # after a load the evaluator computes all standings
    links = Links(up.data_dir / "link.secret")
    supplier = await _signed_in(up.url, links.create(LinkHolder(Role.SUPPLIER, SUPPLIER)))
    programme = await _signed_in(up.url, links.create(LinkHolder(Role.PROGRAMME, PROGRAMME)))
    key = {"authorization": f"Bearer {keys[READER]}"}
    explain = f"/v1/suppliers/{SUPPLIER}/scorecard/explain?kpi=otif"
    readers = {
        "alone": (0, "", {}),
        f"{READERS} x explain of one key": (READERS, explain, key),
        f"{READERS} x the page of one link": (READERS, f"/suppliers/{SUPPLIER}", supplier),
        f"{READERS} x the programme's page": (READERS, "/programme", programme),
        f"{READERS} x metrics": (READERS, "/metrics", {}),
        f"{READERS} x a page without sign-in": (READERS, f"/suppliers/{SUPPLIER}", {}),
        "alone again": (0, "", {}),
    }
    found = {}
    for name, (count, path, headers) in readers.items():
        with _reading(up.url, count, path, headers) as reads:
            found[name] = await _beside(up.url, keys[WRITER], name)
        found[name].reads = reads
        await asyncio.sleep(3)
    return found


async def _signed_in(url: str, token: str) -> dict[str, str]:
    """Open a link; return the headers with its session cookie."""
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get(f"/s/{token}")
        assert client.cookies, (answer.status_code, answer.text[:300])
        return {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}


@contextmanager
def _reading(url: str, count: int, path: str, headers: dict[str, str]) -> Iterator[Counter[int]]:
    """Run `count` readers as long as the context lasts; yield a counter of answers by status.

    The counter is filled when the context ends. The readers run in a process of their own: in this
    one, the time that they take would be measured as the server's.
    """
    reads: Counter[int] = Counter()
    spawn = get_context("spawn")
    stop, results = spawn.Event(), spawn.Queue()
    process = spawn.Process(target=_readers, args=(stop, results, url, count, path, headers))
    process.start()
    time.sleep(_WARM_SECONDS)
    yield reads
    stop.set()
    reads.update(results.get(timeout=60))
    process.join()


def _readers(stop: Any, results: Any, url: str, *arguments: Any) -> None:
    results.put(asyncio.run(_read_until(stop, url, *arguments)))


async def _read_until(
    stop: Any, url: str, count: int, path: str, headers: dict[str, str]
) -> dict[int, int]:
    reads: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=None)

    async def one(client: httpx.AsyncClient) -> None:
        while True:
            try:
                async with client.stream("GET", path, headers=headers) as answer:
                    # Raw: decompressing would take processor time from the server.
                    async for _ in answer.aiter_raw():
                        pass
                reads[answer.status_code] += 1
            except httpx.TransportError:
                reads[0] += 1

    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        tasks = [asyncio.create_task(one(client)) for _ in range(count)]
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return dict(reads)


async def _beside(url: str, key: str, name: str) -> Times:
    """Time some POSTs of single orders, and the health check at the same time."""
    times, order = Times(), _an_order()
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        watching = asyncio.create_task(_watch(client, times.health))
        for number in range(POSTS):
            data = {**order["data"], "order_no": f"B-{time.time_ns()}"}
            event = {**order, "id": f"{name} {number} {time.time_ns()}", "data": data}
            began = time.perf_counter()
            answer = await client.post(
                "/v1/events",
                headers={
                    "authorization": f"Bearer {key}",
                    "content-type": "application/cloudevents+json",
                },
                content=json.dumps(event),
            )
            times.post.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 202, answer.text[:500]
            await asyncio.sleep(0.1)
        watching.cancel()
    return times


async def _watch(client: httpx.AsyncClient, times: list[float]) -> None:
    while True:
        began = time.perf_counter()
        assert (await client.get("/healthz")).status_code == 200
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_HEALTH_PAUSE)


def _an_order() -> dict[str, Any]:
    return next(
        one.event
        for one in history(7, datetime.now(UTC), 60)
        if one.sender == WRITER and one.event["type"] == "id.rantai.order.placed.v1"
    )


def _show(found: dict[str, Times]) -> None:
    rest = next(iter(found.values()))
    table = Table(
        "", "POST, median", "worst", "ratio of medians", "health, median", "worst",
        "reads by status",
        title=f"In ms: {POSTS} POSTs of another key",
    )  # fmt: skip
    for name, times in found.items():
        ratio = statistics.median(times.post) / statistics.median(rest.post)
        table.add_row(
            name, *_shown(times.post), f"{ratio:.1f}", *_shown(times.health),
            ", ".join(f"{status}: {count}" for status, count in sorted(times.reads.items())),
        )  # fmt: skip
    Console(width=140).print(table)


def _shown(times: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(times):,.0f}", f"{max(times):,.0f}"
