"""Units: the codes and the words of the trade, in every document that has a quantity."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.catalogue import Role
from schemas.fields import Unit
from schemas.units import UNIT_ALIASES, unit_of
from schemas.validation import Accepted, Sender, parse, validate

EXAMPLES = Path(__file__).parents[3] / "schemas/examples"
UNIT: TypeAdapter[str] = TypeAdapter(Unit)
PATTERN = re.compile(UNIT.json_schema()["pattern"])
ANYONE = {name: Sender(name, tuple(Role)) for name in ("AHM", "IKM-0042", "YDBA")}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("PCS pcs pcs. Pce EA BUAH biji batang BTG", "H87"),
        ("LUSIN lsn DZ dzn", "DZN"),
        ("KODI sco", "SCO"),
        ("GROSS GRS gro", "GRO"),
        ("PASANG PSG PR", "PR"),
        ("SET stel", "SET"),
        ("UNIT UNT c62", "C62"),
        ("KG kilo kgm", "KGM"),
        ("KWINTAL kuintal", "DTN"),
        ("TON", "TNE"),
        ("GRAM", "GRM"),
        ("METER MTR m", "MTR"),
        ("LITER LTR l", "LTR"),
        ("ML CC", "MLT"),
        ("M2 m²", "MTK"),
        ("M3 M³", "MTQ"),
        ("INCH", "INH"),
        ("FEET", "FOT"),
        ("YARD", "YRD"),
        ("LEMBAR LBR", "ST"),
        ("RIM", "RM"),
        ("ROLL ROL GULUNG", "RO"),
        ("DUS BOX", "BX"),
        ("KARTON CTN", "CT"),
        ("PAK PACK BKS BUNGKUS", "PK"),
        ("KARUNG SAK ZAK", "SA"),
        ("DRUM", "DR"),
        ("KALENG", "CA"),
        ("BOTOL", "BO"),
        ("PALET", "PX"),
        ("JAM", "HUR"),
        ("MENIT", "MIN"),
        ("HARI", "DAY"),
        ("XX x9z", None),
    ],
)
def test_words_of_the_trade_become_codes(words: str, code: str | None) -> None:
    for word in words.split():
        assert UNIT.validate_python(word) == (code or word.upper())
        assert PATTERN.search(word)


@pytest.mark.parametrize("word", UNIT_ALIASES)
def test_case_dots_and_white_space_at_the_ends_are_ignored(word: str) -> None:
    for written in (word.lower(), word.title(), f" {word}. ", f"\u00a0{word}\t", f"{word}.."):
        assert unit_of(written) == UNIT_ALIASES[word]
        assert PATTERN.search(written)


@pytest.mark.parametrize("code", sorted(set(UNIT_ALIASES.values())))
def test_a_code_is_itself(code: str) -> None:
    assert unit_of(code) == code


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("LUSINAN", "LUSIN"),
        ("kilos", "KILO"),
        ("crate of 24", "H87"),
        ("", "LUSIN, KG"),
        (" . ", "LUSIN, KG"),
        ("x" * 100_000, "LUSIN, KG"),
        ("ﬅ", "/v1/catalogue"),  # a ligature that becomes ST in capitals
        ("\u0661", "/v1/catalogue"),
        ("ons", "send grams, as GRM"),
        (5, "must be a unit as a text"),
        (None, "must be a unit as a text"),
    ],
)
def test_a_text_that_is_no_unit_is_refused_with_advice(written: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        unit_of(written)


@given(st.text(max_size=12))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    try:
        found = UNIT.validate_python(text)
    except ValidationError:
        return
    assert re.fullmatch("[A-Z0-9]{1,3}", found)
    assert UNIT.validate_python(found) == unit_of(found)
    assert PATTERN.search(text)


def with_unit(name: str, written: str) -> Any:
    """Return the valid example of a type with a unit at each of its quantities."""
    event = parse((EXAMPLES / f"id.rantai.{name}.v1/valid.json").read_bytes())
    data = event["data"]
    for place in data.get("lines", [data]):
        place["uom"] = written
    return event


WITH_QUANTITIES = [
    "order.placed", "order.changed", "delivery.despatched", "delivery.received",
    "delivery.reversed", "delivery.returned", "quality.inspected",
    "partner.capacity_declared",
]  # fmt: skip


@pytest.mark.parametrize("name", WITH_QUANTITIES)
def test_every_document_with_a_quantity_may_name_its_unit(name: str) -> None:
    event = with_unit(name, "lusin")
    sender = next(one for key, one in ANYONE.items() if key in event["source"])
    outcome = validate(event, sender)
    assert isinstance(outcome, Accepted), outcome
    data = json.loads(outcome.value)["data"]
    found = [place["uom"] for place in data.get("lines", [data])]
    assert set(found) == {"DZN"}
    assert validate(with_unit(name, "DZN"), sender) == outcome
