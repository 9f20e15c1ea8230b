"""The random histories: valid, varied, and assessed alike in any order of events."""

import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import EVENT
from schemas.moments import future_faults
from tests.reference.assessment import whole
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids

START = date(2025, 1, 1)


def year(seed: int) -> list[dict[str, Any]]:
    """Return a mostly calm history of three suppliers over 420 days."""
    size = {"suppliers": 3, "buyers": 2, "lines": 180, "days": 420}
    return history(random.Random(seed), start=START, calm=0.98, **size)


def wild(seed: int) -> list[dict[str, Any]]:
    """Return a history of two suppliers over 120 days, without calm orders."""
    size = {"suppliers": 2, "buyers": 2, "lines": 60, "days": 120}
    return history(random.Random(seed), start=START, **size)


@pytest.mark.parametrize("events", [year(3), wild(3), wild(4)], ids=["year", "wild", "wilder"])
def test_a_history_is_valid_and_the_same_for_a_seed(events: list[dict[str, Any]]) -> None:
    for event in events:
        EVENT.validate_python(event)
    assert len({event["type"] for event in events}) == 21
    assert events in (year(3), wild(3), wild(4))


def test_no_instant_of_a_history_lies_after_its_end() -> None:
    # Soak tests send histories that end about today, and instants in the future are refused.
    end = datetime.combine(START, time(0), UTC) + timedelta(days=120)
    for event in (event for seed in range(20) for event in wild(seed)):
        assert future_faults(EVENT.validate_python(event), end) == []


def test_grades_of_every_kind_occur_and_the_published_one_moves() -> None:
    grades: Counter[str | None] = Counter()
    shown: Counter[str | None] = Counter()
    gates: Counter[str] = Counter()
    moves = 0
    for seed in range(2):
        events = year(seed)
        for supplier in supplier_ids(3):
            before = None
            for month in range(2, 13):
                found = whole(events, supplier, date(2025, 1, 20) + timedelta(days=30 * month))
                grades[found.grade.value] += 1
                shown[found.published] += 1
                gates.update(found.grade.gates)
                moves += before not in (None, found.published)
                before = found.published
    assert set(grades) == {"A", "B", "C", "D", None}
    assert len(set(shown)) >= 4
    assert set(gates) == {"line_stops", "complaint_step_overdue"}
    assert moves >= 5


def data_of(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event["data"] for event in events if event["type"] == f"id.rantai.{name}.v1"]


def test_a_few_histories_have_every_variant_that_figures_depend_on() -> None:
    events = [event for seed in range(8) for event in wild(seed)]
    orders = [*data_of(events, "order.placed"), *data_of(events, "order.changed")]
    assert {"IDR", "USD", None} == {order.get("currency") for order in orders}
    assert len({data["process"] for data in data_of(events, "partner.capacity_declared")}) >= 4
    assert {0} < {len(d.get("items", [])) for d in data_of(events, "partner.capacity_declared")}
    licences = [d for d in data_of(events, "partner.certified") if d["certificate"] == "NIB"]
    assert {"valid_to" in licence for licence in licences} == {True, False}
    assessments = data_of(events, "partner.assessed")
    assert len({data["assessor"] for data in assessments}) == 3
    assert {"five_r" in data for data in assessments} == {True, False}
    severities = {data["severity"] for data in data_of(events, "quality.complaint_opened")}
    assert severities == {"minor", "major", "line_stop", "safety"}
    midnights = [event for event in events if at_midnight(event["time"])]
    assert len(midnights) > 20


def test_receipts_name_notices_that_never_came_and_notices_are_never_named() -> None:
    found = set()
    for seed in range(8):
        events = wild(seed)
        sent, named = (
            {
                (data["buyer_id"], data["supplier_id"], data["despatch_no"])
                for data in data_of(events, name)
                if "despatch_no" in data
            }
            for name in ("delivery.despatched", "delivery.received")
        )
        found |= {bool(named - sent), bool(sent - named) * 2, bool(sent & named) * 3}
    assert found >= {1, 2, 3}


def at_midnight(text: str) -> bool:
    """Return whether a time is midnight in Jakarta."""
    since = datetime.fromisoformat(text) - datetime.fromisoformat("2025-01-01T00:00:00+07:00")
    return since % timedelta(days=1) == timedelta(0)


def test_answers_and_cancellations_fall_next_to_the_end_of_the_48_hours() -> None:
    aside: Counter[tuple[str, int]] = Counter()
    for seed in range(12):
        events = wild(seed)
        placed = {
            (data["buyer_id"], data["supplier_id"], data["order_no"]): event["time"]
            for event in events
            if event["type"] == "id.rantai.order.placed.v1"
            for data in [event["data"]]
        }
        for event in events:
            data, kind = event["data"], event["type"].split(".")[3]
            if kind in ("confirmed", "cancelled"):
                key = data["buyer_id"], data["supplier_id"], data["order_no"]
                if key in placed:
                    since = datetime.fromisoformat(placed[key]) + timedelta(hours=48)
                    off = (datetime.fromisoformat(event["time"]) - since) / timedelta(
                        microseconds=1
                    )
                    if abs(off) <= 1:
                        aside[kind, int(off)] += 1
    assert {key[1] for key in aside if key[0] == "confirmed"} == {-1, 0, 1}
    assert {key[1] for key in aside if key[0] == "cancelled"} == {-1, 0, 1}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 130), st.sampled_from([None, *buyer_ids(2)]))
def test_neither_the_order_nor_repetition_of_events_changes_an_assessment(
    seed: int, day: int, buyer: str | None
) -> None:
    events = wild(seed)
    mixed = shuffled(random.Random(seed), events, resend=0.3)
    as_of = START + timedelta(days=day)
    for supplier in supplier_ids(2):
        assert whole(mixed, supplier, as_of, 90, buyer) == whole(events, supplier, as_of, 90, buyer)
