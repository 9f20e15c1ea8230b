"""The figures in SQL equal those of the reference to the last digit, for any policy and zone."""

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.assessment.assessor import Assessor
from services.assessment.figure_store import FigureStore, Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.assessed import Assessed
from services.readiness.figures import Figure, Load
from services.readiness.policy import DEFAULT_POLICY, Policy
from services.readiness.rules import DEFAULT_RULES, Rules
from services.store.client import ClickHouse
from services.store.derived_tables import derive_batches
from services.store.folding import drop_facts, fold, fold_all
from services.store.ledger import Ledger, json_lines
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.reference import assessment, figures, load, values
from tests.reference.cases import Event, complain, inspect, receive, reverse
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.reference.order_line import Tolerances
from tests.reference.worked_out import PLACED, WORKED_OUT, T
from tests.support.storing import contents, empty, row, store, store_in_batches

START, DAYS = date(2026, 1, 1), 90
SUPPLIERS, BUYERS = supplier_ids(3), buyer_ids(2)

POLICIES = st.builds(
    lambda early, late, under, over, notice, zone: DEFAULT_POLICY.with_tolerances(
        early_days=early, late_days=late, under=under, over=over, notice_days=notice
    ).with_zone(zone),
    st.integers(0, 40),
    st.integers(0, 20),
    st.decimals(0, Decimal("0.6"), places=6),
    st.decimals(0, 1, places=6),
    st.integers(0, 20),
    st.sampled_from(["Asia/Jakarta", "Asia/Jayapura", "UTC", "America/New_York"]),
)
SELECTIONS = st.builds(
    Selection,
    as_of=st.integers(-2, DAYS + 40).map(lambda day: START + timedelta(days=day)),
    window_days=st.sampled_from([1, 7, 30, 180, 400]),
    suppliers=st.sampled_from([SUPPLIERS[:1], SUPPLIERS[1:], [*SUPPLIERS, "nobody"]]),
    buyers=st.sampled_from([[], [], BUYERS[:1], BUYERS[1:]]),
)


Given = tuple[ClickHouse, list[Event]]


@pytest.fixture(scope="module", params=[20261101])
def given_history(request: pytest.FixtureRequest, own_clickhouse: ClickHouse) -> Given:
    """Return a store and its events: a generated history, shuffled, a fifth of it sent twice."""
    empty(own_clickhouse)
    rng = random.Random(request.param)
    events = history(rng, suppliers=3, buyers=2, lines=140, start=START, days=DAYS)
    sent = shuffled(rng, events)
    store_in_batches(own_clickhouse, rng, sent)
    return own_clickhouse, sent


@pytest.fixture(scope="module")
def calm_history(own_clickhouse: ClickHouse) -> Given:
    """Return a store and its events: a history over a year, calm enough that every grade occurs."""
    empty(own_clickhouse)
    rng = random.Random(4)
    events = history(rng, suppliers=3, buyers=2, lines=180, start=START, days=420, calm=0.97)
    sent = shuffled(rng, events)
    store_in_batches(own_clickhouse, rng, sent)
    return own_clickhouse, sent


def in_reference(policy: Policy) -> dict[str, Any]:
    """Return the zone and tolerances of a policy as arguments of the reference."""
    return {
        "zone": policy.zone,
        "tolerances": Tolerances(
            early=policy.early_days,
            late=policy.late_days,
            under=policy.under,
            over=policy.over,
            short_notice_days=policy.notice_days,
        ),
    }


def same_scorecards(
    clickhouse: ClickHouse,
    events: list[Event],
    selection: Selection,
    policy: Policy = DEFAULT_POLICY,
) -> list[assessment.Assessment]:
    """Compare whole scorecards; return those of the reference.

    If the policy has other rules, the facts are folded under them first and dropped afterwards.
    """
    rules = Rules.of(policy)
    if rules != DEFAULT_RULES:
        fold_all(clickhouse, rules)
    try:
        found = Assessor(clickhouse, policy).assessed(selection)
    finally:
        if rules != DEFAULT_RULES:
            drop_facts(clickhouse, rules.id)
    stated = []
    for supplier in selection.suppliers:
        expected = assessment.whole(
            events,
            supplier,
            selection.as_of,
            selection.window_days,
            selection.buyers[0] if selection.buyers else None,
            **in_reference(policy),
        )
        differs = differences(as_found(found[supplier]), as_expected(expected))
        assert not differs, (supplier, selection, policy)
        stated.append(expected)
    return stated


def differences(got: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return (got, expected) of everything that differs, by figure or by part of the scorecard."""
    found = {key: (got[key], one) for key, one in expected.items() if got[key] != one}
    kpis, wanted = found.pop("kpis", ({}, {}))
    return found | {
        key: (kpis.get(key), wanted.get(key))
        for key in {**kpis, **wanted}
        if kpis.get(key) != wanted.get(key)
    }


def as_found(got: Assessed) -> dict[str, Any]:
    kpis: dict[str, Any] = {}
    for key, figure in got.figures.items():
        if isinstance(figure, Load):
            pairs = figure.processes.items()
            kpis[key] = {name: (one.numerator, one.denominator, one.exact) for name, one in pairs}
        elif isinstance(figure, Figure):
            kpis[key] = (figure.numerator, figure.denominator, figure.exact)
        else:
            kpis[key] = figure.exact
    return {
        "kpis": kpis,
        "load": got.figures["capacity_load"].exact,
        "score": got.score.value,
        "pillars": dict(got.score.pillars),
        "grade": (got.grade.value, got.published, got.grade.insufficient),
        "stop": "line_stops" in got.grade.gates,
        "step": got.sums.overdue_step,
        "judged": (got.sums.matured_lines, got.sums.matured_months),
        "stages": [(s.assessor, s.value, s.mean, s.assessed_on, s.limits) for s in got.stages],
    }


def as_expected(one: assessment.Assessment) -> dict[str, Any]:
    kpis: dict[str, Any] = {}
    for key, figure in one.figures.kpis.items():
        if isinstance(figure, load.Load):
            pairs = figure.processes.items()
            kpis[key] = {name: (x.numerator, x.denominator, x.value) for name, x in pairs}
        elif isinstance(figure, values.Figure):
            kpis[key] = (figure.numerator, figure.denominator, figure.value)
        else:
            kpis[key] = figure.value
    return {
        "kpis": kpis,
        "load": one.figures.kpis["capacity_load"].value,
        "score": one.score.value,
        "pillars": dict(one.score.pillars),
        "grade": (one.grade.value, one.published, one.grade.insufficient),
        "stop": "line_stops" in one.grade.gates,
        "step": one.figures.complaint_step_overdue,
        "judged": (one.figures.matured_lines, one.figures.matured_months),
        "stages": [
            (s.assessor, s.value, s.mean, s.assessed_on, tuple(s.limits)) for s in one.stages
        ],
    }


def same_lines(
    clickhouse: ClickHouse, events: list[Event], supplier: str, as_of: date
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Compare line by line; return the rows by buyer, order and line."""
    rows = FigureStore(clickhouse, DEFAULT_POLICY).lines(
        Selection(as_of, 180, [supplier]), "any", 100_000, 0
    )
    found = {(row["buyer_id"], row["order_no"], row["line_no"]): row for row in rows}
    assert len(found) == len(rows)
    facts = figures.line_facts(events, supplier, as_of)
    assert {key: as_stored(row) for key, row in found.items()} == {
        key: as_stated(line) for key, line in facts.items()
    }
    return found


def shown(quantity: Decimal | Fraction) -> Fraction:
    """Cut a quantity off after 15 decimals: 7 pieces in dozens are an infinite decimal."""
    return Fraction(int(Fraction(quantity) * 10**15), 10**15)


def as_stored(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "due": row["due_date"],
        "requested": row["requested_date"],
        "ordered": shown(row["ordered"]),
        "received": shown(row["received"]),
        "returned": shown(row["returned"]),
        "receipts": sorted((on, shown(quantity)) for on, quantity, _ in row["receipts"]),
        "out": row["out_because"] or None,
        "cancelled_by": row["cancelled_by"] or None,
        "judged": bool(row["judged"]),
        "otif": bool(row["on_time_in_full"]),
    }


def as_stated(line: figures.LineFacts) -> dict[str, Any]:
    return {
        "due": line.due,
        "requested": line.requested,
        "ordered": shown(line.ordered),
        "received": shown(line.received),
        "returned": shown(line.returned),
        "receipts": sorted((on, shown(quantity)) for on, quantity in line.receipts if quantity),
        "out": line.out,
        "cancelled_by": line.cancelled_by,
        "judged": line.in_window,
        "otif": line.otif,
    }


@settings(max_examples=14, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(selection=SELECTIONS, policy=st.one_of(st.just(DEFAULT_POLICY), POLICIES))
def test_scorecards_equal_the_reference(
    given_history: Given, selection: Selection, policy: Policy
) -> None:
    same_scorecards(*given_history, selection, policy)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(supplier=st.sampled_from(SUPPLIERS), day=st.integers(5, DAYS + 20))
def test_each_line_equals_the_reference(given_history: Given, supplier: str, day: int) -> None:
    same_lines(*given_history, supplier, START + timedelta(days=day))


def test_deriving_twice_or_rebuilding_changes_no_derived_row(given_history: Given) -> None:
    clickhouse, events = given_history
    before = contents(clickhouse)
    assert len(before["order_versions"]) > 100
    assert len(before["inspections"]) > 10
    batches = [row["batch"] for row in clickhouse.rows("SELECT DISTINCT batch FROM events")]
    derive_batches(clickhouse, batches[:7])
    derive_batches(clickhouse, batches[:7])
    fold(clickhouse, DEFAULT_RULES, batches[:7])
    assert contents(clickhouse) == before
    rebuild(clickhouse, NOT_SYNCED)
    assert contents(clickhouse) == before
    for day in (40, DAYS + 1):
        asked = Selection(START + timedelta(days=day), 60, SUPPLIERS)
        same_scorecards(clickhouse, events, asked)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), day=st.integers(10, 70), policy=POLICIES)
def test_scorecards_equal_the_reference_for_any_history_in_any_batches(
    own_clickhouse: ClickHouse, seed: int, day: int, policy: Policy
) -> None:
    empty(own_clickhouse)
    rng = random.Random(seed)
    events = history(rng, suppliers=3, buyers=2, lines=24, start=START, days=60)
    sent = shuffled(rng, events)
    store_in_batches(own_clickhouse, rng, sent)
    as_of = START + timedelta(days=day)
    same_scorecards(own_clickhouse, sent, Selection(as_of, 90, SUPPLIERS), policy)
    same_scorecards(own_clickhouse, sent, Selection(as_of, 30, SUPPLIERS, BUYERS[:1]))


def test_grades_of_all_kinds_equal_the_reference(calm_history: Given) -> None:
    clickhouse, events = calm_history
    letters: set[str | None] = set()
    for day in (60, 150, 240, 330, 419, 500):
        for buyers in ([], BUYERS[:1]):
            asked = Selection(START + timedelta(days=day), 180, SUPPLIERS, buyers)
            for one in same_scorecards(clickhouse, events, asked):
                letters |= {one.grade.value, one.published}
    assert letters >= {None, "B", "C", "D"}


CASE_NUMBERS = count()


def of_a_case(events: list[Event]) -> tuple[str, list[Event]]:
    """Return a new supplier, and the events moved to it with ids of their own."""
    case = next(CASE_NUMBERS)
    supplier = f"HAND-{case}"
    return supplier, [
        event | {"id": f"{case}-{event['id']}", "data": event["data"] | {"supplier_id": supplier}}
        for event in events
    ]


@pytest.mark.parametrize("name", WORKED_OUT)
def test_cases_worked_out_by_hand(clickhouse: ClickHouse, name: str) -> None:
    written, expected = WORKED_OUT[name]
    supplier, events = of_a_case(written)
    store(clickhouse, events[::-1])
    facts = same_lines(clickhouse, events, supplier, T)["B1", "P", "10"]
    (assessed,) = same_scorecards(clickhouse, events, Selection(T, 180, [supplier]))
    ratio = assessed.figures.ratio
    facts |= {
        "matured": assessed.figures.matured_lines,
        "filled": ratio("fill_rate").numerator,
        "on_time_quantity": ratio("on_time_quantity").numerator,
        "quantity_days_late": ratio("mean_days_late").numerator,
    }
    assert {key: facts[key] for key in expected} == expected


def test_ppm_is_rejects_and_complaints_over_the_quantity_received(clickhouse: ClickHouse) -> None:
    orphan = receive("03-21", lines=[{"order_no": "?", "line_no": "1", "quantity": 300}])
    written = [
        PLACED,
        receive("03-20", 100),
        orphan,
        receive("03-21", 100, no="R"),
        reverse("03-22", "R"),
        receive("02-01", 7),
        inspect("03-20", 50, "rejected"),
        inspect("03-20", 3, "concession", sent="03-21"),
        complain("03-25", "C1", quantity="0.5"),
        complain("03-25", "C2", quantity=40, inspection_no="Q1"),
        complain("03-25", "C3"),
        complain("04-01", "C4", quantity=9),
    ]
    supplier, events = of_a_case(written)
    store(clickhouse, events)
    kpis = (
        ScorecardReader(clickhouse, DEFAULT_POLICY)
        .facts(Selection(T, 30, [supplier]))
        .figures([supplier])
    )
    ppm, lots = kpis["ppm"], kpis["lot_acceptance"]
    assert (ppm.numerator, ppm.denominator) == (Fraction("3.5"), Fraction(400))
    assert (lots.numerator, lots.denominator) == (Fraction(0), Fraction(1))


def test_the_first_stored_stands_also_after_a_rebuild(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    supplier, (first, receipt) = of_a_case([PLACED, receive("03-20", 100)])
    conflict = first | {"data": first["data"] | {"order_no": "OTHER"}}
    store(own_clickhouse, [first])
    store(own_clickhouse, [conflict, receipt, first])
    before = contents(own_clickhouse)
    assert [found[2] for found in before["order_versions"]] == ["P"]
    assert len(before["receipt_lines"]) == 1
    rebuild(own_clickhouse, NOT_SYNCED)
    assert contents(own_clickhouse) == before
    same_lines(own_clickhouse, [first, receipt], supplier, T)


def test_of_two_conflicting_copies_written_at_once_the_first_stands_after_a_rebuild(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    _, (first,) = of_a_case([PLACED])
    other = first | {"data": first["data"] | {"order_no": "OTHER"}}
    # As if two processes read the same partition for a moment: neither sees the other's row.
    for event in (first, other):
        own_clickhouse.insert_json_lines("events", json_lines([row(event)], uuid4()))
    assert Ledger(own_clickhouse).append([row(other)], uuid4()).conflicts
    rebuild(own_clickhouse, NOT_SYNCED)
    assert [found[2] for found in contents(own_clickhouse)["order_versions"]] == ["P"]
