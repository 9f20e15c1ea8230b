"""Faults that were reported of file imports of other products, as test cases for ours.

A case's id is the repository and number of the report, and its comment says what went wrong there.
Its last value is what must become of the row here; None or a place if the row must be refused.
"""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.catalogue import Role
from schemas.validation import Rejected, Sender, parse, validate
from services.formats.csv_rows import csv_rows
from services.formats.mapping_file import parse_mapping
from services.formats.rows import FileError, RefusedDocument
from services.formats.rows_to_events import MappedEvent, RowsToEvents

HEADER = "PO,Item,Vendor,Material,Note,Qty,Due,Made"
ROW = {
    "PO": "P1", "Item": "10", "Vendor": "S1", "Material": "X", "Note": "n", "Qty": "5",
    "Due": "2026-03-20", "Made": "2026-03-01",
}  # fmt: skip
MAPPING = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/x"
[file]
delimiter = ","
[defaults]
zone = "Asia/Jakarta"
[constants]
buyer = "AHM"
[columns]
supplier = { from = "Vendor", kind = "identifier" }
order_no = { from = "PO", kind = "code" }
line_no = { from = "Item", kind = "code" }
item = { from = "Material", kind = "code" }
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
COMMA = 'decimal = ","\nthousands = "."'
SPACE = 'decimal = ","\nthousands = " "'


def mapped(settings: str = "", delimiter: str = ",") -> str:
    """Return the mapping with these lines added to its defaults, or with another delimiter."""
    text = MAPPING.replace("[defaults]", f"[defaults]\n{settings}" if settings else "[defaults]")
    if "zone" in settings:
        text = text.replace('zone = "Asia/Jakarta"\n', "")
    return text.replace('delimiter = ","', f'delimiter = "{delimiter}"')


def outcomes(content: bytes, mapping: str = MAPPING) -> Iterator[Any]:
    """Yield each event that the contract accepts, and (row, column) of each fault in a file."""
    read = parse_mapping(mapping)
    for found in RowsToEvents(read).convert(csv_rows(io.BytesIO(content), read)):
        if isinstance(found, RefusedDocument):
            yield from ((fault.row, fault.column) for fault in found.faults)
        if isinstance(found, MappedEvent):
            judged = validate(parse(found.body), Sender("AHM", (Role.BUYER,)))
            if isinstance(judged, Rejected):
                errors = [(fault.pointer, fault.message) for fault in judged.faults]
                yield from ((fault.row, fault.column) for fault in found.located(errors))
            else:
                yield found.event


def of_row(settings: str = "", **cells: str) -> Any:
    """Return the only outcome of a file with one row; cells that have a comma are quoted."""
    row = ",".join(f'"{cell}"' if "," in cell else cell for cell in (ROW | cells).values())
    (outcome,) = outcomes(f"{HEADER}\n{row}\n".encode(), mapped(settings))
    return outcome


@pytest.mark.parametrize(
    ("settings", "text", "number"),
    [
        # 9,99 was imported as 999: the comma was thrown away.
        pytest.param("", "9,99", None, id="dannymcc/may#244-unsaid"),
        pytest.param(COMMA, "9,99", "9.99", id="dannymcc/may#244"),
        # 10,00 became 1000 and 4.711,98 was not read.
        pytest.param(COMMA, "4.711,98", "4711.98", id="firefly-iii/firefly-iii#4106"),
        # 1.355,90 became 1.35.
        pytest.param(COMMA, "1.355,90", "1355.9", id="deadlocker8/BudgetMaster#731"),
        # A weight of 1,800 became 1 or 2.
        pytest.param("", "1,800", None, id="woocommerce/woocommerce#31058"),
        # Where the comma is the decimal separator, 96.3 became 963.
        pytest.param(COMMA, "96.3", None, id="MaximeCordeil/IATK#40"),
        # 14 000,12 lost the part before the space: 0.12.
        pytest.param(SPACE, "14 000,12", "14000.12", id="JavaMoney/jsr354-ri#193"),
        # A number with a no-break space between thousands ended at the space: 1.
        pytest.param(SPACE, "1\u00a0234", "1234", id="tidyverse/readr#796"),
        # A minus behind the number was not read, and the row was dropped silently.
        pytest.param("", "50.00-", (2, "Qty"), id="rustledger/rustledger#1473"),
        # A number in brackets, an accountant's minus, was taken for a positive one.
        pytest.param("", "(123.45)", None, id="moneymanagerex/moneymanagerex#2898"),
        # Empty cells of a numeric column became 0.
        pytest.param("", "", None, id="GetDKAN/dkan#1817"),
        # A price of five decimals was cut to two.
        pytest.param("", "2.44149", "2.44149", id="wealthfolio/wealthfolio#519"),
        # 17 digits came back changed, because they went through a double.
        pytest.param("", "125276004817.190914", "125276004817.190914", id="jqlang/jq#369"),
    ],
)
def test_a_number_is_read_whole_or_refused(settings: str, text: str, number: Any) -> None:
    outcome = of_row(settings, Qty=text)
    if isinstance(number, str):
        assert outcome["data"]["lines"][0]["quantity"] == number
    else:
        assert outcome == (2, "Qty")


@pytest.mark.parametrize(
    ("formats", "text", "day"),
    [
        # Day and month were swapped where the day was 12 or less; other dates were dropped.
        pytest.param(
            ["DD/MM/YYYY"], "03/04/2026", "2026-04-03", id="submersion-app/submersion#1828"
        ),
        pytest.param(["MM/DD/YYYY"], "15/04/2026", None, id="submersion-app/submersion#1828-other"),
        # Two rows of one column were read with different formats, each with the first that fitted.
        pytest.param(
            ["MM/DD/YYYY", "DD/MM/YYYY"], "03/04/2026", None, id="Lumina-Finance/lumina-finance#144"
        ),
        # 31 February rolled over into March.
        pytest.param(
            ["DD/MM/YYYY"], "31/02/2026", None, id="Lumina-Finance/lumina-finance#144-rolled"
        ),
        # A year of two digits was taken literally: 0026.
        pytest.param(["M/D/YY"], "4/15/26", "2026-04-15", id="submersion-app/submersion#1829"),
        pytest.param(["M/D/YYYY"], "4/15/26", None, id="submersion-app/submersion#1829-literal"),
        # One of the short names of September was not recognised, so its rows had no date.
        pytest.param(["DD MMM YY"], "01 Sept 26", "2026-09-01", id="actualbudget/actual#8888"),
        # October was not recognised in a language other than English.
        pytest.param(["DD MMM YY"], "01 Okt 26", "2026-10-01", id="abritinthebay/datejs#37"),
        # A date became the number of days that a spreadsheet counts.
        pytest.param(["YYYY-MM-DD"], "43102", None, id="TablePress/TablePress#81"),
    ],
)
def test_a_date_is_read_one_way_or_refused(formats: list[str], text: str, day: Any) -> None:
    outcome = of_row(f"formats = {[*formats, 'YYYY-MM-DD']}", Due=text)
    if day is None:
        assert outcome == (2, "Due")
    else:
        assert outcome["data"]["lines"][0]["requested_date"] == day


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # Leading zeros were lost.
        pytest.param("0123", "0123", id="teableio/teable#1828"),
        pytest.param("0017", "0017", id="dweeves/magmi-git#529"),
        # Trailing zeros were lost: 90.750 became 90.75.
        pytest.param("90.750", "90.750", id="woocommerce/woocommerce#63730"),
        pytest.param("012.10", "012.10", id="elementor/elementor#12085"),
        # A code that looks like a serial number of a date became a date.
        pytest.param("22523", "22523", id="exceljs/exceljs#1271"),
        # A code of 12 digits lost the first one.
        pytest.param("012345678901", "012345678901", id="jakob/TableTool#41"),
        # ="12345", a text protected from spreadsheets, became a different code than 12345.
        pytest.param('="00123"', None, id="JnLlnd/ObjCSV#10"),
        # An apostrophe, by which a spreadsheet marks a text, stayed in the value.
        pytest.param("'00123", None, id="frappe/frappe#41945"),
        # A missing value was exported as the word null.
        pytest.param("null", None, id="Synthoid/ExportSheetData#94"),
    ],
)
def test_a_code_is_read_unchanged_or_refused(text: str, code: str | None) -> None:
    outcome = of_row(PO=text)
    assert outcome == (2, "PO") if code is None else outcome["data"]["order_no"] == code


@pytest.mark.parametrize(
    ("zone", "made", "time"),
    [
        # A time that the clocks skipped was moved to another one: 01:30.
        pytest.param("America/New_York", "2026-03-08 02:30", None, id="moment/moment-timezone#357"),
        # A time in UTC was refused, because the clocks of New York skip that hour of the day.
        pytest.param(
            "UTC", "2026-03-08 02:30", "2026-03-08T02:30:00+00:00", id="bitwalker/timex#491"
        ),
    ],
)
def test_a_time_that_the_clocks_skipped_is_refused(zone: str, made: str, time: str | None) -> None:
    outcome = of_row(f'zone = "{zone}"\nformats = ["YYYY-MM-DD hh:mm", "YYYY-MM-DD"]', Made=made)
    assert outcome == (2, "Made") if time is None else outcome["time"] == time


GOOD = ",".join(ROW.values())
ANOTHER = GOOD.replace("P1", "P2")


def file_of(*rows: str, end: str = "\n", header: str = HEADER) -> bytes:
    """Return a CSV file with these rows."""
    return "".join(row + end for row in (header, *rows)).encode()


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        # A byte-order mark became part of the first column's name.
        pytest.param(b"\xef\xbb\xbf" + file_of(GOOD), ["P1"], id="dotCMS/core#36508"),
        pytest.param(file_of(GOOD).decode().encode("utf-16"), ["P1"], id="getodk/javarosa#687"),
        # A line break inside quotes ended the row.
        pytest.param(
            file_of(GOOD.replace(",n,", ',"a\r\nb",'), end="\r\n"),
            ["P1"],
            id="fjalvingh/domui#641",
        ),
        # The last row was lost if the file did not end in a line break.
        pytest.param(
            file_of(GOOD, ANOTHER)[:-1], ["P1", "P2"], id="sqlitebrowser/sqlitebrowser#193"
        ),
        # A delimiter inside an unquoted cell shifted the cells behind it into other columns.
        pytest.param(
            file_of(GOOD.replace(",n,", ",a,b,"), ANOTHER),
            [(2, ""), "P2"],
            id="mRemoteNG/mRemoteNG#1760",
        ),
        # A quote inside a quoted cell broke the rows after it as well.
        pytest.param(
            file_of(GOOD.replace(",n,", ',"a "b"",'), ANOTHER),
            [(2, ""), "P2"],
            id="BurntSushi/xsv#186",
        ),
    ],
)
def test_a_file_is_read_row_by_row(content: bytes, numbers: list[Any]) -> None:
    found = [
        one if isinstance(one, tuple) else one["data"]["order_no"] for one in outcomes(content)
    ]
    assert found == numbers


@pytest.mark.parametrize(
    "header",
    [
        # Of two columns with one name, the last one won.
        pytest.param(HEADER.replace("Note", "PO"), id="melihbirim/csvql#102"),
        # Of three columns with one name, the second was lost.
        pytest.param(HEADER.replace("Note", "PO").replace("Made", "PO"), id="mholt/PapaParse#982"),
    ],
)
def test_a_column_name_that_occurs_twice_is_refused(header: str) -> None:
    with pytest.raises(FileError, match="'PO'"):
        list(outcomes(file_of(GOOD, header=header)))


def test_semicolons_and_line_breaks_in_cells_go_together() -> None:
    """evanplaice/jquery-csv#142: with semicolons between cells, line breaks in them were errors."""
    row = GOOD.replace(",n,", ',"a; b\nc",').replace(",", ";")
    content = file_of(row, header=HEADER.replace(",", ";"))
    (order,) = outcomes(content, mapped(delimiter=";"))
    assert order["data"]["lines"][0]["description"] == "a; b\nc"


def orders(*cells: dict[str, str], mapping: str = MAPPING) -> list[tuple[str, str, list[str]]]:
    """Return id, order number and line numbers of each order made from rows with these cells."""
    found = list(outcomes(file_of(*(",".join((ROW | row).values()) for row in cells)), mapping))
    return [
        (one["id"], one["data"]["order_no"], [line["line_no"] for line in one["data"]["lines"]])
        for one in found
    ]


@pytest.mark.parametrize("kind", [', kind = "code"', ""])
def test_rows_of_one_number_are_one_order_in_any_code_points(kind: str) -> None:
    """infinidysk/infinidysk#890: names that look the same in other code points were two groups."""
    mapping = MAPPING.replace('from = "PO", kind = "code"', f'from = "PO"{kind}')
    found = orders({"PO": "Caf\u00e9-1"}, {"PO": "Cafe\u0301-1", "Item": "20"}, mapping=mapping)
    assert found == [("order/Caf\u00e9-1", "Caf\u00e9-1", ["10", "20"])]


def test_rows_of_one_number_are_one_order_wherever_they_stand() -> None:
    """ubc/iPeer#257: rows of one number that were not adjacent became several groups."""
    found = orders({"PO": "A"}, {"PO": "B"}, {"PO": "A", "Item": "20"})
    assert found == [("order/A", "A", ["10", "20"]), ("order/B", "B", ["10"])]


def test_white_space_at_the_ends_of_a_number_is_no_part_of_it() -> None:
    """frappe/erpnext#44809: a serial number with a leading blank was a different number."""
    found = orders({"PO": " A\u00a0"}, {"PO": "A", "Item": "20"})
    assert found == [("order/A", "A", ["10", "20"])]


def test_a_line_that_names_the_delimiter_is_no_header() -> None:
    """PowerShell/PowerShell#7776: the line "sep=," was read as the header."""
    content = b"sep=,\n" + file_of(GOOD)
    with pytest.raises(FileError, match="no column 'PO'"):
        list(outcomes(content))
    (order,) = outcomes(content, MAPPING.replace("[file]", "[file]\nskip_rows = 1"))
    assert order["data"]["order_no"] == "P1"
