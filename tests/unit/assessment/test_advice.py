"""Next steps: the gain is the score with the cases put right, less the present score."""

import json
import random
from datetime import date
from typing import Any

import pytest

from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from tests.reference.cases import inspect, order, receive
from tests.reference.histories import history, shuffled, supplier_ids
from tests.support.storing import empty, store, store_in_batches

APRIL = date(2026, 4, 1)


def moved_to(supplier: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events with another supplier and with ids of their own."""
    return [
        event | {"id": f"{supplier}-{at}", "data": event["data"] | {"supplier_id": supplier}}
        for at, event in enumerate(events)
    ]


def scorecard(
    clickhouse: ClickHouse, supplier: str, events: list[dict[str, Any]]
) -> dict[str, Any]:
    store(clickhouse, moved_to(supplier, events))
    selection = Selection(APRIL, 180, [supplier])
    card: dict[str, Any] = json.loads(
        ScorecardReader(clickhouse, DEFAULT_POLICY).scorecard(supplier, selection)
    )
    return card


def test_the_gain_is_the_score_if_the_events_were_right_less_the_score(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    lots = [inspect("03-10", 0, "accepted", no=f"Q{number}") for number in range(3)]
    rest = [order("03-01", 100, "03-20"), receive("03-20", 100)]
    now = scorecard(own_clickhouse, "NOW", [*rest, *lots, inspect("03-11", 0, "rework", no="BAD")])
    then = scorecard(
        own_clickhouse, "THEN", [*rest, *lots, inspect("03-11", 0, "accepted", no="BAD")]
    )
    (step,) = [one for one in now["next_steps"] if one["kpi"] == "lot_acceptance"]
    assert step["cases"] == [{"buyer_id": "B1", "inspection_no": "BAD"}]
    assert step["gain"] == pytest.approx(then["score"]["value"] - now["score"]["value"])


def test_next_steps_come_best_first_and_all_of_them_gain(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    rng = random.Random(5)
    events = history(rng, suppliers=3, buyers=2, lines=90, start=date(2026, 1, 1), days=90)
    store_in_batches(own_clickhouse, rng, shuffled(rng, events))
    reader = ScorecardReader(own_clickhouse, DEFAULT_POLICY)
    for supplier in supplier_ids(3):
        card = json.loads(reader.scorecard(supplier, Selection(APRIL, 90, [supplier])))
        gains = [step["gain"] for step in card["next_steps"]]
        assert 0 < len(gains) <= 3
        assert gains == sorted(gains, reverse=True)
        assert all(gain > 0 for gain in gains)
        assert all(0 < len(step["cases"]) <= 5 for step in card["next_steps"])
        assert card["score"]["value"] + gains[0] <= 100


def test_a_supplier_without_faults_has_no_next_steps(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    card = scorecard(own_clickhouse, "FINE", [inspect("03-10", 0, "accepted")])
    assert card["next_steps"] == []
