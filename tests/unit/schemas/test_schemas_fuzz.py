"""Arbitrary input to the contract: all of it is answered, and only NotParseable is ever raised."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.catalogue import Role
from schemas.validation import (
    Accepted,
    NotParseable,
    Rejected,
    Sender,
    Unparseable,
    parse,
    validate,
)

EXAMPLES = Path(__file__).parents[3] / "schemas/examples"
VALID = [parse(path.read_bytes()) for path in sorted(EXAMPLES.glob("*/valid.json"))]
SENDERS = [Sender(partner, tuple(Role)) for partner in ("AHM", "IKM-0042", "YDBA")]

# With surrogates: json.dumps writes them as \ud800, which reads back as a text that has no UTF-8.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
HARD_TEXTS = st.sampled_from(
    ["", "\ud800", "\x00", "\n", "-0", "1e5", "NaN", "9" * 400, "0000-00-00", "2026-02-31",
     "/erp/AHM\n", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
     "[key]", "__class__", "~/", "\u0661"]
)  # fmt: skip
NUMBERS = (
    st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 1e308, 5e-324, 2**31])
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | HARD_TEXTS,
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(TEXTS | HARD_TEXTS, children, max_size=4)
    ),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every member of a JSON value, the value itself included."""
    if not isinstance(value, (dict, list)):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


@st.composite
def spoilt_events(draw: st.DrawFn) -> Any:
    """Draw a valid event with one to three members replaced, added or removed."""
    event = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in places(event) if place]))
        parent = event
        for step in path[:-1]:
            parent = parent[step]
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "replace":
            parent[path[-1]] = draw(JSON)
        elif action == "remove":
            del parent[path[-1]]
        elif isinstance(parent, dict):
            parent[draw(TEXTS | HARD_TEXTS)] = draw(JSON)
        else:
            parent.append(draw(JSON))
    return event


def answer(raw: Any) -> None:
    """Assert that a parsed value is refused with faults, or accepted and then accepted again."""
    for sender in SENDERS:
        outcome = validate(raw, sender)
        if isinstance(outcome, Rejected):
            assert outcome.faults
            shown = [fault.as_json() for fault in outcome.faults]
            # These go into the answer, which must be valid JSON in UTF-8.
            json.dumps([shown, outcome.id, outcome.source], ensure_ascii=False).encode()
        else:
            assert isinstance(outcome, Accepted)
            assert validate(parse(outcome.value), sender) == outcome


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_parsed_or_refused(body: bytes) -> None:
    try:
        value = parse(body)
    except NotParseable as refusal:
        assert str(refusal)
    else:
        answer(value)


@settings(max_examples=300, deadline=None)
@given(JSON)
@example({"id": "\ud800"})
@example({"\ud800": {"id": "\udfff"}})
@example([1e400, {"a": float("nan")}])
def test_arbitrary_json_is_answered(value: Any) -> None:
    parsed = parse(json.dumps(value).encode())
    answer(parsed)
    for element in parsed if isinstance(parsed, list) else []:
        answer(element)


def as_json(event: Any) -> bytes:
    """Return an event as JSON, with its decimals as texts."""

    def exactly(value: Any) -> Any:
        assert isinstance(value, Decimal)
        return str(value)

    return json.dumps(event, default=exactly).encode()


@settings(max_examples=1500, deadline=None)
@given(spoilt_events())
def test_a_spoilt_event_is_answered(event: Any) -> None:
    answer(parse(as_json(event)))


@settings(max_examples=200, deadline=None)
@given(st.lists(spoilt_events(), min_size=1, max_size=3))
def test_a_good_event_survives_any_neighbours(neighbours: list[Any]) -> None:
    batch = parse(as_json([*neighbours, VALID[0]]))
    assert isinstance(batch, list)
    assert not isinstance(batch[-1], Unparseable)
    assert any(isinstance(validate(batch[-1], sender), Accepted) for sender in SENDERS)


def test_extreme_decimals_are_answered() -> None:
    agreed = (EXAMPLES / "id.rantai.partnership.agreed.v1/valid.json").read_text()
    assert '"ppm": 500' in agreed
    for number in ("1e999999", "-1e999999", "1e-999999", "0e999999", "1e-9999999999999", "-0.0"):
        answer(parse(agreed.replace('"ppm": 500', f'"ppm": {number}').encode()))
