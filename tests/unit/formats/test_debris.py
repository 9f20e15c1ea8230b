"""Debris that software leaves in place of a code is refused; genuine codes are accepted."""

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.formats.columns import Column
from services.formats.csv_rows import csv_rows
from services.formats.dates import UnreadableError
from services.formats.debris import debris_in
from services.formats.mapping import Defaults
from services.formats.mapping_file import parse_mapping
from services.formats.rows import CellFault, FileRow, RefusedDocument
from services.formats.rows_to_events import MappedEvent, RowsToEvents
from services.formats.values import Value, read_cell

COLUMN: TypeAdapter[Any] = TypeAdapter(Column)
ERRORS = [
    "#N/A",
    "#n/a",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NUM!",
    "#NV",
    "#BEZUG!",
    "Err:502",
]
NARROW = ["##", "########"]
SHORTENED = [
    "4,50E+09",
    "4.5E+09",
    "4.500000123e+9",
    "4E+09",
    "1.2E-3",
    "-4,5E+09",
    "4.500000123E9",
]
ZEROS = ["10.0", "10,0", "45032.00", "0.0"]
DATES = [
    "1-Mar", "01-Mar", "1-Mar-26", "1-Mar-2026", "1 Mei 2026", "Mar-26", "Mei-2026", "Agt-26",
    "01/03/2026", "1/3/26", "31/12/2026", "12/31/2026", "01.03.2026", "01-03-2026", "2026-03-01",
    "2026/3/1", "2026-03-01 00:00:00", "1/3/2026 0:00", "2026-03-01T00:00:00", "29-Feb",
]  # fmt: skip
MARKED = ['="00123"', "'00123", "'=00123", "=A1", '="4500000123"']
NOTHING = ["NULL", "null", "(null)", "<NULL>", "NaN", "nan", "NaT", "<NA>", "None", "undefined"]
CODES = [
    "4500000123", "10", "10.2", "1.20", "12E3", "1E5", "E+09", "#12", "#A-12", "N/A", "PO#",
    "SEP-1", "2026/5000001", "001/PO/III/2026", "31/31/2026", "32-Mar", "99-99-2026", "12-05-21",
    "MAR-ITIM", "BRK-77", "1-MARK", "2026-13-45", "Maret", "10.01", "1.0.0", "A10.0", "00010",
    "=", "A=1", "'A", "NULL-1", "NONE", "NAN", "NA",
]  # fmt: skip


def read(text: Any, **settings: Any) -> Value:
    return read_cell(COLUMN.validate_python({"from": "X", **settings}), text, Defaults())


@pytest.mark.parametrize("kind", ["code", "identifier"])
@pytest.mark.parametrize("text", [*ERRORS, *NARROW, *SHORTENED, *ZEROS, *DATES, *MARKED, *NOTHING])
def test_debris_is_refused_unless_the_mapping_allows_it(kind: str, text: str) -> None:
    with pytest.raises(UnreadableError, match="literal = true"):
        read(text, kind=kind)
    with pytest.raises(UnreadableError, match="literal = true"):
        read(text, kind=kind, values={"other": "X"}, unlisted="keep")
    assert read(text, kind=kind, values={text: "X-1"}) == "X-1"
    if kind == "code":
        assert read(text, kind=kind, literal=True) == text


@pytest.mark.parametrize("text", CODES)
def test_codes_that_only_resemble_debris_are_accepted(text: str) -> None:
    assert debris_in(text) is None
    assert read(text, kind="code") == text


def test_each_kind_of_debris_is_named() -> None:
    messages = {
        "#REF!": "error value", "####": "too narrow", "4,50E+09": "shortened",
        "10.0": "turned into a number", "1-Mar": "turned into a date",
        '="1"': "marked for a spreadsheet", "NULL": "nothing is there",
    }  # fmt: skip
    for text, words in messages.items():
        assert words in (debris_in(text) or "")


def test_a_typed_date_is_no_code() -> None:
    with pytest.raises(UnreadableError, match="turned into a date"):
        read(date(2026, 3, 1), kind="code")


PLAIN = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/x"
[constants]
buyer = "AHM"
[columns]
supplier = { from = "Vendor", kind = "identifier" }
order_no = { from = "PO" }
line_no = { from = "Item" }
item = { template = "{raw_item}" }
raw_item = { from = "Material" }
note = { from = "Note" }
quantity = { from = "Qty", kind = "decimal" }
due = { from = "Due", kind = "date" }
at = { from = "Made", kind = "time" }
[[events]]
type = "id.rantai.order.placed.v1"
id = "order/{order_no}"
group_by = ["order_no"]
time = "at"
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
order_no = "order_no"
[[events.data.lines]]
line_no = "line_no"
item_no = "item"
description = "note"
quantity = "quantity"
requested_date = "due"
"""


def faults_of_row(mapping: str, **cells: str) -> list[CellFault]:
    row = {
        "PO": "P1", "Item": "10", "Vendor": "S1", "Material": "X", "Note": "", "Qty": "5",
        "Due": "2026-12-01", "Made": "2026-11-01", **cells,
    }  # fmt: skip
    found = list(RowsToEvents(parse_mapping(mapping)).convert([FileRow(2, row)]))
    return [fault for each in found if isinstance(each, RefusedDocument) for fault in each.faults]


@pytest.mark.parametrize("column", ["PO", "Item", "Vendor", "Material"])
def test_a_value_used_as_a_code_is_checked_whatever_its_kind(column: str) -> None:
    assert faults_of_row(PLAIN) == []
    (fault,) = faults_of_row(PLAIN, **{column: "#N/A"})
    assert (fault.row, fault.column, fault.value) == (2, column, "#N/A")


def test_a_text_that_is_no_code_may_be_anything() -> None:
    assert faults_of_row(PLAIN, Note="#N/A") == []
    literal = PLAIN.replace('"PO" }', '"PO", literal = true }')
    assert faults_of_row(literal, PO="10.0") == []


@pytest.mark.parametrize("text", ["1.200", "12.500", "999.999", "1.200.000", "-1.200", "1.200-"])
def test_a_point_before_three_digits_is_refused_as_ambiguous(text: str) -> None:
    column = COLUMN.validate_python({"from": "X", "kind": "decimal"})
    with pytest.raises(UnreadableError, match=r"thousands = \"\.\".*decimal = \"\.\""):
        read_cell(column, text, Defaults())


def test_a_point_that_the_mapping_explains_is_read() -> None:
    column = COLUMN.validate_python({"from": "X", "kind": "decimal"})
    assert read_cell(column, "1.200", Defaults(decimal=".")) == read("1.2", kind="decimal")
    assert read_cell(column, "1.200", Defaults(decimal=",", thousands=".")) == 1200
    assert read("1.200", kind="decimal", decimal=",", thousands=".") == 1200
    assert read("1.200", kind="decimal", decimal=".") == read("1.2", kind="decimal")
    for text in ("0.125", "1.2", "1.20", "1.2000", "1200.500", "1200"):
        assert read(text, kind="decimal") == Decimal(text)


def test_a_file_that_a_spreadsheet_damaged_is_refused_by_row_and_column() -> None:
    mapping = parse_mapping(PLAIN)
    lines = [
        "PO,Item,Vendor,Material,Note,Qty,Due,Made",
        "4.50E+09,10,S1,X,,5,2026-12-01,2026-11-01",
        "P2,1-Mar,S1,#REF!,,1.200,2026-12-01,2026-11-01",
        "P3,10,S1,X,,5,2026-12-01,2026-11-01",
    ]
    found = list(
        RowsToEvents(mapping).convert(csv_rows(io.BytesIO("\n".join(lines).encode()), mapping))
    )
    assert [each.event_id for each in found if isinstance(each, MappedEvent)] == ["order/P3"]
    faults = [fault for each in found if isinstance(each, RefusedDocument) for fault in each.faults]
    assert {(fault.row, fault.column) for fault in faults} == {
        (2, "PO"), (3, "Item"), (3, "Material"), (3, "Qty"),
    }  # fmt: skip
