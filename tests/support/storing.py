"""Puts events into a store as the services do, without a broker."""

import random
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from schemas.catalogue import EVENT
from schemas.validation import Accepted, to_canonical
from services.kafka.producer import event_record
from services.processor.streams import StreamRecord
from services.store.client import ClickHouse
from services.store.folding import FACT_TABLES
from services.store.ledger import Ledger, LedgerRecord

ACCEPTED_MS = 1_767_225_600_123
"""Acceptance time: 2026-01-01T00:00:00.123Z, in milliseconds."""


def accepted(event: dict[str, Any]) -> Accepted:
    """Validate an event and return it in canonical form, as the gateway does."""
    return to_canonical(EVENT.validate_python(event))


def row(event: dict[str, Any], offset: int = 0, partition: int = 0) -> LedgerRecord:
    """Return an event as the record that the ledger appends."""
    one = accepted(event)
    return LedgerRecord(
        one.source, one.id, one.content.hex(), one.value, one.topic, partition, offset,
        ACCEPTED_MS + offset,
    )  # fmt: skip


def record(event: dict[str, Any], offset: int = 0, partition: int = 0) -> StreamRecord:
    """Return an event as a sink reads it from its canonical topic."""
    made = event_record(accepted(event))
    return StreamRecord(
        made.topic, partition, offset, ACCEPTED_MS + offset, made.value, made.headers
    )


def store(clickhouse: ClickHouse, events: Iterable[dict[str, Any]]) -> None:
    """Append events in one batch."""
    rows = [row(event, offset) for offset, event in enumerate(events)]
    Ledger(clickhouse).append(rows, uuid4())


def store_in_batches(
    clickhouse: ClickHouse, rng: random.Random, events: Sequence[dict[str, Any]]
) -> None:
    """Append events in batches of random size."""
    ledger, start = Ledger(clickhouse), 0
    while start < len(events):
        size = rng.choice([1, 5, 40, 200, 1000])
        some = events[start : start + size]
        rows = [row(event, start + at) for at, event in enumerate(some)]
        ledger.append(rows, uuid4())
        start += size


def empty(clickhouse: ClickHouse) -> None:
    """Delete every event and everything derived from them, durable tables included."""
    tables = clickhouse.rows(
        "SELECT name FROM system.tables WHERE database = {database:String} "
        "AND engine LIKE '%MergeTree' AND name != 'migrations'",
        {"database": clickhouse.database},
    )
    for table in tables:
        clickhouse.command(f"TRUNCATE TABLE {table['name']}")


def contents(clickhouse: ClickHouse) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every derived table, deduplicated and sorted, by table."""
    views = clickhouse.rows(
        "SELECT name FROM system.tables WHERE database = {database:String} "
        "AND engine = 'MaterializedView'",
        {"database": clickhouse.database},
    )
    names = [str(view["name"]).removesuffix("_of_events") for view in views]
    # Rows of `touched` expire after a day, and only repeat what other tables hold.
    names = [name for name in names if name != "touched"] + list(FACT_TABLES)
    # `senders` holds when events were accepted, which differs if the same events are sent again.
    names.remove("senders")
    # The mark that a fold gives is random; test_standings.py checks when it changes.
    names.remove("fold_marks")
    return {
        name: [tuple(found.values()) for found in clickhouse.rows(_ROWS.format(name=name))]
        for name in names
    }


_ROWS = "SELECT * FROM {name} FINAL ORDER BY toString(tuple(*))"
