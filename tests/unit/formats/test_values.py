"""Cells to values: dates in several formats, exact numbers, identifiers that stay distinct."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.formats.columns import Column, IdentifierColumn, filled
from services.formats.dates import UnreadableError, compiled, read_moment, zone_named
from services.formats.mapping import Defaults
from services.formats.values import Value, has_no_value, read_cell, read_decimal, written

COLUMN: TypeAdapter[Any] = TypeAdapter(Column)


def read(cell: Any, defaults: Defaults | None = None, **settings: Any) -> Value:
    column = COLUMN.validate_python({"from": "X", **settings})
    return read_cell(column, cell, defaults or Defaults())


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("DD-MMM-YY", "02-Jun-06", date(2006, 6, 2)),
        ("DD-MMM-YY", "31-Dec-69", date(2069, 12, 31)),
        ("DD-MMM-YY", "01-Jan-70", date(1970, 1, 1)),
        ("M/D/YYYY", "11/13/2006", date(2006, 11, 13)),
        ("M/D/YYYY", "8/7/2014", date(2014, 8, 7)),
        ("MM-DD-YYYY", "12-01-2006", date(2006, 12, 1)),
        ("D MMM YYYY", "7 Agustus 2026", date(2026, 8, 7)),
        ("D MMM YYYY", "7 Okt. 2026", date(2026, 10, 7)),
        ("D MMM YYYY", "7 mei 2026", date(2026, 5, 7)),
        ("YYYYMMDD", "20261101", date(2026, 11, 1)),
        ("DD.MM.YYYY", "01.11.2026", date(2026, 11, 1)),
        ("YYYY-MM-DD hh:mm:ss.f", "2026-11-01 23:59:59.123456789", date(2026, 11, 1)),
    ],
)
def test_dates_are_read_by_their_format(pattern: str, text: str, expected: date) -> None:
    assert read(text, kind="date", formats=[pattern]) == expected


@given(
    st.dates(date(1970, 1, 1), date(2069, 12, 31)),
    st.sampled_from(
        [
            ("DD-MMM-YY", "%d-%b-%y"),
            ("M/D/YYYY", "%m/%d/%Y"),
            ("YYYYMMDD", "%Y%m%d"),
            ("D MMM YYYY", "%d %B %Y"),
            ("DD.MM.YY", "%d.%m.%y"),
        ]
    ),
)
def test_any_date_written_by_a_format_is_read_back(day: date, formats: tuple[str, str]) -> None:
    ours, pythons = formats
    assert read(day.strftime(pythons), kind="date", formats=[ours]) == day


def test_a_date_that_two_formats_read_differently_is_refused() -> None:
    both = ["DD/MM/YYYY", "MM/DD/YYYY"]
    assert read("25/12/2026", kind="date", formats=both) == date(2026, 12, 25)
    assert read("05/05/2026", kind="date", formats=both) == date(2026, 5, 5)
    with pytest.raises(UnreadableError, match="2026-02-01 by DD/MM/YYYY and 2026-01-02 by MM"):
        read("01/02/2026", kind="date", formats=both)


@pytest.mark.parametrize("text", ["31-Feb-06", "00-Jan-06", "10-Foo-06"])
def test_a_day_that_the_calendar_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="calendar"):
        read(text, kind="date", formats=["DD-MMM-YY"])


@pytest.mark.parametrize(
    "text", ["2006-06-02", "2-Jun-06", "02-Jun-2006", "02-Jun-06 x", "٠٢-Jun-06"]
)
def test_a_date_in_no_accepted_format_is_refused_with_advice(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"is not a date as DD-MMM-YY.*no_value"):
        read(text, kind="date", formats=["DD-MMM-YY"])


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("2026-11-01", {}, "2026-11-01T12:00:00+07:00"),
        ("2026-11-01 08:30:00", {"zone": "UTC"}, "2026-11-01T08:30:00+00:00"),
        ("2026-11-01 08:30:00", {"zone": "-05:30"}, "2026-11-01T08:30:00-05:30"),
        ("2026-11-01", {"at": "08:30"}, "2026-11-01T08:30:00+07:00"),
        ("2026-11-01T23:30:00Z", {}, "2026-11-01T23:30:00+00:00"),
        ("2026-11-01 06:05", {"formats": ["YYYY-MM-DD h:mm"]}, "2026-11-01T06:05:00+07:00"),
        ("11/1/2026 3:04 PM", {"formats": ["M/D/YYYY h:mm A"]}, "2026-11-01T15:04:00+07:00"),
        ("11/1/2026 12:04 am", {"formats": ["M/D/YYYY h:mm A"]}, "2026-11-01T00:04:00+07:00"),
        ("20261101T080000+0700", {"formats": ["YYYYMMDDThhmmssZ"]}, "2026-11-01T08:00:00+07:00"),
    ],
)
def test_times_have_the_offset_of_their_text_or_zone(
    text: str, settings: dict[str, Any], expected: str
) -> None:
    assert written(read(text, kind="time", **settings)) == expected


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Auckland", "Pacific/Kiritimati"])
@pytest.mark.parametrize("at", [time(0), time(12), time(23, 59)])
def test_a_date_without_a_time_of_day_is_never_moved(zone: str, at: time) -> None:
    for site in ("Asia/Jakarta", "America/Los_Angeles", "Pacific/Kiritimati"):
        defaults = Defaults(zone=zone, site=site, at=at)
        for cell in ("2026-11-01", date(2026, 11, 1)):
            assert read(cell, defaults, kind="date") == date(2026, 11, 1)
            instant = read(cell, defaults, kind="time", zone=zone)
            assert isinstance(instant, datetime)
            assert instant.astimezone(zone_named(site)).date() == date(2026, 11, 1)
    # A time of day is read in the ERP's zone; the figures convert it to the day at the site.
    clock = written(read("2026-11-01 08:30:00", Defaults(zone=zone), kind="time"))
    assert str(clock).startswith("2026-11-01T08:30:00") and not str(clock).endswith("+07:00")


@pytest.mark.parametrize(
    ("month", "names"),
    [
        (1, "Jan January Januari"), (2, "Feb February Februari Peb Pebruari"),
        (3, "Mar Mrt March Maret"), (4, "Apr April"), (5, "May Mei"), (6, "Jun June Juni"),
        (7, "Jul July Juli"), (8, "Aug August Agu Ags Agst Agt Agust Agustus"),
        (9, "Sep Sept September"), (10, "Oct October Okt Oktober"),
        (11, "Nov November Nop Nopember"), (12, "Dec December Des Desember"),
    ],
)  # fmt: skip
def test_months_have_their_english_and_indonesian_names(month: int, names: str) -> None:
    for name in names.split():
        for text in (f"7 {name} 2026", f"7 {name.upper()}. 2026"):
            assert read(text, kind="date", formats=["D MMM YYYY"]) == date(2026, month, 7)


def test_a_date_with_an_offset_is_that_of_the_site() -> None:
    assert read("2026-11-01T23:30:00Z", kind="date") == date(2026, 11, 2)
    far = Defaults(zone="America/New_York")
    assert read("2026-11-01T23:30:00Z", far, kind="date") == date(2026, 11, 2)
    assert read("2026-11-01T23:30:00Z", kind="date", zone="UTC") == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("zone", "text", "day"),
    [
        ("UTC", "2026-03-19 18:00:00", 20),
        ("UTC", "2026-03-19 16:59:59", 19),
        ("UTC", "2026-03-19 17:00:00", 20),
        ("Asia/Jayapura", "2026-03-19 01:30:00", 18),
        # Many ERPs write a date as midnight, so midnight is not converted.
        ("UTC", "2026-03-19 00:00:00", 19),
        ("Asia/Jayapura", "2026-03-19 00:00:00", 19),
        ("UTC", "2026-03-19", 19),
        ("Asia/Jakarta", "2026-03-19 23:30:00", 19),
    ],
)
def test_a_date_with_a_time_of_the_erps_clock_is_that_of_the_site(
    zone: str, text: str, day: int
) -> None:
    assert read(text, Defaults(zone=zone), kind="date") == date(2026, 3, day)


def test_typed_cells_are_taken_as_they_are() -> None:
    assert read(date(2026, 11, 1), kind="date") == date(2026, 11, 1)
    assert read(datetime(2026, 11, 1, 9, 30), kind="date") == date(2026, 11, 1)  # noqa: DTZ001
    moment = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
    assert read(moment, kind="time") == moment
    assert read(Decimal("1.50"), kind="decimal", decimal=",", thousands=".") == Decimal("1.5")
    assert read(10, kind="code") == "10"
    assert read(Decimal("10.0"), kind="code") == "10"


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("DD-MM", "needs a year"),
        ("YYYY-MM-DD MM", "twice"),
        ("YYYY-MM-DD-MMM", "needs a year"),
        ("YYYY-MM-DD A", "no hour"),
        ("%d-%b-%y", "not part of a date"),
    ],
)
def test_an_invalid_format_is_refused_with_the_reason(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        compiled(pattern)


def test_hours_and_offsets_that_no_clock_has_are_refused() -> None:
    for text in ("2026-01-01 13:00 PM", "2026-01-01 00:00 AM"):
        with pytest.raises(UnreadableError):
            read_moment(("YYYY-MM-DD hh:mm A",), text, 1970)
    with pytest.raises(UnreadableError):
        read_moment(("YYYY-MM-DD hh:mmZ",), "2026-01-01 10:00+24:00", 1970)
    with pytest.raises(ValueError, match="unknown zone"):
        zone_named("Mars/Olympus")


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "expected"),
    [
        ("1200", ".", "", "1200"),
        ("1.200,50", ",", ".", "1200.5"),
        ("1,200.50", ".", ",", "1200.5"),
        ("1 200,5", ",", " ", "1200.5"),
        ("1\u00a0200,5", ",", " ", "1200.5"),
        ("1'234'567.8", ".", "'", "1234567.8"),
        (",5", ",", ".", "0.5"),
        ("12,50-", ",", ".", "-12.5"),
        ("-12,50", ",", ".", "-12.5"),
        ("\u221212", ".", "", "-12"),
        ("+3", ".", "", "3"),
        ("0012", "", "", "12"),
    ],
)
def test_numbers_are_read_by_their_separators(
    text: str, decimal: str, thousands: str, expected: str
) -> None:
    assert read_decimal(text, decimal, thousands) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ("1.5", ",", "."),
        ("1.2345", ",", "."),
        ("1.200.5", ".", ""),
        ("1234.567", ",", "."),
        ("12.", ".", ""),
        ("", ".", ""),
        ("-", ".", ""),
        ("-5-", ".", ""),
        (".", ".", ""),
        ("1e5", ".", ""),
        ("NaN", ".", ""),
        ("١٢", ".", ""),
        ("1_000", ".", ""),
        ("9" * 41, ".", ""),
        ("10 pcs", ".", ""),
    ],
)
def test_a_text_that_is_not_clearly_one_number_is_refused(
    text: str, decimal: str, thousands: str
) -> None:
    with pytest.raises(UnreadableError):
        read_decimal(text, decimal, thousands)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=6
    ),
    st.sampled_from([(".", ""), (",", "."), (".", ","), (",", " "), (".", "'"), (",", "")]),
    st.booleans(),
)
def test_any_number_is_read_back_to_the_last_digit(
    number: Decimal, separators: tuple[str, str], sign_behind: bool
) -> None:
    decimal, thousands = separators
    text = format(abs(number), ",f").translate({ord(","): thousands, ord("."): decimal})
    if number < 0:
        text = f"{text}-" if sign_behind else f"-{text}"
    assert read_decimal(text, decimal, thousands) == number


def test_settings_of_numbers() -> None:
    indonesian = Defaults(decimal=",", thousands=".")
    assert read("Rp 15.000,00", indonesian, kind="decimal", remove=["Rp"]) == Decimal(15000)
    assert read("-5", kind="decimal", absolute=True) == 5
    assert read("0.30000000000000004", kind="decimal", places=6) == Decimal("0.3")
    assert read("2.5", kind="decimal", places=0) == 3
    assert read("1.000", indonesian, kind="decimal", thousands="", decimal=".") == 1
    assert read("2,0", indonesian, kind="integer") == 2
    with pytest.raises(UnreadableError, match="whole"):
        read("2.5", kind="integer")


def test_texts_and_codes() -> None:
    assert read("  a b ") == "a b"
    assert read("0000100234", strip_zeros=True) == "100234"
    assert read("000", kind="code", strip_zeros=True) == "0"
    values = {"OK": "accepted", "NG": "rejected"}
    assert read("NG", values=values) == "rejected"
    assert read("X", values=values, unlisted="keep") == "X"
    with pytest.raises(UnreadableError, match="none of the 'values'"):
        read("X", values=values)
    with pytest.raises(UnreadableError, match="shorten = true"):
        read("x" * 65, kind="code")


@given(st.text(min_size=1), st.text(min_size=1))
def test_shortened_codes_are_valid_and_stay_distinct(one: str, other: str) -> None:
    one, other = one.strip(), other.strip()
    if not one or not other:
        return
    first, second = (read(text, kind="code", shorten=True, literal=True) for text in (one, other))
    assert isinstance(first, str) and 1 <= len(first) <= 64 and first.isprintable()
    assert (first == second) == (one == other)


def test_no_value_is_an_empty_cell_or_a_word_for_it() -> None:
    column = COLUMN.validate_python({"from": "X", "no_value": ["Date Not Captured"]})
    defaults = Defaults(no_value=("n/a",))
    for cell in (None, "", "  ", "date not captured ", "N/A"):
        assert has_no_value(column, cell, defaults)
    assert not has_no_value(column, "0", defaults)


@given(st.text(min_size=1, max_size=90), st.text(min_size=1, max_size=90))
def test_identifiers_made_from_names_are_valid_and_stay_distinct(one: str, other: str) -> None:
    one, other = " ".join(one.split()), " ".join(other.split())
    if not one or not other:
        return
    first, second = (read(name, kind="identifier", slug=True) for name in (one, other))
    assert isinstance(first, str)
    assert 1 <= len(first) <= 64
    assert set(first) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    if one.isascii() and other.isascii():
        assert (first == second) == (one == other)


def test_identifiers() -> None:
    assert read("WAGENIA", kind="identifier", slug=True) == "WAGENIA"
    assert read("S. BUYS  WHOLESALER", kind="identifier", slug=True) == read(
        "S. BUYS WHOLESALER", kind="identifier", slug=True
    )
    assert str(read("Bengkel Café", kind="identifier", slug=True)).startswith("Bengkel-Cafe-")
    assert read("株式会社", kind="identifier", slug=True) != read(
        "有限会社", kind="identifier", slug=True
    )
    with pytest.raises(UnreadableError, match="slug = true"):
        read("A B", kind="identifier")
    assert isinstance(COLUMN.validate_python({"from": "X", "kind": "identifier"}), IdentifierColumn)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_a_template_never_gives_one_text_to_two_sets_of_values(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    texts = [filled("po/{a}/{b}", {"a": a, "b": b}) for a, b in (one, other)]
    assert (texts[0] == texts[1]) == (one == other)
