"""Tables as files: a spreadsheet reads the values of the page, and runs none as a formula."""

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from services.text.language import LANGUAGES, Language
from services.web.table_files import Kind, Table, TableColumn, TableRow, csv_bytes, xlsx_bytes

ID, EN = LANGUAGES["id"], LANGUAGES["en"]
COLUMNS = [
    TableColumn("Pesanan"),
    TableColumn("Jumlah", Kind.QUANTITY),
    TableColumn("Bagian", Kind.SHARE),
    TableColumn("Tanggal", Kind.DATE),
    TableColumn("Baris", Kind.COUNT),
]
ROWS: list[TableRow] = [
    ["=1+1", Decimal("12.500"), Fraction(7, 9), date(2026, 11, 22), -3],
    ['CV "Maju", Tegal\nlantai 2', Decimal("1E+3"), Fraction(1), None, 0],
    ["PO-1", Decimal("12345678901234567.891"), None, date(2026, 1, 1), 12_000_000],
]
TABLE = Table("late", "Baris: terlambat", COLUMNS, ROWS, "IKM-1", date(2026, 11, 22))
SPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def sheet() -> tuple[ElementTree.Element, list[str], ElementTree.Element]:
    """Return the table's sheet in a workbook, the workbook's shared texts, and its root."""
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes(TABLE, ID))) as book:
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        texts = ["".join(one.itertext()) for one in shared.findall("m:si", SPACE)]
        workbook = ElementTree.fromstring(book.read("xl/workbook.xml"))
        return ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")), texts, workbook


def cells() -> dict[str, str | float | None]:
    """Return the values of the sheet's cells by their addresses."""
    page, texts, _ = sheet()
    found: dict[str, str | float | None] = {}
    for cell in page.iterfind(".//m:c", SPACE):
        value = cell.findtext("m:v", None, SPACE)
        number = None if value is None else float(value)
        kind = cell.get("t")
        found[cell.attrib["r"]] = texts[int(value or 0)] if kind == "s" else number
    return found


@pytest.mark.parametrize(("language", "separator", "decimal"), [(ID, ";", ","), (EN, ",", ".")])
def test_a_csv_is_in_columns_in_a_spreadsheet_of_its_language(
    language: Language, separator: str, decimal: str
) -> None:
    content = csv_bytes(TABLE, language)
    assert content.startswith(f"\N{BYTE ORDER MARK}Pesanan{separator}Jumlah".encode())
    text = content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    assert rows[0] == ["Pesanan", "Jumlah", "Bagian", "Tanggal", "Baris"]
    assert rows[1] == ["'=1+1", f"12{decimal}5", f"0{decimal}777777777778", "2026-11-22", "-3"]
    assert rows[2] == ['CV "Maju", Tegal\nlantai 2', "1000", "1", "", "0"]
    assert rows[3] == ["PO-1", f"12345678901234567{decimal}891", "", "2026-01-01", "12000000"]
    assert content.count(b"\r\n") == 4


@pytest.mark.parametrize("text", ["=A1", "+62811", "-5 PCS", "@SUM(A1)", "\t=A1", "\r=A1"])
def test_text_that_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    table = Table("t", "T", [TableColumn(text)], [[text]])
    rows = list(csv.reader(io.StringIO(csv_bytes(table, EN).decode("utf-8-sig"), newline="")))
    assert rows == [[f"'{text}"], [f"'{text}"]]


def test_a_workbook_has_true_numbers_and_dates() -> None:
    found = cells()
    assert found["A2"] == "=1+1"
    assert found["B2"] == 12.5
    assert found["C2"] == pytest.approx(7 / 9, abs=1e-15)
    assert found["D2"] == (date(2026, 11, 22) - date(1899, 12, 30)).days
    assert found["E2"] == -3
    assert found["D3"] is None
    # A double would lose digits, so it is written as text.
    assert found["B4"] == "12345678901234567.891"
    page, _, _ = sheet()
    assert page.find(".//m:f", SPACE) is None


def test_a_workbook_is_ready_to_filter() -> None:
    page, _, workbook = sheet()
    pane = page.find(".//m:pane", SPACE)
    assert pane is not None
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    found = page.find("m:autoFilter", SPACE)
    assert found is not None
    assert found.get("ref") == "A1:E4"
    named = workbook.find(".//m:sheet", SPACE)
    assert named is not None
    assert named.get("name") == "Baris terlambat"
    widths = [float(one.attrib["width"]) for one in page.iterfind(".//m:col", SPACE)]
    assert min(widths) >= 7


def test_a_file_is_named_after_its_contents() -> None:
    assert TABLE.file_name("csv") == "rantai-IKM-1-late-2026-11-22.csv"
    strange = Table("late", "T", [], [], 'A"/\r\nB é', None)
    assert strange.file_name("xlsx") == "rantai-A_B_-late.xlsx"


@pytest.mark.parametrize("title", ["", "///", "'x'", "x" * 40, "a[b]c:d*e?f/g\\h"])
def test_any_title_names_a_sheet(title: str) -> None:
    assert xlsx_bytes(Table("key", title, [TableColumn("A")], []), ID).startswith(b"PK")
