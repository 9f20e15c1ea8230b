"""Rows that leave empty what the row above them says: `fill_down` of a mapping.

Reports, pivots and the exports of several ERPs write an order's cells on its first line only.
`RowsToEvents` asks `FillDown` for each row, before anything else looks at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.formats.rows import BrokenRow, Cell, FileRow, text_of


class FillDown:
    """Fills the empty cells of some columns from the rows above, in the order of the file.

    The columns stand from the outermost to the innermost. A cell is filled where it is empty and
    no column named before it has another value than above: the supplier of one order is never
    taken for that of the next.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._above: dict[str, Cell] = {}

    def row(self, row: FileRow) -> FileRow:
        """Return a row with its cells filled; `filled` names the columns."""
        found = self._taken_from_above(row.cells)
        if not found:
            return row
        return replace(row, cells={**row.cells, **found}, filled=frozenset(found))

    def broken(self, row: BrokenRow) -> BrokenRow:
        """Return a broken row with its guess filled: it may be a further line as well."""
        return replace(row, guess={**row.guess, **self._taken_from_above(row.guess)})

    def _taken_from_above(self, cells: Mapping[str, Cell]) -> dict[str, Cell]:
        found: dict[str, Cell] = {}
        changed = False
        for column in self._columns:
            cell, above = cells.get(column), self._above.get(column)
            if text_of(cell):
                changed = changed or text_of(cell) != text_of(above)
                self._above[column] = cell
            elif changed:
                self._above[column] = None
            elif text_of(above):
                found[column] = above
        return found
