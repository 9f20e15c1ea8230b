"""Reads what a supplier's pages show beside its scorecard: profile, months, awaited orders.

Everything blocks; async callers use a thread.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from string import Template
from typing import Any, Final

from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader, Supplier
from services.readiness.figures import Figure
from services.readiness.row import Row
from services.readiness.sums import FigureSums, in_units
from services.store.folding import rule_parameters, tolerance_index
from services.store.ledger import rows_of_keys
from services.store.sql_files import sql

WEEKS: Final = 12
"""How many weeks ahead awaited orders are shown."""

LineKey = tuple[str, str, str]
"""Buyer, order number and line number: they identify an order line of a supplier."""


@dataclass(frozen=True, slots=True)
class CertificateHeld:
    """A licence or standard that a supplier holds. `valid_to`: its last valid day; None: no end."""

    certificate: str
    number: str
    issuer: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class ProcessCapacity:
    """The quantity of some items that a supplier declares it can make in a month with a process."""

    process: str
    uom: str
    valid_from: date
    quantity_per_month: Decimal
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A supplier, its certificates and capacities in force. `names`: its buyers' names by id."""

    supplier: Supplier
    names: Mapping[str, str]
    certificates: Sequence[CertificateHeld]
    capacities: Sequence[ProcessCapacity]


@dataclass(frozen=True, slots=True)
class Awaited:
    """The quantity of an item still awaited on one due date, in one unit; '' if lines name none."""

    item: str
    due: date
    quantity: Decimal
    lines: int
    unit: str


@dataclass(frozen=True, slots=True)
class SupplierSums:
    """The figures of a year by month as `2026-11`, and the orders that are still awaited.

    `matured_months`: the number of months in which lines of the window matured.
    """

    months: Mapping[str, Mapping[str, Figure]]
    matured_months: int
    awaited: Sequence[Awaited]


@dataclass(frozen=True, slots=True)
class DeliveryDay:
    """The number of lines due, or of receipts, on a day. `what`: due, in_time, late or early."""

    day: date
    what: str
    number: int


class SupplierReader:
    """Reads what a supplier's pages show, by the rules of a reader's policy.

    Raises StoreUnavailable, StoreRefused.
    """

    def __init__(self, reader: ScorecardReader) -> None:
        self._clickhouse = reader.store.clickhouse
        self._rules = reader.store.rules

    def profile(self, supplier_id: str, selection: Selection) -> Profile:
        """Return the profile of a supplier; if the selection names buyers, with only those buyers.

        For each certificate it has the entry with the latest first day before the selection's date,
        for each process the declaration with the latest first day up to that date; of two with the
        same first day the later sent. Processes without items or quantity are left out: they have
        no load.
        """
        row = self._rows("supplier_profile", supplier_id, selection)[0]
        registered = [text or None for text in row["registered"]] or [None] * 5
        held = [CertificateHeld(*one) for one in row["certificates"]]
        declared = [
            ProcessCapacity(process, uom, valid_from, quantity, tuple(items))
            for process, uom, valid_from, quantity, items in row["capacities"]
        ]
        before = selection.as_of
        standing = {
            one.certificate: one
            for one in sorted(held, key=lambda one: one.valid_from)
            if one.valid_from < before
        }
        in_force = {
            one.process: one
            for one in sorted(declared, key=lambda one: one.valid_from)
            if one.valid_from <= before
        }
        return Profile(
            _supplier(supplier_id, registered, row["buyers"]),
            dict(row["names"]),
            [standing[name] for name in sorted(standing)],
            [one for _, one in sorted(in_force.items()) if one.items and one.quantity_per_month],
        )

    def sums(self, selection: Selection) -> SupplierSums:
        """Return the last 12 months and the current one, and what is awaited within `WEEKS`.

        Delivery figures count in the month of due date + late tolerance, quality figures in the
        month of the receipt or inspection.
        """
        as_of = selection.as_of
        first = as_of.replace(day=1, year=as_of.year - 1)
        rows = self._rows(
            "supplier_sums",
            selection.suppliers[0],
            selection,
            **{"start": selection.start, "from": min(first, selection.start)},
            until=as_of + timedelta(days=7 * WEEKS),
        )
        by_month: dict[date, list[Row]] = {}
        awaited: list[Awaited] = []
        matured: set[int] = set()
        for row in rows:
            if row["family"] == "backlog":
                part = in_units(row)
                awaited.append(
                    Awaited(part["label"], row["day"], part["a"], row["n"], part["unit"])
                )
                continue
            if row["inside"]:
                matured.update(row["months"])
            if row["day"] >= first:
                by_month.setdefault(row["day"], []).append(row)
        months = {
            month.strftime("%Y-%m"): FigureSums.of(as_of, by_month[month]).ratios()
            for month in sorted(by_month)
        }
        awaited.sort(key=lambda one: (one.due, one.item, one.unit))
        return SupplierSums(months, len(matured), awaited)

    def delivery_days(self, selection: Selection, first: date, until: date) -> list[DeliveryDay]:
        """Return the days of a span on which lines were due or goods came, as known at `as_of`."""
        statement = sql("delivery_days")
        rows = self._clickhouse.rows(
            Template(statement).substitute(tolerance=tolerance_index(self._rules, "item_no")),
            {
                **self._of(selection.suppliers[0], selection),
                **rule_parameters(self._rules),
                "from": first,
                "until": until,
            },
        )
        return [DeliveryDay(row["day"], row["what"], row["number"]) for row in rows]

    def folds(self, supplier_id: str, lines: Iterable[LineKey]) -> dict[LineKey, Row]:
        """Return the state of order lines after each of their order events; see line_fold.sql."""
        keys = sorted(set(lines))
        if not keys:
            return {}
        parameters = {"rules": self._rules.id, "supplier": supplier_id, "lines": json.dumps(keys)}
        rows = self._clickhouse.rows(sql("line_fold"), parameters)
        return {(row["buyer_id"], row["order_no"], row["line_no"]): row for row in rows}

    def told(self, supplier_id: str, line: LineKey) -> list[dict[str, Any]]:
        """Return the events about an order line in order; see line_story.sql.

        Each row has `accepted_at` too: when the event was accepted, None if unknown.
        """
        buyer, order, number = line
        parameters = {"supplier": supplier_id, "buyer": buyer, "order": order, "line": number}
        rows = self._clickhouse.rows(sql("line_story"), {**parameters, "zone": self._rules.zone})
        keys = {(row["source"], row["event_id"]) for row in rows}
        came_in = {
            (row["source"], row["id"]): datetime.fromisoformat(row["accepted_at"])
            for row in rows_of_keys(self._clickhouse, "stored_at", keys)
        }
        return [
            {**row, "accepted_at": came_in.get((row["source"], row["event_id"]))} for row in rows
        ]

    def lines_of(
        self, supplier_id: str, selection: Selection, numbers: Sequence[str]
    ) -> dict[tuple[str, str, str], list[tuple[str, str]]]:
        """Return the order lines that documents name, by document kind, buyer and number."""
        if not numbers:
            return {}
        rows = self._rows("document_lines", supplier_id, selection, numbers=list(numbers))
        return {
            (row["kind"], row["buyer_id"], row["number"]): sorted(map(tuple, row["lines"]))
            for row in rows
        }

    def _rows(
        self, name: str, supplier_id: str, selection: Selection, **more: Any
    ) -> list[dict[str, Any]]:
        return self._clickhouse.rows(sql(name), {**self._of(supplier_id, selection), **more})

    def _of(self, supplier_id: str, selection: Selection) -> dict[str, Any]:
        return {
            "rules": self._rules.id,
            "supplier": supplier_id,
            "buyers": list(selection.buyers),
            "as_of": selection.as_of,
        }


def _supplier(
    supplier_id: str, registered: Sequence[str | None], buyers: Iterable[str]
) -> Supplier:
    name, province, regency, cluster, sector = registered
    return Supplier(supplier_id, name, province, regency, cluster, sector, tuple(buyers))
