"""The figures in SQL against the reference: to the last digit, over any tolerance and zone."""

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

from services.warehouse.client import Warehouse
from services.warehouse.derived import derive
from services.warehouse.figures import Selection, Tolerances, delivery_sums, quality_sums
from services.warehouse.ledger import Ledger, json_lines
from services.warehouse.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.reference import figures as reference
from tests.reference.cases import Event, complain, inspect, receive, reverse
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.reference.worked_out import PLACED, WORKED_OUT, T
from tests.storing import contents, empty, row, store, store_in_batches

START, DAYS = date(2026, 1, 1), 90
SUPPLIERS, BUYERS = supplier_ids(3), buyer_ids(2)
JAKARTA = Tolerances(7, 0, Decimal(0), Decimal("0.05"), 3, "Asia/Jakarta")

LINE_FACTS = """
SELECT * FROM line_facts(
    suppliers = {suppliers:Array(String)}, buyers = {buyers:Array(String)}, as_of = {as_of:Date32},
    zone = {zone:String}, late_days = {late_days:Int32}, early_days = {early_days:Int32},
    notice_days = {notice_days:Int32}, under = {under:Decimal(9, 6)}, over = {over:Decimal(9, 6)})
"""

TOLERANCES = st.builds(
    Tolerances,
    early_days=st.integers(0, 40),
    late_days=st.integers(0, 20),
    under=st.decimals(0, Decimal("0.6"), places=6),
    over=st.decimals(0, 2, places=6),
    notice_days=st.integers(0, 20),
    zone=st.sampled_from(["Asia/Jakarta", "Asia/Jayapura", "UTC", "America/New_York"]),
)
SELECTIONS = st.builds(
    Selection,
    as_of=st.integers(-2, DAYS + 40).map(lambda day: START + timedelta(days=day)),
    window_days=st.sampled_from([1, 7, 30, 180, 400]),
    suppliers=st.sampled_from([[], SUPPLIERS[:1], SUPPLIERS[1:], [*SUPPLIERS, "nobody"]]),
    buyers=st.sampled_from([[], [], BUYERS[:1], BUYERS[1:]]),
)


Given = tuple[Warehouse, list[Event]]


@pytest.fixture(scope="module", params=[20261101])
def given_history(request: pytest.FixtureRequest, own_warehouse: Warehouse) -> Given:
    """Return a store with a generated history, shuffled, a fifth of it sent twice."""
    empty(own_warehouse)
    rng = random.Random(request.param)
    events = history(rng, suppliers=3, buyers=2, lines=140, start=START, days=DAYS)
    sent = shuffled(rng, events)
    store_in_batches(own_warehouse, rng, sent)
    return own_warehouse, sent


def in_reference(tolerances: Tolerances) -> dict[str, Any]:
    return {
        "zone": tolerances.zone,
        "tolerances": reference.Tolerances(
            early=tolerances.early_days,
            late=tolerances.late_days,
            under=tolerances.under,
            over=tolerances.over,
            short_notice_days=tolerances.notice_days,
        ),
    }


def by_key(sums: dict[str, Any], keys: dict[str, tuple[str, str]]) -> dict[str, tuple[Any, Any]]:
    """Return numerator and denominator of each figure; a supplier without any has zeros."""
    return {
        name: (Fraction(sums.get(above, 0)), Fraction(sums.get(below, 0)))
        for name, (above, below) in keys.items()
    }


DELIVERY = {
    "otif": ("otif", "lines"),
    "otif_requested": ("otif_requested", "lines_requested"),
    "on_time_quantity": ("on_time_quantity", "ordered_quantity"),
    "fill_rate": ("filled_quantity", "ordered_quantity"),
    "mean_days_late": ("quantity_days_late", "ordered_quantity"),
}
QUALITY = {
    "ppm": ("rejected_quantity", "received_quantity"),
    "lot_acceptance": ("accepted", "inspections"),
}


def same_figures(
    warehouse: Warehouse, events: list[Event], selection: Selection, tolerances: Tolerances
) -> None:
    delivery = delivery_sums(warehouse, selection, tolerances)
    quality = quality_sums(warehouse, selection, tolerances)
    asked = set(selection.suppliers or SUPPLIERS)
    assert delivery.keys() | quality.keys() <= asked
    for supplier in asked:
        expected = reference.scorecard(
            events,
            supplier,
            selection.as_of,
            selection.window_days,
            selection.buyers[0] if selection.buyers else None,
            **in_reference(tolerances),
        )
        got = by_key(delivery.get(supplier, {}), DELIVERY)
        got |= by_key(quality.get(supplier, {}), QUALITY)
        assert got == {name: (f.numerator, f.denominator) for name, f in expected.items()}


def same_lines(
    warehouse: Warehouse,
    events: list[Event],
    supplier: str,
    as_of: date,
    tolerances: Tolerances = JAKARTA,
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Compare line by line; return the rows by buyer, order and line."""
    selection = Selection(as_of, 180, [supplier])
    rows = warehouse.rows(LINE_FACTS, selection.parameters(tolerances))
    found = {(row["buyer_id"], row["order_no"], row["line_no"]): row for row in rows}
    assert len(found) == len(rows)
    facts = reference.line_facts(events, supplier, as_of, **in_reference(tolerances))
    assert {key: as_stored(row) for key, row in found.items()} == {
        key: as_stated(line) for key, line in facts.items()
    }
    return found


def as_stored(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "due": row["due_date"],
        "requested": row["requested_date"],
        "ordered": Fraction(row["ordered"]),
        "received": Fraction(row["received"]),
        "returned": Fraction(row["returned"]),
        "receipts": sorted((on, Fraction(quantity)) for on, quantity, _ in row["receipts"]),
        "out": row["out_because"] or None,
        "cancelled_by": row["cancelled_by"] or None,
        "matured": bool(row["matured"]),
        "requested_matured": bool(row["requested_matured"]),
        "otif": bool(row["on_time_in_full"]),
        "otif_requested": bool(row["on_time_in_full_requested"]),
        "on_time": Fraction(row["on_time_quantity"]),
        "filled": Fraction(row["filled"]),
        "quantity_days_late": Fraction(row["quantity_days_late"]) if row["matured"] else None,
    }


def as_stated(line: reference.LineFacts) -> dict[str, Any]:
    return {
        "due": line.due,
        "requested": line.requested,
        "ordered": line.ordered,
        "received": line.received,
        "returned": line.returned,
        "receipts": sorted(receipt for receipt in line.receipts if receipt[1]),
        "out": line.out,
        "cancelled_by": line.cancelled_by,
        "matured": line.matured,
        "requested_matured": line.requested_matured,
        "otif": line.otif,
        "otif_requested": line.otif_requested,
        "on_time": line.on_time,
        "filled": line.filled,
        "quantity_days_late": line.quantity_days_late if line.matured else None,
    }


@settings(max_examples=14, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(selection=SELECTIONS, tolerances=TOLERANCES)
def test_figures_equal_the_reference(
    given_history: Given, selection: Selection, tolerances: Tolerances
) -> None:
    same_figures(*given_history, selection, tolerances)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    supplier=st.sampled_from(SUPPLIERS),
    day=st.integers(5, DAYS + 20),
    tolerances=st.one_of(st.just(JAKARTA), TOLERANCES),
)
def test_each_line_equals_the_reference(
    given_history: Given, supplier: str, day: int, tolerances: Tolerances
) -> None:
    same_lines(*given_history, supplier, START + timedelta(days=day), tolerances)


def test_rebuilt_or_derived_twice_every_derived_row_is_the_same(given_history: Given) -> None:
    warehouse, events = given_history
    before = contents(warehouse)
    assert len(before["order_versions"]) > 100
    assert len(before["inspections"]) > 10
    batches = [row["batch"] for row in warehouse.rows("SELECT DISTINCT batch FROM events")]
    derive(warehouse, batches[:7])
    derive(warehouse, batches[:7])
    assert contents(warehouse) == before
    assert rebuild(warehouse, NOT_SYNCED) == len(before)
    assert contents(warehouse) == before
    for day in (40, DAYS + 1):
        same_figures(warehouse, events, Selection(START + timedelta(days=day), 60), JAKARTA)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), day=st.integers(10, 70), tolerances=TOLERANCES)
def test_any_history_in_any_batches(
    own_warehouse: Warehouse, seed: int, day: int, tolerances: Tolerances
) -> None:
    empty(own_warehouse)
    rng = random.Random(seed)
    events = history(rng, suppliers=3, buyers=2, lines=24, start=START, days=60)
    sent = shuffled(rng, events)
    store_in_batches(own_warehouse, rng, sent)
    as_of = START + timedelta(days=day)
    same_figures(own_warehouse, sent, Selection(as_of, 90), tolerances)
    same_figures(own_warehouse, sent, Selection(as_of, 30, buyers=BUYERS[:1]), JAKARTA)


CASE_NUMBERS = count()


def of_a_case(events: list[Event]) -> tuple[str, list[Event]]:
    """Give the events to a supplier of their own, under ids of their own."""
    case = next(CASE_NUMBERS)
    supplier = f"HAND-{case}"
    return supplier, [
        event | {"id": f"{case}-{event['id']}", "data": event["data"] | {"supplier_id": supplier}}
        for event in events
    ]


@pytest.mark.parametrize("name", WORKED_OUT)
def test_cases_worked_out_by_hand(warehouse: Warehouse, name: str) -> None:
    written, expected = WORKED_OUT[name]
    supplier, events = of_a_case(written)
    store(warehouse, events[::-1])
    facts = same_lines(warehouse, events, supplier, T)["B1", "P", "10"]
    assert {key: facts[key] for key in expected} == expected


def test_rejects_and_complaints_over_all_that_came(warehouse: Warehouse) -> None:
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
    store(warehouse, events)
    sums = quality_sums(warehouse, Selection(T, 30, [supplier]), JAKARTA)[supplier]
    found = (sums["rejected_quantity"], sums["received_quantity"])
    assert found == (Decimal("3.5"), Decimal(400))
    assert (sums["accepted"], sums["inspections"]) == (0, 1)


def test_the_first_stored_stands_also_after_a_rebuild(own_warehouse: Warehouse) -> None:
    empty(own_warehouse)
    supplier, (first, receipt) = of_a_case([PLACED, receive("03-20", 100)])
    conflict = first | {"data": first["data"] | {"order_no": "OTHER"}}
    store(own_warehouse, [first])
    store(own_warehouse, [conflict, receipt, first])
    before = contents(own_warehouse)
    assert [found[2] for found in before["order_versions"]] == ["P"]
    assert len(before["receipt_lines"]) == 1
    rebuild(own_warehouse, NOT_SYNCED)
    assert contents(own_warehouse) == before
    same_lines(own_warehouse, [first, receipt], supplier, T)


def test_of_two_copies_written_at_once_the_first_stands_after_a_rebuild(
    own_warehouse: Warehouse,
) -> None:
    empty(own_warehouse)
    _, (first,) = of_a_case([PLACED])
    other = first | {"data": first["data"] | {"order_no": "OTHER"}}
    # Two processes that read the same partition for a moment: neither saw the other's row.
    for event in (first, other):
        own_warehouse.insert_json_lines("events", json_lines([row(event)], uuid4()))
    assert Ledger(own_warehouse).append([row(other)], uuid4()).conflicts
    rebuild(own_warehouse, NOT_SYNCED)
    assert [found[2] for found in contents(own_warehouse)["order_versions"]] == ["P"]
