"""A small story with documents that await an answer, and phones that fill in the pages' forms."""

import asyncio
import html
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links, Rights
from services.access.sessions import Sessions
from services.assessment.evaluations import EvaluationStore
from services.assessment.scorecard_reader import ScorecardReader
from services.gateway.intake import validate_and_publish
from services.http.service import install
from services.kafka.safety import Traces
from services.kafka.topics import BrokerUnavailable
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.store.ledger import Ledger, LedgerRecord
from services.store.migrate import Placement, migrate
from services.web import site_routes
from services.web.form_tokens import Forms
from services.web.site import Site as Pages
from services.web.site import SubmitOutcome
from tests.integration.pages_story import Story

SUPPLIER, OTHER_SUPPLIER = "AC-IKM-1", "AC-IKM-2"
BUYER, OTHER_BUYER = "AC-AHM", "AC-TMMIN"
NASTY = " PO\"'<b>&amp; "
"""An order number that is sent with white space at its ends, and stored without it."""


def day(days: int) -> date:
    """Return the day so many days from today at the site.

    Today is read at each call, because a run of the tests may pass midnight.
    """
    return datetime.now(ZoneInfo(DEFAULT_POLICY.zone)).date() + timedelta(days=days)


def at(days: int, hour: int = 8) -> str:
    """Return an hour of the day so many days from today, as an event states it."""
    return f"{day(days).isoformat()}T{hour:02}:00:00+07:00"


def order(
    story: Story, pair: tuple[str, str], number: str, due: int, *, lines: int = 1, ago: int = 1
) -> None:
    """Add an order that is due in `due` days and was placed `ago` days ago.

    `pair` is the buyer and the supplier.
    """
    buyer, supplier = pair
    story.tell(
        buyer,
        "order.placed",
        at(-ago),
        buyer_id=buyer,
        supplier_id=supplier,
        order_no=number,
        lines=[
            {
                "line_no": str(10 * n),
                "item_no": f"BRK-<{n}>",
                "quantity": "100.5" if n == 3 else 100,
                "uom": "PCS",
                "requested_date": day(due).isoformat(),
            }
            for n in range(1, lines + 1)
        ],
    )


def complain(story: Story, buyer: str, supplier: str, number: str, ago: int) -> None:
    """Add a complaint that was opened `ago` days ago."""
    story.tell(
        buyer,
        "quality.complaint_opened",
        at(-ago),
        buyer_id=buyer,
        supplier_id=supplier,
        complaint_no=number,
        opened_at=at(-ago),
        severity="major",
        failure_mode="Lubang <miring> & gerinda",
    )


def tell(story: Story) -> None:
    """Add partners, orders and complaints that await an answer."""
    story.register(SUPPLIER, "supplier", "CV Ukir <Logam>")
    story.register(BUYER, "buyer", "PT Astra & Kawan")
    order(story, (BUYER, SUPPLIER), "A1", 10, lines=3)
    order(story, (BUYER, SUPPLIER), NASTY, 20)
    order(story, (BUYER, SUPPLIER), "LATE", -5, ago=30)
    order(story, (OTHER_BUYER, SUPPLIER), "B1", 12)
    order(story, (BUYER, OTHER_SUPPLIER), "C1", 12)
    complain(story, BUYER, SUPPLIER, "K<1>", 4)
    complain(story, BUYER, OTHER_SUPPLIER, "K2", 4)


@dataclass
class Broker:
    """A stand-in for the embedded broker that stores events in the ledger at once.

    `away`: every attempt fails. `failures`: so many attempts fail first. `unheard`: the events are
    kept, but the caller gets an error. `stores`: whether kept events reach the ledger. `seconds`:
    how long each attempt takes. `kept`: the events that were kept.
    """

    clickhouse: ClickHouse
    away: bool = False
    failures: int = 0
    unheard: bool = False
    stores: bool = True
    seconds: float = 0
    kept: list[Accepted] = field(default_factory=list)

    async def keep(self, events: Sequence[Accepted], traces: Traces = None) -> None:
        await asyncio.sleep(self.seconds)
        self.failures -= 1
        if self.away or self.failures >= 0:
            raise BrokerUnavailable("away")
        self.kept += events
        if self.stores:
            await asyncio.to_thread(self.store, events)
        if self.unheard:
            raise BrokerUnavailable("the events were kept, but the confirmation was lost")

    def store(self, events: Sequence[Accepted]) -> None:
        records = [
            LedgerRecord(e.source, e.id, e.content.hex(), e.value, e.topic, 0, n, 1_795_000_000_000)
            for n, e in enumerate(events)
        ]
        Ledger(self.clickhouse).append(records, uuid.uuid4())


@dataclass
class Shop:
    """The pages over a store, with a `Broker` that tests can make fail."""

    clickhouse: ClickHouse
    folder: Path
    broker: Broker = field(init=False)
    app: FastAPI = field(init=False)
    links: Links = field(init=False)
    site: Pages = field(init=False)

    def __post_init__(self) -> None:
        self.broker = Broker(self.clickhouse)
        self.open()

    def open(self) -> None:
        """Start the pages, or restart them, which loses everything held in memory."""
        self.links = Links(self.folder / "link.secret")
        keys = KeyStore(self.folder / "keys.json")
        self.app = FastAPI()
        install(self.app)
        self.site = Pages(
            reader=ScorecardReader(self.clickhouse, DEFAULT_POLICY),
            evaluations=EvaluationStore(self.clickhouse),
            keys=keys,
            links=self.links,
            sessions=Sessions(keys, self.links),
            forms=Forms(self.links.secret),
            submit=self.submit,
            base_url="http://test",
        )
        for router in site_routes.routes(self.site):
            self.app.include_router(router)

    async def submit(self, events: list[Any], sender: Sender) -> SubmitOutcome:
        """Send events through the gateway's intake, as the forms do."""
        return await validate_and_publish(events, sender, self.broker)

    def phone(
        self, partner: str, role: Role = Role.SUPPLIER, rights: Rights = Rights.ACT
    ) -> "Phone":
        """Return a phone on which a link of a partner was opened."""
        phone = Phone(self)
        opened = phone.get("/s/" + self.links.create(LinkHolder(role, partner, rights)))
        assert opened.status_code == 200, opened.text
        return phone


def open_shop(clickhouse: ClickHouse, folder: Path) -> Shop:
    """Create the tables of a store, write the story into it, and serve the pages over it."""
    migrate(clickhouse, Placement(fsync=False))
    story = Story()
    tell(story)
    Ledger(clickhouse).append(story.records, uuid.uuid4())
    return Shop(clickhouse, folder)


@dataclass
class Phone:
    """A browser: keeps cookies, shows pages, sends forms."""

    shop: Shop
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, language: str = "") -> httpx.Response:
        """Open a page."""
        headers = {"cookie": f"rantai_language={language}"} if language else {}
        return asyncio.run(self._ask([("GET", path, None, headers)]))[0]

    def post(
        self, path: str, fields: Any, headers: dict[str, str] | None = None, times: int = 1
    ) -> httpx.Response:
        """Send a form, `times` times concurrently; return the last response."""
        return self.post_all(path, fields, headers, times)[-1]

    def post_all(
        self, path: str, fields: Any, headers: dict[str, str] | None = None, times: int = 1
    ) -> list[httpx.Response]:
        """Send a form `times` times concurrently; return all responses."""
        return asyncio.run(self._ask([("POST", path, fields, headers or {})] * times))

    def fill(self, path: str, **fields: str) -> httpx.Response:
        """Open a form, write into its fields, and send it."""
        return self.send(self.get(path), **fields)

    def send(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Fill in the form of a page and send it. The keyword `x__0` is the field `x-0`."""
        action, found = form_of(page)
        typed = {name.replace("__", "-"): text for name, text in fields.items()}
        return self.post(action, {**found, **typed})

    async def _ask(
        self, requests: list[tuple[str, str, Any, dict[str, str]]]
    ) -> list[httpx.Response]:
        transport = httpx.ASGITransport(self.shop.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", cookies=self.cookies
        ) as client:
            answers = await asyncio.gather(
                *(
                    client.request(method, path, headers=headers, **_body(fields))
                    for method, path, fields, headers in requests
                )
            )
            self.cookies = client.cookies
            return answers


def _body(fields: Any) -> dict[str, Any]:
    if isinstance(fields, dict):
        return {"data": fields}
    return {} if fields is None else {"content": fields}


class _Form(HTMLParser):
    """Collects what a browser would submit from the page's form that sends events."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._inside = False
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = "/send/" in found.get("action", "")
            self.action = found["action"] if self._inside else self.action
        if not self._inside:
            return
        name = found.get("name", "")
        if tag == "input" and found.get("type") in ("radio", "checkbox"):
            if "checked" in found:
                self.fields[name] = found.get("value", "on")
        elif tag == "input":
            self.fields[name] = found.get("value", "")
        elif tag == "textarea":
            self._area = name
            self.fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in found:
            self.fields[self._select] = found["value"]

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._area = None if tag == "textarea" else self._area
        self._select = None if tag == "select" else self._select

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.fields[self._area] += data.removeprefix("\n")


def form_of(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """Return the action of the form on a page, and the values of its fields."""
    return form_in(page.text)


def form_in(text: str) -> tuple[str, dict[str, str]]:
    """Do what `form_of` does, given the HTML of the page."""
    reader = _Form()
    reader.feed(text)
    assert reader.action, text
    return reader.action, reader.fields


def words(page: httpx.Response) -> str:
    """Return the visible text of a page, on one line."""
    return words_of(page.text)


def words_of(text: str) -> str:
    """Do what `words` does, given the HTML of the page."""
    text = re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    text = re.sub(r"</(td|th|p|li|a|h\d|legend|label|caption)>", " ", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())
