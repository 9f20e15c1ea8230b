"""Settlement: what became of events after their 202: stored, in conflict, refused, or pending.

A sender asks with the content digest of each event. The row that the ledger stored first under a
key never changes, so one lookup of the key detects a conflict, whether or not the conflicting copy
has been refused yet.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.envelope import sender_of
from services.store.client import ClickHouse
from services.store.ledger import EventKey, rows_of_keys
from services.store.sql_files import sql

MAX_EVENTS: Final = 5000
"""Events in one request: one lookup by the sort key of the ledger."""

_LONGEST: Final = 2048


@dataclass(frozen=True, slots=True)
class EventToSettle:
    """An event of a request: its key, and the digest of its content in hexadecimal."""

    source: str
    id: str
    content: str

    @property
    def key(self) -> EventKey:
        """Source and id, which identify the event."""
        return (self.source, self.id)

    @property
    def sender(self) -> str:
        """The partner id of the sender."""
        return sender_of(self.source)


@dataclass(frozen=True, slots=True)
class SettlementRequest:
    """The events that a sender asks about; refusals from before `since` are ignored."""

    events: list[EventToSettle]
    since: datetime | None = None


def parse_request(body: bytes) -> SettlementRequest:
    """Parse a request body. Raises ValueError with a message that says what is wrong and where."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("events"), list):
        raise ValueError('send {"events": [{"source", "id", "content"}, ...]}')
    if len(raw["events"]) > MAX_EVENTS:
        raise ValueError(f"/events: at most {MAX_EVENTS} in one request; send the rest separately")
    return SettlementRequest(
        [_event_of(row, at) for at, row in enumerate(raw["events"])], _since(raw)
    )


def _event_of(row: Any, at: int) -> EventToSettle:
    names = ("source", "id", "content")
    texts = [row.get(name) if isinstance(row, dict) else None for name in names]
    for name, text in zip(names, texts, strict=True):
        if not isinstance(text, str) or len(text) > _LONGEST or not _is_unicode(text):
            raise ValueError(
                f"/events/{at}/{name}: must be a string of at most {_LONGEST} characters"
            )
    event = EventToSettle(*map(str, texts))
    try:
        sender_of(event.source)
    except ValueError:
        raise ValueError(f"/events/{at}/source: must be /erp/<partner id>/...") from None
    return event


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _since(raw: dict[str, Any]) -> datetime | None:
    if raw.get("since") is None:
        return None
    try:
        since = datetime.fromisoformat(raw["since"])
    except (TypeError, ValueError):
        raise ValueError("/since: must be an RFC 3339 time with offset") from None
    if since.tzinfo is None:
        raise ValueError("/since: must have an offset")
    return since


def settlement(clickhouse: ClickHouse, question: SettlementRequest) -> dict[str, Any]:
    """Return what became of the events of a request. Blocks.

    The answer is {"stored": count, "conflicts": indexes, "rejected": [{"index", "errors"}],
    "pending": indexes}, with the events' indexes in the request. Raises StoreUnavailable, or
    ReadTooLarge if the store limits the query.
    """
    events = question.events
    stored = _stored(clickhouse, events)
    refused = _refused(clickhouse, [one for one in events if one.key not in stored], question.since)
    answer: dict[str, Any] = {"stored": 0, "conflicts": [], "rejected": [], "pending": []}
    for at, one in enumerate(events):
        content, complete = stored.get(one.key, (None, False))
        if content is not None and content != one.content:
            answer["conflicts"].append(at)
        elif content is not None and complete:
            answer["stored"] += 1
        elif one.key in refused:
            answer["rejected"].append({"index": at, "errors": refused[one.key]})
        else:
            answer["pending"].append(at)
    return answer


def _stored(
    clickhouse: ClickHouse, events: Sequence[EventToSettle]
) -> dict[EventKey, tuple[str, bool]]:
    """Return the stored digest of each key, and whether its batch is complete."""
    rows = list(rows_of_keys(clickhouse, "seen", {one.key for one in events})) if events else []
    batches = sorted({batch for row in rows for batch in row["batches"]})
    complete: set[str] = set()
    if batches:
        found = clickhouse.rows(sql("complete_batches"), {"batches": batches})
        complete = {str(row["batch"]) for row in found}
    return {
        (row["source"], row["id"]): (row["content"], not complete.isdisjoint(row["batches"]))
        for row in rows
    }


def _refused(
    clickhouse: ClickHouse, events: Sequence[EventToSettle], since: datetime | None
) -> dict[EventKey, list[dict[str, str]]]:
    if not events:
        return {}
    earliest = 0.0 if since is None else since.timestamp() * 1000
    rows = rows_of_keys(clickhouse, "refused_events", {one.key for one in events})
    return {
        (row["source"], row["id"]): json.loads(row["errors"] or "[]")
        for row in rows
        if int(row["rejected_ms"]) >= earliest
    }
