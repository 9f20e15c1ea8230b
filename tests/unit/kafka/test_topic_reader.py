"""Reading topics up to their present end: each record once, from a given time, in fair time."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from schemas.catalogue import inbound_topic
from services.kafka import topic_reader
from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.topic_reader import records_of
from services.kafka.topics import apply

PARTNERS = [f"P{number}" for number in range(40)]
FILLED = PARTNERS[::2]


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """Return a broker on which every other inbound topic holds three records."""
    with EmbeddedBroker() as running:
        apply(running.bootstrap, partners=PARTNERS, partitions=1, replication=1)
        _write(running, FILLED, 3)
        yield running


def _write(broker: EmbeddedBroker, partners: list[str], times: int) -> None:
    producer = KafkaProducer(bootstrap_servers=[broker.bootstrap])
    for number in range(times):
        for partner in partners:
            producer.send(inbound_topic(partner), f"{partner} {number}".encode())
    producer.close()


def _inbound(topic: str) -> bool:
    return topic in {inbound_topic(partner) for partner in PARTNERS}


def test_every_record_is_read_once_without_asking_for_positions(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client checks every partition for each position: with hundreds that takes minutes."""
    calls: Counter[str] = Counter()
    position = KafkaConsumer.position

    def counted(consumer: Any, *given: Any, **named: Any) -> Any:
        calls["position"] += 1
        return position(consumer, *given, **named)

    monkeypatch.setattr(KafkaConsumer, "position", counted)
    # Positions are read after a quiet time; a slow machine must not reach it.
    monkeypatch.setattr(topic_reader, "_QUIET_SECONDS", 15.0)
    values = [record.value.decode() for record in records_of(broker.bootstrap, _inbound)]
    assert Counter(values) == Counter(f"{one} {n}" for one in FILLED for n in range(3))
    assert calls["position"] == 0


def test_reading_begins_at_the_given_time(broker: EmbeddedBroker) -> None:
    time.sleep(1.1)
    later = datetime.now(UTC)
    _write(broker, ["P1", "P2"], 1)
    found = records_of(broker.bootstrap, _inbound, later)
    # Not every broker finds offsets by time, so older records may come as well.
    values = [record.value.decode() for record in found]
    assert {"P1 0", "P2 0"} <= set(values)
    assert [record.value for record in records_of(broker.bootstrap, lambda _: False)] == []
