"""Standings are kept until a fact about the supplier changes, and never answered when stale."""

import json
import random
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.standings import Standings
from services.readiness.policy import DEFAULT_POLICY, packaged_text
from services.readiness.summary import Summary
from services.store.client import ClickHouse
from services.store.ledger import Ledger
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.reference.cases import (
    assess,
    cancel,
    capacity,
    complain,
    inspect,
    order,
    receive,
    send_back,
)
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.support.storing import empty, row, store

START, DAYS = date(2026, 1, 1), 200
SUPPLIERS, BUYERS = supplier_ids(2), buyer_ids(2)
DATES = (date(2026, 4, 1), date(2026, 6, 17))
EXAMPLES = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))


def scorecard(standings: Standings, supplier: str, as_of: date, buyers: list[str]) -> Any:
    """Return a scorecard without the time of its computation."""
    selection = Selection(as_of, WINDOW_DAYS, [supplier], buyers)
    return json.loads(standings.scorecard(supplier, selection)) | {"computed_at": ""}


def everything(standings: Standings) -> list[Any]:
    """Return the scorecards and summaries of all suppliers at some dates."""
    cards = [
        scorecard(standings, supplier, as_of, buyers)
        for supplier in SUPPLIERS
        for as_of in DATES
        for buyers in ([], BUYERS[:1])
    ]
    return cards + [standings.summaries(Selection(day, WINDOW_DAYS, SUPPLIERS)) for day in DATES]


@EXAMPLES
@given(seed=st.integers(0, 10**6))
def test_what_is_kept_equals_what_would_be_computed(own_clickhouse: ClickHouse, seed: int) -> None:
    empty(own_clickhouse)
    rng = random.Random(seed)
    sent = shuffled(rng, history(rng, suppliers=2, buyers=2, lines=60, start=START, days=DAYS))
    ledger, kept = Ledger(own_clickhouse), Standings(own_clickhouse, DEFAULT_POLICY)
    another = Standings(own_clickhouse, DEFAULT_POLICY)
    size = max(1, len(sent) // 3)
    for begin in range(0, len(sent), size):
        ledger.append([row(event) for event in sent[begin : begin + size]], uuid4())
        # Two processes in turn: each has its own memory, and both share what the store keeps.
        first, again = everything(kept), everything(another)
        own_clickhouse.command("TRUNCATE TABLE standings")
        assert first == again == everything(Standings(own_clickhouse, DEFAULT_POLICY))


def test_a_scorecard_is_computed_once(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    store(own_clickhouse, [order("03-01", 10, "03-20"), receive("03-20", 10)])
    standings = Standings(own_clickhouse, DEFAULT_POLICY)
    selection = Selection(DATES[0], WINDOW_DAYS, ["S1"])
    standings.summaries(selection)
    (kept,) = own_clickhouse.rows("SELECT scorecard, mark FROM standings")
    assert standings.scorecard("S1", selection).decode() == kept["scorecard"]
    own_clickhouse.command(
        "ALTER TABLE standings UPDATE scorecard = '{}' WHERE 1 SETTINGS mutations_sync = 1"
    )
    assert Standings(own_clickhouse, DEFAULT_POLICY).scorecard("S1", selection) == b"{}"
    # Another date, window, buyer or policy needs another scorecard.
    for other in (
        Selection(DATES[1], WINDOW_DAYS, ["S1"]),
        Selection(DATES[0], 30, ["S1"]),
        Selection(DATES[0], WINDOW_DAYS, ["S1"], ["B1"]),
    ):
        found = json.loads(Standings(own_clickhouse, DEFAULT_POLICY).scorecard("S1", other))
        assert found["kpis"]["otif"]["denominator"] == 1
    text = packaged_text().replace("A = 90", "A = 91")
    changed = Standings(own_clickhouse, DEFAULT_POLICY.load_text(text))
    assert json.loads(changed.scorecard("S1", selection))["kpis"]["otif"]["denominator"] == 1


@pytest.mark.parametrize(
    ("event", "changes"),
    [
        (receive("03-25", 1, no="LATE"), "kpis"),
        (send_back("03-25", 1), "kpis"),
        (complain("03-25", "C1", severity="line_stop"), "grade"),
        (assess("03-02", (80, 80, 80)), "stage"),
        (cancel("03-02", "buyer"), "kpis"),
        (inspect("03-26", 1, "rejected"), "kpis"),
        (capacity("03-02", "press", 100, "I"), "kpis"),
    ],
)
def test_every_event_that_counts_makes_what_is_kept_stale(
    own_clickhouse: ClickHouse, event: dict[str, Any], changes: str
) -> None:
    empty(own_clickhouse)
    store(own_clickhouse, [order("03-01", 10, "03-20"), receive("03-18", 10)])
    standings = Standings(own_clickhouse, DEFAULT_POLICY)
    selection = Selection(DATES[0], WINDOW_DAYS, ["S1"])
    before = json.loads(standings.scorecard("S1", selection))
    standings.summaries(selection)
    store(own_clickhouse, [event])
    after = json.loads(standings.scorecard("S1", selection))
    assert after[changes] != before[changes]
    fresh = json.loads(Standings(own_clickhouse, DEFAULT_POLICY).scorecard("S1", selection))
    assert fresh | {"computed_at": 0} == after | {"computed_at": 0}


def test_a_rebuild_makes_every_standing_stale(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    store(own_clickhouse, [order("03-01", 10, "03-20"), receive("03-20", 10)])
    standings = Standings(own_clickhouse, DEFAULT_POLICY)
    selection = Selection(DATES[0], WINDOW_DAYS, ["S1"])
    marks = standings.assessor.store.marks(selection)
    standings.summaries(selection)
    rebuild(own_clickhouse, NOT_SYNCED)
    assert own_clickhouse.rows("SELECT 1 FROM standings") == []
    assert standings.assessor.store.marks(selection) not in (marks, {})


def test_a_summary_is_kept_to_the_last_digit(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    rng = random.Random(7)
    store(own_clickhouse, history(rng, suppliers=2, buyers=2, lines=90, start=START, days=DAYS))
    standings = Standings(own_clickhouse, DEFAULT_POLICY)
    selection = Selection(START + timedelta(days=DAYS), WINDOW_DAYS, SUPPLIERS)
    fresh = {name: Summary.of(one) for name, one in standings.refreshed(selection).items()}
    assert standings.summaries(selection) == fresh
    assert any(one.score is not None and one.score.denominator > 1000 for one in fresh.values())
