"""Reads scorecards, explained figures, order lines and suppliers for the JSON API and the pages.

Everything blocks; async callers use a thread.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.assessment.bounded_cache import BoundedCache
from services.assessment.explanation import explain
from services.assessment.figure_store import BY_MONTH, Selection, grouped_by
from services.assessment.standings import Standings
from services.readiness.figures import Figure, json_number
from services.readiness.policy import Policy
from services.readiness.sums import FigureSums
from services.store.client import ClickHouse
from services.store.sql_files import sql
from services.store.sql_texts import shared

_OF_A_MONTH: Final = ("due", "received", "inspected", "complained")
_KNOWN: Final = 20_000
"""Maximum cached pairs of a supplier and the buyers that asked for it."""

STATUSES: Final = ("late", "open", "overdue", "short", "rejected", "any")


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier as registered, and its buyers; None: not registered, or left empty there."""

    supplier_id: str
    name: str | None
    province: str | None
    regency: str | None
    cluster: str | None
    sector: str | None
    buyers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The sums of a selection by supplier, from which figures of suppliers and groups are made."""

    as_of: date
    rows: Mapping[str, Sequence[Mapping[str, Any]]]

    def figures(self, suppliers: Iterable[str]) -> dict[str, Figure]:
        """Return the pooled ratios of some suppliers: sums over sums, never a mean of ratios."""
        rows = (row for name in suppliers for row in self.rows.get(name, ()))
        return FigureSums.of(self.as_of, rows).ratios()


class ScorecardReader:
    """Reads from the store under one policy. Safe for any number of threads.

    Raises StoreUnavailable, StoreRefused.
    """

    def __init__(self, clickhouse: ClickHouse, policy: Policy) -> None:
        self._clickhouse = clickhouse
        self.standings = Standings(clickhouse, policy)
        self.assessor = self.standings.assessor
        self.store = self.assessor.store
        self.policy = policy
        self._known = BoundedCache[tuple[str, ...], bool](_KNOWN)

    def today(self) -> date:
        """Return today's date in the policy's default zone."""
        return datetime.now(ZoneInfo(self.policy.zone)).date()

    def facts(self, selection: Selection) -> Facts:
        """Return the sums behind the figures of a selection, which a page pools as it needs."""
        return Facts(
            selection.as_of,
            grouped_by(self.store.sums(selection), "supplier_id"),
        )

    def scorecard(self, supplier_id: str, selection: Selection) -> bytes:
        """Return the scorecard of one supplier as JSON in the shape of docs/figures.md."""
        return self.standings.scorecard(supplier_id, selection)

    def explain(self, supplier_id: str, selection: Selection, kpi: str) -> dict[str, Any]:
        """Return a figure of a supplier with all its parts and their reasons, as JSON.

        The selection must name the supplier. Raises KeyError if `kpi` is unknown.
        """
        figure = self.assessor.assessed(selection)[supplier_id].figures[kpi]
        return {
            "supplier_id": supplier_id,
            **selection.heading,
            "kpi": kpi,
            "figure": figure.as_json(),
            "parts": explain(self.store, selection, kpi),
            "policy_version": self.policy.version,
        }

    def lines(
        self, supplier_id: str, selection: Selection, status: str, limit: int, offset: int
    ) -> dict[str, Any]:
        """Return a page of the order lines behind the figures as JSON, newest due date first.

        `status`: one of `STATUSES`, or empty for those that are judged, open or rejected. Every
        line carries the source and id of each event behind it. No line has a price.
        """
        rows = self.store.lines(selection, status, limit, offset)
        total = rows[0]["total"] if rows else 0
        more = offset + len(rows) < total
        return {
            "supplier_id": supplier_id,
            **selection.heading,
            "status": status or None,
            "total": total,
            "next_offset": offset + len(rows) if more else None,
            "lines": [_line(row) for row in rows],
        }

    def monthly_figures(self, selection: Selection) -> dict[str, dict[str, Figure]]:
        """Return the figures of the last 12 months and the current one, by month as `2026-11`.

        Delivery figures count in the month of due date + late tolerance, quality figures in the
        month of the receipt or inspection.
        """
        first = selection.as_of.replace(day=1, year=selection.as_of.year - 1)
        year = replace(selection, window_days=(selection.as_of - first).days)
        rows = self.store.sums(year, group=BY_MONTH)
        months = grouped_by([row for row in rows if row["family"] in _OF_A_MONTH], "month")
        return {
            month.strftime("%Y-%m"): FigureSums.of(selection.as_of, months[month]).ratios()
            for month in sorted(months)
            if first <= month < selection.as_of
        }

    def newest(self, selection: Selection) -> datetime | None:
        """Return the time of the newest order, receipt or inspection of a selection, or None."""
        rows = self._clickhouse.rows(sql("newest_event"), selection.partners)
        found: datetime | None = rows[0]["newest"]
        return found

    def names(self, partners: Sequence[str]) -> dict[str, str]:
        """Return the names of those partners that are registered, by partner id."""
        rows = self._clickhouse.rows(sql("partner_names"), {"partners": list(partners)})
        return {row["partner_id"]: row["name"] for row in rows}

    def knows(self, supplier_id: str, buyers: Sequence[str] = ()) -> bool:
        """Return whether the supplier exists and, if buyers are given, sells to any of them.

        A known supplier stays known, so only a positive answer is cached. Facts are looked up
        first, because most suppliers have some and the lookup is fast; then the list of registered
        suppliers and of those with an agreement.
        """
        key = (supplier_id, *buyers)
        if self._known.get(key) is None:
            pair = {"supplier": supplier_id, "buyers": list(buyers), "rules": self.store.rules.id}
            if not self._clickhouse.rows(sql("has_facts"), pair):
                total, _ = self.suppliers(buyers=buyers, suppliers=[supplier_id])
                if not total:
                    return False
            self._known.put(key, True)
        return True

    def supplier(self, supplier_id: str, buyers: Sequence[str] = ()) -> Supplier:
        """Return a supplier; if it is not registered, only its id and buyers are set.

        `buyers`: restricts the buyers of the result to these; empty = all.
        """
        _, found = self.suppliers(suppliers=[supplier_id], buyers=buyers, limit=1)
        nobody = Supplier(supplier_id, None, None, None, None, None, tuple(buyers))
        return found[0] if found else nobody

    def suppliers(
        self,
        *,
        buyers: Sequence[str] = (),
        suppliers: Sequence[str] = (),
        cluster: str = "",
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[int, list[Supplier]]:
        """Return how many suppliers match, and a page of them sorted by id.

        `buyers`, `suppliers`, `cluster`: empty = all.
        """
        rows = self._clickhouse.rows(
            shared("suppliers"),
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
