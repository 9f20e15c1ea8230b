"""Messages of faults: they are in our own words, whichever library found the fault."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import CATALOGUE, EVENT, Role
from schemas.messages import UNKNOWN_FAULT
from schemas.validation import NotParseable, Rejected, Sender, parse, validate

EXAMPLES = Path(__file__).parents[3] / "schemas/examples"
VALID = [parse((EXAMPLES / name / "valid.json").read_bytes()) for name in CATALOGUE]
ANYONE = {name: Sender(name, tuple(Role)) for name in ("AHM", "IKM-0042", "YDBA")}
LIBRARY = re.compile(r"should|pattern|[Ii]nput|pydantic|regex|validation|valid string|Error", re.A)

# Few letters, so that a library's word in a message cannot come from the value that was sent.
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.text("0123456789-:. \u00a0\u200b\n\x00/@\u00e9", max_size=70)
    | st.sampled_from(
        ["2026-13-40", "2026-11-28T25:00:00Z", "1e5", "0." + "1" * 7, "9" * 19, "9" * 13, "-1",
         "101", "2026-11-28T08:00:00", "1800-01-01", "9999-12-31", 10**15, "x" * 600]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("01_", max_size=3), inner),
    max_leaves=4,
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every member of a JSON value, the value itself included."""
    if not isinstance(value, (dict, list)):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


def replaced(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    result = copy.deepcopy(event)
    place = result
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return result


def messages_of(event: Any) -> list[str]:
    """Return the messages of an event's faults, from each of several senders."""
    found = []
    for sender in ANYONE.values():
        outcome = validate(event, sender)
        if isinstance(outcome, Rejected):
            found += [one.message for one in outcome.faults]
    return found


PLACES = [(event, path) for event in VALID for path in places(event)]
AWKWARD: list[Any] = [
    None, True, -1, 10**400, "", " ", "x y", [], {}, [[]], {"a": 1}, "2026-02-31", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("event", VALID, ids=CATALOGUE)
def test_every_field_has_a_message_of_its_own_for_every_awkward_value(event: Any) -> None:
    for path in places(event):
        for value in AWKWARD:
            for message in messages_of(replaced(event, path, value)):
                assert not LIBRARY.search(message), (path, value, message)
                assert message != UNKNOWN_FAULT, (path, value)


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_no_word_of_a_library_reaches_a_person(place: Any, value: Any) -> None:
    event, path = place
    for message in messages_of(replaced(event, path, value)):
        assert not LIBRARY.search(message), message
        assert message != UNKNOWN_FAULT


def kinds_in(schema: Any) -> set[str]:
    """Return the kinds of validators in a core schema of pydantic."""
    found = set()
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            found.add(schema["type"])
        for inner in schema.values():
            found |= kinds_in(inner)
    elif isinstance(schema, (list, tuple)):
        for inner in schema:
            found |= kinds_in(inner)
    return found


def test_no_kind_of_validator_is_new() -> None:
    """A new kind may raise errors of its own: give each a message, then add the kind here."""
    scalars = {"str", "int", "decimal", "date", "datetime", "bool", "float", "literal", "url",
               "any", "time", "timedelta", "uuid", "enum", "bytes"}  # fmt: skip
    found = kinds_in(EVENT.core_schema) & scalars
    assert found == {"str", "int", "decimal", "date", "datetime", "literal", "any"}


def fault_of(name: str, path: str, value: Any) -> str:
    """Return the first message for the valid example of a type with a value at a path."""
    event = next(one for one in VALID if one["type"] == f"id.rantai.{name}.v1")
    steps = tuple(int(one) if one.isdigit() else one for one in path.split("/"))
    return messages_of(replaced(event, steps, value))[0]


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("delivery.received", "data/lines/0/quantity", -1,
         "must be 0 or more; a receipt entered wrongly is undone by delivery.reversed, goods sent "
         "back are a delivery.returned"),
        ("delivery.returned", "data/lines/0/quantity", "-1", "must be 0 or more"),
        ("order.placed", "data/lines/0/quantity", -1, "must be 0 or more"),
        ("partner.assessed", "data/pillars/produksi", 101, "must be 100 or less"),
        ("order.changed", "data/revision", 0, "must be 1 or more"),
        ("order.changed", "data/revision", "2",
         "must be a whole number, without quotes and decimals"),
        ("order.placed", "data/lines/0/line_no", 10, "must be a text, in quotes"),
        ("order.placed", "data/lines", [], "must not be empty"),
        ("order.cancelled", "data/lines", [],
         "must not be empty; leave it out where all lines are meant"),
        ("delivery.reversed", "data/lines", [],
         "must not be empty; leave it out where all lines are meant"),
        ("order.placed", "data/lines", {}, "must be a list"),
        ("order.placed", "data", 5, "must be an object"),
        ("order.placed", "specversion", "0.3", 'must be "1.0"'),
        ("order.confirmed", "data/lines/0/status", "ok",
         'must be one of "accepted", "changed", "rejected"'),
        ("order.placed", "datacontenttype", "text/xml", "must be application/json, or absent"),
        ("order.placed", "id", "x" * 513, "must have at most 512 characters"),
        ("order.placed", "data/lines/0/quantity", "0.0000001",
         "must have at most 18 digits, of which 6 decimals"),
        ("order.placed", "data/lines/0/quantity", "1234567890123",
         "must have at most 12 digits before the decimals"),
        ("order.placed", "data/lines/0/requested_date", "2026-02-31",
         "must be a date that exists, as YYYY-MM-DD"),
        ("order.placed", "data/buyer_id", "A HM",
         "must have 1 to 64 characters, of A-Z a-z 0-9 . _ - only"),
        ("order.placed", "data/order_no", "\u00a0",
         "must not be empty; white space at its ends does not count"),
        ("line.disputed", "data/evidence", "ftp://x",
         "must be an http or https address, without blanks, of at most 2000 characters"),
    ],
)  # fmt: skip
def test_the_message_of_a_fault(name: str, path: str, value: Any, message: str) -> None:
    assert fault_of(name, path, value) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "line 1 column 1: a value is expected here"),
        (b'{"a" 1}', "line 1 column 6: a colon"),
        (b'{"a": 1 "b"}', "line 1 column 9: a comma, or the end"),
        (b"{a: 1}", "line 1 column 2: a name in double quotes"),
        (b'{"a":\n "x', "line 2 column 2: the text that begins here has no closing quote"),
        (b'"a\nb"', "line 1 column 3: a line break or tab"),
        (rb'"\x"', "line 1 column 2: there is no such escape"),
        (b'{"a": 1} {', "line 1 column 10: more text follows the event"),
    ],
)
def test_the_message_of_invalid_json(body: bytes, message: str) -> None:
    with pytest.raises(NotParseable, match=re.escape(message)):
        parse(body)


@given(st.text('{}[]",:\\ \n01ax', max_size=12))
def test_no_word_of_the_parser_reaches_a_person(text: str) -> None:
    try:
        parse(text.encode())
    except NotParseable as refused:
        assert not re.search("Expecting|Extra|Invalid|Unterminated|Illegal|char ", str(refused))


CONTACTS = [
    ({"name": "Bu Sari"}, None),
    ({"telephone": " (0283) 351234 ext. 2 "}, None),
    ({"email": "sari@bengkel.co.id", "name": None}, None),
    ({}, "/data/contact"),
    ({"name": None}, "/data/contact"),
    ({"name": ""}, "/data/contact/name"),
    ({"telephone": "ask at the gate"}, "/data/contact/telephone"),
    ({"telephone": "0" * 65}, "/data/contact/telephone"),
    ({"telephone": "08\n1"}, "/data/contact/telephone"),
    ({"email": "sari"}, "/data/contact/email"),
    ({"email": "a@b c@d"}, "/data/contact/email"),
    ({"phone": "0811"}, "/data/contact/phone"),
    ("0811", "/data/contact"),
]


@pytest.mark.parametrize(("contact", "pointer"), CONTACTS)
def test_the_contact_at_a_partner(contact: Any, pointer: str | None) -> None:
    event = next(one for one in VALID if one["type"] == "id.rantai.partner.registered.v1")
    outcome = validate(replaced(event, ("data", "contact"), contact), ANYONE["YDBA"])
    if pointer is not None:
        assert isinstance(outcome, Rejected)
        assert [one.pointer for one in outcome.faults] == [pointer]
        return
    assert not isinstance(outcome, Rejected), outcome
    kept = json.loads(outcome.value)["data"]["contact"]
    assert kept == {key: value.strip() for key, value in contact.items() if value is not None}
