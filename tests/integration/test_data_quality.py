"""Findings over HTTP and on pages: what each role sees, in parts, in both languages."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import Links
from services.access.sessions import Sessions
from services.assessment.data_quality import KINDS, DataQuality
from services.assessment.evaluations import EvaluationStore
from services.assessment.scorecard_reader import ScorecardReader
from services.http.service import install
from services.readiness.policy import DEFAULT_POLICY
from services.scorecards import quality_api, scorecard_api
from services.store.client import ClickHouse
from services.store.folding import ensure_folded
from services.web import site_routes
from services.web.form_tokens import Forms
from services.web.site import Site as Pages
from tests.integration.asking import problem
from tests.integration.groups_story import Site as Visited
from tests.integration.groups_story import table
from tests.reference.cases import Event, order, receive
from tests.support.documented import documented
from tests.support.storing import empty, store

PATH = "/v1/data-quality"
AS_OF = date(2026, 11, 1)
ASKED = f"?as_of={AS_OF}"
BUYER_PAGE, PROGRAMME_PAGE = "/buyer/data-quality", "/programme/data-quality"


@dataclass
class Site:
    """The JSON API and the pages. `keys`: API keys by partner. `visited`: the pages."""

    app: FastAPI
    keys: Mapping[str, str]
    visited: Visited

    def get(self, partner: str, **parameters: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            headers = {"authorization": f"Bearer {self.keys.get(partner, '')}"}
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                asked = {"as_of": AS_OF.isoformat(), **parameters}
                return documented(await client.get(PATH, params=asked, headers=headers))

        return asyncio.run(ask())

    def json(self, partner: str, **parameters: Any) -> dict[str, Any]:
        response = self.get(partner, **parameters)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Serve a store that holds faulty documents of two buyers."""
    empty(own_clickhouse)
    ensure_folded(own_clickhouse)
    store(own_clickhouse, told())
    folder: Path = tmp_path_factory.mktemp("keys")
    keys, links = KeyStore(folder / "keys.json"), Links(folder / "link.secret")
    reader = ScorecardReader(own_clickhouse, DEFAULT_POLICY)
    held = {
        "YDBA": keys.create(Role.PROGRAMME, "YDBA"),
        "B1": keys.create(Role.BUYER, "B1"),
        "B2": keys.create(Role.BUYER, "B2"),
        "S1": keys.create(Role.SUPPLIER, "S1"),
    }
    made = Pages(
        reader=reader,
        evaluations=EvaluationStore(own_clickhouse),
        keys=keys,
        links=links,
        sessions=Sessions(keys, links),
        forms=Forms(links.secret),
        submit=_refuse,
        base_url="http://test",
    )
    app = FastAPI()
    install(app)
    app.include_router(quality_api.routes(scorecard_api.Scorecards(keys, reader)))
    for router in site_routes.routes(made):
        app.include_router(router)
    return Site(app, held, Visited(app, reader, links))


async def _refuse(*_: Any) -> Any:
    raise AssertionError("an event was sent: these tests send no forms that send events")


def told() -> list[Event]:
    """Return events of two buyers.

    B1 has 30 orphan receipts and an overdue line with a price, B2 has 2 orphan receipts and an
    overdue line.
    """
    late = order("03-01", 10, "03-20")
    late["data"]["lines"][0] |= {"unit_price": "98765"}
    secret = order("03-01", 10, "03-20", buyer_id="B2", order_no="RAHASIA")
    other = [{"order_no": "RAHASIA-X", "line_no": "10", "quantity": 4}]
    return [
        late,
        secret,
        *(receive("03-19", 4, no=f"R{n:02}", lines=_of(f"NONE-{n:02}")) for n in range(30)),
        *(receive("03-19", 4, no=f"X{n}", buyer_id="B2", lines=other) for n in range(2)),
    ]


def _of(order_no: str) -> list[Event]:
    return [{"order_no": order_no, "line_no": "10", "quantity": 4}]


def test_a_buyer_sees_its_own_the_programme_all_and_a_supplier_nothing(site: Site) -> None:
    own, other, everything = site.json("B1"), site.json("B2"), site.json("YDBA")
    assert own["counts"] == dict.fromkeys(KINDS, 0) | {"orphan_receipt": 30, "overdue_long": 1}
    assert (own["buyer_id"], own["total"], len(own["findings"])) == ("B1", 31, 31)
    assert {one["buyer_id"] for one in own["findings"]} == {"B1"}
    assert "RAHASIA" not in json.dumps(own)
    assert (other["total"], everything["total"]) == (3, 34)
    assert everything["buyer_id"] is None
    assert {one["buyer_id"] for one in everything["findings"]} == {"B1", "B2"}
    assert "98765" not in json.dumps([own, everything])
    assert site.json("YDBA", buyer_id="B2")["findings"] == other["findings"]
    assert site.json("B1", supplier_id="S1")["total"] == 31
    assert site.json("B1", supplier_id="S2")["total"] == 0
    problem(site.get("B1", buyer_id="B2"), 403, "its own data only")
    problem(site.get("S1"), 403, "programme or buyer")
    problem(site.get("nobody"), 401, "valid key")


def test_a_finding_says_what_why_and_what_to_send(site: Site) -> None:
    (one,) = site.json("B1", kind="overdue_long")["findings"]
    assert one["document"] == {"type": "order", "order_no": "P", "line_no": "10"}
    assert one["since"] == "2026-03-21"
    assert one["figures"][0] == "overdue_lines"
    assert one["message"].startswith("10 of 10 missing since 20 Mar 2026, 226 days overdue.")
    assert "cancel the line" in one["remedy"]
    assert one["events"][0]["source"] == "/erp/B1/sap"


def test_findings_come_by_parts_of_one_kind_or_all(site: Site) -> None:
    for more in ({}, {"kind": "orphan_receipt"}):
        whole = site.json("B1", **more)
        found, offset = [], 0
        while offset is not None:
            part = site.json("B1", limit=12, offset=offset, **more)
            assert part["total"] == whole["total"]
            found += part["findings"]
            offset = part["next_offset"]
        assert found == whole["findings"]
    assert site.json("B1", kind="orphan_receipt")["counts"] == {"orphan_receipt": 30}
    assert site.json("B1", offset=99)["total"] == 31
    problem(site.get("B1", kind="nonsense"), 400, "kind")


@pytest.mark.parametrize(
    ("language", "title", "remedy"),
    [
        ("en", "Receipts without an order", "Send the order, or the receipt again"),
        ("id", "Penerimaan tanpa pesanan", "Kirim pesanannya, atau kirim ulang penerimaan"),
    ],
)
def test_the_page_tells_findings_by_kind(
    site: Site, language: str, title: str, remedy: str
) -> None:
    buyer = site.visited.sign_in(Role.BUYER, "B1")
    page = buyer.get(f"{BUYER_PAGE}{ASKED}&lang={language}")
    assert page.status_code == 200
    assert f"{title}: 30" in page.text
    assert remedy in page.text
    assert "RAHASIA" not in page.text
    assert "<script" not in page.text
    assert len(re.findall(r'<tr>\s*<th scope="row">', page.text)) == 5 + 1
    assert '<a href="/suppliers/S1/line?buyer=B1&amp;order=P&amp;line=10">' in page.text
    first = buyer.get(f"{BUYER_PAGE}{ASKED}&kind=orphan_receipt&lang={language}")
    second = buyer.get(f"{BUYER_PAGE}{ASKED}&kind=orphan_receipt&page=2&lang={language}")
    past = buyer.get(f"{BUYER_PAGE}{ASKED}&kind=orphan_receipt&page=9&lang={language}")
    shown = [len(re.findall(r"NONE-\d\d", one.text)) for one in (first, second, past)]
    assert shown[1] == shown[2] > 0
    assert shown[0] == 5 * shown[1]


def test_the_pages_are_of_their_roles_and_lead_there(site: Site) -> None:
    buyer = site.visited.sign_in(Role.BUYER, "B1")
    programme = site.visited.sign_in(Role.PROGRAMME, "YDBA")
    supplier = site.visited.sign_in(Role.SUPPLIER, "S1")
    assert f'href="{BUYER_PAGE}?' in buyer.get(f"/buyer{ASKED}").text
    assert f'href="{PROGRAMME_PAGE}"' in programme.get(f"/programme{ASKED}").text
    everything = programme.get(f"{PROGRAMME_PAGE}{ASKED}&lang=en").text
    assert "Receipts without an order: 32" in everything
    assert "RAHASIA" in programme.get(f"{PROGRAMME_PAGE}{ASKED}&buyer_id=B2&lang=en").text
    for browser, path in (
        (buyer, PROGRAMME_PAGE),
        (supplier, BUYER_PAGE),
        (supplier, PROGRAMME_PAGE),
        (programme, BUYER_PAGE),
    ):
        assert browser.get(f"{path}{ASKED}").status_code == 403
    assert buyer.get(f"{BUYER_PAGE}{ASKED}&kind=nonsense").status_code == 400


def test_a_kind_is_a_file_to_take_along(site: Site) -> None:
    buyer = site.visited.sign_in(Role.BUYER, "B1")
    asked = f"{BUYER_PAGE}{ASKED}&kind=orphan_receipt&lang=en&table=findings&format=csv"
    found = table(buyer.get(asked))
    assert len(found) == 30
    assert found[0]["Document"] == "Receipt R00, NONE-00 line 10"
    assert found[0]["Since"] == "2026-03-19"


def test_what_was_put_right_is_told_to_its_buyer(site: Site, own_clickhouse: ClickHouse) -> None:
    """Keep this test the last of the file: it puts right the findings that the others read."""
    quality = DataQuality(site.visited.reader.store)
    quality.note("orphan_receipt", AS_OF)
    named = order("03-01", 8, "03-20", buyer_id="B2", order_no="RAHASIA-X")
    store(own_clickhouse, [named])
    quality.note("orphan_receipt", AS_OF)
    right = site.json("B2")["put_right"]
    assert (right["since"], right["total"]) == ("2026-08-03", 2)
    assert {one["document"]["number"] for one in right["findings"]} == {"X0", "X1"}
    assert {one["put_right_on"] for one in right["findings"]} == {"2026-11-01"}
    assert site.json("B1")["put_right"]["total"] == 0
    assert site.json("YDBA", buyer_id="B2")["put_right"] == right
    assert site.json("B2", kind="overdue_long")["put_right"]["total"] == 0
    for language, title, day in (
        ("en", "Put right since 3 Aug 2026: 2", "1 Nov 2026"),
        ("id", "Diperbaiki sejak 3 Agu 2026: 2", "1 Nov 2026"),
    ):
        page = site.visited.sign_in(Role.BUYER, "B2").get(f"{BUYER_PAGE}{ASKED}&lang={language}")
        assert title in page.text
        assert len(re.findall(rf"<td>{day}</td>\s*</tr>", page.text)) == 2
    assert (
        "Diperbaiki sejak"
        not in site.visited.sign_in(Role.BUYER, "B1").get(f"{BUYER_PAGE}{ASKED}&lang=id").text
    )
