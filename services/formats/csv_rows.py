"""Read the rows of a CSV file: decoded, split into cells, with the line on which each row begins.

A damaged row affects no other row. A quote that is never closed would swallow the rows after it, so
reading resumes on the line after the damaged one.
"""

import codecs
import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import BinaryIO, Final

from services.formats.columns import Choice
from services.formats.mapping import FileFormat, FileMapping
from services.formats.rows import BrokenRow, CellFault, FileError, FileRow

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # The mark of UTF-32-LE begins with that of UTF-16-LE, so it must be compared first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITHOUT_MARK: Final = (
    # For text that begins with two ASCII characters, as headers do.
    (re.compile(rb"[^\0]\0\0\0", re.DOTALL), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]", re.DOTALL), "utf-32-be"),
    (re.compile(rb"[^\0]\0[^\0]\0", re.DOTALL), "utf-16-le"),
    (re.compile(rb"\0[^\0]\0[^\0]", re.DOTALL), "utf-16-be"),
)
_SHOWN: Final = 200
_MOST_READ_AGAIN: Final = 1_000_000
"""The most lines to read again. If every line opened a quote that is never closed, the rest of the
file would be read again for each of them."""


def encoding_of(start: bytes, encoding: str) -> str:
    """Return the encoding of a file with these first four bytes.

    A byte-order mark takes precedence over `encoding`, the one that the mapping names.
    """
    for mark, marked in _MARKS:
        if start.startswith(mark):
            return marked
    return encoding


def csv_rows(stream: BinaryIO, mapping: FileMapping) -> Iterator[FileRow | BrokenRow]:
    """Check that the header of a CSV file fits the mapping, then yield the rows.

    Raises FileError if the file as a whole cannot be read: it has no header, lacks a column that
    the mapping reads, or has another encoding.
    """
    layout = mapping.file
    start = stream.read(4)
    encoding = encoding_of(start, layout.encoding)
    _check_encoding(start, encoding)
    whole = io.BufferedReader(_Rejoined(start, stream))
    lines = _Lines(io.TextIOWrapper(whole, encoding, errors="surrogateescape", newline=""))
    try:
        lines.skip(layout.skip_rows)
        header = list(layout.names) if layout.names else _header(lines, layout)
        check_header(header, mapping, lines.number)
        yield from _rows(lines, header, layout, encoding)
    except UnicodeError:
        raise FileError(
            f"is not {encoding} throughout: it is cut off, or has another encoding; export it "
            "again, or set file.encoding in the mapping"
        ) from None


def _check_encoding(start: bytes, encoding: str) -> None:
    """Raise FileError if a file without a byte-order mark evidently has another encoding."""
    for pattern, likely in _WITHOUT_MARK:
        width = likely.rpartition("-")[0]
        if pattern.fullmatch(start) and not encoding.lower().replace("_", "-").startswith(width):
            raise FileError(
                f"is not {encoding}: it looks like {likely} without a byte-order mark; set "
                f'encoding = "{likely}" in [file] of the mapping'
            )


class _Rejoined(io.RawIOBase):
    """A stream that gives its first bytes again, which were read to find the encoding."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        chunk = self._start[: len(view)] or self._rest.read(len(view))
        self._start = self._start[len(view) :]
        view[: len(chunk)] = chunk
        return len(chunk)


class _Lines:
    """The lines of a text, numbered; lines can be given back to be read again."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self._returned: deque[str] = deque()
        self._read_again = 0
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._text)
        # Files that were joined have byte-order marks on later lines, which would become part of
        # the first cell.
        line = line.removeprefix("\ufeff")
        self.taken.append(line)
        self.number += 1
        return line

    def begin(self) -> None:
        """Begin a record: the lines read from here on belong to it."""
        self.taken = []

    def back_to_second(self) -> str:
        """Give back all lines of the record but the first, and return the first.

        Raises FileError if too many lines of the file were given back.
        """
        self._returned.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        self._read_again += len(self.taken) - 1
        if self._read_again > _MOST_READ_AGAIN:
            raise FileError(
                f"has too many quotes that are never closed, the last on line {self.number}; "
                "is file.quote right?"
            )
        first, self.taken = self.taken[0], []
        return first

    def skip(self, count: int) -> None:
        for _ in range(count):
            next(self, None)


def _reader(lines: Iterable[str], layout: FileFormat) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote, strict=True)


def _header(lines: _Lines, layout: FileFormat) -> list[str]:
    try:
        for cells in _reader(lines, layout):
            if any(cell.strip() for cell in cells):
                return [cell.strip() for cell in cells]
    except csv.Error as error:
        raise FileError(f"has a header that cannot be read: {_explained(error)}") from None
    raise FileError("is empty: it has no header row")


def check_header(header: list[str], mapping: FileMapping, line: int) -> None:
    """Raise FileError unless a file has each column that the mapping reads exactly once.

    `line`: the line on which the header ends.
    """
    wanted = [
        column.source for column in mapping.columns.values() if not isinstance(column, Choice)
    ]
    wanted += mapping.file.fill_down
    wanted += [rule.column for rule in mapping.leave_out]
    wanted += [rule.column for event in mapping.events for rule in event.only]
    problems = []
    for name in dict.fromkeys(name for name in wanted if name is not None):
        if name not in header:
            problems.append(
                f"has no column {name!r}, which the mapping reads; {_hint(name, header)}"
            )
        elif header.count(name) > 1:
            problems.append(_twice(name, header, line))
    if problems:
        raise FileError("; and it ".join(problems))


def _twice(name: str, header: list[str], line: int) -> str:
    places = [str(number) for number, each in enumerate(header, 1) if each == name]
    own, seen = [], Counter[str]()
    for each in header:
        seen[each] += 1
        own.append(each if seen[each] == 1 else f"{each} {seen[each]}")
    listed = ", ".join(f'"{each}"' for each in own)
    return (
        f"has the column {name!r} {len(places)} times (columns {' and '.join(places)}); give each "
        f"a name of its own in [file] of the mapping: names = [{listed}] with skip_rows = {line}"
    )


def _hint(name: str, header: list[str]) -> str:
    close = get_close_matches(name, header, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(header)}"
    return hint + (" (one column only: is file.delimiter right?)" if len(header) == 1 else "")


def _rows(
    lines: _Lines, header: list[str], layout: FileFormat, encoding: str
) -> Iterator[FileRow | BrokenRow]:
    reader = _reader(lines, layout)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first = lines.back_to_second()
            cells = first.split(layout.delimiter)
            yield _broken(lines.number, header, cells, layout.quote, _explained(error))
            reader = _reader(lines, layout)
            continue
        number = lines.number - len(lines.taken) + 1
        if any(cell.strip() for cell in cells):
            yield _row(number, header, cells, layout, encoding)


def _explained(error: csv.Error) -> str:
    if "unexpected end" in str(error) or "field limit" in str(error):
        return "a quote opens here that is never closed; close it, or double it if it is text"
    return "a quoted cell goes on after its closing quote; double a quote that is part of a cell"


def _row(
    number: int, header: list[str], cells: list[str], layout: FileFormat, encoding: str
) -> FileRow | BrokenRow:
    if len(cells) > len(header) and not any(cells[len(header) :]):
        cells = cells[: len(header)]
    if len(cells) < len(header) and layout.short_rows == "fill":
        cells = cells + [""] * (len(header) - len(cells))
    if len(cells) != len(header):
        more = len(cells) > len(header)
        cause = "a delimiter inside a cell needs quotes" if more else "a line break inside a cell?"
        message = f"has {len(cells)} cells where the header has {len(header)}; {cause}"
        return _broken(number, header, cells, layout.quote, message)
    row = dict(zip(header, cells, strict=True))
    if any(not cell.isascii() and _undecoded(cell) for cell in cells):
        column = next(name for name, cell in row.items() if _undecoded(cell))
        message = f"is not {encoding}; correct it, or set file.encoding in the mapping (cp1252?)"
        return BrokenRow(CellFault(number, column, _shown(row[column]), message), row)
    return FileRow(number, row)


def _undecoded(cell: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in cell)


def _shown(text: str) -> str:
    """Return a text as it can be printed: undecodable bytes as U+FFFD, and not too long."""
    legible = text.strip().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return legible if len(legible) <= _SHOWN else legible[:_SHOWN] + "…"


def _broken(
    number: int, header: list[str], cells: list[str], quote: str, message: str
) -> BrokenRow:
    # The stray quote is the fault, not part of the cell's text.
    legible = [cell.strip().strip(quote).strip() for cell in cells]
    guess = dict(zip(header, legible, strict=False))
    return BrokenRow(CellFault(number, "", _shown(",".join(cells)), message), guess)
