"""Rows to events: documents of one or several rows, faults with their place, stable ids."""

import io
import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, parse, validate
from services.formats.csv_rows import csv_rows
from services.formats.mapping_file import parse_mapping
from services.formats.rows import Cell, FileRow, RefusedDocument
from services.formats.rows_to_events import MappedEvent, RowsToEvents

README = Path(__file__).parents[3] / "services" / "formats" / "README.md"
BUYER = Sender("AHM", (Role.BUYER,))
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

ORDERS = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/sap"
[constants]
buyer = "AHM"
[columns]
supplier = { from = "Vendor", kind = "identifier" }
order_no = { from = "PO", kind = "code" }
line_no = { from = "Item", kind = "code" }
quantity = { from = "Qty", kind = "decimal" }
due = { from = "Due", kind = "date" }
made_at = { from = "Made", kind = "time" }
note = { from = "Note", default = "none" }
[[leave_out]]
column = "PO"
equals = "Total"
[[events]]
type = "id.rantai.order.placed.v1"
id = "order/{order_no}"
time = "made_at"
group_by = ["order_no"]
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
order_no = "order_no"
partnership = "note"
[[events.data.lines]]
line_no = "line_no"
item_no = "line_no"
quantity = "quantity"
requested_date = "due"
"""
HEADER = "PO,Item,Vendor,Qty,Due,Made,Note"


def convert(mapping: str, *lines: str) -> list[MappedEvent | RefusedDocument]:
    text = "\n".join(lines).encode()
    loaded = parse_mapping(mapping)
    return list(RowsToEvents(loaded).convert(csv_rows(io.BytesIO(text), loaded)))


def events(found: Iterable[MappedEvent | RefusedDocument]) -> list[dict[str, Any]]:
    return [each.event for each in found if isinstance(each, MappedEvent)]


def faults(found: Iterable[MappedEvent | RefusedDocument]) -> list[tuple[int, str, str]]:
    refused = [each for each in found if isinstance(each, RefusedDocument)]
    return [(fault.row, fault.column, fault.value) for each in refused for fault in each.faults]


def test_rows_of_one_order_become_one_document_wherever_they_stand() -> None:
    found = convert(
        ORDERS,
        HEADER,
        "P1,10,S1,5,2026-12-01,2026-11-01,",
        "P2,10,S2,1.50,2026-12-01,2026-11-01,x",
        "Total,,,,,,",
        "P1,20,S1,7,2026-12-02,2026-11-01,",
    )
    first, second = events(found)
    assert first["id"] == "order/P1"
    assert first["source"] == "/erp/AHM/sap"
    assert first["time"] == "2026-11-01T12:00:00+07:00"
    assert [line["line_no"] for line in first["data"]["lines"]] == ["10", "20"]
    assert first["data"]["partnership"] == "none"
    assert second["data"]["lines"][0]["quantity"] == "1.5"
    for each in found:
        assert isinstance(each, MappedEvent)
        assert isinstance(validate(parse(each.body), BUYER), Accepted)


def test_one_bad_line_holds_back_its_whole_document_and_no_other() -> None:
    found = convert(
        ORDERS,
        HEADER,
        "P1,10,S1,5,2026-12-01,2026-11-01,",
        "P1,20,S1,five,soon,2026-11-01,",
        "P2,10,S2,1,2026-12-01,2026-11-01,",
    )
    assert [event["id"] for event in events(found)] == ["order/P2"]
    assert faults(found) == [(3, "Qty", "five"), (3, "Due", "soon")]
    refused = next(each for each in found if isinstance(each, RefusedDocument))
    assert refused.event_id == "order/P1"
    assert "rows 2, 3" in refused.faults[0].message


def test_rows_that_contradict_each_other_in_the_head_of_a_document_are_refused() -> None:
    found = convert(
        ORDERS,
        HEADER,
        "P1,10,S1,5,2026-12-01,2026-11-01,",
        "P1,20,S2,5,2026-12-01,2026-11-02,",
    )
    assert faults(found) == [(3, "Made", "2026-11-02"), (3, "Vendor", "S2")]
    assert (
        "differs from row 2"
        in next(e for e in found if isinstance(e, RefusedDocument)).faults[0].message
    )


def test_a_mapping_may_choose_between_times_that_differ_between_rows() -> None:
    lines = ["P1,10,S1,5,2026-12-01,2026-11-01,", "P1,20,S1,5,2026-12-01,2026-11-02,"]
    for choice, expected in (("earliest", "2026-11-01"), ("latest", "2026-11-02")):
        mapping = ORDERS.replace("group_by", f'time_across_rows = "{choice}"\ngroup_by')
        assert events(convert(mapping, HEADER, *lines))[0]["time"].startswith(expected)


def test_a_broken_row_holds_back_the_document_it_belongs_to() -> None:
    found = convert(
        ORDERS,
        HEADER,
        "P1,10,S1,5,2026-12-01,2026-11-01,",
        'P1,20,"S1,5,2026-12-01,2026-11-01,',
        "P2,10,S2,1,2026-12-01,2026-11-01,",
    )
    assert [event["id"] for event in events(found)] == ["order/P2"]
    assert {row for row, _, _ in faults(found)} == {3}


def test_a_row_without_the_key_of_its_document_is_refused_alone() -> None:
    found = convert(
        ORDERS,
        HEADER,
        ",10,S1,5,2026-12-01,2026-11-01,",
        "P2,10,S2,1,2026-12-01,2026-11-01,",
    )
    assert faults(found) == [(2, "PO", "")]
    assert len(events(found)) == 1


def test_errors_of_the_gateway_are_traced_to_row_and_column() -> None:
    found = convert(
        ORDERS,
        HEADER,
        "P1,10,S1,5,2026-12-01,2026-11-01,",
        "P1,20,S1,,2026-12-01,2026-11-01,",
        "P1,30,S1,-1,2026-12-01,2026-11-01,",
    )
    event = found[0]
    assert isinstance(event, MappedEvent)
    outcome = validate(parse(event.body), BUYER)
    assert not isinstance(outcome, Accepted)
    located = event.located([(fault.pointer, fault.message) for fault in outcome.faults])
    assert [(fault.row, fault.column, fault.value) for fault in located] == [
        (3, "Qty", ""),
        (4, "Qty", "-1"),
    ]
    whole = event.located([("/data", "line_no '20' stands twice"), ("", "too large")])
    assert [(fault.row, fault.column) for fault in whole] == [(2, ""), (2, "")]
    assert "rows 2, 3, 4" in whole[0].message


MOVEMENTS = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/sap"
[constants]
buyer = "AHM"
scrap = "SCRAP"
rework = "REWORK"
[columns]
supplier = { from = "Vendor", kind = "identifier" }
order_no = { from = "PO", kind = "code" }
lot = { from = "Lot", kind = "code" }
inspected = { from = "Inspected", kind = "decimal" }
bad = { from = "Bad", kind = "decimal" }
scrapped = { from = "Scrap", kind = "decimal" }
reworked = { from = "Rework", kind = "decimal" }
verdict = { from = "Verdict", values = { OK = "accepted", NG = "rejected" } }
receipt_no = { template = "{order_no}/{lot}", kind = "code" }
tested_at = { from = "Tested", kind = "time" }
changed_at = { from = "Changed", kind = "time" }
arrived_at = { from = "Arrived", kind = "time" }
any_time = { first_of = ["tested_at", "arrived_at"] }
[[events]]
type = "id.rantai.quality.inspected.v1"
id = "lot/{lot}/{digest}"
time = "changed_at"
time_across_rows = "latest"
subject = "{lot}"
when = ["verdict"]
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
inspection_no = "lot"
inspected_at = "any_time"
receipt_no = "receipt_no"
order_no = "order_no"
line_no = "lot"
quantity_inspected = "inspected"
quantity_rejected = "bad"
disposition = "verdict"
defects = [{ code = "scrap", quantity = "scrapped" }, { code = "rework", quantity = "reworked" }]
[[events]]
type = "id.rantai.delivery.received.v1"
id = "receipt/{receipt_no}"
time = "arrived_at"
only = [{ column = "Move", one_of = ["101"] }]
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
receipt_no = "receipt_no"
received_at = "arrived_at"
lines = [{ order_no = "order_no", line_no = "lot", quantity = "inspected" }]
"""
MOVEMENT_HEADER = "Changed,PO,Lot,Vendor,Move,Inspected,Bad,Scrap,Rework,Verdict,Tested,Arrived"


def test_one_row_may_become_several_events_or_none() -> None:
    found = convert(
        MOVEMENTS,
        MOVEMENT_HEADER,
        "2026-11-06,P1,L1,S1,101,100,3,,3,OK,2026-11-02,2026-11-01",
        "2026-11-06,P1,L2,S1,101,100,,,,,,2026-11-01",
        "2026-11-06,P1,L3,S1,999,,,,,,,",
        "2026-11-06,P1,L4,S1,999,10,10,4,6,NG,,2026-11-05",
    )
    inspected, last, received, second = events(found)
    assert inspected["data"]["defects"] == [{"code": "REWORK", "quantity": "3"}]
    assert inspected["subject"] == "L1"
    assert received["data"]["receipt_no"] == "P1/L1"
    assert second["id"] == "receipt/P1/L2"
    assert last["data"]["inspected_at"] == "2026-11-05T12:00:00+07:00"
    assert [each["code"] for each in last["data"]["defects"]] == ["SCRAP", "REWORK"]
    for each in found:
        assert isinstance(each, MappedEvent)
        assert isinstance(validate(parse(each.body), BUYER), Accepted)


def test_a_bad_cell_holds_back_the_events_that_use_it_and_no_other() -> None:
    found = convert(
        MOVEMENTS, MOVEMENT_HEADER, "2026-11-06,P1,L1,S1,101,100,3,,,MAYBE,2026-11-02,2026-11-01"
    )
    assert [event["type"] for event in events(found)] == ["id.rantai.delivery.received.v1"]
    assert faults(found) == [(2, "Verdict", "MAYBE")]


def test_a_value_that_joins_columns_names_the_one_that_is_missing() -> None:
    found = convert(MOVEMENTS, MOVEMENT_HEADER, "2026-11-06,P1,,S1,101,100,,,,,,2026-11-01")
    assert faults(found) == [(2, "Lot", "")]


def test_a_digest_in_the_id_makes_a_corrected_row_a_new_version() -> None:
    row = "2026-11-06,P1,L1,S1,0,100,3,,,OK,2026-11-02,2026-11-01"
    first = events(convert(MOVEMENTS, MOVEMENT_HEADER, row))[0]["id"]
    again = events(
        convert(MOVEMENTS, MOVEMENT_HEADER, "2026-11-06,P0,L0,S1,0,,,,,,,2026-11-01", row)
    )[0]["id"]
    corrected = row.replace(",3,", ",4,")
    assert first == again
    assert events(convert(MOVEMENTS, MOVEMENT_HEADER, corrected))[0]["id"] != first


def test_repeated_rows_are_counted_and_contradictory_rows_are_refused() -> None:
    row = "2026-11-06,P1,L1,S1,101,100,,,,,,2026-11-01"
    loaded = parse_mapping(MOVEMENTS)
    for further, sent in ((), 1), ((row.replace("100", "90"),), 0):
        converter = RowsToEvents(loaded)
        text = "\n".join([MOVEMENT_HEADER, row, row, *further]).encode()
        found = list(converter.convert(csv_rows(io.BytesIO(text), loaded)))
        assert len(events(found)) == sent
        assert converter.counts.repeated == 1
        # Of two contradictory rows neither is certainly the receipt, so both are refused.
        assert [fault[0] for fault in faults(found)] == ([4, 2] if further else [])
        named = [each.faults[0].message for each in found if isinstance(each, RefusedDocument)]
        assert all(f"row {other}" in text for other, text in zip((2, 4), named, strict=False))


def inspected_at(found: Iterable[MappedEvent | RefusedDocument]) -> str:
    return str(events(found)[0]["data"]["inspected_at"])


def test_the_earliest_or_latest_of_the_values_that_are_present() -> None:
    for choice, expected in (("earliest_of", "2026-11-01"), ("latest_of", "2026-11-02")):
        mapping = MOVEMENTS.replace("first_of", choice)
        row = "2026-11-06,P1,L1,S1,0,100,3,,,OK,2026-11-02,2026-11-01"
        assert inspected_at(convert(mapping, MOVEMENT_HEADER, row)).startswith(expected)
        alone = row.replace("2026-11-02", "").replace("2026-11-01", expected)
        assert inspected_at(convert(mapping, MOVEMENT_HEADER, alone)).startswith(expected)
        bad = row.replace("2026-11-02", "some day")
        assert faults(convert(mapping, MOVEMENT_HEADER, bad)) == [(2, "Tested", "some day")]


def test_typed_cells_make_the_same_events_as_text() -> None:
    cells: dict[str, Cell] = {
        "PO": Decimal(4500000123),
        "Item": "10",
        "Vendor": "S1",
        "Qty": Decimal("5.50"),
        "Due": date(2026, 12, 1),
        "Made": date(2026, 11, 1),
        "Note": None,
    }
    typed = list(RowsToEvents(parse_mapping(ORDERS)).convert([FileRow(2, cells)]))
    line = "4500000123,10,S1,5.5,2026-12-01,2026-11-01,"
    assert events(typed) == events(convert(ORDERS, HEADER, line))


@given(st.permutations([f"P{n % 3},{n},S1,{n},2026-12-01,2026-11-01," for n in range(1, 7)]))
def test_the_order_of_the_documents_in_a_file_changes_no_id(lines: list[str]) -> None:
    found = events(convert(ORDERS, HEADER, *lines))
    assert {event["id"] for event in found} == {"order/P0", "order/P1", "order/P2"}
    assert sum(len(event["data"]["lines"]) for event in found) == 6


def test_the_example_of_the_readme_is_a_mapping_and_works() -> None:
    blocks = re.findall(r"```(\w*)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    mapping = next(text for kind, text in blocks if kind == "toml")
    rows = next(text for _, text in blocks if text.startswith("PO;"))
    loaded = parse_mapping(mapping)
    found = list(RowsToEvents(loaded).convert(csv_rows(io.BytesIO(rows.encode("cp1252")), loaded)))
    order, receipt, second = (
        json.loads(outcome.value)
        for each in found
        if isinstance(each, MappedEvent)
        and isinstance(outcome := validate(parse(each.body), BUYER, now=NEW_YEAR), Accepted)
    )
    assert order["time"] == "2026-11-02T08:30:00+07:00"
    assert order["data"]["lines"][0] == {
        "line_no": "10",
        "item_no": "BRK-77",
        "quantity": "1200.5",
        "unit_price": "15000",
        "requested_date": "2026-12-31",
    }
    assert len(order["data"]["lines"]) == 2
    assert receipt["data"]["received_at"] == "2026-12-29T12:00:00+07:00"
    assert receipt["data"]["lines"][0]["quantity"] == "1000"
    assert second["data"]["lines"][0]["quantity"] == "200.5"
    assert len(found) == 3
