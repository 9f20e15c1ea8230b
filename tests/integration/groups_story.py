"""A story of two buyers, a programme and thirty suppliers, and the pages that show it."""

import asyncio
import csv
import io
import re
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links, Rights
from services.access.sessions import Sessions
from services.assessment.evaluations import EvaluationStore
from services.assessment.scorecard_reader import ScorecardReader
from services.http.service import install
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.store.ledger import Ledger
from services.web import site_routes
from services.web.form_tokens import Forms
from services.web.site import Site as Pages
from tests.integration.pages_story import Story

ONE, OTHER, PROGRAMME = "GR-SATU", "GR-DUA", "GR-YDBA"
SUPPLIERS = [f"GR-S{n:02}" for n in range(1, 31)]
FELL, ROSE, COACHED, UNCOACHED = "GR-TURUN", "GR-NAIK", "GR-BINA", "GR-SENDIRI"
CLUSTER, SLASHED = "gr-tegal", "gr/kudus"
ITEM, RARE = "IT/1 #2", "IT-LANGKA"
TODAY = date(2026, 11, 22)
ASKED = f"as_of={TODAY}"
PRICE = "98765"


class Groups(Story):
    """A story whose orders have items and prices, and whose suppliers have a cluster and region."""

    def place(  # noqa: PLR0917 - the fields of an order that vary
        self, buyer: str, supplier: str, number: str, due: date, item: str = ITEM, lines: int = 1
    ) -> None:
        """Place an order 60 days before its due date: `lines` lines of 100 pieces, with a price."""
        self.tell(
            buyer,
            "order.placed",
            f"{due - timedelta(days=60)}T08:00:00+07:00",
            buyer_id=buyer,
            supplier_id=supplier,
            order_no=number,
            lines=[
                {
                    "line_no": str(10 * n),
                    "item_no": item,
                    "description": f"Braket {item}",
                    "quantity": 100,
                    "uom": "PCS",
                    "unit_price": PRICE,
                    "requested_date": due.isoformat(),
                }
                for n in range(1, lines + 1)
            ],
        )

    def deliver(self, buyer: str, supplier: str, number: str, due: date, late: int = 0) -> None:
        """Receive the first line of an order in full, `late` days late, and inspect it.

        A late line also has pieces rejected.
        """
        self.receive(buyer, supplier, number, due + timedelta(days=late), 100)
        self.inspect(buyer, supplier, number, "10", 5 if late else 0)

    def who(self, partner: str, cluster: str | None, **more: str) -> None:
        """Register a supplier with its cluster, and with its region and sector in `more`."""
        self.tell(
            PROGRAMME,
            "partner.registered",
            "2026-01-05T09:00:00+07:00",
            partner_id=partner,
            role="supplier",
            name=f"CV {partner.removeprefix('GR-').title()} <Jaya>",
            cluster=cluster,
            **more,
        )

    def complaint(self, buyer: str, supplier: str, number: str, on: date, **more: Any) -> None:
        """Open a complaint."""
        at = f"{on}T09:00:00+07:00"
        data = {"complaint_no": number, "opened_at": at, "severity": "major", **more}
        self.tell(
            buyer, "quality.complaint_opened", at, buyer_id=buyer, supplier_id=supplier, **data
        )

    def about(self, sender: str, kind: str, on: date, **data: Any) -> None:
        """Add an event of any type at nine o'clock on a day."""
        self.tell(sender, kind, f"{on}T09:00:00+07:00", **data)


def tell(story: Groups) -> None:
    """Add all events of the story."""
    story.register(ONE, "buyer", "PT Satu & Rekan")
    story.register(OTHER, "buyer", "PT Rahasia Dua")
    for n, supplier in enumerate(SUPPLIERS, start=1):
        cluster = SLASHED if n == 29 else None if n == 30 else CLUSTER
        place = {"province": "Jawa Tengah", "regency": "Tegal", "sector": "logam"}
        story.who(supplier, cluster, **(place if n <= 20 else {"sector": "plastik"}))
        for month in (8, 9, 10):
            due = date(2026, month, 10)
            story.place(ONE, supplier, f"A{n}-{month}", due)
            story.deliver(ONE, supplier, f"A{n}-{month}", due, late=n if n % 3 == 0 else 0)
        story.place(ONE, supplier, f"OV{n}", date(2026, 11, 15))
    for n, supplier in enumerate(SUPPLIERS[:5], start=1):
        # For the other buyer these suppliers do worse.
        story.place(OTHER, supplier, f"RAHASIA-{n}", date(2026, 9, 1), lines=4)
        story.place(OTHER, supplier, f"RAHASIA-N{n}", date(2026, 11, 28))
        story.complaint(
            OTHER, supplier, f"RAHASIA-K{n}", date(2026, 11, 2), order_no=f"RAHASIA-{n}"
        )
    story.place(OTHER, "GR-S99", "RAHASIA-99", date(2026, 9, 1))
    _of_what_waits(story)
    _of_moves(story)
    _of_coaching(story)


def _of_what_waits(story: Groups) -> None:
    s1, s2, s3, s4 = SUPPLIERS[:4]
    for n, supplier in enumerate((s1, s2, s3)):
        story.place(ONE, supplier, f"NX{n}", date(2026, 11, 30 - 4 * n), RARE)
    story.place(ONE, s1, "FAR", date(2026, 12, 20), RARE)
    # Delivered completely, then half of it is returned: that half is awaited.
    story.place(ONE, s4, "BACK", date(2026, 11, 25), RARE)
    story.receive(ONE, s4, "BACK", date(2026, 11, 18), 100)
    story.about(
        ONE,
        "delivery.returned",
        date(2026, 11, 19),
        buyer_id=ONE,
        supplier_id=s4,
        return_no="RET-1",
        returned_at="2026-11-19T09:00:00+07:00",
        lines=[{"order_no": "BACK", "line_no": "10", "quantity": 50}],
    )
    # Delivered again before the due date, but after TODAY: the tests must not see it.
    story.receive(ONE, s4, "BACK", date(2026, 11, 24), 50)
    story.complaint(ONE, s1, "K1", date(2026, 11, 1), order_no="A1-10", line_no="10", quantity=3)
    story.about(
        s1,
        "quality.complaint_answered",
        date(2026, 11, 2),
        buyer_id=ONE,
        supplier_id=s1,
        complaint_no="K1",
        step="containment",
        answered_at="2026-11-02T09:00:00+07:00",
    )
    story.complaint(ONE, s2, "K2", date(2026, 11, 21), order_no="A2-10")
    story.complaint(ONE, s3, "K3", date(2026, 10, 1), order_no="A3-9")
    # It names no order and is never answered: it is shown and counts in no figure.
    story.complaint(ONE, s4, "KX", date(2026, 11, 20))
    _close(story, s3, "K3", date(2026, 10, 2))
    # The last of these disputes comes after TODAY: the tests must not see it.
    for supplier, order, on in ((s2, "A2-9", 3), (s3, "A3-9", 3), (s4, "A4-9", 23)):
        story.about(
            supplier,
            "line.disputed",
            date(2026, 11, on),
            buyer_id=ONE,
            supplier_id=supplier,
            order_no=order,
            line_no="10",
            reason="Barang datang tepat waktu",
        )
    story.about(
        ONE,
        "line.dispute_answered",
        date(2026, 11, 4),
        buyer_id=ONE,
        supplier_id=s3,
        order_no="A3-9",
        line_no="10",
        answer="upheld",
    )


def _close(story: Groups, supplier: str, number: str, on: date) -> None:
    story.about(
        ONE,
        "quality.complaint_closed",
        on,
        buyer_id=ONE,
        supplier_id=supplier,
        complaint_no=number,
        closed_at=f"{on}T10:00:00+07:00",
    )


def _of_moves(story: Groups) -> None:
    """Add two suppliers whose grade moves after the month end.

    One has a line stop in November. The other has a complaint that is overdue at the month end and
    closed in November.
    """
    story.who(FELL, CLUSTER)
    story.steady(ONE, FELL)
    story.complaint(ONE, FELL, "KF", date(2026, 11, 5), severity="line_stop", order_no="S1")
    _close(story, FELL, "KF", date(2026, 11, 6))
    story.who(ROSE, CLUSTER)
    for n in range(12):
        due = date(2026, 7 + n % 3, 10)
        story.place(ONE, ROSE, f"P{n}", due, "BRK-<1>")
        story.about(
            ROSE,
            "order.confirmed",
            due - timedelta(days=60),
            buyer_id=ONE,
            supplier_id=ROSE,
            order_no=f"P{n}",
            lines=[{"line_no": "10", "status": "accepted"}],
        )
        story.deliver(ONE, ROSE, f"P{n}", due)
    story.complaint(ONE, ROSE, "KR", date(2026, 10, 25), order_no="P0")
    _close(story, ROSE, "KR", date(2026, 11, 10))
    for supplier in (FELL, ROSE):
        story.about(
            PROGRAMME,
            "partner.assessed",
            date(2026, 7, 4),
            supplier_id=supplier,
            assessor="Dinas <i>Koperasi</i>",
            assessed_on="2026-07-04",
            pillars={"produksi": 40, "pemasaran": 40, "keuangan": 40},
        )


def _of_coaching(story: Groups) -> None:
    """Add a supplier coached in July, late before and on time after, and one always on time."""
    for supplier in (COACHED, UNCOACHED):
        story.who(supplier, "gr-bina")
        for n in range(12):
            for month in (6, 8):
                due = date(2026, month, 5 + n)
                story.place(ONE, supplier, f"B{month}-{n}", due)
                late = 3 if supplier == COACHED and month == 6 else 0
                story.deliver(ONE, supplier, f"B{month}-{n}", due, late)
    for supplier in (COACHED, SUPPLIERS[0]):
        story.about(
            PROGRAMME,
            "partner.coached",
            date(2026, 7, 15),
            supplier_id=supplier,
            coach="Ibu Sari",
            held_on="2026-07-15",
            topic="production",
        )


@dataclass
class Browser:
    """A browser that keeps its session cookie."""

    app: FastAPI
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form."""
        return self._ask("POST", path, data=fields)

    def post_at_once(self, path: str, times: int, **fields: str) -> list[httpx.Response]:
        """Send the same form `times` times concurrently."""

        async def ask() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", cookies=self.cookies
            ) as client:
                return await asyncio.gather(*(client.post(path, data=fields) for _ in range(times)))

        return asyncio.run(ask())

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", cookies=self.cookies
            ) as client:
                response = await client.request(method, path, **more)
                self.cookies = client.cookies
                # Tests choose the language by the address alone, so it must not be remembered.
                if "rantai_language" in self.cookies:
                    self.cookies.delete("rantai_language")
                return response

        return asyncio.run(ask())


@dataclass
class Site:
    """The pages over the story, and the links that open them."""

    app: FastAPI
    reader: ScorecardReader
    links: Links

    def sign_in(self, role: Role, partner: str, rights: Rights = Rights.ACT) -> Browser:
        """Return a browser in which a link of the partner was opened."""
        browser = Browser(self.app)
        opened = browser.get(f"/s/{self.links.create(LinkHolder(role, partner, rights))}?{ASKED}")
        assert opened.status_code == 200, opened.text
        return browser


def open_site(clickhouse: ClickHouse, secret: Path) -> Site:
    """Write the whole story into a store and serve the pages over it."""
    story = Groups()
    tell(story)
    Ledger(clickhouse).append(story.records, uuid.uuid4())
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    links, keys = Links(secret), KeyStore(secret.with_name("keys.json"))
    site = Pages(
        reader=reader,
        evaluations=EvaluationStore(clickhouse),
        keys=keys,
        links=links,
        sessions=Sessions(keys, links),
        forms=Forms(links.secret),
        submit=_refuse,
        base_url="http://test",
    )
    app = FastAPI()
    install(app)
    for router in site_routes.routes(site):
        app.include_router(router)
    return Site(app, reader, links)


async def _refuse(*_: Any) -> Any:
    raise AssertionError("an event was sent: no test with this story sends forms that send events")


def table(response: httpx.Response) -> list[dict[str, str]]:
    """Return the rows of a downloaded CSV file."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    text = io.StringIO(response.content.decode("utf-8-sig"), newline="")
    delimiter = ";" if response.headers["content-language"] == "id" else ","
    return list(csv.DictReader(text, delimiter=delimiter))


def rows(page: str) -> list[str]:
    """Return the text of the first cell of each row of a page's tables, in page order."""
    return re.findall(r'<tr>\s*<th scope="row">(?:<a [^>]*>)?([^<]*)', page)
