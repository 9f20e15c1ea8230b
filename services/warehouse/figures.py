"""Reading figures: the sums behind them, as the store adds them up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from string import Template
from typing import Any, Final

from services.readiness.policy import Policy
from services.readiness.rules import Rules
from services.warehouse.client import Warehouse, sql
from services.warehouse.folding import rule_parameters, tolerance_place

Rows = list[dict[str, Any]]
WINDOW_DAYS: Final = 180
"""Of a figure, where nobody asks for another."""

BY_SUPPLIER: Final = "supplier_id"
BY_MONTH: Final = "supplier_id, toStartOfMonth(part_day)"
_GROUPS: Final = {
    BY_SUPPLIER: ("supplier_id", "supplier_id"),
    BY_MONTH: ("supplier_id, toStartOfMonth(part_day) AS month", "supplier_id, month"),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose figures, as of which day, over how many days before it. Empty = all."""

    as_of: date
    window_days: int
    suppliers: Sequence[str] = ()
    buyers: Sequence[str] = ()

    @property
    def start(self) -> date:
        """The first day of the window."""
        return self.as_of - timedelta(days=self.window_days)

    @property
    def heading(self) -> dict[str, Any]:
        """What an answer says of the figures in it: day, window, whose orders."""
        return {
            "as_of": self.as_of.isoformat(),
            "window": {"from": self.start.isoformat(), "to": self.as_of.isoformat()},
            "buyer_id": self.buyers[0] if self.buyers else None,
        }

    @property
    def partners(self) -> dict[str, list[str]]:
        """The parameters of a query about suppliers and buyers."""
        return {"suppliers": list(self.suppliers), "buyers": list(self.buyers)}


class FigureStore:
    """Reads what the figures are made of, under one policy. Blocks."""

    def __init__(self, warehouse: Warehouse, policy: Policy) -> None:
        self.warehouse = warehouse
        self.policy = policy
        self.rules = Rules.of(policy)

    def sums(
        self, selection: Selection, as_ofs: Sequence[date] = (), group: str = BY_SUPPLIER
    ) -> Rows:
        """Return the sums of every family of parts, by supplier (and month) and date.

        `as_ofs`: the dates asked for instead of the selection's one.
        """
        select, by = _GROUPS[group]
        return self.warehouse.rows(
            Template(sql("figure_sums")).substitute(select=select, group=by),
            {**self._parameters(selection), "as_ofs": list(as_ofs) or [selection.as_of]},
        )

    def grade_sums(self, selection: Selection, as_ofs: Sequence[date]) -> Rows:
        """Return, by supplier and date, the sums of what a grade is made of, and no others."""
        return self.warehouse.rows(
            sql("grade_sums"), {**self._parameters(selection), "as_ofs": list(as_ofs)}
        )

    def marks(self, selection: Selection) -> dict[str, int]:
        """Return by what mark each supplier's facts are known now.

        What is read after this, and found under the same mark later, is what would be read again.
        A supplier without one was not touched since its facts were folded: 0.
        """
        rows = self.warehouse.rows(sql("marks"), {**selection.partners, "rules": self.rules.id})
        return {row["supplier_id"]: row["mark"] for row in rows}

    def first_days(self, selection: Selection) -> dict[str, date]:
        """Return the day on which anything of each supplier first counts."""
        rows = self.warehouse.rows(
            sql("first_days"), {**selection.partners, "rules": self.rules.id}
        )
        return {row["supplier_id"]: row["first"] for row in rows}

    def parts(self, selection: Selection, families: Sequence[str]) -> Rows:
        """Return the single parts of some families that count, each with its document."""
        return self.warehouse.rows(
            sql("explained_parts"),
            {
                **self._parameters(selection),
                "as_of": selection.as_of,
                "families": list(families),
            },
        )

    def worst_cases(self, selection: Selection, cases: int) -> Rows:
        """Return the cases that weigh most against each supplier, so many for each figure."""
        return self.warehouse.rows(
            sql("worst_cases"),
            {**self._parameters(selection), "as_of": selection.as_of, "cases": cases},
        )

    def events(self, selection: Selection) -> Rows:
        """Return the events behind each receipt, inspection and complaint of a supplier."""
        return self.warehouse.rows(
            sql("document_events"), {**selection.partners, "rules": self.rules.id}
        )

    def lines(self, selection: Selection, status: str, limit: int, offset: int) -> Rows:
        """Return order lines of a supplier with all that is known of each, newest due date first.

        `status`: late, short, open, overdue or rejected; empty: all that a figure or a person waits
        for; any: every line.
        """
        return self.warehouse.rows(
            Template(sql("lines")).substitute(tolerance=tolerance_place(self.rules, "item_no")),
            {
                **selection.partners,
                **rule_parameters(self.rules),
                "zone": self.rules.zone,
                "as_of": selection.as_of,
                "from": selection.start,
                "status": status,
                "limit": limit,
                "offset": offset,
            },
        )

    def partner_facts(self, selection: Selection) -> Rows:
        """Return capacities, assessments and certificates."""
        return self.warehouse.rows(
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
