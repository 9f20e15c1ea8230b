"""Assesses suppliers from the store: the content of scorecards, for one supplier or many."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any, Final

from services.assessment.figure_store import (
    SUPPLIERS_A_QUERY,
    FigureStore,
    Selection,
    grouped_by,
    portions,
)
from services.assessment.grade_history import GradeHistory, MonthEnds
from services.readiness.advice import CASES, worst_cases
from services.readiness.assessed import Assessed, assess
from services.readiness.grading import Grader
from services.readiness.policy import Policy
from services.readiness.sums import FigureSums
from services.store.client import ClickHouse

_THREADS: Final = 4
SomeRows = Sequence[Mapping[str, Any]]


class Assessor:
    """Assesses suppliers under one policy. Blocks; safe for any number of threads."""

    def __init__(self, clickhouse: ClickHouse, policy: Policy) -> None:
        self.store = FigureStore(clickhouse, policy)
        self.policy = policy
        self.grader = Grader(policy)
        self.history = GradeHistory(self.store, self.grader)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="assessor")

    def assessed(
        self, selection: Selection, marks: Mapping[str, int] | None = None
    ) -> dict[str, Assessed]:
        """Assess the suppliers of a selection at its date; if it names none, all that have facts.

        `marks`: the suppliers' marks, if the caller has just read them. Returns the assessments by
        supplier id. Raises StoreUnavailable, StoreRefused.
        """
        if not selection.suppliers:
            names = sorted(self.store.first_days(selection))
            return {
                name: one
                for some in portions(names, SUPPLIERS_A_QUERY)
                for name, one in self.assessed(replace(selection, suppliers=some), marks).items()
            }
        if marks is None:
            marks = self.store.marks(selection)
        # In parallel: most of a query's time is planning, which uses a single core.
        partner_rows = self._threads.submit(self.store.partner_facts, selection)
        sums = self._threads.submit(self.store.sums, selection, worst=CASES)
        ends = self.history.month_ends(selection, marks)
        partner = grouped_by(partner_rows.result(), "supplier_id")
        found = grouped_by(sums.result(), "supplier_id")
        return {
            name: self._assess(
                selection, selection.as_of, ends[name], found.get(name, ()), partner.get(name, ())
            )
            for name in selection.suppliers
        }

    def assessed_at(
        self, selection: Selection, days: Mapping[str, Sequence[date]]
    ) -> Iterator[tuple[str, date, Assessed]]:
        """Yield supplier, day and assessment for days up to and including the selection's date.

        `days`: the days to assess by supplier; they replace the selection's own suppliers.
        """
        every = sorted({day for some in days.values() for day in some})
        if not every:
            return
        scoped = replace(selection, suppliers=list(days))
        ends = self.history.month_ends(scoped, self.store.marks(scoped))
        partner = grouped_by(self.store.partner_facts(scoped), "supplier_id")
        rows = grouped_by(self.store.sums(scoped, every), "supplier_id")
        for name, some in days.items():
            of_days = grouped_by(rows.get(name, ()), "as_of")
            for day in some:
                found = of_days.get(day, ())
                one = self._assess(selection, day, ends[name], found, partner.get(name, ()))
                yield name, day, one

    def _assess(
        self, selection: Selection, day: date, ends: MonthEnds, rows: SomeRows, partner: SomeRows
    ) -> Assessed:
        return assess(
            self.grader,
            FigureSums.of(day, rows),
            ends.until(day).letters,
            partner,
            worst_cases(rows),
            one_buyer=bool(selection.buyers),
        )
