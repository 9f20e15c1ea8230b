"""How a buyer's suppliers stand by that buyer's own orders: every one of them, at once.

Worked out once and kept until a fact about a supplier changes; then for that supplier alone.
Everything blocks; async callers go through a thread.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from threading import Lock
from typing import Final

from services.assessment.figure_store import Selection, by
from services.assessment.scorecard_reader import Reader
from services.readiness.figures import Figure
from services.readiness.sums import UNITS_OF, FigureSums

_KEPT_LISTS: Final = 64
"""So many are kept in memory, each of a buyer, a day and a window: those looked at last."""

_MOST_NAMED: Final = 500
"""Where more suppliers changed, all are read: a list of parameters has an end."""

_Key = tuple[str, date, int]


@dataclass(frozen=True, slots=True)
class OwnStanding:
    """How a supplier stands by one buyer's orders.

    `figures`: the ratios of docs/figures.md by key. `score`: None where nothing has a value.
    `provisional`: too few lines for a grade. `overdue_lines`, `open_complaints`: counts. `units`:
    of what is added up, by family of parts.
    """

    figures: Mapping[str, Figure]
    units: Mapping[str, frozenset[str]]
    score: Fraction | None
    provisional: bool
    overdue_lines: int
    open_complaints: int


def together(some: Iterable[OwnStanding]) -> dict[str, Figure]:
    """Return the figures of several suppliers as one: sums over sums, never a mean of ratios."""
    standings = list(some)
    found = FigureSums.of(date.min, []).ratios()
    for key, none in found.items():
        figures = [one.figures[key] for one in standings]
        family = UNITS_OF.get(key)
        units = {unit for one in standings for unit in one.units.get(family or "", ())}
        found[key] = replace(
            none,
            numerator=sum((one.numerator for one in figures), Fraction(0)),
            denominator=sum((one.denominator for one in figures), Fraction(0)),
            mixed_units=len(units) > 1,
        )
    return found


class Buying:
    """Reads how suppliers stand by a buyer's orders. For any number of threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: OrderedDict[_Key, dict[str, tuple[int, OwnStanding]]] = OrderedDict()
        self._lock = Lock()

    def standings(self, buyer: str, as_of: date, window_days: int) -> dict[str, OwnStanding]:
        """Return how each supplier stands about whom a buyer's orders say anything."""
        key, selection = (buyer, as_of, window_days), Selection(as_of, window_days, [], [buyer])
        # Before the sums: what changes from here on makes what is read now stale.
        marks = self._reader.store.marks(selection)
        with self._lock:
            before = self._kept.get(key, {})
        found = {
            name: held
            for name, mark in marks.items()
            if (held := before.get(name)) is not None and held[0] == mark
        }
        changed = [name for name in marks if name not in found]
        if changed:
            named = changed if len(changed) <= _MOST_NAMED else []
            standings = self._worked_out(replace(selection, suppliers=named))
            nothing = self.nothing(as_of)
            found |= {name: (marks[name], standings.get(name, nothing)) for name in changed}
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_LISTS:
                self._kept.popitem(last=False)
        return {name: standing for name, (_, standing) in found.items()}

    def nothing(self, as_of: date) -> OwnStanding:
        """Return how a supplier stands of whom the orders say nothing yet."""
        return self._standing(FigureSums.of(as_of, []))

    def _worked_out(self, selection: Selection) -> dict[str, OwnStanding]:
        rows = by(self._reader.store.sums(selection), "supplier_id")
        return {
            name: self._standing(FigureSums.of(selection.as_of, of)) for name, of in rows.items()
        }

    def _standing(self, sums: FigureSums) -> OwnStanding:
        graded = self._reader.assessor.grader.contributed(sums, sums.scored())
        return OwnStanding(
            sums.ratios(),
            {family: frozenset(sums.units(family)) for family in set(UNITS_OF.values())},
            graded.score.value,
            graded.grade.value is None,
            sums.count("overdue"),
            sums.count("open"),
        )
