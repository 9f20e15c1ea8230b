"""Events that can't have happened yet are refused on arrival; accepted events stay accepted."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import CATALOGUE, Role
from schemas.moments import HAPPENED, MAX_AHEAD
from schemas.validation import Accepted, Rejected, Sender, parse, read_event, to_canonical, validate
from services.processor.ledger_sink import ledger_record

EXAMPLES = Path(__file__).parents[3] / "schemas/examples"
CASE = Path(__file__).parents[3] / "../shared/data/cases/04-mistyped-year-cannot-be-corrected"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
INSTANTS = {
    "received_at", "returned_at", "inspected_at", "opened_at", "answered_at", "closed_at",
}  # fmt: skip
DAYS = {"held_on", "assessed_on", "ended_on"}


@dataclass(frozen=True)
class Record:
    """A record of a canonical topic that was written by hand, so it has no headers."""

    value: bytes
    topic: str = "rantai.orders"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


FIELDS = [(name, field) for name, fields in HAPPENED.items() for field in fields]
"""Event type and field of every date and time that is bounded."""


def example(name: str) -> Any:
    return parse((EXAMPLES / name / "valid.json").read_bytes())


def sender_of(event: Any) -> Sender:
    partner = next(name for name in ("AHM", "IKM-0042", "YDBA") if name in event["source"])
    return Sender(partner, tuple(Role))


def faults(event: Any, now: datetime = NOW) -> list[tuple[str, str]]:
    """Return pointer and message of each fault of an event that arrives at `now`."""
    outcome = validate(event, sender_of(event), now=now)
    return (
        [(one.pointer, one.message) for one in outcome.faults]
        if isinstance(outcome, Rejected)
        else []
    )


def test_every_field_that_tells_when_something_happened_is_bounded() -> None:
    assert {field for _, field in FIELDS} == INSTANTS | DAYS
    for name, row in CATALOGUE.items():
        named = {field for field in row.data.model_fields if field in INSTANTS | DAYS}
        assert set(HAPPENED[name]) == named


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_envelopes_time(name: str) -> None:
    event = example(name)
    assert faults({**event, "time": "2026-11-29T12:00:00Z"}) == []
    assert faults({**event, "time": "2026-11-29T19:00:00+07:00"}) == []
    ((pointer, message),) = faults({**event, "time": "2026-11-29T12:00:00.000001Z"})
    assert pointer == "/time"
    assert "2026-11-28T12:00:00Z now" in message
    assert "send it again" in message


@pytest.mark.parametrize(("name", "field"), [one for one in FIELDS if one[1] in INSTANTS])
def test_instants_in_the_data(name: str, field: str) -> None:
    event = example(name)

    def at(time: str) -> list[tuple[str, str]]:
        return faults({**event, "data": {**event["data"], field: time}})

    assert at("2026-11-29T12:00:00Z") == []
    assert at("2026-11-30T02:00:00+14:00") == []
    assert [one[0] for one in at("2026-11-30T02:00:01+14:00")] == [f"/data/{field}"]
    assert [one[0] for one in at("2062-11-28T12:00:00Z")] == [f"/data/{field}"]


@pytest.mark.parametrize(("name", "field"), [one for one in FIELDS if one[1] in DAYS])
def test_days_in_the_data(name: str, field: str) -> None:
    event = example(name)

    def on(day: str, now: datetime = NOW) -> list[tuple[str, str]]:
        return faults({**event, "data": {**event["data"], field: day}}, now)

    # A day begins first at UTC+14, where it begins at 10:00 UTC of the day before.
    assert on("2026-11-30") == []
    ((pointer, message),) = on("2026-12-01")
    assert pointer == f"/data/{field}"
    assert "2026-11-30" in message
    early = datetime(2026, 11, 28, 9, 59, tzinfo=UTC)
    assert on("2026-11-29", early) == []
    assert on("2026-11-30", early) != []


def test_all_times_in_the_future_are_reported_at_once() -> None:
    event = example("id.rantai.delivery.received.v1")
    event |= {"time": "2062-01-01T00:00:00Z"}
    event["data"]["received_at"] = "2062-01-01T00:00:00Z"
    assert [one[0] for one in faults(event)] == ["/time", "/data/received_at"]


OFFSETS = st.integers(-24 * 60 + 1, 24 * 60 - 1)


@given(st.dates(date(2026, 11, 25), date(2026, 12, 2)), st.times(), OFFSETS, st.integers(0, 1439))
def test_any_offset_and_any_time_of_day(
    day: date, wall: time, minutes: int, now_minutes: int
) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC) + timedelta(minutes=now_minutes)
    sign, away = "-" if minutes < 0 else "+", abs(minutes)
    text = f"{day}T{wall.isoformat()}{sign}{away // 60:02}:{away % 60:02}"
    event = {**example("id.rantai.order.placed.v1"), "time": text}
    assert bool(faults(event, now)) == (datetime.fromisoformat(text) > now + MAX_AHEAD)


@given(st.dates(date(2026, 11, 20), date(2026, 12, 6)), st.integers(0, 1439))
def test_any_day_at_any_time_of_day(day: date, now_minutes: int) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC) + timedelta(minutes=now_minutes)
    event = example("id.rantai.partner.coached.v1")
    event["data"]["held_on"] = day.isoformat()
    begins = datetime.fromisoformat(f"{day}T00:00:00+14:00")
    assert bool(faults(event, now)) == (begins > now + MAX_AHEAD)


def test_without_a_given_time_the_present_counts() -> None:
    event = example("id.rantai.order.placed.v1")
    ahead = (datetime.now(UTC) + timedelta(hours=25)).isoformat()
    soon = (datetime.now(UTC) + timedelta(hours=23)).isoformat()
    assert isinstance(validate({**event, "time": soon}, sender_of(event)), Accepted)
    assert isinstance(validate({**event, "time": ahead}, sender_of(event)), Rejected)


def test_an_accepted_event_is_not_judged_again() -> None:
    event = {**example("id.rantai.order.placed.v1"), "time": "2062-09-01T08:15:00+07:00"}
    first = read_event(event)
    assert not isinstance(first, Rejected)
    assert ledger_record(Record(to_canonical(first).value)).id == event["id"]


def test_a_record_written_by_hand_is_refused_in_our_own_words() -> None:
    with pytest.raises(ValueError, match="/type is not a known event type") as refused:
        ledger_record(Record(b'{"type": "x", "id": 1}'))
    assert "pydantic" not in str(refused.value)


def test_the_case_of_a_mistyped_year() -> None:
    if not CASE.exists():
        pytest.skip("the cases (../shared/data/cases) are missing")
    events = [parse(line) for line in (CASE / "events.jsonl").read_bytes().splitlines()]
    found = [[one[0] for one in faults(event)] for event in events]
    assert found == [[], ["/time"], [], []]
