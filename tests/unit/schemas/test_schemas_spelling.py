"""One spelling of identifiers and numbers, in events and on every other way in."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas import spelling
from schemas.catalogue import CATALOGUE, Role
from schemas.fields import DocumentNumber, Identifier
from schemas.spelling import LONGEST, WHITE_SPACE, one_spelling
from schemas.validation import Accepted, Rejected, Sender, parse, validate

EXAMPLES = Path(__file__).parents[3] / "schemas/examples"
CASE = Path(__file__).parents[3] / "../shared/data/cases/05-space-round-a-document-number"
NUMBER: TypeAdapter[str] = TypeAdapter(DocumentNumber)
IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)
ANYONE = {name: Sender(name, tuple(Role)) for name in ("AHM", "IKM-0042", "YDBA")}
BLANKS = st.text(st.sampled_from(WHITE_SPACE), max_size=3)


def number_of(text: str) -> str | None:
    try:
        return NUMBER.validate_python(text)
    except ValidationError:
        return None


def test_white_space_is_what_unicode_and_pydantic_regard_as_such() -> None:
    stripping: TypeAdapter[str] = TypeAdapter(DocumentNumber)
    # Control characters that only Python strips are not white space, so they are refused.
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) == "Cs":
            continue
        is_white = character in WHITE_SPACE
        assert (character.isspace() and not 0x1C <= code <= 0x1F) == is_white
        if is_white:
            assert stripping.validate_python(f"{character}PO{character}") == "PO"
    assert number_of("PO\x1c") is None


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("PO1 ", "PO1"),
        ("\u00a0PO1\u2003", "PO1"),
        ("PO1\r\n", "PO1"),
        ("PO 1", "PO 1"),
        ("Caf\u0065\u0301", "Caf\u00e9"),
        ("e\u0301" * LONGEST, "\u00e9" * LONGEST),
        (" " * 5000 + "x" * LONGEST, "x" * LONGEST),
        ("\u0958", "\u0915\u093c"),  # NFC makes two code points of it
    ],
)
def test_texts_that_look_the_same_get_one_spelling(written: str, spelled: str) -> None:
    assert number_of(written) == spelled == one_spelling(written)


@pytest.mark.parametrize("text", ["", " ", "\u00a0\t", "x" * (LONGEST + 1), "\u0958" * 33])
def test_limits_of_length_apply_to_the_one_spelling(text: str) -> None:
    assert number_of(text) is None


def test_thousands_of_accents_take_no_time() -> None:
    accents = "a" + "\u0301\u0316" * 500_000  # NFC would take hours to sort them
    assert number_of(accents) is None
    assert one_spelling(accents) == accents
    with pytest.raises(ValidationError):
        IDENTIFIER.validate_python(accents)


def test_a_refusal_names_the_character() -> None:
    with pytest.raises(ValueError, match=r"character 4 is U\+200B \(zero width space\)"):
        spelling.number("PO1\u200b")
    with pytest.raises(ValueError, match=r"character 3 is U\+000A \(a control character\)"):
        spelling.number("PO\n1")
    with pytest.raises(ValueError, match=r"U\+00A0 \(no-break space\)"):
        spelling.number("PO\u00a01")


@given(st.text(max_size=70))
@example("\u212a")
@example("a\u0300\u0316")
def test_events_and_other_ways_in_agree_and_a_spelling_stays_as_it_is(text: str) -> None:
    once = one_spelling(text)
    assert one_spelling(once) == once
    assert number_of(text) in (None, once)
    assert number_of(once) == number_of(text)
    assert unicodedata.is_normalized("NFC", once)


@given(st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True), BLANKS, BLANKS)
def test_identifiers_lose_white_space_at_their_ends(text: str, before: str, behind: str) -> None:
    assert IDENTIFIER.validate_python(before + text + behind) == text
    assert one_spelling(before + text + behind) == text


@pytest.mark.parametrize("text", ["", " ", "a b", "a/b", "\u00e9", "x" * 65, "a\u200b"])
def test_texts_that_are_no_identifiers_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        IDENTIFIER.validate_python(text)


def spread(value: Any, named: set[str]) -> Any:
    """Return a copy of a JSON value with white space around every text under one of the names."""
    if isinstance(value, dict):
        return {
            key: f"\u00a0{inner}\t"
            if key in named and isinstance(inner, str)
            else [f" {one} " for one in inner]
            if key in named and isinstance(inner, list) and isinstance(inner[0], str)
            else spread(inner, named)
            for key, inner in value.items()
        }
    return [spread(one, named) for one in value] if isinstance(value, list) else value


NAMED = {
    "buyer_id", "supplier_id", "partner_id", "order_no", "line_no", "item_no", "despatch_no",
    "receipt_no", "return_no", "inspection_no", "complaint_no", "code", "certificate", "items",
}  # fmt: skip


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_document_is_the_same_with_white_space_around_its_numbers(name: str) -> None:
    event = parse((EXAMPLES / name / "valid.json").read_bytes())
    sender = next(one for key, one in ANYONE.items() if key in event["source"])
    spread_out = {**event, "data": spread(event["data"], NAMED)}
    if name == "id.rantai.order.cancelled.v1":
        spread_out["data"]["lines"] = [f" {one} " for one in event["data"]["lines"]]
    assert spread_out != event
    assert validate(spread_out, sender) == validate(event, sender)
    assert isinstance(validate(spread_out, sender), Accepted)


def test_a_repeated_line_number_is_found_despite_white_space() -> None:
    event = parse((EXAMPLES / "id.rantai.order.placed.v1/valid.json").read_bytes())
    event["data"]["lines"][1]["line_no"] = "10\u00a0"
    outcome = validate(event, ANYONE["AHM"])
    assert isinstance(outcome, Rejected)
    assert outcome.faults[0].pointer == "/data/lines"
    assert "twice" in outcome.faults[0].message


def test_a_repeated_target_is_found_despite_white_space() -> None:
    event = parse((EXAMPLES / "id.rantai.partnership.agreed.v1/valid.json").read_bytes())
    event["data"]["targets"] = {"otif": 90, "otif ": 80}
    outcome = validate(event, ANYONE["AHM"])
    assert isinstance(outcome, Rejected)
    assert outcome.faults[0].pointer == "/data/targets"


def test_the_envelope_stays_as_it_is_sent() -> None:
    event = parse((EXAMPLES / "id.rantai.order.placed.v1/valid.json").read_bytes())
    event |= {"id": " e\u0301 ", "subject": " a "}
    outcome = validate(event, ANYONE["AHM"])
    assert isinstance(outcome, Accepted)
    assert outcome.id == " e\u0301 "
    assert json.loads(outcome.value)["subject"] == " a "


def test_the_case_of_a_space_behind_an_order_number() -> None:
    if not CASE.exists():
        pytest.skip("the cases (../shared/data/cases) are missing")
    order, receipt = map(parse, (CASE / "events.jsonl").read_bytes().splitlines())
    outcomes = [validate(one, ANYONE["AHM"]) for one in (order, receipt)]
    assert all(isinstance(one, Accepted) for one in outcomes)
    data = [json.loads(one.value)["data"] for one in outcomes if isinstance(one, Accepted)]
    assert data[0]["order_no"] == data[1]["lines"][0]["order_no"] == "PO1"
