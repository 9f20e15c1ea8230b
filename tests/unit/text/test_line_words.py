"""The exact words of the pages: numbers, dates, figures, order lines, and unreadable addresses."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from schemas.units import UNIT_ALIASES
from services.readiness.figures import Figure
from services.readiness.policy import DEFAULT_POLICY
from services.text import catalogue, line_words
from services.text.language import LANGUAGES, Language
from services.web import page_query
from services.web.supplier.trend import trend

TODAY = date(2026, 11, 22)
ID, EN = LANGUAGES["id"], LANGUAGES["en"]


def figure(
    numerator: str, denominator: str, *, counts: bool = False, mixed: bool = False
) -> Figure:
    return Figure(Fraction(numerator), Fraction(denominator), counts=counts, mixed_units=mixed)


def line(**changes: Any) -> dict[str, Any]:
    return {
        "buyer_id": "AHM",
        "order_no": "PO1",
        "line_no": "10",
        "item_no": "BRK-1",
        "uom": "H87",
        "ordered": 100,
        "due_date": "2026-10-12",
        "out_because": None,
        "cancelled_by": None,
        "received": 100,
        "returned": 0,
        "receipts": [{"received_on": "2026-10-16", "quantity": 100, "receipt_no": "R1"}],
        "status": ["late"],
        "quantity_inspected": 0,
        "quantity_rejected": 0,
        "complaints": 0,
        "dispute_open": False,
        **changes,
    }


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0, None, "0"),
        (1234567, None, "1.234.567"),
        (Decimal("1234.500000"), None, "1.234,5"),
        (Decimal("1E+3"), None, "1.000"),
        (Decimal("999999999999.000001"), None, "999.999.999.999,000001"),
        (Fraction(700, 9), 1, "77,8"),
        (Fraction(5, 100), 1, "0,1"),
        (Fraction(1, 3), 0, "0"),
        (Fraction(-5, 2), 0, "-3"),
        (100, 1, "100"),
        (10**30, None, "1." + ".".join(["000"] * 10)),
    ],
)
def test_numbers_are_written_as_in_indonesia(
    value: Fraction | Decimal | int, places: int | None, text: str
) -> None:
    assert ID.number(value, places) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(0), "0 %"),
        (Fraction(1, 100_000), "kurang dari 0,1 %"),
        (Fraction(1, 2000), "0,1 %"),
        (Fraction(7, 9), "77,8 %"),
        (Fraction(1, 2), "50 %"),
        (Fraction(9994, 10_000), "99,9 %"),
        (Fraction(9995, 10_000), "lebih dari 99,9 %"),
        (Fraction(1), "100 %"),
    ],
)
def test_only_a_whole_is_100_percent_and_only_nothing_is_0(share: Fraction, text: str) -> None:
    assert ID.percent(share) == text


def test_dates_months_and_moments() -> None:
    assert ID.day(TODAY) == "22 Nov 2026"
    assert ID.month("2026-05") == "Mei 2026"
    assert line_words.window(ID, date(2026, 5, 26), TODAY) == "26 Mei 2026 sampai 21 Nov 2026"
    late_in_utc = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
    assert ID.moment(late_in_utc, "Asia/Jakarta") == "22 Nov 2026 pukul 01.05 WIB"
    assert ID.moment(late_in_utc, "Asia/Jayapura") == "22 Nov 2026 pukul 03.05 WIT"


def test_a_share_of_few_cases_is_shown_with_its_interval() -> None:
    words = line_words.figure_in_words(ID, "otif", figure("7", "9", counts=True))
    assert words.short == "77,8 %"
    assert words.sentence == "7 dari 9 baris tepat waktu dan lengkap (77,8 %)"
    assert words.cautions == ("Angka yang sebenarnya antara 45 % dan 94 %, karena baru 9 baris.",)


def test_thirty_cases_need_no_interval() -> None:
    assert line_words.figure_in_words(ID, "otif", figure("29", "30", counts=True)).cautions == ()
    assert line_words.figure_in_words(
        ID, "lot_acceptance", figure("28", "29", counts=True)
    ).cautions


@pytest.mark.parametrize("key", line_words.TITLES)
def test_a_figure_without_data_says_so(key: str) -> None:
    words = line_words.figure_in_words(ID, key, figure("0", "0", counts=True, mixed=True))
    assert (words.short, words.sentence, words.cautions, words.known) == (
        "belum ada data",
        "belum ada data",
        (),
        False,
    )


@pytest.mark.parametrize(
    ("key", "numerator", "denominator", "sentence"),
    [
        ("mean_days_late", "14", "10", "rata-rata terlambat 1,4 hari"),
        ("mean_days_late", "1", "1000", "rata-rata terlambat kurang dari 0,1 hari"),
        ("mean_days_late", "0", "10", "tidak ada yang terlambat"),
        ("ppm", "12", "28571", "420 dari sejuta ditolak (12 dari 28.571 yang diterima)"),
        # More was rejected than received: the rejected goods came before the window.
        (
            "ppm",
            "666",
            "300",
            "2.220.000 dari sejuta ditolak (666 ditolak, 300 diterima pada masa ini)",
        ),
        ("ppm", "0", "500", "tidak ada yang ditolak dari 500 yang diterima"),
        (
            "ppm",
            "1",
            "3000000",
            "kurang dari 1 dari sejuta ditolak (1 dari 3.000.000 yang diterima)",
        ),
        ("ppm", "12", "0", "12 ditolak, tetapi belum ada penerimaan barang dalam jangka ini"),
        ("fill_rate", "8900.5", "9000", "8.900,5 dari 9.000 yang dipesan sudah terpenuhi (98,9 %)"),
        ("on_time_quantity", "1", "2", "1 dari 2 yang dipesan datang tepat waktu (50 %)"),
    ],
)
def test_the_sentences_of_figures(
    key: str, numerator: str, denominator: str, sentence: str
) -> None:
    assert line_words.figure_in_words(ID, key, figure(numerator, denominator)).sentence == sentence


def test_mixed_units_are_marked() -> None:
    words = line_words.figure_in_words(ID, "ppm", figure("1", "100", mixed=True))
    assert words.mixed_units
    assert not line_words.figure_in_words(ID, "ppm", figure("1", "100")).mixed_units


def test_meanings_follow_the_policy() -> None:
    assert (
        "7 hari lebih awal, dan tidak berlebih lebih dari 5 %"
        in line_words.meanings(ID, DEFAULT_POLICY)["otif"]
    )
    lenient = DEFAULT_POLICY.with_tolerances(late_days=2, under=Decimal("0.1"))
    other = line_words.meanings(ID, lenient)["otif"]
    assert "2 hari setelah tanggal jatuh tempo" in other
    assert "tidak kurang lebih dari 10 %" in other


@pytest.mark.parametrize(
    ("changes", "lateness"),
    [
        ({}, "terlambat 4 hari"),
        ({"receipts": []}, "belum lengkap, sudah terlambat 41 hari"),
        ({"receipts": [], "due_date": "2026-11-22"}, "belum lengkap, belum lewat jatuh tempo"),
        ({"due_date": "2026-10-16"}, "tidak terlambat"),
        (
            {"out_because": "cancelled"},
            "tidak dinilai: dibatalkan pembeli sebelum ada barang datang",
        ),
        ({"out_because": "zero"}, "tidak dinilai: tidak ada lagi yang diminta"),
        (
            {"out_because": "retroactive"},
            "tidak dinilai: dipesan setelah tanggal yang diminta lewat, atau setelah barang datang",
        ),
        (
            {
                "receipts": [
                    {"received_on": "2026-10-20", "quantity": Decimal("0.5"), "receipt_no": "R2"},
                    {"received_on": "2026-10-12", "quantity": Decimal("99.5"), "receipt_no": "R1"},
                ]
            },
            "terlambat 8 hari",
        ),
    ],
)
def test_how_late_a_line_is(changes: dict[str, Any], lateness: str) -> None:
    words = line_words.line(ID, line(**changes), TODAY, DEFAULT_POLICY, {})
    assert words.lateness == lateness


def test_the_tolerances_are_those_of_the_buyer_and_the_item() -> None:
    override = {"buyer_id": "AHM", "late_days": 4}
    own = DEFAULT_POLICY.with_tolerances(overrides=[override])  # type: ignore[arg-type]
    assert line_words.line(ID, line(), TODAY, own, {}).lateness == "tidak terlambat"
    others = line(buyer_id="TMMIN")
    assert line_words.line(ID, others, TODAY, own, {}).lateness == "terlambat 4 hari"


def test_the_tolerances_decide_what_is_late_and_complete() -> None:
    lenient = DEFAULT_POLICY.with_tolerances(late_days=4, under=Decimal("0.1"))
    assert line_words.line(ID, line(), TODAY, lenient, {}).lateness == "tidak terlambat"
    most = line(receipts=[{"received_on": "2026-10-17", "quantity": 90, "receipt_no": "R1"}])
    assert line_words.line(ID, most, TODAY, lenient, {}).lateness == "terlambat 5 hari"


def test_a_line_in_words() -> None:
    words = line_words.line(
        ID,
        line(
            uom="KGM",
            received=Decimal("80.5"),
            returned=20,
            quantity_inspected=80,
            quantity_rejected=3,
            cancelled_by="supplier",
            complaints=2,
            dispute_open=True,
        ),
        TODAY,
        DEFAULT_POLICY,
        {"AHM": "PT Astra Honda Motor"},
    )
    assert words.order == "PO1 baris 10"
    assert words.due == "jatuh tempo 12 Okt 2026"
    assert words.amount == "diterima 80,5 dari 100 kg, dikembalikan 20"
    assert words.rejected == "ditolak 3 dari 80 kg yang diperiksa"
    assert words.notes == ("dibatalkan pemasok", "2 keluhan", "sanggahan belum dijawab")
    assert words.buyer == "PT Astra Honda Motor"


def test_a_line_still_awaited_says_what_is_missing_even_after_it_was_complete() -> None:
    back = line(returned=24)
    words = line_words.line(ID, back, TODAY, DEFAULT_POLICY, {}, awaited=True)
    assert words.lateness == "sudah lewat 41 hari, masih kurang 24 buah"


def test_units_without_a_word_are_shown_as_codes() -> None:
    assert line_words.quantity(ID, 5, "XPP") == "5 XPP"
    assert line_words.quantity(ID, 5, None) == "5"


def test_the_trend_has_no_gaps_and_marks_the_current_month() -> None:
    some = {"otif": figure("7", "9", counts=True)}
    months = trend(ID, {"2026-08": some, "2026-11": some}, TODAY)
    assert [one.name for one in months] == ["Agu 2026", "Sep 2026", "Okt 2026", "Nov 2026"]
    assert [one.filled is None for one in months] == [False, True, True, False]
    assert [one.running for one in months] == [False, False, False, True]
    assert (months[0].count, months[1].count) == ("7 dari 9", "belum ada data")
    assert trend(ID, {}, TODAY) == []


def test_on_the_first_of_a_month_the_month_before_is_complete() -> None:
    months = trend(ID, {"2025-11": {"otif": figure("1", "1", counts=True)}}, date(2026, 11, 1))
    assert [months[0].name, months[-1].name, len(months)] == ["Nov 2025", "Okt 2026", 12]
    assert not months[-1].running


@pytest.mark.parametrize(
    "query",
    [
        {"as_of": "31-11-2026"},
        {"as_of": "2026-11-31"},
        {"as_of": "2026-W47-1"},
        {"as_of": "0001-01-01"},
        {"as_of": "2026-11-22\n"},
        {"window_days": "0"},
        {"window_days": "-1"},
        {"window_days": "1e3"},
        {"window_days": "٣٠"},
        {"window_days": "9" * 5000},
        {"as_of": "1900-01-05", "window_days": "365"},
        {"buyer_id": "a b"},
        {"page": "0"},
    ],
)
def test_an_unreadable_query_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(page_query.Unreadable):
        page_query.read(query, TODAY)


def test_empty_and_unknown_fields_are_ignored() -> None:
    empty = {"as_of": "", "window_days": "", "buyer_id": "", "utm_source": "wa"}
    view = page_query.read(empty, TODAY)
    assert (view.as_of, view.window_days, view.buyer_id) == (TODAY, 180, None)
    assert view.with_changes() == "?"
    chosen = page_query.read({"as_of": "2026-11-01", "cluster": "a&b", "page": "2"}, TODAY)
    assert chosen.with_changes(page=3) == "?as_of=2026-11-01&cluster=a%26b&page=3"
    assert page_query.read({"window_days": "45"}, TODAY).windows == [30, 45, 90, 180, 365]


def test_english_has_its_own_signs_words_and_plurals() -> None:
    assert EN.number(Decimal("1234567.5")) == "1,234,567.5"
    assert EN.percent(Fraction(9995, 10_000)) == "more than 99.9 %"
    assert EN.day(date(2026, 8, 3)) == "3 Aug 2026"
    late = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
    assert EN.moment(late, "Asia/Jakarta") == "22 Nov 2026 at 01:05 WIB"
    words = line_words.figure_in_words(EN, "otif", figure("7", "9", counts=True))
    assert words.sentence == "7 of 9 lines on time and in full (77.8 %)"
    one = line(receipts=[{"received_on": "2026-10-13", "quantity": 100, "receipt_no": "R1"}])
    assert line_words.line(EN, one, TODAY, DEFAULT_POLICY, {}).lateness == "1 day late"
    assert line_words.line(EN, line(), TODAY, DEFAULT_POLICY, {}).lateness == "4 days late"


@pytest.mark.parametrize("language", [ID, EN])
@pytest.mark.parametrize(
    "query", [{"as_of": "x"}, {"window_days": "0"}, {"page": "0"}, {"buyer_id": "a b"}]
)
def test_an_unreadable_query_is_explained_in_every_language(
    language: Language, query: dict[str, str]
) -> None:
    with pytest.raises(page_query.Unreadable) as refused:
        page_query.read(query, TODAY)
    words = refused.value.said(language)
    assert words
    assert "%(" not in words


def test_the_catalogue_is_complete_and_has_no_unused_texts() -> None:
    assert catalogue.faults() == []


@pytest.mark.parametrize("code", sorted(set(UNIT_ALIASES.values())))
def test_every_unit_of_the_trade_has_a_word(code: str) -> None:
    for language in LANGUAGES.values():
        assert line_words.unit(language, code) != code
