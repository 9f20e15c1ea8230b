"""The events of the ingest benchmark: the simulator's mix, validated, as records of topics."""

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from schemas.validation import Accepted, Sender, parse, validate
from services.kafka.producer import event_record
from services.kafka.topics import MAX_RECORD_BYTES
from services.simulator import history

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
_EVENTS_A_DAY = 50


def accepted_events(count: int) -> list[Accepted]:
    """Return `count` valid events, in the order of their time."""
    days = count // _EVENTS_A_DAY + 400
    simulated = history(7, UNTIL, days)
    assert len(simulated) >= count, (len(simulated), count)
    events = []
    for one in simulated[-count:]:
        body = json.dumps(one.event).encode()
        outcome = validate(parse(body), Sender(one.sender, (one.role,)))
        assert isinstance(outcome, Accepted), outcome
        events.append(outcome)
    return events


def save(events: list[Accepted], file: Path) -> None:
    """Write events to a file for the contestants, which are separate processes."""
    rows = [(e.topic, e.supplier_id, e.source, e.id, e.content.hex(), e.value) for e in events]
    file.write_bytes(pickle.dumps(rows))


def load(file: Path) -> list[tuple[str, str, str, str, str, bytes]]:
    """Return topic, supplier, source, id, content and value of each event."""
    rows: list[tuple[str, str, str, str, str, bytes]] = pickle.loads(file.read_bytes())
    return rows


def publish(bootstrap: str, events: list[Accepted]) -> None:
    """Publish events to their topics and wait until the broker has all of them."""
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=[bootstrap],
        acks="all",
        linger_ms=20,
        batch_size=1 << 20,
        max_request_size=MAX_RECORD_BYTES,
    )
    for record in _records(events):
        producer.send(record[0], key=record[1], value=record[2], headers=record[3])
    producer.flush(timeout=300)
    producer.close()


def _records(
    events: list[Accepted],
) -> Iterator[tuple[str, bytes, bytes, list[tuple[str, bytes]]]]:
    for event in events:
        record = event_record(event)
        yield record.topic, record.key, record.value, list(record.headers)
