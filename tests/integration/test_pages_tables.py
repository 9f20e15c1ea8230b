"""Files of the pages' tables have every row, the API's figures, and no other partner's data."""

import asyncio
import json
import re
from datetime import date
from decimal import Decimal
from html import unescape

import httpx
import pytest

from schemas.catalogue import Role
from services.assessment.figure_store import Selection
from services.store.client import ClickHouse
from services.web.rendering import HEADERS
from tests.integration.groups_story import table
from tests.integration.pages_story import (
    BULK,
    BUYER,
    ENDS,
    NASTY,
    OTHER,
    SMALL,
    STEADY,
    SUPPLIER,
    Site,
    open_site,
)

TODAY = date(2026, 11, 22)
ASKED = f"as_of={TODAY}"


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return open_site(own_clickhouse, tmp_path_factory.mktemp("links") / "secret", TODAY)


def as_who(site: Site, role: Role, partner: str, *paths: str) -> list[httpx.Response]:
    """Open a link of a partner, then each path with the same browser; return their responses."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(site.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await client.get(f"/s/{site.token(role, partner)}?{ASKED}")
            return [await client.get(path) for path in paths]

    return asyncio.run(ask())


def test_a_list_has_every_line_that_the_interface_has(site: Site) -> None:
    path = f"/suppliers/{BULK}?{ASKED}&table=late&format=csv&lang=en"
    (response,) = as_who(site, Role.SUPPLIER, BULK, path)
    rows = table(response)
    told = site.reader.lines(BULK, Selection(TODAY, 180, [BULK]), "late", 1000, 0)["lines"]
    assert len(rows) == len(told) == 60
    for row, line in zip(rows, told, strict=True):
        assert (row["Order"], row["Line"]) == (line["order_no"], line["line_no"])
        assert Decimal(row["Ordered"]) == line["ordered"]
        assert row["Due"] == line["due_date"]
        assert row["On time and in full"] == "no"
    assert "Price" not in rows[0]


def test_the_figures_are_those_of_the_interface(site: Site) -> None:
    path = f"/suppliers/{SUPPLIER}?{ASKED}&window_days=90&table=figures&format=csv&lang=en"
    (response,) = as_who(site, Role.SUPPLIER, SUPPLIER, path)
    answer = site.reader.scorecard(SUPPLIER, Selection(TODAY, 90, [SUPPLIER]))
    card = json.loads(answer, parse_float=Decimal)
    rows = {row["Key"]: row for row in table(response)}
    assert list(rows) == list(card["kpis"])
    for key, figure in card["kpis"].items():
        value = rows[key]["Value"]
        assert (Decimal(value) if value else None) == figure["value"]
        if "numerator" in figure and key != "capacity_load":
            assert Decimal(rows[key]["Numerator"]) == figure["numerator"]
            assert Decimal(rows[key]["Denominator"]) == figure["denominator"]
        if figure.get("ci95"):
            assert Decimal(rows[key]["At least (95 %)"]) == figure["ci95"][0]


def test_month_ends_are_for_the_supplier_and_the_programme(site: Site) -> None:
    path = f"/suppliers/{STEADY}?{ASKED}&table=month-ends&format=csv&lang=en"
    for role, partner in ((Role.SUPPLIER, STEADY), (Role.PROGRAMME, "PG-YDBA")):
        (response,) = as_who(site, role, partner, path)
        rows = table(response)
        assert [row["As of the day"] for row in rows] == [day.isoformat() for day in ENDS]
    (refused,) = as_who(site, Role.BUYER, "PG-PERKAKAS", path)
    assert refused.status_code == 403


def test_a_buyer_takes_along_its_own_alone(site: Site) -> None:
    paths = [
        f"/suppliers/{SUPPLIER}?{ASKED}&table={key}&format=csv" for key in ("late", "any", "months")
    ]
    paths.append(f"/buyer?{ASKED}&table=suppliers&format=csv")
    for response in as_who(site, Role.BUYER, BUYER, *paths):
        assert table(response)
        assert "RAHASIA" not in response.text
        assert OTHER not in response.text
    late, suppliers = as_who(site, Role.BUYER, BUYER, paths[0], paths[-1])
    assert {row["ID pemasok"] for row in table(suppliers)} == {SUPPLIER, SMALL}
    told = site.reader.facts(Selection(TODAY, 180, [], [BUYER])).figures([SUPPLIER])["otif"]
    (row,) = (row for row in table(suppliers) if row["ID pemasok"] == SUPPLIER)
    assert Decimal(row["Ketepatan waktu dan jumlah: penyebut"]) == told.denominator == 9
    assert NASTY in {row["Pesanan"] for row in table(late)}
    (refused,) = as_who(site, Role.SUPPLIER, BULK, paths[0])
    assert refused.status_code == 403


def test_the_overviews_tables_add_up(site: Site) -> None:
    paths = [
        f"/programme?{ASKED}&table={key}&format=csv&lang=en" for key in ("suppliers", "clusters")
    ]
    suppliers, clusters = (table(one) for one in as_who(site, Role.PROGRAMME, "PG-YDBA", *paths))
    name = "On time and in full: denominator"
    total = sum(Decimal(row[name]) for row in suppliers)
    assert total == sum(Decimal(row[name]) for row in clusters) > 0
    assert sum(int(row["Suppliers"]) for row in clusters) == len(suppliers)


def test_every_file_that_a_page_offers_is_there(site: Site) -> None:
    for role, partner, page in (
        (Role.SUPPLIER, SUPPLIER, f"/suppliers/{SUPPLIER}?{ASKED}"),
        (Role.PROGRAMME, "PG-YDBA", f"/programme?{ASKED}"),
    ):
        (shown,) = as_who(site, role, partner, page)
        offered = [unescape(one) for one in re.findall(r'href="([^"]*format=\w+)"', shown.text)]
        assert len(offered) >= 4
        for address, response in zip(offered, as_who(site, role, partner, *offered), strict=True):
            assert response.status_code == 200, address
            suffix = address.rsplit("=", 1)[1]
            assert response.content.startswith(b"PK" if suffix == "xlsx" else b"\xef\xbb\xbf")
            wanted = re.fullmatch(
                rf'attachment; filename="rantai-PG-[\w-]+-{TODAY}\.{suffix}"',
                response.headers["content-disposition"],
            )
            assert wanted, response.headers["content-disposition"]
            assert response.headers["cache-control"] == HEADERS["Cache-Control"]


@pytest.mark.parametrize("query", ["table=late&format=exe", "table=nonsense&format=csv"])
def test_what_there_is_not_is_said(site: Site, query: str) -> None:
    (response,) = as_who(site, Role.SUPPLIER, SUPPLIER, f"/suppliers/{SUPPLIER}?{query}")
    assert response.status_code == 400
    assert "tidak" in response.text or "bukan" in response.text
