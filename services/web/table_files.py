"""Tables to take along: any table of a page as CSV, or as an XLSX workbook, by the page's address.

A page that has tables asks `asked(visit)` first; where a file is wanted it makes the `Table` of
that key with every row, and returns `answer(visit, wanted, table)`. Its template offers the files
by the macro of `downloads.html`.
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

from services.scorecards.scorecard_api import blocking
from services.text.language import Language, mark
from services.web.page_query import Unreadable
from services.web.rendering import HEADERS
from services.web.site import Visit

if TYPE_CHECKING:
    from xlsxwriter.format import Format as CellFormat
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS: Final = 50_000
"""Of one file: a spreadsheet on an old computer opens it, and its making stays within memory."""

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
    """What a column holds: it decides how a spreadsheet shows it. None stands for no value."""

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
"""How a workbook shows a number. A spreadsheet uses the signs of its own country."""

_WIDTHS: Final = {Kind.DATE: 12, Kind.SHARE: 10, Kind.COUNT: 10}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its heading in the reader's language, and what it holds."""

    heading: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """A table as a file has it. `key`: names it in the address and in the file's name.

    `about` and `as_of`: whose it is and of which day; they are part of the file's name.
    """

    key: str
    title: str
    columns: Sequence[TableColumn]
    rows: Sequence[TableRow]
    about: str = ""
    as_of: date | None = None

    def file_name(self, suffix: str) -> str:
        """Return a name of letters that every system takes: `rantai-IKM-1-late-2026-11-22.csv`."""
        day = self.as_of.isoformat() if self.as_of else ""
        return file_name([self.about, self.key, day], suffix)


@dataclass(frozen=True, slots=True)
class TableQuery:
    """Which table a page's address asks for, and as what."""

    key: str
    format: Format


def asked(visit: Visit) -> TableQuery | None:
    """Return what is asked for by `?table=late&format=xlsx`; None: the page itself.

    Raises Unreadable where the format is none of ours.
    """
    query = visit.request.query_params
    if "format" not in query:
        return None
    try:
        return TableQuery(query.get("table", ""), Format(query["format"]))
    except ValueError:
        raise Unreadable(
            mark("A table can be had as csv or xlsx, not as %(format)s."), format=query["format"]
        ) from None


def no_such(wanted: TableQuery) -> Unreadable:
    """Return what a page raises whose table of that key there is not."""
    return Unreadable(mark("This page has no table %(table)s."), table=wanted.key)


def require_rows(total: int) -> None:
    """Raise Unreadable where a table is too long for one file."""
    if total > MOST_ROWS:
        raise Unreadable(
            mark("The table has %(rows)s rows, more than a file holds. Choose a shorter time."),
            rows=total,
        )


async def answer(visit: Visit, wanted: TableQuery, table: Table) -> Response:
    """Return a table as a file. Raises Unreadable where it has more than `MOST_ROWS` rows."""
    require_rows(len(table.rows))
    written = _WRITERS[wanted.format]
    content = await blocking(lambda: written(table, visit.language))
    return attachment(visit, content, _TYPES[wanted.format], table.file_name(wanted.format))


def attachment(visit: Visit, content: bytes, media_type: str, name: str) -> Response:
    """Return a file that a browser keeps. `name`: of letters, digits, `.`, `_` and `-`."""
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Language": visit.language.code,
    }
    return Response(content, 200, headers, media_type=media_type)


def file_name(parts: Sequence[str], suffix: str) -> str:
    """Return the name of a file; letters that a system may not take become underscores."""
    return "-".join(_NO_NAME.sub("_", part) for part in ("rantai", *parts) if part) + f".{suffix}"


def csv_bytes(table: Table, language: Language) -> bytes:
    """Return a table as CSV: RFC 4180, UTF-8 with the mark by which Excel knows it.

    Between fields stands what a spreadsheet of the reader's language takes for it, and numbers
    have its decimal sign: an Indonesian one reads `1.5` as a date or as 15, and puts a row with
    commas between into one cell. Numbers have no thousands, dates are ISO 8601, nothing is an
    empty field. Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=language.list_separator, lineterminator="\r\n")
    writer.writerow([_guarded(column.heading) for column in table.columns])
    writer.writerows([_written(cell, language.decimal) for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8-sig")


def xlsx_bytes(table: Table, _: Language) -> bytes:
    """Return a table as a workbook of one sheet: true numbers and dates, ready to filter.

    A workbook has no signs of a language: the spreadsheet shows numbers in its own.
    """
    # Only where somebody asks for a workbook: who never does need not hold the library in memory.
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


def _written(cell: TableCell, decimal: str = ".") -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _guarded(cell)
    return cell.isoformat() if isinstance(cell, date) else _plain(cell).replace(".", decimal)


def _plain(number: int | Decimal | Fraction) -> str:
    """Return a number in digits and a point; a quotient that has no end is rounded."""
    if isinstance(number, Fraction):
        whole = round(number * 10**_PLACES)
        number = Decimal(whole).scaleb(-_PLACES)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _guarded(text: str) -> str:
    # A spreadsheet runs what begins like a formula, also when it stands in quotes.
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
        # A spreadsheet's numbers are doubles: it would cut this one off without a word.
        return sheet.write_string(row, place, _plain(cell))
    return sheet.write_number(row, place, float(cell), shown)


def _sheet_name(table: Table) -> str:
    # Excel refuses these letters, a longer name, and an apostrophe at either end.
    name = " ".join(_NO_SHEET.sub(" ", table.title).split())[:_LONGEST_SHEET].strip("' ")
    return name or table.key


def _width(table: Table, place: int) -> float:
    column = table.columns[place]
    longest = max((len(part) for part in column.heading.split()), default=0)
    if column.kind in _WIDTHS:
        return max(longest + 3, _WIDTHS[column.kind])
    shown = (len(_written(row[place])) for row in _some(table.rows))
    return min(_WIDEST, max(longest + 3, 2 + max(shown, default=0)))


def _some(rows: Sequence[TableRow]) -> Iterator[TableRow]:
    """Return as many rows as it takes to know how wide a column is."""
    some: Iterable[TableRow] = rows[:500]
    return iter(some)
