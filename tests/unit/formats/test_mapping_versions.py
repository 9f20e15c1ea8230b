"""Versions of a document: repeated lines, digests in ids, whole orders, rows that disappear."""

import io
from typing import Any

import pytest

from services.formats.csv_rows import csv_rows
from services.formats.mapping_file import MappingError, parse_mapping
from services.formats.rows import CellFault, RefusedDocument
from services.formats.rows_to_events import MappedEvent, RowsToEvents

MAPPING = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/x"
[constants]
buyer = "AHM"
fixed = "2026-11-01T00:00:00Z"
[columns]
order_no = { from = "PO", kind = "code" }
line_no = { from = "Item", kind = "code" }
supplier = { from = "Vendor", kind = "identifier" }
quantity = { from = "Qty", kind = "decimal" }
price = { from = "Price", kind = "decimal" }
due = { from = "Due", kind = "date" }
changed_at = { from = "Changed", kind = "time" }
receipt_no = { from = "GR", kind = "code" }
received_at = { from = "GR date", kind = "time" }
received = { from = "GR qty", kind = "decimal" }
[[events]]
type = "id.rantai.order.placed.v1"
group_by = ["order_no"]
id = "order/{order_no}/{digest}"
time = "changed_at"
time_across_rows = "latest"
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
order_no = "order_no"
[[events.data.lines]]
line_no = "line_no"
item_no = "line_no"
quantity = "quantity"
unit_price = "price"
requested_date = "due"
[[events]]
type = "id.rantai.delivery.received.v1"
when = ["receipt_no", "received_at"]
group_by = ["receipt_no"]
id = "receipt/{receipt_no}"
time = "received_at"
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
receipt_no = "receipt_no"
received_at = "received_at"
lines = [{ order_no = "order_no", line_no = "line_no", quantity = "received" }]
"""
HEADER = "PO,Item,Vendor,Qty,Price,Due,Changed,GR,GR date,GR qty"
PART_1 = "P1,10,S1,100,5,2026-12-01,2026-11-01,G1,2026-11-20,60"
PART_2 = "P1,10,S1,100,5,2026-12-01,2026-11-01,G2,2026-11-25,40"
LINE_20 = "P1,20,S1,30,,2026-12-01,2026-11-01,G1,2026-11-20,30"


def convert(*lines: str, mapping: str = MAPPING) -> tuple[list[dict[str, Any]], list[CellFault]]:
    loaded = parse_mapping(mapping)
    stream = io.BytesIO("\n".join([HEADER, *lines]).encode())
    found = list(RowsToEvents(loaded).convert(csv_rows(stream, loaded)))
    events = [each.event for each in found if isinstance(each, MappedEvent)]
    return events, [f for each in found if isinstance(each, RefusedDocument) for f in each.faults]


def test_an_order_line_that_partial_deliveries_repeat_is_one_line() -> None:
    events, faults = convert(PART_1, PART_2, LINE_20)
    assert faults == []
    order, first, second = events
    assert [line["line_no"] for line in order["data"]["lines"]] == ["10", "20"]
    assert [line["quantity"] for line in first["data"]["lines"]] == ["60", "30"]
    assert [line["quantity"] for line in second["data"]["lines"]] == ["40"]
    assert convert(PART_2, LINE_20, PART_1)[0][0]["data"]["order_no"] == "P1"


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (",100,", ",90,", "Qty"),
        (",5,", ",6,", "Price"),
        (",5,", ",,", "Price"),
        ("12-01", "12-02", "Due"),
    ],
)
def test_contradictory_rows_of_one_line_are_refused_by_row_and_column(
    old: str, new: str, column: str
) -> None:
    events, (fault, *_) = convert(PART_1, PART_2.replace(old, new))
    assert [event["id"] for event in events] == ["receipt/G1", "receipt/G2"]
    assert (fault.row, fault.column) == (3, column)
    assert "row 2" in fault.message and "line '10'" in fault.message


def test_equal_lines_of_a_receipt_are_never_merged() -> None:
    twice = PART_1.replace(",60", ",20")
    receipt = convert(twice, twice)[0][1]
    assert [line["quantity"] for line in receipt["data"]["lines"]] == ["20", "20"]


def test_a_row_that_disappears_makes_a_later_version_without_its_line() -> None:
    # The ERP's time of change is that of the whole order, so it moves when a line is deleted.
    before = convert(PART_1, LINE_20)[0][0]
    after = convert(PART_1.replace("2026-11-01", "2026-11-05"))[0][0]
    assert before["id"] != after["id"]
    assert before["time"] < after["time"]
    assert [line["line_no"] for line in before["data"]["lines"]] == ["10", "20"]
    assert [line["line_no"] for line in after["data"]["lines"]] == ["10"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'id = "receipt/{receipt_no}"',
            'id = "receipt/{receipt_no}/{digest}"',
            r"events\[2\]\.time: comes from 'GR date', as data\.received_at does.*chance",
        ),
        (
            'time_across_rows = "latest"',
            "",
            r'events\[1\]\.id: has \{digest\}.*chance.*time_across_rows = "latest"',
        ),
        (
            'time_across_rows = "latest"',
            'time_across_rows = "earliest"',
            r"events\[1\]\.id: has \{digest\}",
        ),
        ('time = "changed_at"', 'time = "fixed"', r"events\[1\]\.time: is a constant.*chance"),
        (
            "[[events]]",
            '[columns.when]\nfirst_of = ["changed_at", "due_at"]\n[columns.due_at]\nfrom = "Due"\n'
            'kind = "time"\n[[events]]',
            r"events\[1\]\.time: comes from 'Due', as data\.lines\.requested_date does",
        ),
        ('group_by = ["order_no"]', "", r"events\[1\]\.group_by: is missing.*whole order"),
        (
            'group_by = ["order_no"]',
            'group_by = ["order_no", "line_no"]',
            r"events\[1\]\.group_by: 'line_no' differs between the lines",
        ),
    ],
)
def test_mappings_that_would_make_versions_random_or_incomplete_are_refused(
    old: str, new: str, problem: str
) -> None:
    mapping = MAPPING.replace(old, new, 1)
    if "first_of" in new:
        mapping = mapping.replace('time = "changed_at"', 'time = "when"')
    with pytest.raises(MappingError, match=problem):
        parse_mapping(mapping)


def test_without_a_digest_any_time_is_allowed() -> None:
    mapping = MAPPING.replace("/{digest}", "").replace('time_across_rows = "latest"', "")
    events, faults = convert(PART_1, LINE_20, mapping=mapping)
    assert (events[0]["id"], faults) == ("order/P1", [])


def test_rows_that_would_each_be_the_whole_of_one_receipt_are_refused() -> None:
    alone = MAPPING.replace('group_by = ["receipt_no"]\n', "")
    assert convert(PART_1, PART_2, mapping=alone)[1] == []
    for name in ('id = "receipt/{receipt_no}"', 'id = "receipt/{receipt_no}/{row}"'):
        mapping = alone.replace('id = "receipt/{receipt_no}"', name)
        events, faults = convert(PART_1, PART_2, LINE_20, mapping=mapping)
        receipts = [event["data"]["receipt_no"] for event in events if "receipt" in event["id"]]
        assert receipts == ["G2"]
        assert {fault.row for fault in faults} == {2, 4}
        assert any('group_by = ["receipt_no"]' in fault.message for fault in faults)
