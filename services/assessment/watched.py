"""What is watched: how every supplier stands by now, and the store itself.

Everything is read from what is kept already, none of it is worked out: one look costs the store the
same whatever the ledger holds. Blocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import simplejson

from services.assessment.figure_store import FigureStore
from services.readiness.month_ends import month_end_before
from services.readiness.policy import Policy
from services.readiness.policy_parts import Letter
from services.readiness.summary import Summary
from services.store.client import ClickHouse
from services.store.sql_files import sql

_OLDEST_DAYS: Final = 7
"""A standing older than this is not shown as how a supplier stands."""

_LIMITS: Final = {"max_execution_time": 10}
"""Seconds: a store that is slower is better left alone."""


@dataclass(frozen=True, slots=True)
class WatchedStanding:
    """How a supplier stood when it was worked out last, and at the month end before.

    `before`: the grade published then, None where none was; `compared` says whether that is known.
    `load`: its `capacity_load`. `current`: nothing came about it since, and the day is today.
    """

    at: Summary
    before: Letter | None
    compared: bool
    load: float | None
    computed_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """A supplier: where it belongs ("" = nowhere), how it stands, and when its certificates end."""

    supplier_id: str
    region: str
    cluster: str
    buyers: tuple[str, ...]
    has_facts: bool
    standing: WatchedStanding | None
    certificates: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class StoreSize:
    """Bytes on disk of all tables, events in the ledger, bytes free and in all on its disk.

    `memory`: bytes that the engine holds.
    """

    bytes: int
    events: int
    free: int
    total: int
    memory: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look into the store found, and for which day at the sites."""

    today: date
    suppliers: Sequence[Watched]
    senders: Mapping[str, datetime]
    size: StoreSize
    rejections: Mapping[str, int]


class WatchStore:
    """Takes looks under one policy. Raises StoreUnavailable, StoreRefused."""

    def __init__(self, clickhouse: ClickHouse, policy: Policy) -> None:
        self.clickhouse, self.policy = clickhouse, policy
        store = FigureStore(clickhouse, policy)
        self._form, self._rules = store.standing_form, store.rules.id
        self._read: dict[str, tuple[Any, Summary]] = {}

    def look(self, today: date) -> Looked:
        """Read everything that is watched."""
        standings = self._standings(today)
        # Of suppliers who are not among them any more nothing is asked again.
        self._read = {name: kept for name, kept in self._read.items() if name in standings}
        ends: dict[str, dict[str, date]] = {}
        for row in self._rows("certificate_ends"):
            ends.setdefault(row["supplier_id"], {})[row["certificate"]] = row["ends"]
        suppliers = []
        for row in self._rows("known_suppliers", rules=self._rules):
            name = row["supplier_id"]
            found = standings.get(name)
            suppliers.append(
                Watched(
                    name,
                    row["region"],
                    row["cluster"],
                    tuple(row["buyers"]),
                    bool(row["mark"]),
                    None if found is None else self._standing(found, row["mark"], today),
                    ends.get(name, {}),
                )
            )
        (size,) = self._rows("store_size", database=self.clickhouse.database)
        return Looked(
            today,
            suppliers,
            {row["sender"]: row["newest"] for row in self._rows("newest_of_senders")},
            StoreSize(size["bytes"], size["events"], size["free"], size["total"], size["memory"]),
            {row["reason"]: row["records"] for row in self._rows("open_rejections")},
        )

    def _standings(self, today: date) -> dict[str, dict[str, Any]]:
        before = {
            row["supplier_id"]: row["published"]
            for row in self._rows("grades_at", policy=self._form, as_of=month_end_before(today))
        }
        rows = self._rows(
            "newest_standings",
            policy=self._form,
            oldest=today - timedelta(days=_OLDEST_DAYS),
            today=today,
        )
        return {
            row["supplier_id"]: {**row, "before": before.get(row["supplier_id"])} for row in rows
        }

    def _standing(self, row: Mapping[str, Any], mark: int, today: date) -> WatchedStanding:
        return WatchedStanding(
            self._summary(row),
            row["before"] or None,
            row["before"] is not None,
            row["capacity_load"],
            row["computed_at"],
            row["as_of"] == today and row["mark"] == mark,
        )

    def _summary(self, row: Mapping[str, Any]) -> Summary:
        """Return a summary, read anew only where it was worked out anew."""
        name, version = row["supplier_id"], (row["as_of"], row["computed_at"])
        known = self._read.get(name)
        if known is None or known[0] != version:
            kept = simplejson.loads(row["summary"], use_decimal=True)
            known = self._read[name] = (version, Summary.from_json(kept))
        return known[1]

    def _rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        return self.clickhouse.rows(sql(name), parameters, _LIMITS)
