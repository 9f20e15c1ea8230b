"""The types that readers of files hand to the making of events: rows, and faults in them.

A reader of a file format (CSV is the only one) yields `FileRow` and `BrokenRow`; nothing after it
knows which format the file had. A cell is text as the file has it, or a typed value if the format
has types (a spreadsheet's date); never a float.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from schemas.fields import plain

Cell = str | int | Decimal | date | datetime | None
"""One cell; None if it is empty."""


class FileError(ValueError):
    """The file as a whole cannot be read, or does not fit its mapping; the message says why."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """One thing wrong in a file: where, what the file has there, what is wrong and what to do.

    `row` is the line of a text file or the row of a sheet, from 1. `column` is the file's own name
    of the column, "" for a fault of the whole row or document; in a file of events it is the JSON
    pointer.
    """

    row: int
    column: str
    value: str
    message: str

    def as_json(self) -> dict[str, int | str]:
        """Return the fault in the shape of the machine-readable report."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "message": self.message,
        }

    def saying(self, addition: str) -> "CellFault":
        """Return the fault with an addition to its message."""
        return replace(self, message=f"{self.message} {addition}")


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of a file: its cells by the name of their column.

    filled: the columns whose cell is empty in the file and was filled from a row above.
    """

    number: int
    cells: Mapping[str, Cell]
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row whose cells cannot be read reliably.

    `guess` holds its cells as far as they are legible. It serves to find the document that the row
    belongs to, and never to make an event.
    """

    fault: CellFault
    guess: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """A document (or a row that never became one) that is not sent, with the reasons."""

    faults: tuple[CellFault, ...]
    event_id: str | None = None


class Sendable(Protocol):
    """An event to be sent, which knows where in its file it came from."""

    @property
    def event_id(self) -> str | None:
        """The event's id, if it has one."""

    @property
    def row(self) -> int:
        """The row of the file on which it begins."""

    @property
    def body(self) -> bytes:
        """The event as JSON without line breaks."""

    def located(self, errors: Iterable[tuple[str, str]]) -> tuple[CellFault, ...]:
        """Trace errors (JSON pointer, message) back to the rows and columns they stem from."""


def text_of(cell: Cell) -> str:
    """Return a cell as text without spaces around it; "" for an empty one."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, Decimal):
        return plain(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)
