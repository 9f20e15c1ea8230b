"""Reading a scorecard: the figures of KPI.md for a supplier, a day, a window and a buyer.

Everything blocks; async callers go through a thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, localcontext
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.readiness.figures import Figure, json_number
from services.readiness.policy import Policy
from services.warehouse.client import Warehouse, sql
from services.warehouse.figures import (
    Selection,
    Sums,
    Tolerances,
    delivery_sums,
    quality_sums,
)

STATUSES: Final = ("late", "open", "overdue", "short", "rejected", "any")
_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Supplier:
    """Who a supplier is, and who buys from it."""

    supplier_id: str
    name: str | None
    province: str | None
    regency: str | None
    cluster: str | None
    sector: str | None
    buyers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The sums of a selection by supplier, from which its figures and those of groups are made."""

    delivery: Sums
    quality: Sums

    @property
    def suppliers(self) -> set[str]:
        """The suppliers that have any facts."""
        return self.delivery.keys() | self.quality.keys()

    def figures(self, suppliers: Iterable[str]) -> dict[str, Figure]:
        """Return the figures of some suppliers as one: sums over sums, never a mean of ratios."""
        names = list(suppliers)
        delivery = _total(self.delivery[name] for name in names if name in self.delivery)
        quality = _total(self.quality[name] for name in names if name in self.quality)
        return {**_delivery(delivery), **_quality(quality)}


class Reader:
    """Reads figures from the store under one policy."""

    def __init__(self, warehouse: Warehouse, policy: Policy) -> None:
        self._warehouse = warehouse
        self.policy = policy
        self._tolerances = Tolerances(
            early_days=policy.early_days,
            late_days=policy.late_days,
            under=policy.under,
            over=policy.over,
            notice_days=policy.notice_days,
            zone=policy.zone,
        )

    def today(self) -> date:
        """Return the day it is at the sites."""
        return datetime.now(ZoneInfo(self.policy.zone)).date()

    def figures(self, selection: Selection) -> dict[str, dict[str, Figure]]:
        """Return the figures of each supplier of a selection that has any facts."""
        facts = self.facts(selection)
        names = sorted(facts.suppliers | set(selection.suppliers))
        return {name: facts.figures([name]) for name in names}

    def facts(self, selection: Selection) -> Facts:
        """Return the sums behind the figures of a selection, to be pooled as a page needs them."""
        return Facts(
            delivery_sums(self._warehouse, selection, self._tolerances),
            quality_sums(self._warehouse, selection, self._tolerances),
        )

    def scorecard(self, supplier_id: str, selection: Selection) -> dict[str, Any]:
        """Return the scorecard of one supplier in KPI.md's shape."""
        figures = self.figures(selection)[supplier_id]
        return {
            "supplier_id": supplier_id,
            **_heading(selection),
            "kpis": {key: figure.as_json() for key, figure in figures.items()},
            "policy_version": self.policy.version,
            "computed_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }

    def lines(
        self, supplier_id: str, selection: Selection, status: str, limit: int, offset: int
    ) -> dict[str, Any]:
        """Return the order lines behind the figures, newest due date first, by pages.

        Every line carries the source and id of each event behind it. No line has a price.
        """
        rows = self._warehouse.rows(
            sql("lines"),
            {
                **selection.parameters(self._tolerances),
                "status": status,
                "limit": limit,
                "offset": offset,
            },
        )
        total = rows[0]["total"] if rows else 0
        more = offset + len(rows) < total
        return {
            "supplier_id": supplier_id,
            **_heading(selection),
            "status": status or None,
            "total": total,
            "next_offset": offset + len(rows) if more else None,
            "lines": [_line(row) for row in rows],
        }

    def months(self, selection: Selection) -> list[dict[str, Any]]:
        """Return the delivery figures of the last 12 months and the one at hand, by month."""
        rows = self._warehouse.rows(sql("monthly_delivery"), selection.parameters(self._tolerances))
        return [
            {
                "month": row["month"].strftime("%Y-%m"),
                "kpis": {key: figure.as_json() for key, figure in _month(row).items()},
            }
            for row in rows
        ]

    def monthly_figures(self, selection: Selection) -> dict[str, dict[str, Figure]]:
        """Return figures of the last 12 months and the one at hand, by month as `2026-11`.

        Delivery counts in the month of due + late, quality in that of the receipt or inspection.
        """
        parameters = selection.parameters(self._tolerances)
        months: dict[str, dict[str, Figure]] = {}
        for row in self._warehouse.rows(sql("monthly_delivery"), parameters):
            months.setdefault(row["month"].strftime("%Y-%m"), {}).update(_month(row))
        for row in self._warehouse.rows(sql("monthly_quality"), parameters):
            months.setdefault(row["month"].strftime("%Y-%m"), {}).update(_quality(row))
        return {month: {**_month({}), **_quality({}), **months[month]} for month in sorted(months)}

    def newest(self, selection: Selection) -> datetime | None:
        """Return when the newest order, receipt or inspection of a selection happened."""
        rows = self._warehouse.rows(sql("newest_event"), selection.parameters(self._tolerances))
        found: datetime | None = rows[0]["newest"]
        if found is None or found.tzinfo is not None:
            return found
        return found.replace(tzinfo=UTC)

    def names(self, partners: Sequence[str]) -> dict[str, str]:
        """Return what partners are called, for those that are registered."""
        rows = self._warehouse.rows(sql("partner_names"), {"partners": list(partners)})
        return {row["partner_id"]: row["name"] for row in rows}

    def suppliers(
        self,
        *,
        buyers: Sequence[str] = (),
        suppliers: Sequence[str] = (),
        cluster: str = "",
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[int, list[Supplier]]:
        """Return how many suppliers match, and a page of them in the order of their ids."""
        rows = self._warehouse.rows(
            sql("suppliers"),
            {
                "buyers": list(buyers),
                "suppliers": list(suppliers),
                "cluster": cluster,
                "limit": limit,
                "offset": offset,
            },
        )
        found = [
            Supplier(
                row["supplier_id"],
                row["name"],
                row["province"],
                row["regency"],
                row["cluster"],
                row["sector"],
                tuple(row["buyers"]),
            )
            for row in rows
        ]
        return (rows[0]["total"] if rows else 0), found


def _delivery(sums: dict[str, Any]) -> dict[str, Figure]:
    mixed = len(sums.get("units", ())) > 1
    ordered = sums.get("ordered_quantity", _NONE)

    def quantity(key: str) -> Figure:
        return Figure(sums.get(key, _NONE), ordered, mixed_units=mixed)

    return {
        "otif": _count(sums, "otif", "lines"),
        "otif_requested": _count(sums, "otif_requested", "lines_requested"),
        "on_time_quantity": quantity("on_time_quantity"),
        "fill_rate": quantity("filled_quantity"),
        "mean_days_late": quantity("quantity_days_late"),
    }


def _quality(sums: dict[str, Any]) -> dict[str, Figure]:
    return {
        "ppm": Figure(
            sums.get("rejected_quantity", _NONE),
            sums.get("received_quantity", _NONE),
            scale=1_000_000,
            mixed_units=len(sums.get("units", ())) > 1,
        ),
        "lot_acceptance": _count(sums, "accepted", "inspections"),
    }


def _total(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    # The store sums to 38 digits; the default context would round at 28.
    with localcontext(Context(prec=100)):
        for row in rows:
            for key, value in row.items():
                if key == "units":
                    total[key] = total.get(key, set()) | set(value)
                elif isinstance(value, int | Decimal):
                    total[key] = total.get(key, 0) + value
    return total


def _count(sums: dict[str, Any], numerator: str, denominator: str) -> Figure:
    return Figure(Decimal(sums.get(numerator, 0)), Decimal(sums.get(denominator, 0)), counts=True)


def _month(sums: dict[str, Any]) -> dict[str, Figure]:
    ordered = sums.get("ordered_quantity", _NONE)
    return {
        "otif": _count(sums, "otif", "lines"),
        "on_time_quantity": Figure(sums.get("on_time_quantity", _NONE), ordered),
        "mean_days_late": Figure(sums.get("quantity_days_late", _NONE), ordered),
    }


def _heading(selection: Selection) -> dict[str, Any]:
    return {
        "as_of": selection.as_of.isoformat(),
        "window": {"from": selection.start.isoformat(), "to": selection.as_of.isoformat()},
        "buyer_id": selection.buyers[0] if selection.buyers else None,
    }


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "buyer_id": row["buyer_id"],
        "order_no": row["order_no"],
        "line_no": row["line_no"],
        "item_no": row["item_no"],
        "uom": row["uom"],
        "ordered": json_number(row["ordered"]),
        "ordered_on": row["ordered_on"].isoformat(),
        "requested_date": row["requested_date"].isoformat(),
        "due_date": row["due_date"].isoformat(),
        "due_set_by": _event(row["due_set_by"]),
        "out_because": row["out_because"] or None,
        "cancelled_by": row["cancelled_by"] or None,
        "received": json_number(row["received"]),
        "returned": json_number(row["returned"]),
        "receipts": [
            {"received_on": on.isoformat(), "quantity": json_number(quantity), "receipt_no": number}
            for on, quantity, number in row["receipts"]
        ],
        "judged": bool(row["judged"]),
        "on_time_in_full": bool(row["on_time_in_full"]) if row["judged"] else None,
        "status": [name for name in STATUSES[:-1] if row[name]],
        "quantity_inspected": json_number(row["quantity_inspected"]),
        "quantity_rejected": json_number(row["quantity_rejected"]),
        "complaints": row["complaints"],
        "dispute_open": bool(row["dispute_open"]),
        "events": [_event(event) for event in row["events"]],
    }


def _event(pair: Sequence[str]) -> dict[str, str]:
    return {"source": pair[0], "id": pair[1]}
