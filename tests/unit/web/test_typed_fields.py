"""Fields as people type them: what is understood, what is refused, and that nothing is guessed."""

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas import fields as contract
from services.text.language import LANGUAGES
from services.web.forms import typed_fields
from services.web.forms.typed_fields import Typed
from services.web.page_query import Unreadable

FIRST, LAST = date(2026, 11, 22), date(2027, 11, 22)
QUANTITIES = {
    "1500": "1500",
    "0012": "12",
    "1,5": "1.5",
    "1.5": "1.5",
    "12,25": "12.25",
    "0,125": "0.125",
    "0.125": "0.125",
    "1500,125": "1500.125",
    "1.500,5": "1500.5",
    "1,500.5": "1500.5",
    "1.234.567": "1234567",
    "1,234,567": "1234567",
    "1 500": "1500",
    "1\u00a0234\u202f567,5": "1234567.5",
    "999999999999,999999": "999999999999.999999",
    "1,5000000000": "1.5",
}
DAYS = {
    "2026-11-25": date(2026, 11, 25),
    "25/11/2026": date(2026, 11, 25),
    "5/12/2026": date(2026, 12, 5),
    "05-12-2026": date(2026, 12, 5),
    "5.12.2026": date(2026, 12, 5),
    "2026-12-5": date(2026, 12, 5),
}
READERS: list[Callable[[str], Any]] = [
    typed_fields.day(FIRST, LAST),
    typed_fields.clock,
    typed_fields.quantity,
    typed_fields.quantity_or_none,
    typed_fields.number,
    typed_fields.numbers,
    typed_fields.words,
    typed_fields.address,
    typed_fields.one_of(("a", "b")),
]


@pytest.mark.parametrize("typed", QUANTITIES)
def test_a_quantity_with_one_reading_is_read(typed: str) -> None:
    assert typed_fields.quantity(typed) == Decimal(QUANTITIES[typed])


@pytest.mark.parametrize("typed", ["1.000", "1,000", "12.345", "999,999"])
def test_a_quantity_with_two_readings_is_refused_and_shown(typed: str) -> None:
    with pytest.raises(Unreadable) as refused:
        typed_fields.quantity(typed)
    assert refused.value.said(LANGUAGES["id"]).startswith(f"{typed} bisa dibaca dua macam")


@pytest.mark.parametrize(
    "typed",
    [
        *("", "0", "0,00", "-5", "+5", "1e9", "NaN", "Infinity", "5 pcs", "1 00", "1.00.000"),
        *("1,2,3", "1.234,567,8", "٣", "１２", ".5", "5.", "1_000", "1'000", "0x10", "9" * 13),
        *("1,1234567", "9" * 5000, "1\n5", "½"),
    ],
)
def test_a_text_that_is_no_quantity_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        typed_fields.quantity(typed)


def test_a_quantity_of_0_is_read_where_none_is_allowed() -> None:
    assert typed_fields.quantity_or_none("0") == 0


@given(st.decimals(0, 10**12 - 1, allow_nan=False, places=6))
def test_a_quantity_that_was_written_into_a_field_is_read_back(value: Decimal) -> None:
    assert typed_fields.quantity_or_none(typed_fields.written(value)) == value


@given(st.text(alphabet="0123456789., \u00a0-+e", max_size=24))
def test_a_quantity_is_valid_by_the_contract_or_refused(typed: str) -> None:
    try:
        found = typed_fields.quantity_or_none(typed)
    except Unreadable:
        return
    text = contract.plain(found)
    assert TypeAdapter(contract.Quantity).validate_python(text) == found


@pytest.mark.parametrize("typed", DAYS)
def test_a_day_is_read_as_browsers_and_people_write_it(typed: str) -> None:
    assert typed_fields.day(FIRST, LAST)(typed) == DAYS[typed]


@pytest.mark.parametrize(
    "typed",
    [
        *("", "25/11", "11/25/2026", "31/02/2027", "2026-13-01", "25/11/26", "besok", "1e9"),
        *("2026-W48-1", "21/11/2026", "2027-11-23", "9999-12-31", "0000-01-01", "２０２６-11-25"),
        "1" * 5000,
    ],
)
def test_an_invalid_or_distant_day_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        typed_fields.day(FIRST, LAST)(typed)


def test_times_of_a_day() -> None:
    assert [typed_fields.clock(one) for one in ("14:30", "7.05", "14:30:00")] == [
        time(14, 30),
        time(7, 5),
        time(14, 30),
    ]
    for typed in ("24:00", "12:60", "noon", "1430", ""):
        with pytest.raises(Unreadable):
            typed_fields.clock(typed)


@given(st.text(max_size=80))
def test_a_number_is_valid_by_the_contract_or_refused(typed: str) -> None:
    try:
        found = typed_fields.number(typed)
    except Unreadable:
        return
    assert TypeAdapter(contract.DocumentNumber).validate_python(typed) == found
    assert typed_fields.number(found) == found


@given(st.text(max_size=80) | st.just("https://x.example/ a") | st.just("javascript:alert(1)"))
def test_an_address_is_valid_by_the_contract_or_refused(typed: str) -> None:
    try:
        found = typed_fields.address(typed)
    except Unreadable:
        return
    assert TypeAdapter(contract.WebAddress).validate_python(found) == typed


def test_addresses_of_other_kinds_are_refused() -> None:
    assert typed_fields.address("https://foto.example/1.jpg") == "https://foto.example/1.jpg"
    for typed in ("javascript:alert(1)", "https://", "foto.example", "https://a b", "data:,x"):
        with pytest.raises(Unreadable):
            typed_fields.address(typed)


def test_texts_keep_their_line_breaks_and_have_a_limit() -> None:
    assert typed_fields.words("satu\r\ndua") == "satu\ndua"
    assert typed_fields.words("x" * typed_fields.MOST_TEXT)
    for typed in ("", "x" * (typed_fields.MOST_TEXT + 1), "a\x00b", "a\x1bb", "\u202e"):
        with pytest.raises(Unreadable):
            typed_fields.words(typed)


def test_names_are_read_one_a_line_and_each_once() -> None:
    assert typed_fields.numbers(" A \r\n\r\nB\nA") == ["A", "B"]
    for typed in ("x" * 65, "\n".join(str(n) for n in range(typed_fields.MOST_ITEMS + 1))):
        with pytest.raises(Unreadable):
            typed_fields.numbers(typed)


@pytest.mark.parametrize("read", READERS)
@given(typed=st.text(max_size=200))
def test_every_reader_reads_or_says_why_not_in_both_languages(
    read: Callable[[str], Any], typed: str
) -> None:
    try:
        read(typed)
    except Unreadable as error:
        assert all(error.said(language) for language in LANGUAGES.values())


@given(st.text(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(repr))
def test_a_hidden_field_gives_valid_names_or_none(text: str) -> None:
    found = typed_fields.names_in(text)
    assert found is None or all(1 <= len(one) <= 64 and one.isprintable() for one in found)


@pytest.mark.parametrize(
    "text", ['["\\ud800", "1"]', '["a\\u0000", "1"]', "[" * 5000, '{"a": 1}', '["", "1"]', "[1]"]
)
def test_a_forged_hidden_field_gives_none(text: str) -> None:
    assert typed_fields.names_in(text) is None


def test_the_first_fault_of_a_field_is_kept() -> None:
    typed = Typed({"a": "x"})
    assert typed.take("a", typed_fields.quantity) is None
    typed.fault("a", "something else")
    assert typed.said(LANGUAGES["en"]) == {
        "a": "Write a number such as 1500 or 12,5, without a unit."
    }
