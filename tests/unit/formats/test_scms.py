"""The mapping of a real delivery history, checked against totals that were counted without it."""

import json
import statistics
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, parse, validate
from services.formats.csv_rows import csv_rows
from services.formats.mapping_file import load_mapping
from services.formats.row_readings import RowReadings
from services.formats.rows import FileRow
from services.formats.rows_to_events import MappedEvent, RowsToEvents

ROOT = Path(__file__).parents[3]
MAPPINGS = ROOT / "tests" / "mappings"
HISTORY = ROOT.parent / "shared" / "data" / "scms" / "SCMS_Delivery_History_Dataset_20150929.csv"
ORDER, RECEIPT = "id.rantai.order.placed.v1", "id.rantai.delivery.received.v1"

needs_history = pytest.mark.skipif(not HISTORY.exists(), reason=f"{HISTORY.name} is missing")


@cache
def events(name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the events that a mapping makes from the history, as objects and as bodies."""
    mapping = load_mapping(MAPPINGS / name)
    found, bodies = [], []
    with HISTORY.open("rb") as stream:
        for each in RowsToEvents(mapping).convert(csv_rows(stream, mapping)):
            assert isinstance(each, MappedEvent), each
            bodies.append(each.body.decode())
            found.append(each.event)
    return found, bodies


def punctuality(found: list[dict[str, Any]]) -> Counter[str]:
    """Count the receipts by whether they came on the due day, early or late."""
    due = {
        line["line_no"]: line["requested_date"]
        for event in found
        if event["type"] == ORDER
        for line in event["data"]["lines"]
    }
    counts: Counter[str] = Counter()
    for event in found:
        if event["type"] == RECEIPT:
            came = event["data"]["received_at"][:10]
            day = due[event["data"]["lines"][0]["line_no"]]
            counts["on the day" if came == day else "early" if came < day else "late"] += 1
    return counts


@needs_history
def test_every_row_is_a_line_and_a_receipt_that_the_contract_accepts() -> None:
    found, bodies = events("scms.toml")
    assert Counter(event["type"] for event in found) == {ORDER: 6_233, RECEIPT: 10_324}
    assert len({event["id"] for event in found}) == 6_233 + 10_324
    orders = [event["data"] for event in found if event["type"] == ORDER]
    assert sum(len(data["lines"]) for data in orders) == 10_324
    sender = Sender("SCMS", (Role.BUYER,))
    outcomes = [validate(parse(body.encode()), sender) for body in bodies]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len({outcome.supplier_id for outcome in outcomes if isinstance(outcome, Accepted)}) == 73
    items = {line["item_no"] for e in found if e["type"] == ORDER for line in e["data"]["lines"]}
    assert len(items) == 184


@needs_history
def test_the_dates_give_the_totals_that_were_counted() -> None:
    found, _ = events("scms.toml")
    assert punctuality(found) == {"on the day": 6_324, "early": 2_814, "late": 1_186}


@needs_history
def test_no_order_asks_for_a_date_before_its_own() -> None:
    found, _ = events("scms.toml")
    placed = [event for event in found if event["type"] == ORDER]
    assert all(
        each["time"][:10] <= line["requested_date"]
        for each in placed
        for line in each["data"]["lines"]
    )
    assert {event["time"][-6:] for event in found} == {"+07:00"}


@needs_history
def test_direct_drop_alone() -> None:
    found, bodies = events("scms_direct_drop.toml")
    counts = punctuality(found)
    assert counts.total() == 4_920
    assert round(100 * (1 - counts["late"] / 4_920), 3) == 94.736
    assert set(bodies) < set(events("scms.toml")[1])


def test_the_two_mappings_differ_only_in_the_rows_that_they_leave_out() -> None:
    whole = load_mapping(MAPPINGS / "scms.toml")
    direct = load_mapping(MAPPINGS / "scms_direct_drop.toml")
    assert direct.model_copy(update={"leave_out": ()}) == whole


@needs_history
def test_every_date_on_which_an_order_was_sent_is_read() -> None:
    mapping = load_mapping(MAPPINGS / "scms.toml")
    days, shapes = [], Counter[str]()
    with HISTORY.open("rb") as stream:
        for row in csv_rows(stream, mapping):
            assert isinstance(row, FileRow)
            readings = RowReadings(mapping, row)
            sent, received = readings["po_sent_at"], readings["received_at"]
            assert sent.problem is None and received.problem is None
            text = row.cells["PO Sent to Vendor Date"]
            shapes["words" if sent.value is None else "/" if "/" in str(text) else "-"] += 1
            if sent.value is not None:
                assert isinstance(sent.value, date) and isinstance(received.value, date)
                days.append((received.value - sent.value).days)
    assert len(days) == 4_592
    assert statistics.median(days) == 92
    assert sum(number < 0 for number in days) == 5
    assert shapes == {"words": 5_732, "/": 2_880, "-": 1_712}


@needs_history
def test_the_same_file_twice_is_the_same_events() -> None:
    _, bodies = events("scms.toml")
    events.cache_clear()
    assert events("scms.toml")[1] == bodies
    assert json.loads(bodies[0])["id"] == "order/SCMS-4"
