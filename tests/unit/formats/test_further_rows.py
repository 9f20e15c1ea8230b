"""Rows that do not name their document: they are filled from above, or hold back that document."""

import io
from collections.abc import Iterable

import pytest

from services.formats.csv_rows import csv_rows
from services.formats.filling import FillDown
from services.formats.mapping_file import MappingError, parse_mapping
from services.formats.rows import CellFault, FileError, FileRow, RefusedDocument
from services.formats.rows_to_events import MappedEvent, RowsToEvents

MAPPING = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/x"
[file]
delimiter = ";"
[constants]
buyer = "AHM"
[columns]
order_no = { from = "PO", kind = "code" }
line_no = { from = "Item", kind = "code" }
supplier = { from = "Vendor", kind = "identifier" }
quantity = { from = "Qty", kind = "decimal" }
due = { from = "Due", kind = "date" }
made_at = { from = "Made", kind = "time" }
receipt_no = { from = "GR", kind = "code" }
received_at = { from = "GR date", kind = "time" }
[[events]]
type = "id.rantai.order.placed.v1"
group_by = ["order_no"]
id = "order/{order_no}"
time = "made_at"
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
order_no = "order_no"
[[events.data.lines]]
line_no = "line_no"
item_no = "line_no"
quantity = "quantity"
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
lines = [{ order_no = "order_no", line_no = "line_no", quantity = "quantity" }]
"""
HEADER = "PO;Item;Vendor;Qty;Due;Made;GR;GR date"
FIRST = "P1;10;S1;5;2026-12-01;2026-11-01;;"
FURTHER = ";20;;7;2026-12-01;;;"
OTHER = "P2;10;S2;1;2026-12-01;2026-11-01;;"


def filling(*columns: str) -> str:
    """Return the mapping with `fill_down` for some columns."""
    listed = ", ".join(f'"{column}"' for column in columns)
    return MAPPING.replace('delimiter = ";"', f'delimiter = ";"\nfill_down = [{listed}]')


def convert(mapping: str, *lines: str) -> list[MappedEvent | RefusedDocument]:
    loaded = parse_mapping(mapping)
    stream = io.BytesIO("\n".join([HEADER, *lines]).encode())
    return list(RowsToEvents(loaded).convert(csv_rows(stream, loaded)))


def sent(found: Iterable[MappedEvent | RefusedDocument]) -> dict[str, list[str]]:
    """Return the line numbers of each document that is sent, by the id of its event."""
    return {
        each.event_id: [line["line_no"] for line in each.event["data"]["lines"]]
        for each in found
        if isinstance(each, MappedEvent)
    }


def faults(found: Iterable[MappedEvent | RefusedDocument]) -> list[CellFault]:
    return [fault for each in found if isinstance(each, RefusedDocument) for fault in each.faults]


def test_a_row_without_its_key_holds_back_the_document_above_it() -> None:
    found = convert(MAPPING, FIRST, FURTHER, OTHER)
    assert sent(found) == {"order/P2": ["10"]}
    for fault in faults(found):
        assert (fault.row, fault.column) == (3, "PO")
        assert "row 2" in fault.message and 'fill_down = ["PO"]' in fault.message
    assert [each.event_id for each in found if isinstance(each, RefusedDocument)] == [
        None,
        "order/P1",
    ]


def test_a_first_row_without_its_key_holds_nothing_back() -> None:
    found = convert(MAPPING, FURTHER, FIRST)
    assert sent(found) == {"order/P1": ["10"]}
    (fault,) = faults(found)
    assert (fault.row, "fill_down" in fault.message) == (2, False)


def test_a_row_without_its_key_holds_back_the_receipt_above_it_too() -> None:
    received = "P1;10;S1;5;2026-12-01;2026-11-01;G1;2026-12-01"
    assert sent(convert(MAPPING, received, FURTHER, OTHER)) == {"order/P2": ["10"]}
    # The row cannot continue the receipt of another order further above.
    found = convert(MAPPING, received, OTHER, FURTHER)
    assert sent(found) == {"order/P1": ["10"], "receipt/G1": ["10"]}


def test_a_key_that_cannot_be_read_holds_back_the_document_above_it() -> None:
    found = convert(MAPPING, FIRST, "4,5E+09;20;S1;7;2026-12-01;2026-11-01;;", OTHER)
    assert sent(found) == {"order/P2": ["10"]}
    assert "row 2" in faults(found)[0].message


def test_a_broken_row_that_names_no_document_holds_back_the_one_above_it() -> None:
    assert sent(convert(MAPPING, FIRST, ';20;"S1;7;x', OTHER)) == {"order/P2": ["10"]}
    assert sent(convert(MAPPING, FIRST, '"P1;20;S1;7;x', OTHER)) == {"order/P2": ["10"]}
    # A broken row that names its document holds back only that document.
    assert sent(convert(MAPPING, FIRST, 'P3;20;"S1;7;x', OTHER)) == {
        "order/P1": ["10"], "order/P2": ["10"],
    }  # fmt: skip


def test_rows_are_filled_from_the_row_above() -> None:
    found = convert(filling("PO", "Vendor", "Made"), FIRST, FURTHER, OTHER, ";30;;7;2026-12-01;;;")
    assert sent(found) == {"order/P1": ["10", "20"], "order/P2": ["10", "30"]}
    assert faults(found) == []


def test_a_broken_further_row_holds_back_its_document() -> None:
    found = convert(filling("PO", "Vendor", "Made"), FIRST, ';20;;"7;x', OTHER)
    assert sent(found) == {"order/P2": ["10"]}
    # A row that is filled from a broken row belongs to the document of that row.
    found = convert(filling("PO", "Vendor", "Made"), FIRST, 'P3;10;"S1;7;x', FURTHER, OTHER)
    assert sent(found) == {"order/P1": ["10"], "order/P2": ["10"]}


def test_the_supplier_of_one_order_is_never_taken_for_that_of_the_next() -> None:
    found = convert(filling("PO", "Vendor"), FIRST, "P2;10;;1;2026-12-01;2026-11-01;;")
    events = [each.event for each in found if isinstance(each, MappedEvent)]
    assert [event["data"].get("supplier_id") for event in events] == ["S1", None]


def test_outer_columns_are_filled_over_several_inner_ones() -> None:
    fill = FillDown(["Vendor", "PO"])
    rows = [("S1", "P1"), ("", "P2"), ("", ""), ("S2", ""), ("", "P4"), (" ", "")]
    filled = [fill.row(FileRow(n, {"Vendor": v, "PO": p})) for n, (v, p) in enumerate(rows)]
    assert [(row.cells["Vendor"], row.cells["PO"]) for row in filled] == [
        ("S1", "P1"), ("S1", "P2"), ("S1", "P2"), ("S2", ""), ("S2", "P4"), ("S2", "P4"),
    ]  # fmt: skip
    assert [sorted(row.filled) for row in filled[:3]] == [[], ["Vendor"], ["PO", "Vendor"]]


def test_leave_out_checks_emptiness_before_filling_and_values_after_it() -> None:
    rule = '[[leave_out]]\ncolumn = "PO"\nempty = true\n[[events]]'
    mapping = filling("PO", "Vendor", "Made").replace("[[events]]", rule, 1)
    assert sent(convert(mapping, FIRST, FURTHER)) == {"order/P1": ["10"]}
    rule = '[[leave_out]]\ncolumn = "PO"\nequals = "P1"\n[[events]]'
    mapping = filling("PO", "Vendor", "Made").replace("[[events]]", rule, 1)
    assert sent(convert(mapping, FIRST, FURTHER, OTHER)) == {"order/P2": ["10"]}


def test_columns_to_fill_must_exist() -> None:
    with pytest.raises(FileError, match="no column 'Pemasok'"):
        convert(filling("PO", "Pemasok"), FIRST)
    names = filling("Nr").replace("fill_down", f"names = {HEADER.split(';')}\nfill_down")
    with pytest.raises(MappingError, match=r"file\.fill_down: 'Nr' is not in file\.names"):
        parse_mapping(names)
