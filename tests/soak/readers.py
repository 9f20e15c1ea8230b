"""Readers: they open every page that links lead to and every route of the API, repeatedly.

A reader is a supplier with a link or a partner with a key. Most lose it while they read.
"""

import asyncio
import html
import random
import re
from collections import Counter
from typing import Any, Final
from unittest.mock import MagicMock
from urllib.parse import urljoin, urlsplit

import httpx
from fastapi.routing import iter_route_contexts

from schemas.catalogue import CATALOGUE, Role
from services.assessment.explanation import EXPLAINED
from services.operations import operations_api
from services.scorecards import programme_api, scorecard_api
from services.web import site_routes
from tests.soak.rounds import SUPPLIERS, named
from tests.soak.world import WATCHER, Identity, World

_READERS: Final = 4
_STEPS: Final = 25
_NEWEST: Final = 15
_AT_ONCE: Final = 64
_TOUR_SECONDS: Final = 60
_KNOWN: Final = 400
_LINK: Final = re.compile(r'href="([^"#]+)')
_ID: Final = re.compile(
    r"(?<=/)(?=[^/]*\d)[^/]+|(?<=/clusters/)[^/]+|(?<=/items/).+|(?<=/figures/).+"
)
_EXEMPT: Final = {
    "/p/{token}": "the old form of /s/{token}",
    "/suppliers/{supplier_id}/evaluations/{as_of}.pdf": "no month end is frozen in a short soak",
    "/verify/{code}": "its codes are printed on PDFs",
    "/v1/rejected/{rejected_id}": "its ids are in an answer of the API, not in a page",
}
"""Routes that need not be answered with success, and why."""


def every_route() -> set[str]:
    """Return every GET route of the pages, the JSON API and the operators' API."""
    stub: Any = MagicMock()
    routers = [
        *site_routes.routes(stub),
        scorecard_api.routes(stub),
        programme_api.routes(stub),
        operations_api.routes(stub),
    ]
    routes = iter_route_contexts([route for router in routers for route in router.routes])
    return {str(one.path) for one in routes if "GET" in (one.methods or ())}


def unread(reached: set[str]) -> set[str]:
    """Return the routes that should have been read and are not in `reached`."""
    return every_route() - reached - _EXEMPT.keys()


async def readers(world: World) -> None:
    """Run the readers and the crowds until the soak closes."""
    async with asyncio.TaskGroup() as reading:
        for number in range(_READERS):
            reading.create_task(_reader(world, number))
        reading.create_task(_crowds(world))


async def _reader(world: World, number: int) -> None:
    rng = world.plan.rng("reader", number)
    while not world.closing.is_set():
        # The newest partners still have their keys and links.
        own = [one for one in world.readers[1:][-_NEWEST:] if one.key or one.link]
        who = rng.choice([world.readers[0], *own])
        async with world.traffic.client() as client:
            await Reader(world, rng, who, client).read()
        await world.pause(0.5)


async def tours(world: World) -> None:
    """Read every kind of page and every route in every role; repeat while time is left."""
    first = named(0, SUPPLIERS[0])
    while not world.rounds:  # noqa: ASYNC110 - takes seconds, and rounds set no event
        await asyncio.sleep(1)
    link = await world.command("link", first, "--days", "1")
    lasting = [one for one in world.readers if one.key and one.partner.startswith(named(0, ""))]
    buyer = next(one for one in lasting if one.role is Role.BUYER)
    supplier = next(one for one in lasting if one.partner == first)
    by_link = Identity(Role.SUPPLIER, first, link=link)
    number = 0
    while world.time_left or not number:
        for who in (by_link, buyer, world.readers[0], supplier):
            if number and not world.time_left:
                return  # each role has read everything once: a further tour may end anywhere
            rng = world.plan.rng("tour", number, who.partner)
            async with world.traffic.client() as client:
                await Reader(world, rng, who, client).read_all()
        number += 1
        await asyncio.sleep(_TOUR_SECONDS if world.time_left else 0)


class Reader:
    """One visit: signs in, follows links, and requests routes of the API with the same key.

    Pages are visited evenly by kind (`kind_of`): the kind visited least comes next.
    """

    def __init__(
        self, world: World, rng: random.Random, who: Identity, client: httpx.AsyncClient
    ) -> None:
        self._world, self._rng, self._who, self._client = world, rng, who, client
        self._known: dict[str, list[str]] = {}
        self._visited: Counter[str] = Counter()
        self._seen: set[str] = set()

    async def read(self) -> None:
        """Sign in and read some random pages and routes."""
        await self._sign_in()
        for _ in range(_STEPS):
            if self._world.closing.is_set():
                return
            if self._who.key and self._rng.random() < 0.4:
                await self._ask(self._rng.choice(addresses_of(self._supplier(), self._rng)))
            else:
                await self._step(self._kinds_left())
            await asyncio.sleep(self._rng.uniform(0, 0.2))

    async def read_all(self) -> None:
        """Sign in and read a page of each kind that links lead to, and every route of the API."""
        await self._sign_in()
        while new := [kind for kind in self._kinds_left() if not self._visited[kind]]:
            await self._step(new)
        for address in addresses_of(self._supplier(), self._rng) if self._who.key else ():
            await self._ask(address)

    async def _sign_in(self) -> None:
        if self._who.link:
            await self._page(self._who.link)
        else:
            form = {"key": self._who.key}
            await self._page("/sign-in")
            await self._world.traffic.ask("page", "POST", "/sign-in", self._client, data=form)
            await self._page("/")
            for address in ("/buyer", "/programme", "/links"):
                self._find(address)
        if self._who.role is Role.SUPPLIER:
            self._find(f"/suppliers/{self._who.partner}")

    def _kinds_left(self) -> list[str]:
        return [kind for kind, addresses in self._known.items() if addresses]

    async def _step(self, waiting: list[str]) -> None:
        if not waiting:
            return
        least = min(self._visited[kind] for kind in waiting)
        kind = self._rng.choice([kind for kind in waiting if self._visited[kind] == least])
        addresses = self._known[kind]
        self._visited[kind] += 1
        await self._page(addresses.pop(self._rng.randrange(len(addresses))))

    async def _page(self, address: str) -> None:
        ask = self._world.traffic.ask
        answer = await ask("page", "GET", address, self._client, follow_redirects=True)
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            return
        for link in _LINK.findall(answer.text):
            self._find(urljoin(str(answer.url), html.unescape(link)))

    def _find(self, address: str) -> None:
        parts = urlsplit(address)
        own = not parts.netloc or parts.netloc == urlsplit(self._world.up.url).netloc
        if own and address not in self._seen and len(self._seen) < _KNOWN:
            self._seen.add(address)
            self._known.setdefault(kind_of(address), []).append(address)

    def _supplier(self) -> str:
        """Choose a supplier to read about, preferably one of the reader's own round."""
        if self._who.role is Role.SUPPLIER:
            return self._who.partner
        names = [one.partner for one in self._world.readers if one.role is Role.SUPPLIER]
        around = self._who.partner.partition(".")[0] + "."
        own = [name for name in names if name.startswith(around)]
        return self._rng.choice(own or names or ["S-UNKNOWN"])

    async def _ask(self, address: str) -> None:
        bearer = {"authorization": f"Bearer {self._who.key}"}
        await self._world.traffic.ask("API", "GET", address, headers=bearer)


def kind_of(address: str) -> str:
    """Return the kind of an address: its path without ids, and whether it is a file."""
    parts = urlsplit(address)
    return _ID.sub("*", parts.path) + (" as a file" if "format=" in parts.query else "")


def addresses_of(supplier: str, rng: random.Random) -> list[str]:
    """Return an address of each route of the API, those about a supplier for `supplier`."""
    base = f"/v1/suppliers/{supplier}"
    return [
        "/v1/suppliers",
        *(f"{base}/{name}" for name in ("scorecard", "lines", "evaluations")),
        f"{base}/scorecard/explain?kpi={rng.choice(list(EXPLAINED))}",
        "/v1/programme",
        "/v1/clusters",
        "/v1/clusters/logam",
        "/v1/rejected",
        "/v1/reconciliation?wait_seconds=0",
        "/v1/catalogue",
        f"/v1/catalogue/{next(iter(CATALOGUE))}",
        "/openapi.json",
        "/docs",
        "/metrics",
        "/healthz",
    ]


async def _crowds(world: World) -> None:
    """Every two minutes or more often, send 64 requests of one key at once."""
    rng = world.plan.rng("crowds")
    every = min(120.0, world.plan.seconds / 3)
    bearer = {"authorization": f"Bearer {world.watcher}"}
    while await world.pause(every):
        suppliers = [one.partner for one in world.readers if one.role is Role.SUPPLIER]
        kpis = [rng.choice(list(EXPLAINED)) for _ in range(_AT_ONCE)]
        supplier = rng.choice(suppliers or [WATCHER])
        base = f"/v1/suppliers/{supplier}/scorecard/explain?kpi="
        await asyncio.gather(
            *(world.traffic.ask("crowd", "GET", base + kpi, headers=bearer) for kpi in kpis)
        )
        world.counts["crowds of 64"] += 1
