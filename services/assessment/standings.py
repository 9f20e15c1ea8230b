"""Reads and keeps standings: a supplier's scorecard and summary, valid until its mark changes.

Only standings over all buyers and the default window are kept in the store, because most requests
are for these. All others are computed on request.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import simplejson

from schemas.fields import utc_text
from services.assessment.assessor import Assessor
from services.assessment.bounded_cache import BoundedCache
from services.assessment.figure_store import SUPPLIERS_A_QUERY, Selection, portions
from services.readiness.advice import advise
from services.readiness.assessed import Assessed
from services.readiness.policy import Policy
from services.readiness.summary import Summary
from services.store.client import ClickHouse
from services.store.sql_files import sql
from services.store.sql_texts import shared

_ANSWERS_BYTES: Final = 16 * 1024 * 1024
"""Maximum size of the scorecards cached in memory. Requests choose day and window, so without a
bound the cache would grow for ever."""

_NAMED: Final = 500
"""Longer lists of suppliers are not sent as a query parameter, whose length is bounded."""

_COLUMNS: Final = [
    "policy",
    "as_of",
    "supplier_id",
    "mark",
    "first_end",
    "letters",
    "scorecard",
    "summary",
]


class Standings:
    """Reads scorecards and summaries that are kept, and computes the others.

    Blocks; safe for any number of threads. Raises StoreUnavailable, StoreRefused.
    """

    def __init__(self, clickhouse: ClickHouse, policy: Policy) -> None:
        self.clickhouse = clickhouse
        self.assessor = Assessor(clickhouse, policy)
        self.policy = policy
        self._form = self.assessor.store.standing_form
        self._answers = BoundedCache[tuple[Any, ...], tuple[int, bytes]](
            _ANSWERS_BYTES, lambda held: len(held[1])
        )

    def marks(self, selection: Selection) -> dict[str, int]:
        """Return the marks of a selection's facts by supplier, as `FigureStore.marks`."""
        return self.assessor.store.marks(selection)

    def first_days(self, selection: Selection) -> dict[str, date]:
        """Return the first day with facts by supplier, as `FigureStore.first_days`."""
        return self.assessor.store.first_days(selection)

    def scorecard(self, supplier_id: str, selection: Selection) -> bytes:
        """Return the scorecard of a supplier as JSON in the shape of docs/figures.md.

        The selection must name this supplier alone.
        """
        # Marks are read before anything else, so that any later change makes the answer stale.
        marks = self.marks(selection)
        mark = marks.get(supplier_id, 0)
        key = (supplier_id, tuple(selection.buyers), selection.as_of, selection.window_days)
        known = self._known(key, mark)
        if known is None and selection.usual:
            known = self._kept(supplier_id, selection.as_of, mark)
        if known is None:
            assessed = self.assessor.assessed(selection, marks)
            known = self._written(selection, assessed)[supplier_id]
        self._answers.put(key, (mark, known))
        return known

    def summaries(self, selection: Selection) -> dict[str, Summary]:
        """Return the summaries of a selection's suppliers; missing ones are computed and kept."""
        found: dict[str, Summary] = {}
        if selection.usual:
            named = list(selection.suppliers) if len(selection.suppliers) <= _NAMED else []
            rows = self.clickhouse.rows(
                shared("summaries"),
                {
                    "policy": self._form,
                    "rules": self.assessor.store.rules.id,
                    "as_of": selection.as_of,
                    "suppliers": named,
                },
            )
            kept = {row["supplier_id"]: row["summary"] for row in rows}
            found = {
                name: Summary.from_json(simplejson.loads(kept[name], use_decimal=True))
                for name in selection.suppliers
                if name in kept
            }
        missing = [name for name in selection.suppliers if name not in found]
        for some in portions(missing, SUPPLIERS_A_QUERY):
            assessed = self.refreshed(replace(selection, suppliers=some))
            found |= {name: Summary.of(one) for name, one in assessed.items()}
        return found

    def refreshed(self, selection: Selection) -> dict[str, Assessed]:
        """Assess a selection's suppliers, and keep the standings if the selection is `usual`."""
        marks = self.marks(selection)
        assessed = self.assessor.assessed(selection, marks)
        if selection.usual:
            self._keep(selection, marks, assessed)
        return assessed

    def _keep(
        self, selection: Selection, marks: Mapping[str, int], assessed: Mapping[str, Assessed]
    ) -> None:
        ends = self.assessor.history.month_ends(selection, marks)
        written = self._written(selection, assessed)
        rows = []
        for name, one in assessed.items():
            until = ends[name].until(selection.as_of)
            rows.append(
                [
                    self._form,
                    selection.as_of,
                    name,
                    marks.get(name, 0),
                    min(until.days, default=selection.as_of),
                    until.as_text(),
                    written[name].decode(),
                    simplejson.dumps(Summary.of(one).as_json()),
                ]
            )
        self.clickhouse.insert_rows("standings", _COLUMNS, rows)

    def _kept(self, supplier_id: str, as_of: date, mark: int) -> bytes | None:
        rows = self.clickhouse.rows(
            sql("standing"),
            {"policy": self._form, "as_of": as_of, "supplier": supplier_id, "mark": mark},
        )
        return str(rows[0]["scorecard"]).encode() if rows else None

    def _written(self, selection: Selection, assessed: Mapping[str, Assessed]) -> dict[str, bytes]:
        now = utc_text(datetime.now(UTC).replace(microsecond=0))
        return {
            name: exact_json(
                {
                    "supplier_id": name,
                    **selection.heading,
                    **one.as_json(),
                    "next_steps": [
                        step.as_json() for step in advise(self.policy, one.sums, one.worst)
                    ],
                    "policy_version": self.policy.version,
                    "computed_at": now,
                }
            )
            for name, one in assessed.items()
        }

    def _known(self, key: tuple[Any, ...], mark: int) -> bytes | None:
        held = self._answers.get(key)
        return held[1] if held is not None and held[0] == mark else None


def exact_json(value: Any) -> bytes:
    """Return UTF-8 JSON with each Decimal written exactly and as a number: 12.5, never "12.5"."""
    text: str = simplejson.dumps(value, use_decimal=True, ensure_ascii=False)
    return text.encode()
