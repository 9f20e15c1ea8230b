"""A buyer's pages show the figures of the JSON API for its own orders only, sorted and in parts."""

import html
import json
import re
from decimal import Decimal

import httpx
import pytest

from schemas.catalogue import Role
from services.access.links import Rights
from services.assessment.buyer_standings import BuyerStandings
from services.assessment.figure_store import Selection
from services.store.client import ClickHouse
from services.text.line_words import TITLES
from tests.integration.groups_story import (
    ASKED,
    COACHED,
    FELL,
    ITEM,
    ONE,
    OTHER,
    PRICE,
    PROGRAMME,
    RARE,
    ROSE,
    SUPPLIERS,
    TODAY,
    UNCOACHED,
    Browser,
    Site,
    open_site,
    rows,
    table,
)
from tests.integration.pages_story import Tags, text

OWN = {*SUPPLIERS, FELL, ROSE, COACHED, UNCOACHED}
ITEM_PATH = "/buyer/items/IT%2F1%20%232"
PAGES = (
    f"/buyer?{ASKED}",
    f"/buyer?{ASKED}&page=2",
    f"/buyer/overdue?{ASKED}",
    f"/buyer/due?{ASKED}",
    f"/buyer/complaints?{ASKED}",
    f"/buyer/items?{ASKED}",
    f"{ITEM_PATH}?{ASKED}",
)


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return open_site(own_clickhouse, tmp_path_factory.mktemp("links") / "secret")


@pytest.fixture(scope="module")
def buyer(site: Site) -> Browser:
    return site.sign_in(Role.BUYER, ONE)


def card(site: Site, supplier: str) -> dict[str, dict[str, object]]:
    asked = Selection(TODAY, 180, [supplier], [ONE])
    found: dict[str, dict[str, object]] = json.loads(
        site.reader.scorecard(supplier, asked), parse_float=Decimal
    )
    return found


def test_every_figure_is_what_the_interface_says(site: Site, buyer: Browser) -> None:
    found = table(buyer.get(f"/buyer?{ASKED}&table=suppliers&format=csv&lang=en"))
    assert {row["Supplier's id"] for row in found} == OWN
    for row in found:
        shown = card(site, row["Supplier's id"])
        kpis, score = shown["kpis"], shown["score"]
        for key, title in TITLES.items():
            figure = kpis[key]
            assert isinstance(figure, dict)
            for part in ("numerator", "denominator"):
                assert Decimal(row[f"{title}: {part}"]) == figure[part], (row, key)
        assert row["Lines overdue"] == str(kpis["overdue_lines"]["value"])  # type: ignore[index]
        assert row["Open complaints"] == str(kpis["open_complaints"]["value"])  # type: ignore[index]
        assert float(row["Score"]) == pytest.approx(float(score["value"]), abs=1e-9)  # type: ignore[arg-type]
        assert (row["Provisional"] == "yes") == score["provisional"]


def test_the_page_says_them_in_words_with_both_numbers(buyer: Browser) -> None:
    shown = text(buyer.get(f"/buyer?{ASKED}&sort=name"))
    assert "Pemasok PT Satu & Rekan" in shown
    assert "Hanya dari pesanan Anda sendiri." in shown
    assert "CV S01 <Jaya> GR-S01 · gr-tegal Skor: " in shown
    assert "3 dari 4 baris tepat waktu dan lengkap (75 %)" in shown
    assert "30 baris pesanan lewat jatuh tempo" in shown
    assert "2 keluhan belum selesai" in shown
    assert "2 sanggahan perlu dijawab sekarang" in shown
    assert "Pemasok: 34" in shown


def test_disputes_are_as_many_as_the_list_has(buyer: Browser) -> None:
    # One of the disputes is later than `as_of`: both pages count the disputes of the present.
    home, listed = text(buyer.get(f"/buyer?{ASKED}")), text(buyer.get("/buyer/disputes"))
    assert "2 sanggahan perlu dijawab sekarang" in home
    assert "Keadaan saat ini. 2 sanggahan" in listed
    assert "A3-9" not in listed


def test_together_is_sums_over_sums(site: Site, buyer: Browser) -> None:
    facts = site.reader.facts(Selection(TODAY, 180, [], [ONE]))
    otif = facts.figures(OWN)["otif"]
    assert f"{int(otif.numerator)} dari {int(otif.denominator)} baris tepat waktu" in text(
        buyer.get(f"/buyer?{ASKED}")
    )


@pytest.mark.parametrize("path", PAGES)
def test_nothing_of_another_buyer_and_no_price(buyer: Browser, path: str) -> None:
    for answer in (buyer.get(path), buyer.get(f"{path}&buyer_id={OTHER}")):
        assert answer.status_code == 200
        assert "RAHASIA" not in answer.text.upper()
        assert OTHER not in answer.text.replace(f"buyer_id={OTHER}", "")
        assert "GR-S99" not in answer.text
        assert PRICE not in re.sub(r"[.,]", "", answer.text)


def test_another_buyer_in_the_address_changes_nothing(buyer: Browser) -> None:
    for path in PAGES:
        if "format" not in path:
            plain, asked = buyer.get(path), buyer.get(f"{path}&buyer_id={OTHER}")
            assert _main(plain) == _main(asked)


def _main(response: httpx.Response) -> str:
    page = response.text[response.text.index("<main") : response.text.index("</main>")]
    return page.replace(f"&amp;buyer_id={OTHER}", "")


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("name", None),
        ("score", "Score"),
        ("otif", "On time and in full"),
        ("mean_days_late", "Lateness"),
        ("ppm", "Goods rejected"),
        ("overdue", "Lines overdue"),
        ("complaints", "Open complaints"),
    ],
)
def test_sorted_either_way_and_said_so(buyer: Browser, key: str, column: str | None) -> None:
    for order, word in (("asc", "ascending"), ("desc", "descending")):
        asked = f"{ASKED}&sort={key}&order={order}&lang=en"
        found = table(buyer.get(f"/buyer?{asked}&table=suppliers&format=csv"))
        values: list[object] = (
            [row["Name"].casefold() for row in found]
            if column is None
            else [Decimal(row[column]) for row in found if row[column]]
        )
        assert values == sorted(values, reverse=order == "desc")  # type: ignore[type-var]
        assert len(set(values)) > 1
        page = buyer.get(f"/buyer?{asked}")
        assert page.text.count("aria-sort=") == 1
        heading = re.search(rf'aria-sort="{word}"><a href="([^"]*)"', page.text)
        assert heading is not None
        # The link in the heading reverses the order.
        other = "desc" if order == "asc" else "asc"
        assert f"sort={key}&order={other}" in html.unescape(heading[1])
        shown = [html.unescape(name) for name in rows(page.text)]
        assert shown == [row["Name"] for row in found[: len(shown)]]


def test_parts_hold_everyone_once(buyer: Browser) -> None:
    found: list[str] = []
    for page in (1, 2):
        response = buyer.get(f"/buyer?{ASKED}&sort=name&page={page}")
        assert f"Bagian {page} dari 2" in text(response)
        found += rows(response.text)
    assert len(found) == len(set(found)) == len(OWN)
    assert rows(buyer.get(f"/buyer?{ASKED}&sort=name&page=9").text) == found[25:]
    following = buyer.get(f"/buyer?{ASKED}&sort=name&order=desc&page=2").text
    assert "sort=name&amp;order=desc" in following


def test_an_unknown_order_is_answered_kindly(buyer: Browser) -> None:
    for query in ("sort=price", "sort=name&order=up", "format=exe", "table=x&format=csv"):
        response = buyer.get(f"/buyer?{query}")
        assert response.status_code == 400
        assert "Kembali ke halaman saya" in response.text


def test_lines_overdue_are_those_of_the_interface(site: Site, buyer: Browser) -> None:
    expected = {
        (supplier, line["order_no"], line["line_no"])
        for supplier in OWN
        for line in site.reader.lines(
            supplier, Selection(TODAY, 180, [supplier], [ONE]), "overdue", 100, 0
        )["lines"]
    }
    found = table(buyer.get(f"/buyer/overdue?{ASKED}&table=overdue&format=csv&lang=en"))
    assert {(row["Supplier's id"], row["Order"], row["Line"]) for row in found} == expected
    assert len(expected) == 30
    first, second = (buyer.get(f"/buyer/overdue?{ASKED}&page={n}") for n in (1, 2))
    assert "Baris lewat jatuh tempo: 30" in text(first)
    assert "jatuh tempo 15 Nov 2026, lewat 7 hari kurang 100 dari 100 buah" in text(first)
    assert len(rows(first.text)) + len(rows(second.text)) == 30
    assert rows(buyer.get(f"/buyer/overdue?{ASKED}&page=7").text) == rows(second.text)


def test_lines_due_next_the_nearest_first(site: Site, buyer: Browser) -> None:
    shown = text(buyer.get(f"/buyer/due?{ASKED}"))
    order = ["NX2 baris 10", "BACK baris 10", "NX1 baris 10", "NX0 baris 10"]
    assert [shown.index(one) for one in order] == sorted(shown.index(one) for one in order)
    assert "Segera jatuh tempo: 4" in shown
    assert "BACK baris 10 CV S04 <Jaya> IT-LANGKA jatuh tempo 25 Nov 2026, 3 hari lagi" in shown
    assert "kurang 50 dari 100 buah" in shown
    assert "FAR" not in shown
    # The open lines of the JSON API that fall due within the days that the page lists.
    expected = {
        (supplier, line["order_no"])
        for supplier in OWN
        for line in site.reader.lines(
            supplier, Selection(TODAY, 180, [supplier], [ONE]), "open", 100, 0
        )["lines"]
        if "2026-11-22" <= line["due_date"] < "2026-12-06"
    }
    found = table(buyer.get(f"/buyer/due?{ASKED}&table=due&format=csv&lang=en"))
    assert {(row["Supplier's id"], row["Order"]) for row in found} == expected
    assert "Belum lengkap" not in text(buyer.get("/buyer/due?as_of=2025-01-01"))


def test_complaints_and_the_steps_due(buyer: Browser) -> None:
    shown = text(buyer.get(f"/buyer/complaints?{ASKED}"))
    assert "dalam 2 hari dan memperbaiki penyebabnya dalam 14 hari; dalam 60 hari" in shown
    assert "1 langkah sudah lewat waktu." in shown
    assert shown.index("K1 A1-10 baris 10 · 3") < shown.index("K2")
    assert "perbaikan sebabnya: paling lambat 15 Nov 2026, lewat 7 hari" in shown
    assert "pengamanan barang: paling lambat 23 Nov 2026, 1 hari lagi" in shown
    assert "K3" not in shown
    assert "K3" in text(buyer.get("/buyer/complaints?as_of=2026-10-02"))
    found = table(buyer.get(f"/buyer/complaints?{ASKED}&table=complaints&format=csv&lang=en"))
    assert [row["Complaint"] for row in found] == ["K1", "K1", "KX", "KX", "KX", "K2", "K2", "K2"]
    # A complaint that names no order is shown, but counted neither here nor on the first page.
    note = "tidak dihitung dalam angka mana pun: tidak menyebut pesanan yang dikenal di sini"
    assert f"KX {note}" in shown
    assert "1 di antaranya tidak dihitung dalam angka mana pun." in shown
    assert "2 keluhan belum selesai" in text(buyer.get(f"/buyer?{ASKED}"))
    assert {row["Due"] for row in found if row["Complaint"] == "K1"} == {"2026-11-15", "2026-12-31"}


def test_items_and_their_suppliers_side_by_side(site: Site, buyer: Browser) -> None:
    listed = buyer.get(f"/buyer/items?{ASKED}")
    assert rows(listed.text) == [html.escape(ITEM), RARE, "BRK-&lt;1&gt;"]
    (address,) = re.findall(r'<th scope="row"><a href="([^"]*)">IT/1', listed.text)
    assert html.unescape(address).startswith(ITEM_PATH)
    assert rows(buyer.get(f"/buyer/items?{ASKED}&q=langka").text) == [RARE]
    assert "Tidak ada barang" in text(buyer.get(f"/buyer/items?{ASKED}&q=%25"))
    shown = text(buyer.get(html.unescape(address)))
    assert f"Pemasok {ITEM}" in shown
    assert "Pemasok: 32" in shown


def test_an_items_figures_are_those_of_its_lines(site: Site, buyer: Browser) -> None:
    path = f"{ITEM_PATH}?{ASKED}&table=suppliers&format=csv&lang=en"
    found = {row["Supplier's id"]: row for row in table(buyer.get(path))}
    assert set(found) == {*SUPPLIERS, COACHED, UNCOACHED}
    for supplier, row in found.items():
        lines = site.reader.lines(supplier, Selection(TODAY, 180, [supplier], [ONE]), "any", 99, 0)
        own = [one for one in lines["lines"] if one["item_no"] == ITEM]
        judged = [one for one in own if one["judged"]]
        assert row["On time and in full: denominator"] == str(len(judged))
        on_time = sum(one["on_time_in_full"] for one in judged)
        assert row["On time and in full: numerator"] == str(on_time)
        rejected = sum(one["quantity_rejected"] for one in own)
        complained = 3 if supplier == SUPPLIERS[0] else 0
        assert Decimal(row["Goods rejected: numerator"]) == rejected + complained
        assert row["Lines overdue"] == str(sum("overdue" in one["status"] for one in own))
    rare = table(buyer.get(f"/buyer/items/{RARE}?{ASKED}&table=suppliers&format=csv&lang=en"))
    assert {row["Supplier's id"]: row["Quantity awaited"] for row in rare} == {
        SUPPLIERS[0]: "200",
        SUPPLIERS[1]: "100",
        SUPPLIERS[2]: "100",
        SUPPLIERS[3]: "0",
    }
    assert "Dalam jangka waktu ini tidak ada" in text(buyer.get(f"/buyer/items/NONE?{ASKED}"))


def test_what_changed_is_worked_out_anew_and_nothing_else(site: Site) -> None:
    buying = BuyerStandings(site.reader)
    before = buying.standings(ONE, TODAY, 180)
    asked: list[Selection] = []
    sums, marks = site.reader.store.sums, site.reader.store.marks

    def noted(selection: Selection) -> object:
        asked.append(selection)
        return sums(selection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.reader.store, "sums", noted)
        assert buying.standings(ONE, TODAY, 180) == before
        assert asked == []
        patch.setattr(
            site.reader.store, "marks", lambda selection: marks(selection) | {SUPPLIERS[0]: 1}
        )
        assert buying.standings(ONE, TODAY, 180) == before
    assert [list(one.suppliers) for one in asked] == [[SUPPLIERS[0]]]


def test_only_a_buyer_comes_here(site: Site) -> None:
    for role, partner in ((Role.SUPPLIER, SUPPLIERS[0]), (Role.PROGRAMME, PROGRAMME)):
        browser = site.sign_in(role, partner)
        for path in PAGES:
            assert browser.get(path).status_code == 403
    nobody = Browser(site.app)
    assert nobody.get("/buyer").status_code == 401


def test_a_reading_buyer_is_offered_no_links(site: Site, buyer: Browser) -> None:
    reading = site.sign_in(Role.BUYER, ONE, Rights.READ)
    assert 'href="/links"' in buyer.get(f"/buyer?{ASKED}").text
    assert 'href="/links"' not in reading.get(f"/buyer?{ASKED}").text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["id", "en"])
def test_every_page_is_whole(buyer: Browser, path: str, language: str) -> None:
    whole(buyer.get(f"{path}&lang={language}"), language)


def whole(response: httpx.Response, language: str) -> None:
    assert response.status_code == 200
    assert f'<html lang="{language}">' in response.text
    tags = Tags()
    tags.feed(response.text)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert not [one for one in tags.attributes if one[1] == "style" or one[1].startswith("on")]
    assert response.text.count("<table") == response.text.count("<caption")
    for _, attribute, value in tags.attributes:
        if attribute in ("aria-labelledby", "aria-describedby", "for"):
            assert set(value.split()) <= set(tags.ids)
    assert "<script" not in response.text
    assert "<Jaya>" not in response.text


def test_of_whom_nothing_is_known_nothing_is_said(site: Site) -> None:
    one = BuyerStandings(site.reader).nothing(TODAY)
    assert (one.score, one.provisional, one.overdue_lines) == (None, True, 0)
