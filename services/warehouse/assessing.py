"""Assessing suppliers out of the store: what a scorecard says, for one of them or for many.

A published grade remembers every month end of a supplier. Those grades are remembered here by the
mark of the supplier's facts, so that a scorecard asks for the sums of one date.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from threading import Lock
from typing import Any, Final

from services.readiness.advice import CASES, advise
from services.readiness.assessed import Assessed, assess
from services.readiness.grading import Grader
from services.readiness.month_ends import month_ends
from services.readiness.next_steps import NextStep
from services.readiness.policy import Policy
from services.readiness.policy_parts import Letter
from services.readiness.sums import FigureSums
from services.warehouse.client import Warehouse
from services.warehouse.figures import FigureStore, Selection

_REMEMBERED: Final = 20_000
_SUPPLIERS_A_QUERY: Final = 250

ByDay = Mapping[date, Sequence[Mapping[str, Any]]]
Key = tuple[str, tuple[str, ...], int]
"""Supplier, buyers and days of the window."""


@dataclass(frozen=True, slots=True)
class MonthEnds:
    """The grades of a supplier at each month end from the first to the last."""

    days: Sequence[date]
    letters: Sequence[Letter | None]

    def until(self, as_of: date) -> Sequence[Letter | None]:
        """Return those up to and with a date."""
        return [one for day, one in zip(self.days, self.letters, strict=True) if day <= as_of]


class Assessor:
    """Assesses suppliers under one policy. Blocks; for any number of threads."""

    def __init__(self, warehouse: Warehouse, policy: Policy) -> None:
        self.store = FigureStore(warehouse, policy)
        self.policy = policy
        self.grader = Grader(policy)
        self._memory: OrderedDict[Key, tuple[int, date, MonthEnds]] = OrderedDict()
        self._lock = Lock()

    def assessed(
        self, selection: Selection, marks: Mapping[str, int] | None = None
    ) -> dict[str, Assessed]:
        """Assess the suppliers of a selection: those asked for by name, or all that have facts.

        `marks`: theirs, where they were read just before.
        """
        if not selection.suppliers:
            names = sorted(self.store.first_days(selection))
            return {
                name: one
                for some in _portions(names, _SUPPLIERS_A_QUERY)
                for name, one in self.assessed(replace(selection, suppliers=some), marks).items()
            }
        ends = self.month_ends(selection, self.store.marks(selection) if marks is None else marks)
        partner = by(self.store.partner_facts(selection), "supplier_id")
        found = by(self.store.sums(selection), "supplier_id")
        return {
            name: assess(
                self.grader,
                FigureSums.of(selection.as_of, found.get(name, [])),
                ends[name].until(selection.as_of),
                partner.get(name, []),
                one_buyer=bool(selection.buyers),
            )
            for name in selection.suppliers
        }

    def assessed_at(
        self, selection: Selection, days: Mapping[str, Sequence[date]]
    ) -> Iterator[tuple[str, date, Assessed]]:
        """Assess suppliers at other days than the selection's, none of them after it.

        `days`: those asked for, by supplier.
        """
        every = sorted({day for some in days.values() for day in some})
        if not every:
            return
        asked = replace(selection, suppliers=list(days))
        ends = self.month_ends(asked, self.store.marks(asked))
        partner = by(self.store.partner_facts(asked), "supplier_id")
        rows = by(self.store.sums(asked, every), "supplier_id")
        for name, some in days.items():
            of_days = by(rows.get(name, ()), "as_of")
            for day in some:
                yield (
                    name,
                    day,
                    assess(
                        self.grader,
                        FigureSums.of(day, of_days.get(day, ())),
                        ends[name].until(day),
                        partner.get(name, []),
                        one_buyer=bool(selection.buyers),
                    ),
                )

    def month_ends(self, selection: Selection, marks: Mapping[str, int]) -> dict[str, MonthEnds]:
        """Return the grades of some suppliers at every month end up to a day, or beyond it."""
        found = {
            name: self._known(selection, name, marks.get(name, 0)) for name in selection.suppliers
        }
        open_names = [name for name, one in found.items() if one is None]
        for some in _portions(open_names, _SUPPLIERS_A_QUERY):
            graded = self._graded(replace(selection, suppliers=some))
            for name in some:
                found[name] = graded[name]
                self._remember(selection, name, marks.get(name, 0), graded[name])
        return {name: one for name, one in found.items() if one is not None}

    def advice(
        self, selection: Selection, assessed: Mapping[str, Assessed]
    ) -> dict[str, list[NextStep]]:
        """Return for each assessed supplier of a selection what to do next."""
        worst = by(self.store.worst_cases(selection, CASES), "supplier_id")
        return {
            name: advise(self.policy, one.sums, worst.get(name, ()))
            for name, one in assessed.items()
        }

    def _graded(self, selection: Selection) -> dict[str, MonthEnds]:
        firsts = self.store.first_days(selection)
        days = month_ends(min(firsts.values()), selection.as_of) if firsts else []
        rows = by(self.store.grade_sums(selection, days), "supplier_id") if days else {}
        return {
            name: self._letters(
                by(rows.get(name, ()), "as_of"),
                [day for day in days if name in firsts and firsts[name] < day],
            )
            for name in selection.suppliers
        }

    def _letters(
        self, rows: Mapping[date, Sequence[Mapping[str, Any]]], days: Sequence[date]
    ) -> MonthEnds:
        return MonthEnds(
            days, [self.grader.letter(FigureSums.of(day, rows.get(day, ()))) for day in days]
        )

    def _known(self, selection: Selection, name: str, mark: int) -> MonthEnds | None:
        with self._lock:
            held = self._memory.get(_key(selection, name))
        if held is None or held[0] != mark or held[1] < selection.as_of.replace(day=1):
            return None
        return held[2]

    def _remember(self, selection: Selection, name: str, mark: int, ends: MonthEnds) -> None:
        with self._lock:
            self._memory[_key(selection, name)] = (mark, selection.as_of, ends)
            self._memory.move_to_end(_key(selection, name))
            while len(self._memory) > _REMEMBERED:
                self._memory.popitem(last=False)


def by(rows: Iterable[Mapping[str, Any]], column: str) -> dict[Any, list[Mapping[str, Any]]]:
    """Return rows by what they have in a column."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _key(selection: Selection, name: str) -> Key:
    return name, tuple(sorted(selection.buyers)), selection.window_days


def _portions(names: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))
