"""The pages behind a link show the right figures, refuse others, and are light enough for a phone.

The texts that are compared are those of the default language, Indonesian.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import httpx
import pytest

from schemas.catalogue import Role
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import Selection
from services.assessment.supplier_reader import SupplierReader
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse, ReadTooLarge, StoreUnavailable
from services.text import line_words
from services.text.language import LANGUAGES
from services.web.rendering import STYLE
from tests.integration.pages_story import (
    BULK,
    BUYER,
    ENDS,
    SMALL,
    STEADY,
    STEADYS_BUYER,
    STOPPED,
    SUPPLIER,
    Site,
    Tags,
    in_one_place,
    named,
    open_site,
    text,
)

TODAY = date(2026, 11, 22)
ID = LANGUAGES["id"]


@pytest.fixture(scope="module")
def site(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return open_site(clickhouse, tmp_path_factory.mktemp("links") / "secret", TODAY)


ALL = {STEADY: STEADYS_BUYER, STOPPED: STEADYS_BUYER, SUPPLIER: BUYER, SMALL: BUYER}


@pytest.mark.parametrize("supplier", ALL)
@pytest.mark.parametrize(
    ("day", "window", "one_buyer"),
    [(TODAY, 180, False), (ENDS[-1], 180, False), (TODAY, 30, False), (TODAY, 90, True)],
)
def test_how_it_stands_is_what_the_interface_says(
    site: Site, supplier: str, day: date, window: int, one_buyer: bool
) -> None:
    buyers = [ALL[supplier]] if one_buyer else []
    asked = f"as_of={day}&window_days={window}&buyer_id={''.join(buyers)}"
    response = site.supplier(supplier, asked)
    answer = site.reader.scorecard(supplier, Selection(day, window, [supplier], buyers))
    card = json.loads(answer, parse_float=Decimal)
    ids = dict(re.findall(r'id="([\w-]+)">\s*([^<]*?)\s*<', response.text))
    grade, score, shown = card["grade"], card["score"], text(response)
    assert ids.get("published") == (None if grade["insufficient"] else grade["published"])
    assert ("score" in ids) == (score["value"] is not None)
    if score["value"] is not None:
        assert ("Skor sementara" in shown) == score["provisional"]
        assert ids["score"] == in_one_place(score["value"])
        for name, value in score["pillars"].items():
            expected = "belum ada data" if value is None else in_one_place(value)
            assert ids[f"pillar-{name}"] == expected
    gains = [in_one_place(step["gain"]) for step in card["next_steps"]]
    assert re.findall(r"\+([\d,]+) poin", shown) == gains
    cases = [named(case) for step in card["next_steps"] for case in step["cases"]]
    steps = shown[shown.index("Yang perlu dilakukan") : shown.index("Pengiriman yang akan datang")]
    assert all(case in steps for case in cases)
    assert len(re.findall(r"Pesanan \S+ baris", steps)) == sum(" baris " in case for case in cases)
    for stage in card["stage"]:
        assert f"{stage['value']} Rata-rata {in_one_place(stage['mean'])} dari 100" in shown
    for process, load in card["kpis"]["capacity_load"]["processes"].items():
        assert f"{process} {in_one_place(100 * load['value'])} % " in shown


def test_a_grade_comes_first_and_what_the_figures_say_now(site: Site) -> None:
    response = site.supplier(STEADY)
    shown = text(response)
    headings = re.findall(r"<h2[^>]*>([^<]*)", response.text)
    assert headings == [
        "Nilai",
        "Yang perlu dilakukan minggu ini",
        "Yang bisa Anda lakukan di sini",
        "Pengiriman yang akan datang",
        "Angka",
        "Perubahan per bulan",
        "Kemandirian",
        "Sertifikat dan izin",
        "Untuk dicetak dan dibawa",
    ]
    assert "Nilai B baik Skor" in shown
    assert "Menurut angka terakhir nilainya D (perlu perbaikan); nilai di atas baru turun" in shown
    assert "Menurut angka terakhir" not in text(site.supplier(STEADY, "as_of=2026-11-01"))


def test_too_little_data_has_no_letter(site: Site) -> None:
    response = site.supplier(SMALL)
    assert 'class="letter"' not in response.text
    assert "Nilai belum cukup data Skor sementara" in text(response)
    assert (
        "Ada 1 baris jatuh tempo dalam 1 bulan; "
        "untuk diberi nilai perlu paling sedikit 10 baris dalam 3 bulan."
    ) in text(response)


@pytest.mark.parametrize(
    ("supplier", "why"),
    [(BULK, ": membereskan beberapa kasus saja belum"), ("PG-NOBODY", ", karena belum ada data")],
)
def test_where_nothing_stands_out_it_is_said(site: Site, supplier: str, why: str) -> None:
    assert "minggu ini Tidak ada yang menonjol" + why in text(site.supplier(supplier))


def test_gates_and_what_to_do_about_a_complaint(site: Site) -> None:
    shown = text(site.supplier(STOPPED))
    assert "Nilai C cukup" in shown
    assert "(1 keluhan dalam jangka waktu ini), nilai paling tinggi C." in shown
    assert "Ada langkah keluhan yang lewat waktu, nilai paling tinggi B." in shown
    assert "Keluhan K<1>, langkah pengamanan barang, PT Perkakas <b>Besar</b> & Rekan" in shown
    assert "Kemandirian" not in shown
    assert "Beban kapasitas, dari yang jatuh tempo" not in shown
    assert "Nilai dan skor setiap akhir bulan" not in shown


def test_frozen_month_ends_oldest_first_up_to_the_day(site: Site) -> None:
    shown = text(site.supplier(STEADY))
    store = EvaluationStore(site.reader.store.clickhouse)
    last, first = store.frozen(STEADY, 12)
    assert [first.as_of, last.as_of] == ENDS
    scores = [in_one_place(one.scorecard["score"]["value"]) for one in (first, last)]
    rows = f"Sep 2026 belum cukup data {scores[0]} (sementara) Okt 2026 B, baik {scores[1]} "
    assert rows in shown
    assert "Okt 2026 B, baik" not in text(site.supplier(STEADY, "as_of=2026-10-31"))


def test_independence_and_capacity_in_words(site: Site) -> None:
    shown = text(site.supplier(STEADY))
    assert "Dinas <i>Koperasi</i> & UKM Pra-Mandiri Rata-rata 79,1 dari 100" in shown
    assert "NIB sudah habis masa berlakunya; nilai 5R di bawah batas" in shown
    assert "Bubut <CNC> 125 % pesanan melebihi kapasitas (800 dari 640 sebulan)" in shown


def test_the_trend_adds_up_to_the_figure(site: Site) -> None:
    response = site.supplier(SUPPLIER)
    rows = re.findall(r'<tr>\s*<th scope="row">(\w+ 2026)', response.text)
    assert rows == ["Nov 2026", "Okt 2026", "Sep 2026"]
    months = SupplierReader(site.reader).sums(Selection(TODAY, 365, [SUPPLIER])).months
    whole = site.reader.facts(Selection(TODAY, 365, [SUPPLIER])).figures([SUPPLIER])
    for key in ("otif", "on_time_quantity", "mean_days_late", "ppm", "lot_acceptance"):
        for part in ("numerator", "denominator"):
            assert sum(getattr(one[key], part) for one in months.values()) == getattr(
                whole[key], part
            )
    for name, one in months.items():
        assert f"{ID.month(name)}: {line_words.counted(ID, one['otif'])}" in text(response)


def test_day_window_policy_and_newest_data_are_said(site: Site) -> None:
    shown = text(site.supplier(SUPPLIER, "as_of=2026-11-22&window_days=90"))
    assert "Keadaan pada awal hari 22 Nov 2026, dari 90 hari sebelumnya" in shown
    assert "(24 Agu 2026 sampai 21 Nov 2026)" in shown
    assert f"aturan versi {DEFAULT_POLICY.version}" in shown
    assert "Data terakhir: 10 Nov 2026 pukul 09.00 WIB" in shown


def test_what_a_sender_wrote_cannot_become_markup(site: Site) -> None:
    response = site.supplier(SUPPLIER)
    assert "<script" not in response.text
    assert "PO&#34;&#39;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" in response.text
    assert "CV Logam &lt;Jaya&gt;" in response.text
    stands = site.supplier(STEADY).text
    assert "<script" not in stands
    assert not re.search(r"<b>Besar|<i>|<CNC", stands)
    assert "Dinas &lt;i&gt;Koperasi&lt;/i&gt; &amp; UKM" in stands
    assert "Bubut &lt;CNC&gt;" in stands
    refused = site.get("/s/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert "<script" not in refused.text


def test_one_buyer_alone(site: Site) -> None:
    shown = text(site.supplier(SUPPLIER, f"as_of=2026-11-22&buyer_id={BUYER}"))
    assert "6 dari 9 baris tepat waktu dan lengkap (66,7 %)" in shown
    assert "RAHASIA-1" not in shown
    assert "Hanya pesanan dari PT Astra & Kawan" in shown


@pytest.mark.parametrize(
    "query",
    [
        "as_of=31-11-2026",
        "as_of=2026-11-31",
        "as_of=9999-12-31",
        "window_days=abc",
        "window_days=0",
        "window_days=99999999999999999999",
        "as_of=1900-01-02&window_days=2",
        "buyer_id=NOBODY",
        "buyer_id=%27%20OR%201",
    ],
)
def test_an_unreadable_choice_is_answered_kindly(site: Site, query: str) -> None:
    response = site.supplier(SUPPLIER, query)
    assert response.status_code == 400
    assert 'lang="id"' in response.text
    assert "Kembali ke halaman saya" in response.text


@pytest.mark.parametrize(
    "query",
    ["as_of=1900-01-10&window_days=1", "as_of=2200-01-01&window_days=36500", "as_of=&utm=x"],
)
def test_the_ends_of_time_are_no_error(site: Site, query: str) -> None:
    assert site.supplier(SUPPLIER, query).status_code == 200
    assert site.overview(Role.PROGRAMME, "PG-YDBA", query).status_code == 200


def test_a_day_to_come_is_marked(site: Site) -> None:
    assert "Tanggal ini belum tiba" in text(site.supplier(SUPPLIER, "as_of=2199-01-01"))


def test_a_supplier_without_data(site: Site) -> None:
    shown = text(site.supplier("PG-NOBODY"))
    assert "Belum ada data" in shown
    assert "0 %" not in shown


@pytest.mark.parametrize("path", ["/s/{0}x", "/s/x{0}", "/s/nonsense"])
def test_a_tampered_link_is_refused(site: Site, path: str) -> None:
    response = site.get(path.format(site.token(Role.SUPPLIER, SUPPLIER)))
    assert response.status_code == 403
    assert "Minta tautan baru" in response.text
    assert SUPPLIER not in response.text
    assert response.headers["cache-control"] == "private, no-store"
    assert "set-cookie" not in response.headers


def test_a_store_that_is_away_is_told_kindly(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(site.reader, "newest", away)
    response = site.supplier(SUPPLIER)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "Data sedang tidak bisa dibaca" in response.text


def test_too_much_to_be_read_is_told_kindly(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: object, **__: object) -> None:
        raise ReadTooLarge("too much")

    monkeypatch.setattr(site.reader, "newest", too_large)
    response = site.supplier(SUPPLIER)
    assert response.status_code == 422
    assert "retry-after" not in response.headers
    assert "pilih jangka waktu yang lebih pendek" in response.text


Ask = Callable[[Site], httpx.Response]
EVERY_PAGE: dict[str, Ask] = {
    "supplier": lambda site: site.supplier(SUPPLIER),
    "grade": lambda site: site.supplier(STEADY),
    "gates": lambda site: site.supplier(STOPPED),
    "full lists": lambda site: site.supplier(BULK),
    "programme": lambda site: site.overview(Role.PROGRAMME, "PG-YDBA"),
    "buyer": lambda site: site.overview(Role.BUYER, BUYER),
    "refused": lambda site: site.get("/s/nonsense"),
    "unreadable": lambda site: site.supplier(SUPPLIER, "as_of=x"),
    "empty": lambda site: site.supplier("PG-NOBODY"),
}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_is_guarded_light_and_whole(site: Site, name: str) -> None:
    response = EVERY_PAGE[name](site)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert response.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert f"<style>{STYLE}</style>" in response.text
    assert len(gzip.compress(response.content, 6)) < 60_000
    assert response.text.startswith('<!DOCTYPE html>\n<html lang="id">')
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in response.text
    page = response.text.replace(f"<style>{STYLE}</style>", "")
    assert not re.search(r"https?:|//[a-z]|<script|<style", page)
    tags = Tags()
    tags.feed(response.text)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert not [one for one in tags.attributes if one[1] == "style" or one[1].startswith("on")]
    assert all(
        tag != "th" or value in ("row", "col") for tag, n, value in tags.attributes if n == "scope"
    )
    assert response.text.count("<table") == response.text.count("<caption")
    for _, attribute, value in tags.attributes:
        if attribute in ("aria-labelledby", "for"):
            assert set(value.split()) <= set(tags.ids)


def test_the_pages_are_not_in_the_interfaces_description(site: Site) -> None:
    assert site.app.openapi()["paths"] == {}
