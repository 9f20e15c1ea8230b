"""Stores frozen evaluations and announcements in their durable tables, each of them once."""

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
    """The extent of the ledger: the number of events, and when the newest was accepted."""

    events: int
    accepted_until: datetime


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scorecard of a month end as it was known when it was frozen.

    `as_of`: the month end. `edition`: the edition of docs/figures.md that defines its figures.
    `inputs`: the extent of the ledger when the figures were read. `scorecard`: as `frozen_json`.
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
    """A change of a supplier's standing that is published on the topic `rantai.readiness`.

    `number`: counts the announcements of the supplier. `event`: the record's value. `state`: the
    supplier's `AnnouncedState` after the change as JSON, with which the next standing is compared.
    """

    supplier_id: str
    number: int
    id: str
    event: bytes
    state: Mapping[str, Any]


class EvaluationStore:
    """Reads and writes evaluations and announcements. Blocks.

    Raises StoreUnavailable, StoreRefused.
    """

    def __init__(self, clickhouse: ClickHouse) -> None:
        self.clickhouse = clickhouse

    def high_water(self) -> HighWater:
        """Return the present extent of the ledger. Call before reading the figures to freeze."""
        row = self.clickhouse.rows(sql("high_water"))[0]
        return HighWater(row["events"], row["accepted_until"])

    def unfinished(self) -> set[str]:
        """Return the suppliers with events in the ledger that are not, or not all, folded."""
        open_batches = {
            row["batch"]: row["suppliers"]
            for row in self.clickhouse.rows(sql("touched_unfinished"))
        }
        if not open_batches:
            return set()
        parameters = {"batches": list(open_batches)}
        held = (row["batch"] for row in self.clickhouse.rows(sql("held_batches"), parameters))
        return {name for batch in held for name in open_batches[batch]}

    def freeze(
        self, policy_version: str, inputs: HighWater, some: Iterable[tuple[str, date, Assessed]]
    ) -> int:
        """Freeze scorecards of suppliers at month ends; return how many were written.

        If a supplier's month end was frozen before, the first evaluation stands.
        """
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
        """Return the evaluations of a supplier, newest first."""
        rows = self.clickhouse.rows(sql("evaluations"), {"supplier": supplier_id, "limit": limit})
        return [_evaluation(row) for row in rows]

    def frozen_at(self, suppliers: Sequence[str], days: Sequence[date]) -> list[Evaluation]:
        """Return the evaluations of these suppliers at these month ends."""
        parameters = {"suppliers": list(suppliers), "days": list(days)}
        return [_evaluation(row) for row in self.clickhouse.rows(sql("evaluations_at"), parameters)]

    def frozen_ends(self) -> dict[str, set[date]]:
        """Return the frozen month ends by supplier id."""
        return {
            row["supplier_id"]: set(row["ends"]) for row in self.clickhouse.rows(sql("frozen_ends"))
        }

    def announced(self) -> dict[str, tuple[int, Mapping[str, Any]]]:
        """Return number and state of the last announcement, by supplier id."""
        return {
            row["supplier_id"]: (row["number"], simplejson.loads(row["state"]))
            for row in self.clickhouse.rows(sql("announced"))
        }

    def unpublished(self) -> list[Announcement]:
        """Return the announcements that are stored but not known to be on the topic."""
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
        """Store announcements.

        Call with `published=False` before publishing, and with True once they are on the topic.
        """
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
    """Return the frozen part of a scorecard as JSON: `kpis`, `score`, `grade` and `stage`."""
    text: str = simplejson.dumps(one.as_json(), use_decimal=True, ensure_ascii=False)
    return text
