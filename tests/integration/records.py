"""Write and read records on a running Rantai's broker, as a Kafka client does."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from schemas.catalogue import inbound_topic
from services.cli.data_dir import read_run_file
from tests.integration.process import Up

WAIT_SECONDS: Final = 60
STRUCTURED: Final = "application/cloudevents+json"
Headers = Mapping[str, str]


def broker(up: Up) -> str:
    """Return the address of the broker, as the run file states it."""
    note = read_run_file(up.data_dir)
    assert note is not None
    return str(note["broker"])


def write(up: Up, partner: str, told: Sequence[tuple[dict[str, Any], Headers]]) -> None:
    """Write events to a partner's inbound topic, in structured mode.

    `told` holds each event with the headers that its record has besides the content type.
    """
    producer = KafkaProducer(bootstrap_servers=broker(up), acks="all")
    for body, headers in told:
        kind = [("content-type", STRUCTURED.encode())]
        more = [(name, text.encode()) for name, text in headers.items()]
        value = json.dumps(body).encode()
        producer.send(inbound_topic(partner), value=value, key=b"k", headers=kind + more).get(20)
    producer.close()


def traces(up: Up, topic: str, count: int) -> dict[str, str | None]:
    """Wait for `count` records of a topic; return the `traceparent` of each, by event id.

    A record without an event id is listed as `refused`.
    """
    consumer = KafkaConsumer(bootstrap_servers=broker(up), group_id=None)
    try:
        consumer.assign([TopicPartition(topic, at) for at in consumer.partitions_for_topic(topic)])
        found: dict[str, str | None] = {}
        deadline = time.monotonic() + WAIT_SECONDS
        while len(found) < count:
            assert time.monotonic() < deadline, (found, up.log())
            consumer.seek_to_beginning()
            while polled := consumer.poll(timeout_ms=400):
                for record in (one for some in polled.values() for one in some):
                    headers = dict(record.headers)
                    held = headers.get("traceparent")
                    name = headers.get("id", b"refused").decode()
                    found[name] = None if held is None else held.decode()
        return found
    finally:
        consumer.close()
