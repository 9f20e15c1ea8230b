"""The site that tests visit: `rantai up` with a simulated history, and links to its pages."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links, Rights
from services.cli.simulate import load_history
from services.simulator import history, participants
from services.simulator.companies import BUYERS, PROGRAMME, SUPPLIERS
from tests.integration.process import Up

DAYS: Final = 330
SUPPLIER: Final = SUPPLIERS[0].id
OTHER: Final = SUPPLIERS[1].id
BUYER: Final = BUYERS[0].id
_SEED: Final = 7
_SETTLE_SECONDS: Final = 180
_OPTIONS: Final = {"RANTAI_EVALUATION_SECONDS": "0.5", "RANTAI_EVALUATION_QUIET_SECONDS": "1"}


@dataclass
class Site:
    """A running `rantai up`, and the key of each partner by its id."""

    up: Up
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The base address of its pages and its API."""
        return self.up.url

    def link(
        self, partner: str, role: Role = Role.SUPPLIER, rights: Rights = Rights.ACT, days: float = 9
    ) -> str:
        """Make a link for a partner, valid for `days`, as `rantai link` does."""
        token = self.links.create(LinkHolder(role, partner, rights), days)
        return f"{self.url}/s/{token}"

    @property
    def links(self) -> Links:
        """The links of this site."""
        return Links(self.up.data_dir / "link.secret")

    @property
    def homes(self) -> dict[str, str]:
        """A link to the first page of each of the three users."""
        return {
            "supplier": self.link(SUPPLIER),
            "buyer": self.link(BUYER, Role.BUYER),
            "programme": self.link(PROGRAMME, Role.PROGRAMME),
        }

    def get(self, partner: str, path: str) -> httpx.Response:
        """Get a path of the API with a partner's key."""
        key = {"authorization": f"Bearer {self.keys[partner]}"}
        return httpx.get(self.url + path, headers=key, timeout=60)


def live(folder: Path) -> Site:
    """Start a site, load the history, and wait until its month ends are frozen."""
    site = Site(Up(folder, environment=_OPTIONS))
    site.up.start()
    store = KeyStore(folder / "keys.json")
    site.keys = {partner: store.create(role, partner) for partner, role in participants().items()}
    events = history(_SEED, datetime.now(UTC), DAYS)
    with ThreadPoolExecutor(1) as beside:  # this thread has the loop of the browser's driver
        beside.submit(lambda: asyncio.run(load_history(site.url, site.keys, events))).result()
    deadline = time.monotonic() + _SETTLE_SECONDS
    while not _frozen(site):
        assert time.monotonic() < deadline, site.up.log()
        time.sleep(0.5)
    return site


def _frozen(site: Site) -> bool:
    path = f"/v1/suppliers/{SUPPLIER}/evaluations"
    return len(site.get(PROGRAMME, path).json()["evaluations"]) >= DAYS // 30 - 2
