"""Reads what the exporter shows: the standing of every supplier, and the size of the store.

Everything is read from tables that are kept, nothing is computed from facts, so the cost of a look
does not depend on the size of the ledger. Blocks.
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
"""Standings older than this are not shown."""

_LIMITS: Final = {"max_execution_time": 10}
"""In seconds. A store that is slower than this is overloaded: the look gives up."""


@dataclass(frozen=True, slots=True)
class WatchedStanding:
    """A supplier's newest kept standing, and its published grade at the month end before.

    `at`: the newest summary. `before`: the grade published at the month end before today, None if
    none was or it is not known; `compared`: whether it is known. `load`: the KPI `capacity_load`.
    `current`: the standing is of today, and no fact about the supplier has changed since.
    """

    at: Summary
    before: Letter | None
    compared: bool
    load: float | None
    computed_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """A supplier, its region and cluster ("" if not registered), standing and certificates.

    `has_facts`: any event about it was folded. `standing`: None if none was kept in the last days.
    `certificates`: the last valid day by certificate.
    """

    supplier_id: str
    region: str
    cluster: str
    buyers: tuple[str, ...]
    has_facts: bool
    standing: WatchedStanding | None
    certificates: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class StoreSize:
    """The size of the store, in bytes except for `events`.

    `bytes`: all tables on disk. `events`: rows of the ledger. `free` and `total`: of the fullest
    disk. `memory`: in use by the engine. On a cluster, all are of the node that answers.
    """

    bytes: int
    events: int
    free: int
    total: int
    memory: int


@dataclass(frozen=True, slots=True)
class StoreLookResult:
    """The result of one look into the store.

    `today`: the date at the sites. `senders`: when each sender's newest event was accepted.
    `rejections`: the number of open rejected records by reason.
    """

    today: date
    suppliers: Sequence[Watched]
    senders: Mapping[str, datetime]
    size: StoreSize
    rejections: Mapping[str, int]


class WatchStore:
    """Reads what is watched, under one policy. Raises StoreUnavailable, StoreRefused."""

    def __init__(self, clickhouse: ClickHouse, policy: Policy) -> None:
        self.clickhouse, self.policy = clickhouse, policy
        store = FigureStore(clickhouse, policy)
        self._form, self._rules = store.standing_form, store.rules.id
        self._read: dict[str, tuple[Any, Summary]] = {}

    def look(self, today: date) -> StoreLookResult:
        """Read everything that is watched. `today`: the date at the sites."""
        standings = self._standings(today)
        # Forget the parsed summaries of suppliers that have no standing any more.
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
        return StoreLookResult(
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
        """Return a summary; it is parsed again only if a newer one was kept."""
        name, version = row["supplier_id"], (row["as_of"], row["computed_at"])
        known = self._read.get(name)
        if known is None or known[0] != version:
            kept = simplejson.loads(row["summary"], use_decimal=True)
            known = self._read[name] = (version, Summary.from_json(kept))
        return known[1]

    def _rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        return self.clickhouse.rows(sql(name), parameters, _LIMITS)
