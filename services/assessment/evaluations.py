"""Evaluations frozen at month ends, and what was announced of a supplier: durable, each once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import simplejson

from services.readiness.assessed import Assessed
from services.readiness.rules import EDITION
from services.store.client import ClickHouse
from services.store.sql_files import sql

_FROZEN: Final = [
    "supplier_id", "as_of", "policy_version", "edition", "events", "accepted_until", "scorecard",
]  # fmt: skip
_ANNOUNCED: Final = ["supplier_id", "number", "id", "event", "state", "published"]


@dataclass(frozen=True, slots=True)
class HighWater:
    """How far the ledger went: how many events, and when the newest of them was accepted."""

    events: int
    accepted_until: datetime


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scorecard of a month end as it was known when it was frozen.

    `edition`: of docs/figures.md, by which its figures were worked out.
    """

    supplier_id: str
    as_of: date
    policy_version: str
    edition: int
    inputs: HighWater
    scorecard: Mapping[str, Any]
    frozen_at: datetime


@dataclass(frozen=True, slots=True)
class Announcement:
    """A change that is told on the topic: the `number`th of its supplier.

    `state`: how the supplier stands after it, to tell the next change from.
    """

    supplier_id: str
    number: int
    id: str
    event: bytes
    state: Mapping[str, Any]


class EvaluationStore:
    """Reads and writes both. Blocks."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self.clickhouse = clickhouse

    def high_water(self) -> HighWater:
        """Return how far the ledger goes now; ask before the figures are read."""
        row = self.clickhouse.rows(sql("high_water"))[0]
        return HighWater(row["events"], row["accepted_until"])

    def unfinished(self) -> set[str]:
        """Return about whom the ledger holds events that are not folded yet, or not all of them."""
        open_batches = {
            row["batch"]: row["suppliers"]
            for row in self.clickhouse.rows(sql("touched_unfinished"))
        }
        if not open_batches:
            return set()
        asked = {"batches": list(open_batches)}
        held = (row["batch"] for row in self.clickhouse.rows(sql("held_batches"), asked))
        return {name for batch in held for name in open_batches[batch]}

    def freeze(
        self, policy_version: str, inputs: HighWater, some: Iterable[tuple[str, date, Assessed]]
    ) -> int:
        """Freeze scorecards of suppliers at month ends; of one frozen before, that one stands."""
        rows = [
            [
                name,
                as_of,
                policy_version,
                EDITION,
                inputs.events,
                inputs.accepted_until,
                frozen_json(one),
            ]
            for name, as_of, one in some
        ]
        if rows:
            self.clickhouse.insert_rows("evaluations", _FROZEN, rows)
        return len(rows)

    def frozen(self, supplier_id: str, limit: int) -> list[Evaluation]:
        """Return what was frozen of a supplier, the newest first."""
        rows = self.clickhouse.rows(sql("evaluations"), {"supplier": supplier_id, "limit": limit})
        return [_evaluation(row) for row in rows]

    def frozen_at(self, suppliers: Sequence[str], days: Sequence[date]) -> list[Evaluation]:
        """Return what was frozen of these suppliers at these month ends."""
        asked = {"suppliers": list(suppliers), "days": list(days)}
        return [_evaluation(row) for row in self.clickhouse.rows(sql("evaluations_at"), asked)]

    def frozen_ends(self) -> dict[str, set[date]]:
        """Return which month ends of each supplier are frozen."""
        return {
            row["supplier_id"]: set(row["ends"]) for row in self.clickhouse.rows(sql("frozen_ends"))
        }

    def announced(self) -> dict[str, tuple[int, Mapping[str, Any]]]:
        """Return the number and the state of each supplier's last announcement."""
        return {
            row["supplier_id"]: (row["number"], simplejson.loads(row["state"]))
            for row in self.clickhouse.rows(sql("announced"))
        }

    def unpublished(self) -> list[Announcement]:
        """Return what was written and is not known to be on the topic."""
        return [
            Announcement(
                row["supplier_id"],
                row["number"],
                row["id"],
                str(row["event"]).encode(),
                simplejson.loads(row["state"]),
            )
            for row in self.clickhouse.rows(sql("unpublished"))
        ]

    def announce(self, some: Sequence[Announcement], *, published: bool) -> None:
        """Write announcements down: before they are published, and when they are known to be."""
        rows = [
            [
                one.supplier_id,
                one.number,
                one.id,
                one.event.decode(),
                simplejson.dumps(one.state),
                int(published),
            ]
            for one in some
        ]
        if rows:
            self.clickhouse.insert_rows("announcements", _ANNOUNCED, rows)


def _evaluation(row: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        row["supplier_id"],
        row["as_of"],
        row["policy_version"],
        row["edition"],
        HighWater(row["events"], row["accepted_until"]),
        simplejson.loads(row["scorecard"], use_decimal=True),
        row["frozen_at"],
    )


def frozen_json(one: Assessed) -> str:
    """Return what is frozen of a scorecard: kpis, score, grade and stage."""
    text: str = simplejson.dumps(one.as_json(), use_decimal=True, ensure_ascii=False)
    return text
