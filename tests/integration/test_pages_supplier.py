"""A supplier's pages: cases behind a figure, story of a line, deliveries, certificates."""

import gzip
import html
import json
import re
import uuid
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import httpx
import pytest

from schemas.catalogue import Role
from services.assessment.figure_store import Selection
from services.store.client import ClickHouse
from services.store.ledger import Ledger
from services.text.figure_words import TITLES
from services.text.language import LANGUAGES
from tests.integration.pages_story import (
    BULK,
    BUYER,
    NASTY,
    STEADY,
    STEADYS_BUYER,
    SUPPLIER,
    Site,
    Story,
    Tags,
    open_site,
    text,
)

TODAY = date(2026, 11, 22)
ID = LANGUAGES["id"]
B, OTHERS, S, BACK = "SP-BESAR", "SP-LAIN", "SP-IKM", "SP-IKM-RETUR"
ABOUT = {"buyer_id": B, "supplier_id": S}
OF_LINE = {"order_no": "P1", "line_no": "10"}
DAY = "as_of=2026-11-22"


def at(day: str, hour: int = 9) -> str:
    return f"2026-{day}T{hour:02}:00:00+07:00"


def asked(quantity: int, wanted: str = "10-10") -> list[dict[str, Any]]:
    return [
        {
            "line_no": "10",
            "item_no": "BRK",
            "quantity": quantity,
            "uom": "PCS",
            "requested_date": f"2026-{wanted}",
        }
    ]


def goods(quantity: int) -> list[dict[str, Any]]:
    return [{**OF_LINE, "quantity": quantity}]


def tell_a_line(story: Story) -> None:
    """Add an order line with every kind of event, many of them too late to change the outcome."""
    lines, order = [{"line_no": "10"}], {**ABOUT, "order_no": "P1"}
    story.tell(B, "order.placed", at("09-01"), **order, lines=asked(100))
    yes = [{**lines[0], "status": "accepted", "confirmed_date": "2026-10-10"}]
    story.tell(S, "order.confirmed", at("09-02"), **order, lines=yes)
    other = [{**lines[0], "status": "changed", "confirmed_date": "2026-10-20"}]
    story.tell(S, "order.confirmed", at("09-05"), **order, lines=other)
    story.tell(B, "order.changed", at("10-09"), **order, revision=1, lines=asked(150))
    sent = {**ABOUT, "despatch_no": "SJ1", "lines": goods(60)}
    story.tell(S, "delivery.despatched", at("10-09", 8), **sent, vehicle="AD 1 XY")
    first = {**ABOUT, "receipt_no": "R1", "received_at": at("10-10"), "despatch_no": "SJ1"}
    story.tell(B, "delivery.received", at("10-10"), **first, lines=goods(60))
    story.tell(B, "delivery.received", at("10-11"), **first, lines=goods(50))
    second = {**ABOUT, "receipt_no": "R2", "received_at": at("10-12")}
    story.tell(B, "delivery.received", at("10-12"), **second, lines=goods(60))
    story.tell(B, "delivery.reversed", at("10-13"), **ABOUT, receipt_no="R2", lines=goods(10))
    story.tell(
        B, "quality.inspected", at("10-14"), **ABOUT, **OF_LINE, inspection_no="QI1",
        inspected_at=at("10-14"), quantity_inspected=50, quantity_rejected=7,
        disposition="rejected", defects=[{"code": "crack", "quantity": 7}],
    )  # fmt: skip
    story.tell(
        B, "delivery.returned", at("10-15"), **ABOUT, return_no="RT1", returned_at=at("10-15"),
        lines=goods(5), reason="crack",
    )  # fmt: skip
    story.tell(
        B, "quality.complaint_opened", at("10-16"), **ABOUT, **OF_LINE, complaint_no="K1",
        opened_at=at("10-16"), severity="major", quantity=2,
    )  # fmt: skip
    answered = {"step": "containment", "answered_at": at("10-17")}
    story.tell(S, "quality.complaint_answered", at("10-17"), **ABOUT, complaint_no="K1", **answered)
    closed = {"complaint_no": "K1", "closed_at": at("10-18")}
    story.tell(B, "quality.complaint_closed", at("10-18"), **ABOUT, **closed)
    story.tell(B, "order.changed", at("10-20"), **order, revision=2, lines=asked(90, "10-30"))
    story.tell(S, "line.disputed", at("10-21"), **ABOUT, **OF_LINE, reason="Timbangan <b>salah</b>")
    story.tell(B, "line.dispute_answered", at("10-22"), **ABOUT, **OF_LINE, answer="upheld")
    story.tell(B, "order.cancelled", at("10-25"), **order, by="buyer", reason="batal")


def tell(story: Story) -> None:
    story.register(B, "buyer", "PT Besar")
    story.register(S, "supplier", "CV <i>Cerita</i>")
    tell_a_line(story)
    story.order(B, S, "SOON", date(2026, 11, 25))
    story.order(B, S, "LATER", date(2026, 12, 5), lines=3)
    story.order(B, S, "LATE", date(2026, 11, 2))
    story.receive(B, S, "NOWHERE", date(2026, 11, 3), 30)
    story.order(OTHERS, S, "SECRET", date(2026, 11, 26))
    story.receive(OTHERS, S, "SECRET", date(2026, 11, 20), 100)
    story.order(B, BACK, "RETUR-1", date(2026, 11, 5))
    story.receive(B, BACK, "RETUR-1", date(2026, 11, 5), 100)
    story.tell(
        B, "delivery.returned", at("11-06"), buyer_id=B, supplier_id=BACK, return_no="RT-B",
        returned_at=at("11-06"), lines=[{"order_no": "RETUR-1", "line_no": "10", "quantity": 50}],
    )  # fmt: skip
    about: dict[str, Any] = {"supplier_id": S}
    for name, until in [("ISO9001", "2026-12-15"), ("NIB", None), ("SNI", "2026-11-21")]:
        story.tell(
            "PG-YDBA", "partner.certified", at("07-01"), **about, certificate=name,
            number=f"N-{name}", valid_from="2021-07-01", valid_to=until,
        )  # fmt: skip
    story.tell(
        "PG-YDBA", "partner.capacity_declared", at("07-01"), **about, process="stamping",
        valid_from="2026-07-01", quantity_per_month=1000, uom="PCS", items=["BRK-<1>"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    story = Story()
    tell(story)
    Ledger(own_clickhouse).append(story.records, uuid.uuid4())
    return open_site(own_clickhouse, tmp_path_factory.mktemp("links") / "secret", TODAY)


def visit(site: Site, path: str, role: Role = Role.SUPPLIER, partner: str = S) -> httpx.Response:
    """Open a page as a visitor who opened a link of the partner."""
    opened = site.get(f"/s/{site.token(role, partner)}?{DAY}")
    return site.get(path, site.cookie(opened))


def line_path(buyer: str = B, order: str = "P1", line: str = "10", supplier: str = S) -> str:
    return f"/suppliers/{supplier}/line?buyer={buyer}&order={order}&line={line}&{DAY}"


def entries(response: httpx.Response) -> list[str]:
    """Return the text of each event in the story of a line."""
    found = re.findall(r'<li class="(?:counts|silent|plain)">(.*?)</li>', response.text, re.DOTALL)
    plain = (re.sub(r"<[^>]*>", " ", one) for one in found)
    return [" ".join(html.unescape(one).split()) for one in plain]


STORY = [
    "1 Sep 2026 pukul 09.00 WIB Dipesan 100 buah, diminta untuk 10 Okt 2026 "
    "Dihitung: menetapkan jatuh tempo: 10 Okt 2026 PT Besar (pembeli)",
    "Pesanan dijawab disanggupi sesuai permintaan; untuk 10 Okt 2026 "
    "Dihitung: menetapkan jatuh tempo: 10 Okt 2026 CV <i>Cerita</i> (pemasok)",
    "Tidak dihitung: hanya jawaban pertama yang dihitung",
    "Dikirim, surat jalan SJ1 60 buah; AD 1 XY CV <i>Cerita</i> (pemasok)",
    "Pesanan diubah 150 buah, diminta untuk 10 Okt 2026 "
    "Dihitung: mendadak: jumlah yang lebih besar tidak dihitung",
    "Diterima, penerimaan barang R1 60 buah; surat jalan SJ1 "
    "Tidak dihitung: diganti oleh versi 11 Okt 2026 pukul 09.00 WIB",
    "Diterima, penerimaan barang R1 50 buah; surat jalan SJ1 Dihitung: tepat waktu",
    "Diterima, penerimaan barang R2 60 buah Dihitung: terlambat 2 hari",
    "Penerimaan barang R2 dikoreksi 10 buah dibatalkan dari penerimaan",
    "Diperiksa, pemeriksaan QI1 lot ditolak; 7 dari 50 buah ditolak; crack",
    "Dikembalikan, retur RT1 5 buah; crack",
    "Keluhan K1 besar; 2 buah",
    "Keluhan K1 dijawab pengamanan barang CV <i>Cerita</i> (pemasok)",
    "Keluhan K1 ditutup PT Besar (pembeli)",
    "Tidak dihitung: datang setelah jatuh tempo: dicatat, tetapi tidak mengubah penilaian",
    "Baris disanggah pemasok Timbangan <b>salah</b> tidak mengubah angka dengan sendirinya",
    "Sanggahan dijawab pembeli pembeli tetap pada datanya",
    "Dibatalkan oleh pembeli; batal Tidak dihitung: datang setelah jatuh tempo",
]


def test_a_story_tells_who_said_what_and_what_of_it_judges(site: Site) -> None:
    found = entries(visit(site, line_path()))
    assert len(found) == len(STORY)
    for said, expected in zip(found, STORY, strict=True):
        assert expected in said


def test_a_story_says_how_the_line_stands_and_who_set_its_date(site: Site) -> None:
    shown = text(visit(site, line_path()))
    assert "Jatuh tempo 10 Okt 2026, terlambat 2 hari" in shown
    setter = "ditetapkan oleh: Pesanan dijawab, CV <i>Cerita</i> (pemasok), 2 Sep 2026"
    assert setter in shown
    assert "diterima 100 dari 100 buah, dikembalikan 5" in shown
    assert "ditolak 7 dari 50 buah yang diperiksa" in shown
    assert "1 keluhan" in shown
    assert "sanggahan belum dijawab" not in shown


def test_a_story_says_where_each_event_came_from_and_when_it_came_in(site: Site) -> None:
    first = entries(visit(site, line_path()))[0]
    assert re.search(r"Masuk ke sini \d+ \w+ 2026 pukul", first)
    assert "Sumber /erp/SP-BESAR/test, catatan pages-2." in first


def test_a_story_agrees_with_what_the_figure_says_of_the_line(site: Site) -> None:
    reader, asked_for = site.reader, Selection(TODAY, 180, [S])
    (row,) = [
        one for one in reader.lines(S, asked_for, "any", 100, 0)["lines"] if one["order_no"] == "P1"
    ]
    assert (row["due_date"], row["ordered"], row["received"]) == ("2026-10-10", 100, 100)
    assert row["on_time_in_full"] is False
    shown = text(visit(site, f"/suppliers/{S}/figures/otif?{DAY}"))
    assert "P1 baris 10 ✗ tidak lengkap: 50 dari 100 buah sampai 10 Okt 2026 dihitung 0 dari 1" in (
        shown
    )


def test_a_receipt_without_an_order_has_a_story(site: Site) -> None:
    shown = text(visit(site, line_path(order="NOWHERE")))
    assert "Pesanan dengan nomor ini belum dikenal di sini" in shown
    assert "Tidak dihitung: baris pesanan dengan nomor ini belum dikenal" in shown


@pytest.mark.parametrize(
    ("path", "role", "partner"),
    [
        (line_path(order="NONE"), Role.SUPPLIER, S),
        (line_path(line="11"), Role.SUPPLIER, S),
        (line_path(buyer=OTHERS), Role.SUPPLIER, S),
        (f"/suppliers/{S}/line", Role.SUPPLIER, S),
        (line_path(buyer=OTHERS, order="SECRET"), Role.BUYER, B),
        (line_path(), Role.BUYER, OTHERS),
        (line_path(), Role.BUYER, BUYER),
        (f"/suppliers/{S}/figures/nonsense", Role.SUPPLIER, S),
    ],
)
def test_a_line_that_is_none_of_the_visitors_is_not_known(
    site: Site, path: str, role: Role, partner: str
) -> None:
    response = visit(site, path, role, partner)
    assert response.status_code == 404
    assert "Tidak ada apa-apa di alamat ini" in response.text
    # The order number may occur in the links to other languages, which repeat the page's address.
    assert "SECRET" not in re.sub(r'href="[^"]*"', "", response.text)


@pytest.mark.parametrize(
    "path", [line_path(), f"/suppliers/{S}/figures/otif", f"/suppliers/{S}/deliveries"]
)
def test_another_suppliers_pages_are_closed(site: Site, path: str) -> None:
    assert visit(site, path, partner=SUPPLIER).status_code == 403
    assert site.get(path).status_code == 401


def test_a_buyer_sees_its_own_orders_alone(site: Site) -> None:
    response = visit(site, f"/suppliers/{S}?{DAY}&buyer_id={OTHERS}", Role.BUYER, B)
    shown = text(response)
    assert "Hanya pesanan dari PT Besar." in shown
    for path in ("", "/deliveries", "/figures/otif", "/figures/overdue_lines"):
        page = visit(site, f"/suppliers/{S}{path}?{DAY}", Role.BUYER, B)
        assert page.status_code == 200
        assert OTHERS not in page.text
        assert "SECRET" not in page.text
    assert (
        visit(site, f"/suppliers/{S}/figures/buyer_concentration", Role.BUYER, B).status_code == 403
    )
    assert "Ketergantungan pada pembeli" not in shown


def test_month_ends_over_all_buyers_are_not_a_buyers_to_see(site: Site) -> None:
    path = f"/suppliers/{STEADY}?{DAY}"
    assert "Nilai dan skor setiap akhir bulan" in text(visit(site, path, partner=STEADY))
    buyers = text(visit(site, path, Role.BUYER, STEADYS_BUYER))
    assert "Nilai dan skor setiap akhir bulan" not in buyers
    assert "Skor" in buyers


@pytest.mark.parametrize("supplier", [S, STEADY, SUPPLIER, "PG-NOBODY"])
@pytest.mark.parametrize("kpi", TITLES)
def test_what_is_behind_a_figure_adds_up_to_it(site: Site, supplier: str, kpi: str) -> None:
    response = visit(site, f"/suppliers/{supplier}/figures/{kpi}?{DAY}", partner=supplier)
    shown = text(response)
    card = json.loads(site.reader.scorecard(supplier, Selection(TODAY, 180, [supplier])))
    figure = card["kpis"][kpi]
    assert ID.text(TITLES[kpi]) in shown
    if figure.get("denominator"):
        # Where the numerator is no part of the denominator, the text must not say "x of y".
        between, after = {
            "mean_days_late": (r" \(jumlah × hari terlambat\) dibagi ", " yang dipesan"),
            "ppm": (" ditolak, ", " diterima"),
        }.get(kpi, (" dari ", ""))
        sums = re.search(rf"Jumlah semuanya ([\d.,]+){between}([\d.,]+){after}\.", shown)
        assert sums is not None
        assert [_read(one) for one in sums.groups()] == [
            Decimal(str(figure["numerator"])),
            Decimal(str(figure["denominator"])),
        ]
    elif isinstance(figure["value"], int) and figure["value"]:
        assert f"Jumlah semuanya {figure['value']}." in shown


def _read(number: str) -> Decimal:
    return Decimal(number.replace(".", "").replace(",", "."))


def test_every_case_leads_to_its_line(site: Site) -> None:
    for kpi in ("otif", "lot_acceptance", "ppm", "despatch_notice_rate", "confirmation_in_time"):
        response = visit(site, f"/suppliers/{S}/figures/{kpi}?{DAY}")
        rows = re.findall(r'<th scope="row">(.*?)</th>', response.text)
        assert rows
        for row in rows:
            address = re.match(r'<a href="([^"]+)"', row)
            assert address is not None
            assert visit(site, html.unescape(address[1])).status_code == 200


def test_what_counts_against_comes_first_or_alone(site: Site) -> None:
    path = f"/suppliers/{SUPPLIER}/figures/otif?{DAY}"
    first = visit(site, path, partner=SUPPLIER)
    rows = re.findall(r"<tr( class=\"against\")?>\s*<th scope=\"row\"", first.text)
    assert [bool(one) for one in rows] == [True] * 4 + [False] * 6
    alone = visit(site, path + "&show=against", partner=SUPPLIER)
    assert len(re.findall(r"<tr class=\"against\">\s*<th", alone.text)) == 4
    assert len(re.findall(r"<tr>\s*<th scope=\"row\"", alone.text)) == 0
    dated = visit(site, path + "&show=date", partner=SUPPLIER).text
    assert dated.index("Nov 2026</td>") < dated.index("Sep 2026</td>")
    shown = text(first)
    assert f"{NASTY} baris 10 ✗ tidak lengkap: 0 dari 100 buah sampai 10 Okt 2026" in shown
    assert "A2 baris 10 ✗ terlalu awal: 100 datang 1 Nov 2026, sebelum 3 Nov 2026" in shown
    assert "10 kasus seluruhnya; 4 mengurangi nilai. Jumlah semuanya 6 dari 10." in shown


def test_a_long_list_comes_by_parts_of_twenty_five(site: Site) -> None:
    path = f"/suppliers/{BULK}/figures/lot_acceptance?{DAY}"
    seen: list[str] = []
    for part, size in ((1, 25), (2, 25), (3, 10), (99, 10)):
        response = visit(site, f"{path}&page={part}", partner=BULK)
        rows = re.findall(r'<th scope="row">(.*?)</th>', response.text)
        assert len(rows) == size
        assert f"bagian {min(part, 3)} dari 3" in text(response)
        seen += rows if part <= 3 else []
    assert len(set(seen)) == 60


def test_shares_of_buyers_are_no_amounts(site: Site) -> None:
    shown = text(visit(site, f"/suppliers/{S}/figures/buyer_concentration?{DAY}"))
    assert "Ketergantungan pada pembeli" in shown
    assert "belum ada data" in shown


def test_deliveries_by_week_stand_beside_the_capacity(site: Site) -> None:
    response = visit(site, f"/suppliers/{S}/deliveries?{DAY}")
    shown = text(response)
    # 1000 in a month of 30.4 days are 230 in a week.
    assert "stamping kira-kira 230 buah seminggu" in shown
    assert "Sisa yang lalu 1 100 buah 43,5 %" in shown
    assert "22 Nov sampai 28 Nov 1 100 buah 43,5 %" in shown
    assert "29 Nov sampai 5 Des 3 300 buah 130,4 %, terlalu banyak" in shown
    assert shown.count("stamping: jumlah yang jatuh tempo per minggu") == 2
    assert response.text.count('<rect class="over"') == 1


def test_the_calendar_shows_what_was_due_and_what_came(site: Site) -> None:
    shown = text(visit(site, f"/suppliers/{S}/deliveries?{DAY}&month=2026-10"))
    assert "Kalender Okt 2026" in shown
    assert "10 ○1 1 baris jatuh tempo ●1 1 diterima tepat waktu" in shown
    assert "12 ▲1 1 diterima terlambat" in shown
    assert "○ 1 baris jatuh tempo" in shown
    now = visit(site, f"/suppliers/{S}/deliveries?{DAY}")
    assert "Kalender Nov 2026" in text(now)
    assert now.text.count('class="today"') == 1
    assert "month=2026-10#calendar" in now.text


@pytest.mark.parametrize("month", ["2026-13", "okt", "2026-1", "1800-01", "9999-12"])
def test_a_month_that_cannot_be_read_is_answered_kindly(site: Site, month: str) -> None:
    response = visit(site, f"/suppliers/{S}/deliveries?month={month}")
    assert response.status_code == 400
    assert "Bulan ditulis tahun-bulan" in response.text


def test_the_page_tells_what_is_to_come_and_what_runs_out(site: Site) -> None:
    shown = text(visit(site, f"/suppliers/{S}?{DAY}"))
    ahead = "Lewat jatuh tempo 1 baris Dalam 7 hari 1 baris Dalam 4 minggu 4 baris"
    assert ahead in shown
    certificates = shown[shown.index("Sertifikat dan izin") :]
    found = [certificates.index(name) for name in ("SNI N-SNI", "ISO9001 N-ISO9001", "NIB N-NIB")]
    assert found == sorted(found)
    assert "SNI N-SNI: sudah habis masa berlakunya pada 21 Nov 2026" in certificates
    assert "ISO9001 N-ISO9001: habis pada 15 Des 2026, 23 hari lagi" in certificates
    assert "NIB N-NIB: berlaku tanpa batas waktu" in certificates


def test_every_figure_is_on_the_page_and_can_be_tapped(site: Site) -> None:
    response = visit(site, f"/suppliers/{S}?{DAY}")
    card = json.loads(site.reader.scorecard(S, Selection(TODAY, 180, [S])))
    assert set(TITLES) == set(card["kpis"])
    for kpi in TITLES:
        assert f'href="/suppliers/{S}/figures/{kpi}?as_of=2026-11-22"' in response.text
    shown = text(response)
    assert "0 dari 2 baris tepat waktu dan lengkap" in shown
    assert "Angka sebenarnya antara" in shown


def test_drawings_are_told_in_words(site: Site) -> None:
    response = visit(site, f"/suppliers/{STEADY}?{DAY}", partner=STEADY)
    drawings = re.findall(r"<svg.*?</svg>", response.text, re.DOTALL)
    assert len(drawings) == 3
    for one in drawings:
        assert 'role="img"' in one
        title, words = re.search(
            r"<title[^>]*>(.*?)</title>\s*<desc[^>]*>(.*?)</desc>", one, re.DOTALL
        ).groups()  # type: ignore[union-attr]
        assert title
        assert words
    assert "Sep 2026: 3 dari 4 (75 %)" in drawings[1]
    assert "Okt 2026: 82,8, B, baik" in drawings[0]


def test_the_small_drawing_ends_with_what_the_change_beside_it_changed_to(site: Site) -> None:
    response = visit(site, f"/suppliers/{STEADY}?{DAY}", partner=STEADY)
    shown, (drawing, *_) = text(response), re.findall(r"<svg.*?</svg>", response.text, re.DOTALL)
    score = re.search(r'id="score">([\d,]+)<', response.text)
    assert score is not None
    assert re.search(r"(naik|turun) [\d,]+ sejak akhir Okt 2026", shown)
    assert f"Okt 2026: 82,8, B, baik; 22 Nov 2026: {score[1]}</desc>" in drawing
    assert score[1] != "82,8"
    # Two month ends and the day of the page.
    points = re.search(r'<polyline\s+points="([^"]*)"', drawing)
    assert points is not None
    assert len(points[1].split()) == 3


def test_a_line_sent_back_is_overdue_on_every_page(site: Site) -> None:
    """Every page applies the figure's rule: goods returned after the due date make a line overdue.

    They are missing again, though the line was once received in full.
    """
    supplier = visit(site, f"/suppliers/{BACK}?{DAY}", partner=BACK)
    assert "Lewat jatuh tempo 1 baris" in text(supplier)
    card = json.loads(site.reader.scorecard(BACK, Selection(TODAY, 180, [BACK])))
    assert card["kpis"]["overdue_lines"]["value"] == 1
    for path, role, partner in (
        (f"/suppliers/{BACK}/figures/overdue_lines", Role.SUPPLIER, BACK),
        (f"/suppliers/{BACK}", Role.BUYER, B),
    ):
        assert "1 baris" in text(visit(site, f"{path}?{DAY}", role, partner))
    assert "RETUR-1 baris 10" in text(visit(site, f"/buyer/overdue?{DAY}", Role.BUYER, B))
    # The goods were made, so they are no load on the capacity, and this page shows nothing overdue.
    deliveries = text(visit(site, f"/suppliers/{BACK}/deliveries?{DAY}", partner=BACK))
    assert "Lewat jatuh tempo" not in deliveries


PAGES = {
    "story": line_path(),
    "figure": f"/suppliers/{S}/figures/mean_days_late?{DAY}",
    "deliveries": f"/suppliers/{S}/deliveries?{DAY}",
    "supplier": f"/suppliers/{S}?{DAY}",
    "full": f"/suppliers/{BULK}/figures/ppm?{DAY}",
    "steady": f"/suppliers/{STEADY}?{DAY}",
}


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole_and_light_in_both_languages(
    site: Site, name: str, language: str
) -> None:
    partner = PAGES[name].split("/")[2].split("?")[0]
    response = visit(site, f"{PAGES[name]}&lang={language}", partner=partner)
    assert response.status_code == 200
    assert f'<html lang="{language}">' in response.text
    assert len(gzip.compress(response.content, 6)) < 20_000
    assert not re.search(r"%\(\w+\)s|<script|<b>salah|<i>Cerita|style=", response.text)
    tags = Tags()
    tags.feed(response.text)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert response.text.count("<table") == response.text.count("<caption")
    levels = [int(one) for one in re.findall(r"<h([1-6])", response.text)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for _, attribute, value in tags.attributes:
        if attribute == "aria-labelledby":
            assert set(value.split()) <= set(tags.ids)
