"""What a supplier's pages show agrees with the figures, for a generated history."""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.assessment.explanation import parts_of
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.supplier_reader import SupplierReader
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.web.supplier.line_at import line_at
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.support.storing import empty, store_in_batches

START, DAYS = date(2026, 1, 1), 90
SUPPLIERS, BUYERS = supplier_ids(2), buyer_ids(2)
DATES = [START + timedelta(days=days) for days in (45, 90, 120)]
SELECTIONS = [
    Selection(day, 60, [supplier], buyers)
    for day in DATES
    for supplier in SUPPLIERS
    for buyers in ([], [BUYERS[0]])
]
EVERY = 2**31


@pytest.fixture(scope="module")
def reader(own_clickhouse: ClickHouse) -> ScorecardReader:
    """Return a reader of a store with a generated history."""
    empty(own_clickhouse)
    rng = random.Random(23)
    events = history(rng, suppliers=2, buyers=2, lines=110, start=START, days=DAYS)
    store_in_batches(own_clickhouse, rng, shuffled(rng, events))
    return ScorecardReader(own_clickhouse, DEFAULT_POLICY)


def lines(reader: ScorecardReader, selection: Selection) -> list[dict[str, Any]]:
    return reader.store.lines(selection, "any", EVERY, 0)


def key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["buyer_id"], row["order_no"], row["line_no"]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_the_state_of_a_line_equals_that_of_the_store(
    reader: ScorecardReader, selection: Selection
) -> None:
    rows = lines(reader, selection)
    assert rows
    folds = SupplierReader(reader).folds(selection.suppliers[0], map(key, rows))
    same = (
        "item_no", "ordered", "requested_date", "due_date", "due_set_by", "out_because",
        "cancelled_by", "receipts", "most", "in_the_house", "received", "returned", "uom",
    )  # fmt: skip
    for row in rows:
        line = line_at(folds[key(row)], selection.as_of, DEFAULT_POLICY)
        assert line is not None
        assert {name: line[name] for name in same} == {name: row[name] for name in same}


def test_a_line_does_not_exist_before_its_first_version(reader: ScorecardReader) -> None:
    rows = lines(reader, Selection(DATES[-1], 60, [SUPPLIERS[0]]))
    folds = SupplierReader(reader).folds(SUPPLIERS[0], map(key, rows))
    assert all(line_at(fold, START, DEFAULT_POLICY) is None for fold in folds.values())


@pytest.mark.parametrize("selection", SELECTIONS)
def test_months_are_those_of_the_figures(reader: ScorecardReader, selection: Selection) -> None:
    months = SupplierReader(reader).sums(selection).months
    whole = reader.monthly_figures(selection)
    shown = ("otif", "on_time_quantity", "fill_rate", "mean_days_late", "ppm", "lot_acceptance")
    assert months.keys() == whole.keys()
    for name, figures in months.items():
        assert {key: figures[key] for key in shown} == {key: whole[name][key] for key in shown}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_months_of_matured_lines_are_those_of_the_grade(
    reader: ScorecardReader, selection: Selection
) -> None:
    found = SupplierReader(reader).sums(selection).matured_months
    assessed = reader.assessor.assessed(selection)[selection.suppliers[0]]
    assert found == assessed.sums.matured_months


@pytest.mark.parametrize("selection", SELECTIONS)
def test_awaited_quantities_are_what_is_missing_of_the_lines(
    reader: ScorecardReader, selection: Selection
) -> None:
    last = selection.as_of + timedelta(days=84)
    expected: dict[tuple[str, date], Decimal] = {}
    for row in lines(reader, selection):
        missing = row["ordered"] - row["received"]
        counts = not row["out_because"] and not row["cancelled_by"] and missing > 0
        if counts and row["due_date"] < last:
            named = row["item_no"], row["due_date"]
            expected[named] = expected.get(named, Decimal(0)) + missing
    found: dict[tuple[str, date], Decimal] = {}
    for one in SupplierReader(reader).sums(selection).awaited:
        named = one.item, one.due
        found[named] = found.get(named, Decimal(0)) + one.quantity
    # A quantity in another unit may be an infinite decimal, and is cut off. The sum of quantities
    # that are cut off differs in the last digits from the sum that is cut off.
    assert rounded(found) == rounded(expected)


def rounded(quantities: Mapping[tuple[str, date], Decimal]) -> dict[tuple[str, date], Decimal]:
    return {key: round(quantity, 12) for key, quantity in quantities.items()}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_delivery_days_are_those_of_the_lines(
    reader: ScorecardReader, selection: Selection
) -> None:
    first, until = START, START + timedelta(days=75)
    expected: Counter[tuple[date, str]] = Counter()
    for row in lines(reader, selection):
        if row["out_because"]:
            continue
        terms = DEFAULT_POLICY.tolerances_for(row["buyer_id"], row["item_no"])
        if not row["cancelled_by"]:
            expected[row["due_date"], "due"] += 1
        for on, _, _ in row["receipts"]:
            late = on > row["due_date"] + timedelta(days=terms.late_days)
            early = on < row["due_date"] - timedelta(days=terms.early_days)
            expected[on, "late" if late else "early" if early else "in_time"] += 1
    inside = {key: count for key, count in expected.items() if first <= key[0] < until}
    found = SupplierReader(reader).delivery_days(selection, first, until)
    assert {(one.day, one.what): one.number for one in found} == inside
    assert {what for _, what in inside} >= {"due", "in_time"}


@pytest.mark.parametrize("supplier", SUPPLIERS)
def test_lines_of_documents_are_those_of_the_versions_that_stand(
    reader: ScorecardReader, supplier: str
) -> None:
    selection = Selection(DATES[-1], 120, [supplier])
    parts = [part for part, _ in parts_of(reader.store, selection, "lot_acceptance")]
    named = SupplierReader(reader).lines_of(supplier, selection, [part["number"] for part in parts])
    inspections = reader.store.clickhouse.rows(
        "SELECT buyer_id, inspection_no, "
        "argMax((order_no, line_no), (time, event_id, source)) AS l "
        "FROM inspections WHERE supplier_id = {s:String} GROUP BY 1, 2",
        {"s": supplier},
    )
    expected = {(row["buyer_id"], row["inspection_no"]): tuple(row["l"]) for row in inspections}
    assert parts
    for part in parts:
        buyer, number = part["buyer_id"], part["number"]
        assert named["inspection", buyer, number] == [expected[buyer, number]]


@pytest.mark.parametrize("supplier", SUPPLIERS)
def test_a_story_has_every_event_of_its_line(reader: ScorecardReader, supplier: str) -> None:
    selection = Selection(DATES[-1], 120, [supplier])
    rows = lines(reader, selection)
    for row in random.Random(5).sample(rows, 15):
        events = SupplierReader(reader).told(supplier, key(row))
        found = {(one["source"], one["event_id"]) for one in events}
        assert set(map(tuple, row["events"])) <= found
        assert all(one["accepted_at"] is not None for one in events)
        times = [one["happened_at"] for one in events]
        assert times == sorted(times)


def test_the_profile_of_an_unknown_supplier_is_empty(reader: ScorecardReader) -> None:
    profile = SupplierReader(reader).profile("NOBODY", Selection(DATES[-1], 60, ["NOBODY"]))
    assert (profile.supplier.name, profile.supplier.buyers) == (None, ())
    assert (profile.certificates, profile.capacities) == ([], [])


def test_a_profile_names_only_the_buyers_of_the_selection(reader: ScorecardReader) -> None:
    reading, day = SupplierReader(reader), DATES[-1]
    every = reading.profile(SUPPLIERS[0], Selection(day, 60, [SUPPLIERS[0]]))
    one = reading.profile(SUPPLIERS[0], Selection(day, 60, [SUPPLIERS[0]], [BUYERS[1]]))
    assert every.supplier.buyers == tuple(sorted(BUYERS))
    assert one.supplier.buyers == (BUYERS[1],)


def test_declared_capacities_are_those_of_the_figure(reader: ScorecardReader) -> None:
    for selection in SELECTIONS:
        supplier = selection.suppliers[0]
        figures = reader.assessor.assessed(selection)[supplier].figures["capacity_load"].as_json()
        profile = SupplierReader(reader).profile(supplier, selection)
        assert {one.process: one.quantity_per_month for one in profile.capacities} == {
            name: Decimal(one["denominator"]) for name, one in figures["processes"].items()
        }
