"""What passes between the readers of files and the making of events: rows, and what is wrong.

A reader of a file format (CSV today) yields `Row` and `BrokenRow`; nothing behind it knows which
format the file had. A cell is text as the file has it, or a typed value where the format has types
(a spreadsheet's date); never a float.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from schemas.fields import plain

Cell = str | int | Decimal | date | datetime | None
"""One cell; None is an empty one."""


class FileError(ValueError):
    """The file as a whole cannot be read, or does not fit its mapping; the message says why."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """One thing wrong: where in the file, what stands there, what is wrong and what to do.

    `row` counts as the file does (the line of a text file, the row of a sheet), from 1. `column`
    is the file's own name of the column, "" where the row or document as a whole is meant; of a
    file of events it is the JSON pointer.
    """

    row: int
    column: str
    value: str
    message: str

    def as_json(self) -> dict[str, int | str]:
        """Return the shape of the machine-readable report."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "message": self.message,
        }

    def saying(self, addition: str) -> "CellFault":
        """Return the fault with more to its message."""
        return replace(self, message=f"{self.message} {addition}")


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of a file: its cells by the name of their column.

    filled: the columns whose cell is empty in the file and was taken from a row above.
    """

    number: int
    cells: Mapping[str, Cell]
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row whose cells cannot be told apart for certain.

    `guess` holds its cells as far as they can be told: enough to find out which document the row
    belongs to, never to make an event of.
    """

    fault: CellFault
    guess: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """A document (or a row that never became one) that is not sent, with the reasons."""

    faults: tuple[CellFault, ...]
    event_id: str | None = None


class Sendable(Protocol):
    """An event on its way, which can say where in its file it came from."""

    @property
    def event_id(self) -> str | None:
        """The event's id, where it has one."""

    @property
    def row(self) -> int:
        """Where in the file it begins."""

    @property
    def body(self) -> bytes:
        """The event as JSON without line breaks."""

    def located(self, errors: Iterable[tuple[str, str]]) -> tuple[CellFault, ...]:
        """Trace errors (JSON pointer, message) back to the rows and columns they stem from."""


def text_of(cell: Cell) -> str:
    """Return a cell as text without spaces around it; "" of an empty one."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, Decimal):
        return plain(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)
