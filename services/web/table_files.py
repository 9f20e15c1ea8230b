"""Downloads: any table of a page as CSV or as an XLSX workbook, by the page's own address.

A page that has tables calls `table_asked_for(visit)` first. If a file is wanted, it builds the
`Table` of that key with all rows, and returns `answer(visit, wanted, table)`. Its template offers
the files with the macro of `downloads.html`.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Final

from fastapi.responses import Response

from services.scorecards.scorecard_api import run_query
from services.text.language import Language, mark
from services.web.page_query import Unreadable
from services.web.rendering import HEADERS
from services.web.site import Visit

if TYPE_CHECKING:
    from xlsxwriter.format import Format as CellFormat
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS: Final = 50_000
"""The rows of one file: an old computer can open it, and writing it fits into memory."""

TableCell = str | int | Decimal | Fraction | date | None
TableRow = Sequence[TableCell]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_PLACES: Final = 12
_LONGEST_CELL: Final = 32_767
_LONGEST_SHEET: Final = 31
_NO_SHEET: Final = re.compile(r"[\[\]:*?/\\]")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
_WIDEST: Final = 60


class Kind(StrEnum):
    """What a column holds: it decides how a spreadsheet shows it. Any cell may be None."""

    TEXT = "text"
    NUMBER = "number"
    QUANTITY = "quantity"
    SHARE = "share"
    """A fraction of 1; a spreadsheet shows it as a percentage."""

    DATE = "date"
    COUNT = "count"


class Format(StrEnum):
    """A kind of file."""

    CSV = "csv"
    XLSX = "xlsx"


_SHOWN: Final = {
    Kind.NUMBER: "#,##0.0##",
    Kind.QUANTITY: "#,##0.######",
    Kind.SHARE: "0.0%",
    Kind.DATE: "yyyy-mm-dd",
    Kind.COUNT: "#,##0",
}
"""Number formats of a workbook. A spreadsheet shows them with the signs of its own locale."""

_WIDTHS: Final = {Kind.DATE: 12, Kind.SHARE: 10, Kind.COUNT: 10}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column. `heading`: in the reader's language."""

    heading: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """A table for a file. `key`: names it in the address and in the file's name.

    `about`, `as_of`: the partner and the day that it is about, also in the file's name.
    """

    key: str
    title: str
    columns: Sequence[TableColumn]
    rows: Sequence[TableRow]
    about: str = ""
    as_of: date | None = None

    def file_name(self, suffix: str) -> str:
        """Return the file's name, such as `rantai-IKM-1-late-2026-11-22.csv`."""
        day = self.as_of.isoformat() if self.as_of else ""
        return file_name([self.about, self.key, day], suffix)


@dataclass(frozen=True, slots=True)
class TableQuery:
    """Which table a page's address asks for, and in which format."""

    key: str
    format: Format


def table_asked_for(visit: Visit) -> TableQuery | None:
    """Return the table that `?table=late&format=xlsx` asks for; None if the page itself is wanted.

    Raises Unreadable if the format is unknown.
    """
    query = visit.query
    if "format" not in query:
        return None
    try:
        return TableQuery(query.get("table", ""), Format(query["format"]))
    except ValueError:
        raise Unreadable(
            mark("A table can be had as csv or xlsx, not as %(format)s."), format=query["format"]
        ) from None


def no_such_table(wanted: TableQuery) -> Unreadable:
    """Return the error to raise if a page has no table of that key."""
    return Unreadable(mark("This page has no table %(table)s."), table=wanted.key)


def require_rows(total: int) -> None:
    """Raise Unreadable if a table has more than `MOST_ROWS` rows."""
    if total > MOST_ROWS:
        raise Unreadable(
            mark("The table has %(rows)s rows, more than a file holds. Choose a shorter time."),
            rows=total,
        )


async def answer(visit: Visit, wanted: TableQuery, table: Table) -> Response:
    """Return a table as a file. Raises Unreadable if it has more than `MOST_ROWS` rows."""
    require_rows(len(table.rows))
    written = _WRITERS[wanted.format]
    content = await run_query(lambda: written(table, visit.language))
    return attachment(visit, content, _TYPES[wanted.format], table.file_name(wanted.format))


def attachment(visit: Visit, content: bytes, media_type: str, name: str) -> Response:
    """Return a file for the browser to save. `name`: of letters, digits, `.`, `_` and `-`."""
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Language": visit.language.code,
    }
    return Response(content, 200, headers, media_type=media_type)


def file_name(parts: Sequence[str], suffix: str) -> str:
    """Return a file name that every system accepts; other characters become underscores."""
    return "-".join(_NO_NAME.sub("_", part) for part in ("rantai", *parts) if part) + f".{suffix}"


def csv_bytes(table: Table, language: Language) -> bytes:
    """Return a table as CSV: RFC 4180, UTF-8 with the byte order mark that Excel needs.

    Separator and decimal sign are those of a spreadsheet in the reader's language: an Indonesian
    one reads `1.5` as a date or as 15, and puts a row that is separated by commas into one cell.
    Numbers have no thousands separators, dates are ISO 8601, and None is an empty field. Text that
    a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=language.list_separator, lineterminator="\r\n")
    writer.writerow([_guarded(column.heading) for column in table.columns])
    writer.writerows([_csv_field(cell, language.decimal) for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8-sig")


def xlsx_bytes(table: Table, _: Language) -> bytes:
    """Return a table as a workbook of one sheet, with real numbers and dates, ready to filter.

    The language does not matter: the spreadsheet shows numbers in its own locale.
    """
    # Imported on first use: a process that writes no workbook need not hold the library in memory.
    import xlsxwriter  # noqa: PLC0415

    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": table.title, "author": "Rantai"})
        sheet = book.add_worksheet(_sheet_name(table))
        bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        formats = {kind: book.add_format({"num_format": shown}) for kind, shown in _SHOWN.items()}
        for place, column in enumerate(table.columns):
            sheet.write_string(0, place, column.heading, bold)
            sheet.set_column(place, place, _width(table, place))
        for number, row in enumerate(table.rows, start=1):
            for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
                _put(sheet, number, place, cell, formats.get(column.kind))
        sheet.freeze_panes(1, 0)
        if table.columns:
            sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)
    return out.getvalue()


_WRITERS: Final = {Format.CSV: csv_bytes, Format.XLSX: xlsx_bytes}
_TYPES: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _csv_field(cell: TableCell, decimal: str = ".") -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _guarded(cell)
    return cell.isoformat() if isinstance(cell, date) else _plain(cell).replace(".", decimal)


def _plain(number: int | Decimal | Fraction) -> str:
    """Return a number with a decimal point; a fraction is rounded to `_PLACES` decimals."""
    if isinstance(number, Fraction):
        whole = round(number * 10**_PLACES)
        number = Decimal(whole).scaleb(-_PLACES)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _guarded(text: str) -> str:
    # A spreadsheet runs text that begins like a formula, even if the field is quoted.
    return f"'{text}" if text.startswith(_FORMULA) else text


def _put(
    sheet: "Worksheet", row: int, place: int, cell: TableCell, shown: "CellFormat | None"
) -> Any:
    if cell is None:
        return sheet.write_blank(row, place, None, shown)
    if isinstance(cell, str):
        return sheet.write_string(row, place, cell[:_LONGEST_CELL])
    if isinstance(cell, date):
        return sheet.write_datetime(row, place, cell, shown)
    if not isinstance(cell, Fraction) and Decimal(str(float(cell))) != cell:
        # A spreadsheet's numbers are doubles: it would silently cut off the digits of this one.
        return sheet.write_string(row, place, _plain(cell))
    return sheet.write_number(row, place, float(cell), shown)


def _sheet_name(table: Table) -> str:
    # Excel refuses these characters, a longer name, and an apostrophe at either end.
    name = " ".join(_NO_SHEET.sub(" ", table.title).split())[:_LONGEST_SHEET].strip("' ")
    return name or table.key


def _width(table: Table, place: int) -> float:
    column = table.columns[place]
    longest = max((len(part) for part in column.heading.split()), default=0)
    if column.kind in _WIDTHS:
        return max(longest + 3, _WIDTHS[column.kind])
    shown = (len(_csv_field(row[place])) for row in _first_rows(table.rows))
    return min(_WIDEST, max(longest + 3, 2 + max(shown, default=0)))


def _first_rows(rows: Sequence[TableRow]) -> Iterator[TableRow]:
    """Return the first rows: enough to estimate the width of a column."""
    first: Iterable[TableRow] = rows[:500]
    return iter(first)
