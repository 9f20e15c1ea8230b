"""Samples of input that other products judge wrongly, one for each kind of fault."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Role
from schemas.validation import Accepted, Rejected, Sender, validate
from services.assessment.assessor import Assessor
from services.assessment.figure_store import FigureStore, Selection
from services.readiness.figures import Figure
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from tests.reference.cases import Event
from tests.support.storing import store

CASES = Path(__file__).parents[3] / "../shared/data/cases"
AS_OF = date(2026, 11, 1)
SENT_ON = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
"""The day on which the inputs were sent."""

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="the samples in ../shared/data/cases are missing"
)


def read(name: str) -> list[Event]:
    """Return the events of a sample, moved to a supplier of its own."""
    (folder,) = CASES.glob(f"{name}-*")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    for event in events:
        event["data"]["supplier_id"] = f"CASE-{name}"
        if event["source"].startswith("/erp/S1/"):
            event["source"] = f"/erp/CASE-{name}/toko"
    return events


def validated(event: Event) -> Accepted | Rejected:
    """Validate an event as the gateway does, for the sender that its source names."""
    partner = event["source"].split("/")[2]
    roles = (Role.BUYER,) if partner == "AHM" else (Role.SUPPLIER,)
    return validate(event, Sender(partner, roles), now=SENT_ON)


def kpis(clickhouse: ClickHouse, name: str, events: list[Event]) -> dict[str, tuple[Any, ...]]:
    """Store the events that are valid; return (numerator, denominator) or (value,) by figure."""
    store(clickhouse, [event for event in events if isinstance(validated(event), Accepted)])
    supplier = f"CASE-{name}"
    selection = Selection(AS_OF, 180, [supplier])
    found = Assessor(clickhouse, DEFAULT_POLICY).assessed(selection)[supplier].figures
    return {
        key: (one.numerator, one.denominator) if isinstance(one, Figure) else (one.value,)
        for key, one in found.items()
    }


def outs(clickhouse: ClickHouse, name: str) -> dict[tuple[str, str], str]:
    """Return why each order line is out of the delivery figures, '' if it is not."""
    selection = Selection(AS_OF, 180, [f"CASE-{name}"])
    rows = FigureStore(clickhouse, DEFAULT_POLICY).lines(selection, "any", 100, 0)
    return {(row["order_no"], row["line_no"]): row["out_because"] for row in rows}


def test_a_line_changed_to_0_is_not_judged(clickhouse: ClickHouse) -> None:
    found = kpis(clickhouse, "01", read("01"))
    assert (found["otif"], found["otif_requested"]) == ((0, 0), (0, 0))
    assert outs(clickhouse, "01") == {("PO1", "10"): "zero"}


def test_twelve_lines_changed_to_0_give_no_grade(clickhouse: ClickHouse) -> None:
    placed, changed = read("01")
    events = []
    for number in range(12):
        for event in (placed, changed):
            data = {**event["data"], "order_no": f"PO{number}", "supplier_id": "CASE-01b"}
            (line,) = data["lines"]
            day = f"2026-{7 + number % 3:02}-20"
            data["lines"] = [line | {"requested_date": day}]
            moved = f"2026-{6 + number % 3:02}-{1 + number:02}T08:00:00+07:00"
            events.append(event | {"id": f"{event['id']}-{number}", "time": moved, "data": data})
    kpis(clickhouse, "01b", events)
    (found,) = (
        Assessor(clickhouse, DEFAULT_POLICY).assessed(Selection(AS_OF, 180, ["CASE-01b"])).values()
    )
    assert (found.sums.matured_lines, found.grade.insufficient) == (0, True)
    assert (found.published, found.score.value) == (None, None)


def test_a_rejected_line_stays_rejected_when_the_order_is_sent_again(
    clickhouse: ClickHouse,
) -> None:
    kpis(clickhouse, "03", read("03"))
    assert outs(clickhouse, "03") == {("PO-D", "10"): "rejected", ("PO-D", "20"): ""}


def test_a_mistyped_year_is_refused_and_can_be_corrected(clickhouse: ClickHouse) -> None:
    events = read("04")
    refused = validated(events[1])
    assert isinstance(refused, Rejected)
    assert [fault.pointer for fault in refused.faults] == ["/time"]
    before = kpis(clickhouse, "04", events[:3])
    assert before["otif"] == (1, 1)
    assert kpis(clickhouse, "04", events)["overdue_lines"] == (1,)


def test_a_number_has_one_spelling(clickhouse: ClickHouse) -> None:
    found = kpis(clickhouse, "05", read("05"))
    assert (found["otif"], found["orphan_receipts"]) == ((1, 1), (0,))


def test_an_order_sent_again_without_a_line_sets_it_to_0(clickhouse: ClickHouse) -> None:
    found = kpis(clickhouse, "08", read("08"))
    assert (found["otif"], found["overdue_lines"]) == ((1, 1), (0,))
    assert outs(clickhouse, "08") == {("PO1", "10"): "", ("PO1", "20"): "zero"}


def test_inspections_reject_no_more_of_a_receipt_than_came(clickhouse: ClickHouse) -> None:
    found = kpis(clickhouse, "13", read("13"))
    assert (found["ppm"], found["lot_acceptance"]) == ((10, 10), (0, 2))
    # An inspection that was made in error is withdrawn by a quantity of 0.
    made_in_error = read("13")[3] | {"id": "q-5", "time": "2026-09-17T08:00:00+07:00"}
    made_in_error["data"] |= {"quantity_inspected": 0, "quantity_rejected": 0}
    assert kpis(clickhouse, "13", [made_in_error])["lot_acceptance"] == (0, 1)
