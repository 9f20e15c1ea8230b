"""Computes how all suppliers of a buyer stand by that buyer's own orders.

Standings are kept in memory. When a fact about a supplier changes, only that supplier's standing is
computed again. Everything blocks; async callers use a thread.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from threading import Lock
from typing import Final

from services.assessment.figure_store import Selection, grouped_by
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.figures import Figure
from services.readiness.kpis import UNITS_OF
from services.readiness.sums import FigureSums

_KEPT_LISTS: Final = 64
"""Maximum lists kept in memory, one per buyer, day and window: those read last."""

_MOST_NAMED: Final = 500
"""If more suppliers changed, all are read: the length of a query parameter is bounded."""

_Key = tuple[str, date, int]


@dataclass(frozen=True, slots=True)
class OwnStanding:
    """A supplier's standing by one buyer's orders.

    `figures`: the ratios of docs/figures.md by KPI. `units`: the units of the quantities, by part
    family. `score`: None if no figure has a value. `provisional`: too few lines for a grade.
    """

    figures: Mapping[str, Figure]
    units: Mapping[str, frozenset[str]]
    score: Fraction | None
    provisional: bool
    overdue_lines: int
    open_complaints: int


def pooled(some: Iterable[OwnStanding]) -> dict[str, Figure]:
    """Return the pooled figures of several suppliers: sums over sums, never a mean of ratios."""
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


class BuyerStandings:
    """Reads suppliers' standings by a buyer's orders. Safe for any number of threads.

    Raises StoreUnavailable, StoreRefused.
    """

    def __init__(self, reader: ScorecardReader) -> None:
        self._reader = reader
        self._kept: OrderedDict[_Key, dict[str, tuple[int, OwnStanding]]] = OrderedDict()
        self._lock = Lock()

    def standings(self, buyer: str, as_of: date, window_days: int) -> dict[str, OwnStanding]:
        """Return the standing of each supplier that has facts with this buyer, by supplier id."""
        key, selection = (buyer, as_of, window_days), Selection(as_of, window_days, [], [buyer])
        # Read before the sums, so that any later change makes the kept standing stale.
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
            standings = self._computed(replace(selection, suppliers=named))
            nothing = self.nothing(as_of)
            found |= {name: (marks[name], standings.get(name, nothing)) for name in changed}
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_LISTS:
                self._kept.popitem(last=False)
        return {name: standing for name, (_, standing) in found.items()}

    def nothing(self, as_of: date) -> OwnStanding:
        """Return the standing of a supplier without any facts."""
        return self._standing(FigureSums.of(as_of, []))

    def _computed(self, selection: Selection) -> dict[str, OwnStanding]:
        rows = grouped_by(self._reader.store.sums(selection), "supplier_id")
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
