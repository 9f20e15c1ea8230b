"""Rejected events: lists, shows, replays and dismisses them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from schemas.catalogue import Role
from schemas.fields import utc_text
from schemas.validation import Accepted, NotParseable, Rejected, Sender, parse, validate
from services.kafka.safety import Safety
from services.runtime.turns import Turns
from services.store.client import ClickHouse
from services.store.sql_files import sql

_COLUMNS = (
    "id", "sender", "reason", "errors", "event_source", "event_id", "kafka_topic",
    "kafka_partition", "kafka_offset", "accepted_at", "rejected_at", "value", "encoding",
    "replayed_at", "version",
)  # fmt: skip
_DECODER: Final = Turns(1, "replay")


class RejectedEvents:
    """The refused records in the store.

    `senders`: whose refusals are visible; empty = all. All methods but `replay` block and may raise
    StoreUnavailable.
    """

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    def page(
        self, senders: Sequence[str], *, replayed: bool, limit: int, offset: int
    ) -> dict[str, Any]:
        """Return a page of refusals as JSON, newest first, without the values of the records."""
        parameters = {
            "senders": list(senders),
            "replayed": replayed,
            "limit": limit,
            "offset": offset,
        }
        rows = self._clickhouse.rows(sql("rejected_list"), parameters)
        counted = rows
        if not rows and offset:  # past the end, no row carries the total
            first = {**parameters, "limit": 1, "offset": 0}
            counted = self._clickhouse.rows(sql("rejected_list"), first)
        total = counted[0]["total"] if counted else 0
        end = offset + len(rows)
        return {
            "total": total,
            "next_offset": end if end < total else None,
            "rejected": [_shown(row) for row in rows],
        }

    def one(self, rejected_id: str, senders: Sequence[str]) -> dict[str, Any] | None:
        """Return a refusal as JSON, with the original value of the record, or None."""
        row = self._row(rejected_id, senders)
        if row is None:
            return None
        return {**_shown(row), "value": row["value"], "encoding": row["encoding"]}

    async def replay(
        self,
        row: dict[str, Any],
        repaired: bytes | None,
        safety: Safety,
        roles: tuple[Role, ...],
    ) -> Accepted | Rejected:
        """Validate a refused record again, as its sender in `roles`, and publish it if it is valid.

        `row`: the refusal as `one` returns it. `repaired`: the event that replaces the original
        value, or None. The refusal stays open: call `mark_resolved` after an Accepted. Raises
        BrokerUnavailable, and NotParseable if the event is not JSON.
        """
        body = repaired if repaired is not None else _as_it_came(row)
        sender = str(row["sender"])
        # A repaired event may be as large as a request of the gateway: validate it off the loop.
        outcome = await _DECODER.run(sender, lambda: validate(parse(body), Sender(sender, roles)))
        if isinstance(outcome, Accepted):
            await safety.keep([outcome])
        return outcome

    def mark_resolved(self, rejected_id: str) -> None:
        """Take a refusal off the open list: it was replayed, or dismissed."""
        row = self._row(rejected_id, ())
        if row is not None:
            row["replayed_at"] = datetime.now(UTC)
            row["version"] += 1
            self._clickhouse.insert_rows("rejected", _COLUMNS, [[row[name] for name in _COLUMNS]])

    def _row(self, rejected_id: str, senders: Sequence[str]) -> dict[str, Any] | None:
        parameters = {"id": rejected_id, "senders": list(senders)}
        rows = self._clickhouse.rows(sql("rejected_one"), parameters)
        return rows[0] if rows else None


def _as_it_came(row: dict[str, Any]) -> bytes:
    if row["encoding"] != "utf-8":
        raise NotParseable("the record is not text; send a repaired event in its place")
    return str(row["value"]).encode()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "sender": row["sender"],
        "reason": row["reason"],
        "errors": json.loads(row["errors"] or "[]"),
        "source": row["event_source"] or None,
        "event_id": row["event_id"] or None,
        "topic": row["kafka_topic"],
        "partition": row["kafka_partition"],
        "offset": row["kafka_offset"],
        "rejected_at": utc_text(row["rejected_at"]),
        "replayed_at": utc_text(row["replayed_at"]) if row["replayed_at"] else None,
    }
