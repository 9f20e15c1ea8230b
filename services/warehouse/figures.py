"""Reading figures: the sums behind them, by supplier, as the store computes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.warehouse.client import Warehouse, sql


@dataclass(frozen=True, slots=True)
class Tolerances:
    """By what a line is judged: days, and fractions of a quantity."""

    early_days: int
    late_days: int
    under: Decimal
    over: Decimal
    notice_days: int
    zone: str


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

    def parameters(self, tolerances: Tolerances) -> dict[str, Any]:
        """Return the parameters that every query over line facts takes."""
        return {
            "suppliers": list(self.suppliers),
            "buyers": list(self.buyers),
            "as_of": self.as_of,
            "from": self.start,
            "zone": tolerances.zone,
            "early_days": tolerances.early_days,
            "late_days": tolerances.late_days,
            "notice_days": tolerances.notice_days,
            "under": tolerances.under,
            "over": tolerances.over,
        }


Sums = dict[str, dict[str, Any]]
"""The sums of each supplier that has any, by supplier id."""


def delivery_sums(warehouse: Warehouse, selection: Selection, tolerances: Tolerances) -> Sums:
    """Return lines, quantities and days late of each supplier over the window."""
    return _by_supplier(warehouse, "delivery_figures", selection.parameters(tolerances))


def quality_sums(warehouse: Warehouse, selection: Selection, tolerances: Tolerances) -> Sums:
    """Return received and rejected quantities and inspections of each supplier."""
    return _by_supplier(warehouse, "quality_figures", selection.parameters(tolerances))


def _by_supplier(warehouse: Warehouse, name: str, parameters: dict[str, Any]) -> Sums:
    rows = warehouse.rows(sql(name), parameters)
    return {row["supplier_id"]: row for row in rows}
