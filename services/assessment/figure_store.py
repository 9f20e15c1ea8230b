"""Reads what figures are made from: sums, single parts, order lines, marks and partner facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from string import Template
from typing import Any, Final

from services.readiness.policy import Policy
from services.readiness.rules import Rules
from services.readiness.sums import in_units
from services.store.client import ClickHouse
from services.store.folding import rule_parameters, tolerance_index
from services.store.sql_files import sql
from services.store.sql_texts import (
    GRADE_FAMILIES,
    REQUESTED_FAMILIES,
    counted_parts,
    shared,
    spans,
)

Rows = list[dict[str, Any]]
WINDOW_DAYS: Final = 180
"""The default window of a figure."""

SUPPLIERS_A_QUERY: Final = 250
"""Maximum suppliers read by one query: its parameters and its answer are bounded."""

_STANDING_FORM: Final = 1
"""Increase this when kept standings take another shape: those kept before become stale."""

BY_SUPPLIER: Final = "supplier_id"
BY_MONTH: Final = "supplier_id, toStartOfMonth(part_day)"
_GROUPS: Final = {
    BY_SUPPLIER: ("supplier_id", "supplier_id"),
    BY_MONTH: ("supplier_id, toStartOfMonth(part_day) AS month", "supplier_id, month"),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose figures, as of which day, over which window. `suppliers`, `buyers`: empty = all."""

    as_of: date
    window_days: int
    suppliers: Sequence[str] = ()
    buyers: Sequence[str] = ()

    @property
    def start(self) -> date:
        """The first day of the window."""
        return self.as_of - timedelta(days=self.window_days)

    @property
    def usual(self) -> bool:
        """Whether the selection has all buyers and the default window.

        Only standings of such selections are kept in the store.
        """
        return not self.buyers and self.window_days == WINDOW_DAYS

    @property
    def heading(self) -> dict[str, Any]:
        """The JSON fields that say which figures an answer has: day, window, buyer."""
        return {
            "as_of": self.as_of.isoformat(),
            "window": {"from": self.start.isoformat(), "to": self.as_of.isoformat()},
            "buyer_id": self.buyers[0] if self.buyers else None,
        }

    @property
    def partners(self) -> dict[str, list[str]]:
        """The query parameters that name suppliers and buyers."""
        return {"suppliers": list(self.suppliers), "buyers": list(self.buyers)}


class FigureStore:
    """Reads from the store what figures are made from, under one policy. Blocks.

    Raises StoreUnavailable, StoreRefused.
    """

    def __init__(self, clickhouse: ClickHouse, policy: Policy) -> None:
        self.clickhouse = clickhouse
        self.policy = policy
        self.rules = Rules.of(policy)
        self.standing_form = policy.digest ^ _STANDING_FORM

    def sums(
        self,
        selection: Selection,
        as_ofs: Sequence[date] = (),
        group: str = BY_SUPPLIER,
        *,
        worst: int = 0,
    ) -> Rows:
        """Return the sums of every family of parts, by supplier and date; see figure_sums.sql.

        `as_ofs`: dates that replace the selection's. `group`: `BY_SUPPLIER`, or `BY_MONTH` for sums
        by month too. `worst`: how many of the parts that count most against a supplier to return in
        the columns `missed` and `most`, which `readiness.advice.worst_cases` reads.
        """
        select, group = _GROUPS[group]
        columns = Template(sql("worst_parts")).substitute(cases=worst)
        columns = ",\n" + columns[columns.index("    ") :] if worst else ""
        return self.clickhouse.rows(
            Template(sql("figure_sums")).substitute(
                select=select, group=group, worst=columns, counted_parts=counted_parts()
            ),
            self._counted(selection, as_ofs or [selection.as_of]),
        )

    def item_sums(self, selection: Selection, item_no: str) -> Rows:
        """Return the sums by supplier for the order lines of one item.

        The selection names the buyer whose item it is. Receipt documents are left out, as one may
        have several items.
        """
        select, group = _GROUPS[BY_SUPPLIER]
        # On one line without comments: counted_parts.sql has its placeholder in a comment too.
        rows = sql("of_item").splitlines()
        of_item = " ".join(row.strip() for row in rows if not row.startswith("--"))
        return self.clickhouse.rows(
            Template(sql("figure_sums")).substitute(
                select=select, group=group, worst="", counted_parts=counted_parts(of_item)
            ),
            {
                **self._counted(selection, [selection.as_of]),
                "as_of": selection.as_of,
                "item": item_no,
            },
        )

    def grade_sums(self, selection: Selection, as_ofs: Sequence[date]) -> Rows:
        """Return, by supplier and date, only those sums from which a grade is computed."""
        return self.clickhouse.rows(
            Template(sql("grade_sums")).substitute(counted_parts=counted_parts(GRADE_FAMILIES)),
            self._counted(selection, as_ofs),
        )

    def marks(self, selection: Selection) -> dict[str, int]:
        """Return the present mark of each supplier's facts.

        Read marks before facts: as long as a supplier's mark is the same later, reading its facts
        again would give the same. A supplier that is missing from the result has mark 0: no fold
        has concerned it since its facts were built.
        """
        rows = self.clickhouse.rows(sql("marks"), {**selection.partners, "rules": self.rules.id})
        return {row["supplier_id"]: row["mark"] for row in rows}

    def first_days(self, selection: Selection) -> dict[str, date]:
        """Return the first day on which anything counts, by supplier id."""
        rows = self.clickhouse.rows(
            sql("first_days"), {**selection.partners, "rules": self.rules.id}
        )
        return {row["supplier_id"]: row["first"] for row in rows}

    def parts(self, selection: Selection, families: Sequence[str]) -> Rows:
        """Return the single parts of these families that count, each with its document.

        Quantities are in the unit of their line, cut off after 18 decimals.
        """
        rows = self.clickhouse.rows(
            Template(sql("explained_parts")).substitute(
                counted_parts=counted_parts(REQUESTED_FAMILIES)
            ),
            {**self._counted(selection, [selection.as_of]), "families": list(families)},
        )
        return [in_units(row) for row in rows]

    def events(self, selection: Selection) -> Rows:
        """Return the events behind each receipt, inspection and complaint of a supplier."""
        return self.clickhouse.rows(
            sql("document_events"), {**selection.partners, "rules": self.rules.id}
        )

    def lines(self, selection: Selection, status: str, limit: int, offset: int) -> Rows:
        """Return order lines of a supplier with all their details, newest due date first.

        `status`: late, short, open, overdue or rejected; any: every line; empty: those
        that are judged, open or rejected. Each row has the `total` of the list.
        """
        return self.clickhouse.rows(
            shared("supplier_lines", tolerance=tolerance_index(self.rules, "item_no")),
            {
                **selection.partners,
                **rule_parameters(self.rules),
                "zone": self.rules.zone,
                "as_of": selection.as_of,
                "window_from": selection.start,
                "status": status,
                "limit": limit,
                "offset": offset,
            },
        )

    def partner_facts(self, selection: Selection) -> Rows:
        """Return capacities, assessments and certificates, in the order in which they were sent."""
        return self.clickhouse.rows(
            sql("partner_facts"), {**selection.partners, "rules": self.rules.id}
        )

    def _parameters(self, selection: Selection) -> dict[str, Any]:
        return {
            **selection.partners,
            "rules": self.rules.id,
            "window_days": selection.window_days,
            "concentration_days": self.policy.concentration.days,
            "capacity_days": self.policy.capacity.horizon_days,
        }

    def _counted(self, selection: Selection, as_ofs: Sequence[date]) -> dict[str, Any]:
        return {**self._parameters(selection), "spans": spans(as_ofs, selection.window_days)}


def grouped_by(
    rows: Iterable[Mapping[str, Any]], column: str
) -> dict[Any, list[Mapping[str, Any]]]:
    """Group rows by the value of a column."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def portions(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield names in groups of at most `size`."""
    return (names[start : start + size] for start in range(0, len(names), size))
