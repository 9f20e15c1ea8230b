"""Reads findings: documents that were accepted, or refused, and look wrong (docs/events.md).

Findings are computed from all events in the store. `as_of` decides which are shown: none that began
after that day, and ages are counted up to it. Everything blocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from string import Template
from time import time_ns
from typing import Any, Final

from services.assessment.figure_store import FigureStore, Rows
from services.store.folding import rule_parameters, tolerance_index
from services.store.sql_files import sql

_PARTNERS: Final = (
    "(empty({suppliers:Array(String)}) OR supplier_id IN {suppliers:Array(String)}) "
    "AND (empty({buyers:Array(String)}) OR buyer_id IN {buyers:Array(String)})"
)
_SETTINGS: Final = {
    # Documents are stored in the order of their key, so grouping them in order takes no memory.
    "optimize_aggregation_in_order": 1,
    "max_execution_time": 60,
}


def _numbered(document: str, table: str, dated: str) -> dict[str, str]:
    """Return template texts for a kind of document. `dated`: column of its own instant, or ''."""
    return {
        "document": document,
        "table": table,
        "number": f"{document}_no",
        "dated": dated or "time",
        # Despatch advices have only the envelope `time`. One that is sent again under a number
        # of its own has another time, so that it is matched by order line alone, not by day.
        "day": f"toDate32({dated}, {{zone:String}})" if dated else "toDate32('1970-01-01')",
        "day_of_v": "toDate32(v.4, {zone:String})" if dated else "toDate32('1970-01-01')",
    }


def _with_unit(document: str, table: str, number: str = "", **more: str) -> dict[str, str]:
    """Return template texts for a kind of document whose lines have a unit."""
    return {
        "document": document,
        "table": table,
        "number": number or f"{document}_no",
        "quantity": "quantity",
        "sent_again": "1",
        **more,
    }


def _own(document: str, table: str, dated: str, number: str = "", step: str = "") -> dict[str, str]:
    """Return template texts for a kind of document that has an instant of its own."""
    number = number or f"{document}_no"
    return {"document": document, "table": table, "dated": dated, "number": number, "step": step}


_REUSED: Final = (
    _numbered("despatch", "despatch_lines", ""),
    _numbered("receipt", "receipt_lines", "received_at"),
    _numbered("return", "return_lines", "returned_at"),
    _numbered("inspection", "inspections", "inspected_at"),
    _numbered("complaint", "complaints", "opened_at"),
)
_UNITS: Final = (
    _with_unit("receipt", "receipt_lines"),
    _with_unit("reversal", "reversal_lines", "receipt_no", sent_again="0"),
    _with_unit("return", "return_lines"),
    _with_unit("inspection", "inspections", quantity="quantity_rejected"),
)
_OWN: Final = (
    _own("receipt", "receipt_lines", "received_at"),
    _own("return", "return_lines", "returned_at"),
    _own("inspection", "inspections", "inspected_at"),
    _own("complaint", "complaints", "opened_at"),
    _own("answer", "complaint_answers", "answered_at", "complaint_no", ", step"),
    _own("closing", "complaint_closings", "closed_at", "complaint_no"),
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How findings of a kind are read: queries with their template texts, and the parameters."""

    queries: Sequence[tuple[str, Mapping[str, str]]]
    parameters: Mapping[str, bool]


def _kind(name: str, *variants: Mapping[str, str], **parameters: bool) -> _Kind:
    return _Kind([(name, one) for one in variants or ({},)], parameters)


_READ: Final[Mapping[str, _Kind]] = {
    "conflict": _kind("rejected", conflict=True),
    "refused": _kind("rejected", conflict=False),
    "silent_sender": _kind("silent_sender"),
    "number_reused": _kind("number_reused", *_REUSED),
    "future_instant": _Kind([("future_time", {}), *(("future_own", one) for one in _OWN)], {}),
    "unit_conflict": _Kind(
        [("unit_conflict_order", {}), *(("units_of_document", one) for one in _UNITS)],
        {"missing": False},
    ),
    "unit_missing": _kind("units_of_document", *_UNITS, missing=True),
    "orphan_receipt": _kind("orphan_receipt"),
    "order_split": _kind("order_split"),
    "receipt_far": _kind("receipt_far"),
    "inspection_over": _kind("inspections", unknown=False),
    "inspection_unknown": _kind("inspections", unknown=True),
    "overdue_long": _kind("overdue_long"),
    "confirmation_slip": _kind("confirmation_slip"),
    "complaint_apart": _kind("complaint_apart"),
    "retroactive": _kind("retroactive"),
}
KINDS: Final = tuple(_READ)
"""Every kind of finding in display order, beginning with those that lose events."""

FIGURES: Final[Mapping[str, tuple[str, ...]]] = {
    "conflict": (),
    "refused": (),
    "silent_sender": ("otif", "overdue_lines"),
    "number_reused": ("otif", "fill_rate", "mean_days_late", "ppm", "despatch_notice_rate"),
    "future_instant": ("otif", "fill_rate", "mean_days_late", "ppm"),
    "unit_conflict": ("otif", "fill_rate", "mean_days_late", "ppm", "lot_acceptance"),
    "unit_missing": ("otif", "fill_rate", "ppm"),
    "orphan_receipt": ("orphan_receipts", "otif", "fill_rate", "overdue_lines"),
    "order_split": ("otif", "overdue_lines", "confirmation_in_time"),
    "receipt_far": ("otif", "mean_days_late", "lead_time_days_p50"),
    "inspection_over": ("ppm",),
    "inspection_unknown": ("ppm",),
    "overdue_long": ("overdue_lines", "mean_days_late", "fill_rate", "capacity_load"),
    "confirmation_slip": ("otif", "mean_days_late"),
    "complaint_apart": ("ppm", "line_stops", "open_complaints", "complaint_response"),
    "retroactive": ("retroactive_lines", "otif", "fill_rate"),
}
"""Map each kind to the KPIs it affects. Empty: nothing is stored, so it may affect any KPI."""

_LAPSING: Final = ("retroactive", "silent_sender")
"""Kinds whose findings are not shown once they are older than 180 days."""

PUT_RIGHT_DAYS: Final = 90
"""How many days findings that were put right are shown."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose findings to read, as of which day. `buyers`, `suppliers`: empty = all."""

    as_of: date
    buyers: Sequence[str] = ()
    suppliers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FindingPage:
    """A page of the findings of one kind, latest `since` first, and the total of that kind.

    Each row has `supplier_id` and `buyer_id` ('' = none), `document` (what kind of), `number`,
    `order_no`, `line_no` ('' = none), `since`, `facts` (texts by name) and `events`.
    """

    kind: str
    total: int
    rows: Rows


@dataclass(frozen=True, slots=True)
class PutRight:
    """The findings put right since the day `first`: the total, and the latest of them.

    Rows are like those of a `FindingPage`, as they were when recorded, plus `kind` and `gone_on`.
    """

    first: date
    total: int
    rows: Rows


class DataQuality:
    """Reads findings under one policy. Raises StoreUnavailable, StoreRefused, ReadTooLarge."""

    def __init__(self, store: FigureStore) -> None:
        self._store = store

    def of_kind(self, kind: str, scope: Scope, limit: int, offset: int = 0) -> FindingPage:
        """Return a page of the findings of a kind, one of `KINDS`. `limit`: at least 1."""
        rows = self._rows(kind, scope, limit, offset)
        counted = rows
        if not rows and offset:
            # The rows carry the total; a page past the end has none.
            counted = self._rows(kind, scope, 1, 0)
        return FindingPage(kind, counted[0]["total"] if counted else 0, rows)

    def parts(
        self, kinds: Sequence[str], scope: Scope, limit: int, offset: int = 0
    ) -> Iterator[FindingPage]:
        """Yield, for each kind, its total and its share of one page over all kinds.

        Each step reads one kind, so that other readers get their turn between steps.
        """
        before, left = 0, limit
        for kind in kinds:
            one = self.of_kind(kind, scope, max(1, left), max(0, offset - before))
            shown = one.rows[:left] if offset < before + one.total else []
            yield FindingPage(kind, one.total, shown)
            before, left = before + one.total, left - len(shown)

    def counts(self, scope: Scope) -> dict[str, int]:
        """Return the number of findings of each kind, for the exporter."""
        return {kind: self.of_kind(kind, scope, 1).total for kind in KINDS}

    def note(self, kind: str, as_of: date) -> None:
        """Record which findings of a kind, over all buyers, appeared or went since the last call.

        Called periodically by one process at a time; calling it twice changes nothing.
        """
        clickhouse = self._store.clickhouse
        findings, parameters = self._findings(kind, Scope(as_of))
        values = {**parameters, "kind": kind, "version": time_ns() // 1000}
        notes = ["quality_note_found"]
        if clickhouse.rows(sql("quality_noted"), {"kind": kind}):
            # Planning this query is the cost. Without open notes no finding can be gone: skip it.
            notes.insert(0, "quality_note_gone")
        for name in notes:
            statement = Template(sql(name)).substitute(findings=findings)
            clickhouse.command(statement, _SETTINGS, values)

    def mark(self) -> dict[str, Any]:
        """Return a value that differs whenever the findings as of the same day may have changed."""
        return self._store.clickhouse.rows(sql("quality_mark"), {"rules": self._store.rules.id})[0]

    def put_right(self, kinds: Sequence[str], scope: Scope, limit: int) -> PutRight:
        """Return recorded findings put right in the `PUT_RIGHT_DAYS` before `scope.as_of`.

        `limit`: at least 1.
        """
        first = scope.as_of - timedelta(days=PUT_RIGHT_DAYS)
        values = {
            "kinds": list(kinds),
            "first": first,
            "as_of": scope.as_of,
            "buyers": list(scope.buyers),
            "suppliers": list(scope.suppliers),
            "lapsing": list(_LAPSING),
            "limit": limit,
        }
        rows = self._store.clickhouse.rows(sql("quality_put_right"), values)
        return PutRight(first, rows[0]["total"] if rows else 0, rows)

    def _rows(self, kind: str, scope: Scope, limit: int, offset: int) -> Rows:
        findings, parameters = self._findings(kind, scope)
        statement = Template(sql("quality_of_kind")).substitute(findings=findings)
        values = {**parameters, "limit": limit, "offset": offset}
        return self._store.clickhouse.rows(statement, values, _SETTINGS)

    def _findings(self, kind: str, scope: Scope) -> tuple[str, dict[str, Any]]:
        """Return the query for the findings of a kind, and its parameters."""
        rules, policy, read = self._store.rules, self._store.policy, _READ[kind]
        # Facts are dated in each buyer's own zone; findings of several buyers use the default zone.
        zone = policy.zone_of(scope.buyers[0]) if len(scope.buyers) == 1 else policy.zone
        tolerance = tolerance_index(rules, "item_no")
        findings = [
            Template(sql(f"quality_{name}")).safe_substitute(
                texts, partners=_PARTNERS, tolerance=tolerance
            )
            for name, texts in read.queries
        ]
        return "\nUNION ALL\n".join(findings), {
            **rule_parameters(rules),
            **read.parameters,
            "zone": zone,
            "as_of": scope.as_of,
            "buyers": list(scope.buyers),
            "suppliers": list(scope.suppliers),
        }
