"""Reads a buyer's lists: awaited lines, open complaints, ordered items.

All of them are of that buyer's own orders. No row has a price. Everything blocks.
"""

from dataclasses import dataclass
from datetime import date
from string import Template
from typing import Any

from services.assessment.figure_store import FigureStore, Rows
from services.store.folding import rule_parameters, tolerance_index
from services.store.sql_files import sql


@dataclass(frozen=True, slots=True)
class BuyerLists:
    """Reads the lists of one buyer at a day; long lists are read in pages.

    Raises StoreUnavailable, StoreRefused.
    """

    store: FigureStore

    def awaited(  # noqa: PLR0913 - a list, and which part of it
        self, buyer: str, as_of: date, days: int, *, overdue: bool, limit: int, offset: int = 0
    ) -> Rows:
        """Return the overdue lines, or the awaited lines due within `days` days, by due date.

        Each row has the `total` of the list.
        """
        rules = self.store.rules
        return self.store.clickhouse.rows(
            Template(sql("buyer_awaited")).substitute(tolerance=tolerance_index(rules, "item_no")),
            {
                **self._of(buyer, as_of),
                **rule_parameters(rules),
                "days": days,
                "longest_late": max(row[3] for row in rules.tolerances),
                "overdue": overdue,
                "limit": limit,
                "offset": offset,
            },
        )

    def complaints(self, buyer: str, as_of: date) -> Rows:
        """Return the open complaints, oldest first, each with its steps done."""
        return self.store.clickhouse.rows(sql("buyer_complaints"), self._of(buyer, as_of))

    def items(self, buyer: str, as_of: date, search: str, limit: int, offset: int = 0) -> Rows:
        """Return the ordered items, those with most suppliers first.

        `search`: text that the item's number or description must contain. Each row has the `total`
        of the list.
        """
        parameters = {**self._of(buyer, as_of), "search": search, "limit": limit, "offset": offset}
        return self.store.clickhouse.rows(sql("buyer_items"), parameters)

    def _of(self, buyer: str, as_of: date) -> dict[str, Any]:
        return {
            "buyers": [buyer],
            "suppliers": [],
            "as_of": as_of,
            "zone": self.store.policy.zone_of(buyer),
            "rules": self.store.rules.id,
        }
