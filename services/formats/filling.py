"""Fill cells that are empty because they repeat the row above: `fill_down` of a mapping.

Reports, pivot tables and the exports of several ERPs write an order's cells on its first line only.
`RowsToEvents` passes each row through `FillDown` before anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.formats.rows import BrokenRow, Cell, FileRow, text_of


class FillDown:
    """Fills the empty cells of some columns from the rows above, in the order of the file.

    The columns are given from the outermost to the innermost. An empty cell is filled unless a
    column before it differs from the row above: the next order never takes over the supplier of
    the order before it.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._above: dict[str, Cell] = {}

    def row(self, row: FileRow) -> FileRow:
        """Return a row with its empty cells filled; its `filled` names their columns."""
        found = self._taken_from_above(row.cells)
        if not found:
            return row
        return replace(row, cells={**row.cells, **found}, filled=frozenset(found))

    def broken(self, row: BrokenRow) -> BrokenRow:
        """Return a broken row with its guess filled: it too may be a further line of an order."""
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
