"""Keeps the grades of suppliers at every month end, on which published grades depend.

They are cached under the mark of a supplier's facts, in this process and with the stored standing
of today, so that a scorecard needs the sums of one date only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.assessment.bounded_cache import BoundedCache
from services.assessment.figure_store import (
    SUPPLIERS_A_QUERY,
    FigureStore,
    Selection,
    grouped_by,
    portions,
)
from services.readiness.grading import Grader
from services.readiness.month_ends import month_ends
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.sums import FigureSums
from services.store.sql_files import sql

_REMEMBERED_ENDS: Final = 200_000
"""Maximum month ends in the cache, over all suppliers; each takes about 100 bytes."""

_INSUFFICIENT: Final = "-"


@dataclass(frozen=True, slots=True)
class MonthEnds:
    """A supplier's grade at each month end, oldest first, without gaps; None: insufficient."""

    days: Sequence[date]
    letters: Sequence[Letter | None]

    @classmethod
    def from_text(cls, first: date, text: str) -> "MonthEnds":
        """Read what `as_text` wrote. `first`: the first of the month ends."""
        last = first + timedelta(days=31 * len(text))
        days = month_ends(first - timedelta(days=1), last)[: len(text)]
        return cls(days, [LETTERS[LETTERS.index(x)] if x in LETTERS else None for x in text])

    def as_text(self) -> str:
        """Return one character for each month end: the grade, or `-` for an insufficient one."""
        return "".join(one or _INSUFFICIENT for one in self.letters)

    def __add__(self, later: "MonthEnds") -> "MonthEnds":
        """Return these month ends followed by the later ones."""
        return MonthEnds((*self.days, *later.days), (*self.letters, *later.letters))

    def until(self, as_of: date) -> "MonthEnds":
        """Return the month ends up to and including a date."""
        count = sum(day <= as_of for day in self.days)
        return MonthEnds(self.days[:count], self.letters[:count])


class GradeHistory:
    """Reads the grades of month ends from the cache or the store, or computes them.

    Blocks; safe for any number of threads. Raises StoreUnavailable, StoreRefused.
    """

    def __init__(self, store: FigureStore, grader: Grader) -> None:
        self._store, self._grader = store, grader
        self._memory = BoundedCache[tuple[Any, ...], tuple[int, date, MonthEnds]](
            # A supplier without any month end takes memory too.
            _REMEMBERED_ENDS,
            lambda held: len(held[2].days) + 1,
        )

    def month_ends(self, selection: Selection, marks: Mapping[str, int]) -> dict[str, MonthEnds]:
        """Return the grades of a selection's suppliers at every month end up to its date.

        Later month ends may be included. `marks`: the suppliers' marks, read before.
        """
        found = {
            name: one
            for name in selection.suppliers
            if (one := self._known(selection, name, marks.get(name, 0))) is not None
        }
        for source in (self._kept, self._computed):
            open_names = [name for name in selection.suppliers if name not in found]
            for some in portions(open_names, SUPPLIERS_A_QUERY):
                more = source(replace(selection, suppliers=some), marks)
                for name, one in more.items():
                    self._remember(selection, name, marks.get(name, 0), one)
                found |= more
        return found

    def _kept(self, selection: Selection, marks: Mapping[str, int]) -> dict[str, MonthEnds]:
        """Return grades stored with standings of today or of the last month end.

        Used if the selection's date is not in a later month than those: they have all earlier month
        ends too.
        """
        today = datetime.now(ZoneInfo(self._store.policy.zone)).date()
        as_ofs = [day for day in (today.replace(day=1), today) if day >= _month(selection.as_of)]
        if not selection.usual or not as_ofs:
            return {}
        rows = self._store.clickhouse.rows(
            sql("kept_letters"),
            {
                "policy": self._store.standing_form,
                "as_ofs": as_ofs,
                "suppliers": list(selection.suppliers),
            },
        )
        return {
            row["supplier_id"]: MonthEnds.from_text(row["first_end"], row["letters"])
            for row in rows
            if row["mark"] == marks.get(row["supplier_id"], 0)
        }

    def _computed(self, selection: Selection, marks: Mapping[str, int]) -> dict[str, MonthEnds]:
        """Compute the month ends that are not in the cache: usually all of them, or the last."""
        before = {
            name: held[2].until(selection.as_of)
            for name in selection.suppliers
            if (held := self._held(selection, name, marks.get(name, 0))) is not None
        }
        firsts = self._store.first_days(selection)
        needed = {
            name: [
                day
                for day in month_ends(first, selection.as_of)
                if name not in before or day not in before[name].days
            ]
            for name, first in firsts.items()
        }
        days = sorted({day for some in needed.values() for day in some})
        rows = grouped_by(self._store.grade_sums(selection, days), "supplier_id") if days else {}
        return {
            name: before.get(name, _NOTHING)
            + self._letters(grouped_by(rows.get(name, ()), "as_of"), needed.get(name, []))
            for name in selection.suppliers
        }

    def _letters(
        self, rows: Mapping[date, Sequence[Mapping[str, Any]]], days: Sequence[date]
    ) -> MonthEnds:
        return MonthEnds(
            days, [self._grader.letter(FigureSums.of(day, rows.get(day, ()))) for day in days]
        )

    def _known(self, selection: Selection, name: str, mark: int) -> MonthEnds | None:
        held = self._held(selection, name, mark)
        return None if held is None or held[1] < _month(selection.as_of) else held[2]

    def _held(
        self, selection: Selection, name: str, mark: int
    ) -> tuple[int, date, MonthEnds] | None:
        held = self._memory.get(_key(selection, name))
        return held if held is not None and held[0] == mark else None

    def _remember(self, selection: Selection, name: str, mark: int, ends: MonthEnds) -> None:
        self._memory.put(_key(selection, name), (mark, selection.as_of, ends))


_NOTHING: Final = MonthEnds((), ())


def _month(day: date) -> date:
    return day.replace(day=1)


def _key(selection: Selection, name: str) -> tuple[Any, ...]:
    return name, tuple(sorted(selection.buyers)), selection.window_days
