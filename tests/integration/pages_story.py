"""A story of a few partners, written as an ERP would send it, and the pages that show it."""

import asyncio
import html
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, parse, validate
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links
from services.access.sessions import Sessions
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.http.service import install
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.store.ledger import Ledger, LedgerRecord
from services.web import site_routes
from services.web.form_tokens import Forms
from services.web.site import Site as Pages
from services.web.site import SubmitOutcome

BUYER, OTHER, SUPPLIER, SMALL, BULK = "PG-AHM", "PG-TMMIN", "PG-IKM-1", "PG-IKM-2", "PG-IKM-3"
STEADY, STOPPED, STEADYS_BUYER = "PG-IKM-4", "PG-IKM-5", "PG-PERKAKAS"
ENDS = [date(2026, 10, 1), date(2026, 11, 1)]
"""The month ends that are frozen for the steady supplier."""

NASTY = "PO\"'<script>alert(1)</script>&amp;"
VOID = {"meta", "link", "input", "br"}


THE_END = datetime(2026, 12, 31, tzinfo=UTC)
"""A time after every event of the story: validation compares with it, not with the real clock."""


class Story:
    """Events of a few partners, written as an ERP would send them."""

    def __init__(self) -> None:
        self.records: list[LedgerRecord] = []

    def tell(self, sender: str, kind: str, time: str, **data: Any) -> None:
        event = {
            "specversion": "1.0",
            "id": f"pages-{len(self.records)}",
            "source": f"/erp/{sender}/test",
            "type": f"id.rantai.{kind}.v1",
            "time": time,
            "data": data,
        }
        raw = parse(json.dumps(event).encode())
        accepted = validate(raw, Sender(sender, tuple(Role)), now=THE_END)
        assert isinstance(accepted, Accepted), accepted
        a, i = accepted, len(self.records)
        self.records.append(
            LedgerRecord(a.source, a.id, a.content.hex(), a.value, a.topic, 0, i, 1_795_000_000_000)
        )

    def order(self, buyer: str, supplier: str, number: str, due: date, lines: int = 1) -> None:
        self.tell(
            buyer,
            "order.placed",
            "2026-07-01T08:00:00+07:00",
            buyer_id=buyer,
            supplier_id=supplier,
            order_no=number,
            lines=[
                {
                    "line_no": str(10 * n),
                    "item_no": "BRK-<1>",
                    "quantity": 100,
                    "uom": "PCS",
                    "requested_date": due.isoformat(),
                }
                for n in range(1, lines + 1)
            ],
        )

    def receive(self, buyer: str, supplier: str, number: str, on: date, quantity: int) -> None:
        at = f"{on.isoformat()}T09:00:00+07:00"
        self.tell(
            buyer,
            "delivery.received",
            at,
            buyer_id=buyer,
            supplier_id=supplier,
            receipt_no=f"R-{number}-{on}",
            received_at=at,
            lines=[{"order_no": number, "line_no": "10", "quantity": quantity}],
        )

    def inspect(self, buyer: str, supplier: str, number: str, line_no: str, rejected: int) -> None:
        at = "2026-10-20T09:00:00+07:00"
        self.tell(
            buyer,
            "quality.inspected",
            at,
            buyer_id=buyer,
            supplier_id=supplier,
            inspection_no=f"QI-{number}-{line_no}",
            inspected_at=at,
            order_no=number,
            line_no=line_no,
            quantity_inspected=50,
            quantity_rejected=rejected,
            disposition="rejected" if rejected else "accepted",
        )

    def register(self, partner: str, role: str, name: str, cluster: str | None = None) -> None:
        self.tell(
            "PG-YDBA",
            "partner.registered",
            "2026-01-05T09:00:00+07:00",
            partner_id=partner,
            role=role,
            name=name,
            cluster=cluster,
        )

    def steady(self, buyer: str, supplier: str) -> None:
        """Add twelve lines over three months, confirmed within two hours; one is received late."""
        for n in range(1, 13):
            due = date(2026, 8 + n % 3, 10)
            self.order(buyer, supplier, f"S{n}", due)
            self.tell(
                supplier,
                "order.confirmed",
                "2026-07-01T10:00:00+07:00",
                buyer_id=buyer,
                supplier_id=supplier,
                order_no=f"S{n}",
                lines=[{"line_no": "10", "status": "accepted"}],
            )
            self.receive(buyer, supplier, f"S{n}", due.replace(day=12 if n == 4 else 10), 100)
            self.inspect(buyer, supplier, f"S{n}", "10", 0)

    def complain(self, buyer: str, supplier: str, number: str, severity: str, order: str) -> None:
        at = "2026-10-30T09:00:00+07:00"
        self.tell(
            buyer,
            "quality.complaint_opened",
            at,
            buyer_id=buyer,
            supplier_id=supplier,
            complaint_no=number,
            opened_at=at,
            severity=severity,
            order_no=order,
        )

    def judge(self, supplier: str) -> None:
        """Add an assessment, an expired certificate and a declared capacity of a supplier."""
        at = "2026-07-05T09:00:00+07:00"
        about = {"supplier_id": supplier}
        self.tell(
            "PG-YDBA",
            "partner.assessed",
            at,
            **about,
            assessor="Dinas <i>Koperasi</i> & UKM",
            assessed_on="2026-07-04",
            pillars={"produksi": 85, "pemasaran": 75, "keuangan": 77.5},
            five_r={"ringkas": 50, "rapi": 50, "resik": 60, "rawat": 60, "rajin": 50},
        )
        self.tell(
            "PG-YDBA",
            "partner.certified",
            at,
            **about,
            certificate="NIB",
            valid_from="2021-07-01",
            valid_to="2026-06-30",
        )
        self.tell(
            "PG-YDBA",
            "partner.capacity_declared",
            at,
            **about,
            process="Bubut <CNC>",
            valid_from="2026-07-01",
            quantity_per_month=640,
            items=["BRK-<1>"],
        )


def tell_all(story: Story) -> None:
    tell_of_standings(story)
    story.register(BUYER, "buyer", "PT Astra & Kawan")
    story.register(SUPPLIER, "supplier", "CV Logam <Jaya>", "pg-tegal")
    story.register(SMALL, "supplier", "UD Kecil", "pg-tegal")
    for n in range(1, 10):  # Nine lines: one is late, one too early, and one never received.
        due = date(2026, 9 + n % 3, 10)
        number = NASTY if n == 1 else f"A{n}"
        story.order(BUYER, SUPPLIER, number, due)
        received = {1: due.replace(day=14), 2: due.replace(day=1)}.get(n, due)
        if n != 3:
            story.receive(BUYER, SUPPLIER, number, received, 100)
        story.inspect(BUYER, SUPPLIER, number, "10", 7 if n == 1 else 0)
    story.order(OTHER, SUPPLIER, "RAHASIA-1", date(2026, 10, 5))
    story.receive(OTHER, SUPPLIER, "RAHASIA-1", date(2026, 10, 29), 60)
    story.order(BUYER, SMALL, "B1", date(2026, 10, 5))
    story.receive(BUYER, SMALL, "B1", date(2026, 10, 5), 100)
    story.order(OTHER, BULK, "4500017731-BULK", date(2026, 10, 5), lines=60)
    for n in range(1, 61):
        story.inspect(OTHER, BULK, "4500017731-BULK", str(10 * n), 5)


def tell_of_standings(story: Story) -> None:
    """Add a graded supplier whose figures have fallen since, and one with a line stop."""
    story.register(STEADYS_BUYER, "buyer", "PT Perkakas <b>Besar</b> & Rekan")
    story.register(STEADY, "supplier", "CV Ajeg <i>Jaya</i>")
    story.register(STOPPED, "supplier", "UD Tersendat")
    story.steady(STEADYS_BUYER, STEADY)
    story.judge(STEADY)
    for n in range(1, 9):
        story.order(STEADYS_BUYER, STEADY, f"T{n}-{NASTY}", date(2026, 11, 10))
    story.steady(STEADYS_BUYER, STOPPED)
    story.complain(STEADYS_BUYER, STOPPED, "K<1>", "line_stop", "S1")


@dataclass
class Site:
    """The pages, requested as a phone would."""

    app: FastAPI
    reader: ScorecardReader
    links: Links

    def get(self, path: str, cookie: str = "") -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(path, headers={"cookie": cookie} if cookie else {})

        return asyncio.run(ask())

    def cookie(self, opened: httpx.Response) -> str:
        """Return the session cookie that opening a link set."""
        return opened.headers["set-cookie"].split(";")[0]

    def token(self, role: Role, partner: str) -> str:
        return self.links.create(LinkHolder(role, partner))

    def supplier(self, partner: str, query: str = "as_of=2026-11-22") -> httpx.Response:
        return self.get(f"/s/{self.token(Role.SUPPLIER, partner)}?{query}")

    def overview(self, role: Role, partner: str, query: str = "as_of=2026-11-22") -> httpx.Response:
        return self.get(f"/s/{self.token(role, partner)}?{query}")


def text(response: httpx.Response) -> str:
    """Return the visible text of a page, on one line."""
    assert response.status_code == 200, response.text
    words = re.sub(r"</(td|th|p|dd|dt|option|caption|text|h\d)>", " ", response.text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", words)).split())


class Tags(HTMLParser):
    """Checks that every element is closed in order, and collects the ids and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def in_one_place(value: Decimal | int) -> str:
    """Cut a number off after one decimal, as pages show a score.

    Rounded up, a score below the threshold of a grade would look as if it had reached it.
    """
    tenth = Decimal(value).quantize(Decimal("0.1"), ROUND_DOWN)
    return str(tenth).removesuffix(".0").replace(".", ",")


def named(case: Mapping[str, str]) -> str:
    number = next(case[key] for key in case if key.endswith("_no"))
    return number + (f" baris {case['line_no']}" if "line_no" in case else "")


def open_site(clickhouse: ClickHouse, secret: Path, today: date) -> Site:
    """Write the story into a store, freeze the steady supplier's month ends, serve the pages."""
    story = Story()
    tell_all(story)
    Ledger(clickhouse).append(story.records, uuid.uuid4())
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    store, asked = EvaluationStore(clickhouse), Selection(today, 180, [STEADY])
    frozen = reader.assessor.assessed_at(asked, {STEADY: ENDS})
    store.freeze(DEFAULT_POLICY.version, store.high_water(), frozen)
    links, keys = Links(secret), KeyStore(secret.with_name("keys.json"))
    site = Pages(
        reader=reader,
        evaluations=store,
        keys=keys,
        links=links,
        sessions=Sessions(keys, links),
        forms=Forms(links.secret),
        submit=refuse,
        base_url="http://test",
    )
    app = FastAPI()
    install(app)
    for router in site_routes.routes(site):
        app.include_router(router)
    return Site(app, reader, links)


async def refuse(_events: list[Any], _sender: Sender) -> SubmitOutcome:
    raise AssertionError("an event was sent: no test with this story sends forms that send events")
