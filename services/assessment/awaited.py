"""Reads what partners await from each other: confirmations, goods, complaint steps, disputes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from string import Template
from typing import Any, Final, Literal

from services.readiness.rules import Rules
from services.store.client import ClickHouse
from services.store.folding import rule_parameters, tolerance_index
from services.store.ledger import rows_of_keys
from services.store.sql_files import sql

LineChoice = Literal["awaited", "unanswered", "any"]
_A_YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class AwaitedLine:
    """An order line that a form may offer, with quantities in the unit `uom` of the line.

    `missing`: the quantity not received, or sent back. `on_the_way`: the quantity announced by
    despatch advices that have no receipt yet. `awaited`: goods are missing and the line is neither
    cancelled nor rejected. `unanswered`: it is awaited, and not confirmed since its last version.
    """

    buyer_id: str
    order_no: str
    line_no: str
    item_no: str
    uom: str | None
    ordered: Decimal
    requested: date
    due: date
    missing: Decimal
    on_the_way: Decimal
    awaited: bool
    unanswered: bool

    @property
    def key(self) -> tuple[str, str]:
        """Order and line number, which identify the line within one buyer and supplier."""
        return (self.order_no, self.line_no)


@dataclass(frozen=True, slots=True)
class ComplaintStep:
    """A complaint step that the supplier has to do. `done_on`: None if it is not done."""

    name: str
    due: date
    done_on: date | None


@dataclass(frozen=True, slots=True)
class OpenComplaint:
    """A complaint that is not closed, as the buyer described it."""

    buyer_id: str
    complaint_no: str
    opened_on: date
    severity: str
    order_no: str | None
    line_no: str | None
    item_no: str | None
    quantity: Decimal | None
    failure_mode: str | None
    steps: tuple[ComplaintStep, ...]

    @property
    def undone(self) -> tuple[ComplaintStep, ...]:
        """The steps that are not done."""
        return tuple(step for step in self.steps if step.done_on is None)


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """An order line that the supplier disputes and the buyer has not answered."""

    supplier_id: str
    buyer_id: str
    order_no: str
    line_no: str
    disputed_at: datetime
    reason: str
    evidence: str | None


@dataclass(frozen=True, slots=True)
class DeclaredCapacity:
    """The capacity that a supplier declared for a process, with the latest first day."""

    process: str
    valid_from: date
    quantity_per_month: Decimal
    uom: str | None
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the ledger. `counted`: all tables and facts derived from it are complete."""

    id: str
    type: str
    time: datetime
    data: str
    counted: bool


class FormReader:
    """Reads what the forms may offer. Blocks. Raises StoreUnavailable.

    As facts of the day `as_of` do not count, pass tomorrow to include what happened today.
    """

    def __init__(self, clickhouse: ClickHouse, rules: Rules) -> None:
        self._clickhouse, self._rules = clickhouse, rules

    def lines(  # noqa: PLR0913 - what lines are chosen by
        self,
        as_of: date,
        supplier_id: str,
        buyers: Sequence[str] = (),
        *,
        wanted: LineChoice = "any",
        orders: Sequence[str] = (),
        limit: int = 1000,
    ) -> tuple[int, list[AwaitedLine]]:
        """Return how many lines match, and those due first. `buyers`, `orders`: empty = all."""
        rows = self._clickhouse.rows(
            Template(sql("awaited_lines")).substitute(
                tolerance=tolerance_index(self._rules, "item_no")
            ),
            {
                **rule_parameters(self._rules),
                "supplier": supplier_id,
                "buyers": list(buyers),
                "orders": list(orders),
                "wanted": wanted,
                "as_of": as_of,
                "limit": limit,
            },
        )
        return (rows[0]["total"] if rows else 0), [_line(row) for row in rows]

    def complaints(
        self,
        as_of: date,
        supplier_id: str,
        buyers: Sequence[str] = (),
        numbers: Sequence[str] = (),
        limit: int = 200,
    ) -> list[OpenComplaint]:
        """Return the open complaints, oldest first. `buyers`, `numbers`: empty = all."""
        rows = self._clickhouse.rows(
            sql("open_complaints"),
            {
                "supplier": supplier_id,
                "buyers": list(buyers),
                "numbers": list(numbers),
                "as_of": as_of,
                "zone": self._rules.zone,
                "complaint_days": list(self._rules.complaint_days),
                "limit": limit,
            },
        )
        return [_complaint(row) for row in rows]

    def disputes(
        self,
        buyers: Sequence[str],
        suppliers: Sequence[str] = (),
        orders: Sequence[str] = (),
        limit: int = 200,
    ) -> tuple[int, list[OpenDispute]]:
        """Return how many disputes await an answer of these buyers, and the `limit` oldest.

        `suppliers`, `orders`: empty = all.
        """
        rows = self._clickhouse.rows(
            sql("open_disputes"),
            {
                "buyers": list(buyers),
                "suppliers": list(suppliers),
                "orders": list(orders),
                "limit": limit,
            },
        )
        return (rows[0]["total"] if rows else 0), [
            OpenDispute(
                row["supplier_id"],
                row["buyer_id"],
                row["order_no"],
                row["line_no"],
                row["disputed_at"],
                row["reason"],
                row["evidence"],
            )
            for row in rows
        ]

    def capacities(self, supplier_id: str) -> list[DeclaredCapacity]:
        """Return for each process the capacity declaration with the latest first day."""
        rows = self._clickhouse.rows(sql("declared_capacities"), {"supplier": supplier_id})
        return [_capacity(row["process"], *row["v"]) for row in rows]

    def items(self, supplier_id: str, today: date, limit: int = 60) -> list[str]:
        """Return the items requested for a year before `today` or later, most ordered first."""
        rows = self._clickhouse.rows(
            sql("ordered_items"),
            {"supplier": supplier_id, "since": today - _A_YEAR, "limit": limit},
        )
        return [row["item_no"] for row in rows]

    def despatched_at(self, supplier_id: str, buyer_id: str, number: str) -> datetime | None:
        """Return when a despatch advice of this number was first sent; None if it never was."""
        rows = self._clickhouse.rows(
            sql("despatch_numbers"),
            {"supplier": supplier_id, "buyer": buyer_id, "number": number},
        )
        return rows[0]["first_at"] if rows else None

    def stored(self, source: str, limit: int) -> list[StoredEvent]:
        """Return the events from a source, newest first."""
        rows = self._clickhouse.rows(sql("sent_events"), {"source": source, "limit": limit})
        return [
            StoredEvent(
                row["id"],
                row["first"][0],
                row["first"][1],
                row["first"][2],
                bool(row["counted"]),
            )
            for row in rows
        ]

    def has(self, source: str, number: str) -> bool:
        """Return whether the ledger has the event with this `source` and `id`."""
        return any(True for _ in rows_of_keys(self._clickhouse, "seen", {(source, number)}))


def _line(row: dict[str, Any]) -> AwaitedLine:
    return AwaitedLine(
        buyer_id=row["buyer_id"],
        order_no=row["order_no"],
        line_no=row["line_no"],
        item_no=row["item_no"],
        uom=row["uom"],
        ordered=row["ordered"],
        requested=row["requested_date"],
        due=row["due_date"],
        missing=row["missing"],
        on_the_way=row["on_the_way"],
        awaited=bool(row["awaited"]),
        unanswered=bool(row["unanswered"]),
    )


def _complaint(row: dict[str, Any]) -> OpenComplaint:
    steps = tuple(ComplaintStep(name, due, on[0] if on else None) for name, due, on in row["steps"])
    columns = {name: value for name, value in row.items() if name != "steps"}
    return OpenComplaint(**columns, steps=steps)


def _capacity(
    process: str, valid_from: date, quantity: Decimal, uom: str | None, items: Sequence[str]
) -> DeclaredCapacity:
    return DeclaredCapacity(process, valid_from, quantity, uom, tuple(items))
