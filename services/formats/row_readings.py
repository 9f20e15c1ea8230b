"""The named values of one row: each is read once, with its place in the file and its fault."""

from dataclasses import dataclass
from typing import Any

from schemas.spelling import one_spelling
from services.formats.columns import (
    Choice,
    Column,
    EarliestOf,
    FirstOf,
    TextColumn,
    candidates,
    filled,
    placeholders,
)
from services.formats.dates import UnreadableError
from services.formats.document_fields import sources_of
from services.formats.mapping import FileMapping
from services.formats.rows import CellFault, FileRow, text_of
from services.formats.values import Value, has_no_value, read_cell, refuse_debris, written


@dataclass(frozen=True, slots=True)
class CellReading:
    """A value of a row.

    value: None if there is none, or if it cannot be read (`problem` then says why).
    column, text: the column that it came from, and the text of the cell as the file has it.
    constant: whether it is a constant of the mapping, and so says nothing about the row.
    """

    row: int
    value: Value
    column: str
    text: str
    problem: str | None = None
    constant: bool = False

    @property
    def written(self) -> str | int | None:
        """The value as an event has it."""
        return written(self.value)

    def fault(self, message: str) -> CellFault:
        """Return a fault at this place of the file."""
        return CellFault(self.row, self.column, self.text, message)


class RowReadings:
    """The values of one row by their names in the mapping, each read when it is first asked for.

    codes: the names of the values that are used as codes, whatever their kind.
    """

    __slots__ = ("_codes", "_mapping", "_read", "row")

    def __init__(
        self, mapping: FileMapping, row: FileRow, codes: frozenset[str] = frozenset()
    ) -> None:
        self.row = row
        self._codes = codes
        self._mapping = mapping
        self._read: dict[str, CellReading] = {}

    def __getitem__(self, name: str) -> CellReading:
        reading = self._read.get(name)
        if reading is None:
            reading = self._read[name] = self._read_value(name)
        return reading

    def _read_value(self, name: str) -> CellReading:
        number = self.row.number
        if name in self._mapping.constants:
            constant = self._mapping.constants[name]
            return CellReading(number, constant, name, str(constant), constant=True)
        column = self._mapping.columns[name]
        if isinstance(column, Choice):
            return self._choose(name, column)
        if isinstance(column, TextColumn) and column.template is not None:
            return self._join(name, column)
        return self._read_cell(name, column)

    def _read_cell(self, name: str, column: Any) -> CellReading:
        # A broken row's guess may lack the cell.
        cell = self.row.cells.get(column.source)
        text, problem, value = text_of(cell), None, None
        try:
            if not has_no_value(column, cell, self._mapping.defaults):
                if name in self._codes and isinstance(column, TextColumn):
                    refuse_debris(column, text)
                value = self._spelled(name, read_cell(column, cell, self._mapping.defaults))
            elif column.default is not None:
                value = read_cell(column, column.default, self._mapping.defaults)
        except UnreadableError as error:
            problem = str(error)
        return CellReading(self.row.number, value, column.source, text, problem)

    def _join(self, name: str, column: TextColumn) -> CellReading:
        template = column.template or ""
        parts = {each: self[each] for each in placeholders(template)}
        where = self._where(name)
        for part in parts.values():
            if part.value is None:
                return part
        text = filled(template, {each: str(part.written) for each, part in parts.items()})
        try:
            value = self._spelled(name, read_cell(column, text, self._mapping.defaults))
        except UnreadableError as error:
            return CellReading(self.row.number, None, where[0], text, str(error))
        return CellReading(self.row.number, value, *where)

    def _spelled(self, name: str, value: Value) -> Value:
        # Rows are grouped by the number of their document, and its id is made from that number.
        return one_spelling(value) if name in self._codes and isinstance(value, str) else value

    def _choose(self, name: str, choice: Column) -> CellReading:
        assert isinstance(choice, Choice)  # noqa: S101 - for the type checker
        found: list[CellReading] = []
        for each in candidates(choice):
            reading = self[each]
            if reading.problem is not None:
                return reading
            if reading.value is None:
                continue
            if isinstance(choice, FirstOf):
                return reading
            found.append(reading)
        if not found:
            return CellReading(self.row.number, None, *self._where(name))
        pick = min if isinstance(choice, EarliestOf) else max
        return pick(found, key=lambda reading: reading.value)  # type: ignore[arg-type, return-value]

    def _where(self, name: str) -> tuple[str, str]:
        """Return the columns that a value comes from, and the texts of their cells."""
        columns = sources_of(self._mapping, name)
        texts = [text_of(self.row.cells.get(column)) for column in columns]
        return " / ".join(columns), " / ".join(texts)
