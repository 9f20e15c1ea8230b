"""What needs a real Kafka: senders with a Kafka client, and the processor as a Faust worker."""

import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from tests.integration.brokers import real_kafka
from tests.integration.comparing import Asked, compare
from tests.integration.feeding import Event, feed, sender_of
from tests.integration.process import rantai
from tests.integration.separate import Separate
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids

pytestmark = pytest.mark.kafka

SUPPLIERS, BUYERS = supplier_ids(2), buyer_ids(1)
ASKED = Asked(SUPPLIERS, BUYERS, (date(2026, 5, 17),), (30, 180))


@pytest.fixture(params=[pytest.param(False, id="processor"), pytest.param(True, id="faust-worker")])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Separate]:
    """Run the services with the processor as `rantai processor`, then as a Faust worker."""
    made = Separate(tmp_path / "data", real_kafka(), faust=request.param)
    try:
        made.start()
        yield made
    finally:
        made.end()


def keys_of(running: Separate) -> dict[str, str]:
    """Create a key for each partner that sends over HTTP."""
    keys = {partner: running.key("supplier", partner) for partner in SUPPLIERS}
    keys["PROGRAMME"] = running.key("programme", "PROGRAMME")
    return keys


def test_records_of_a_senders_own_client_land(running: Separate) -> None:
    """The buyer's ERP writes to Kafka, the others post: the figures contain the events of both."""
    rng = random.Random(20261104)
    told = history(rng, suppliers=2, buyers=1, lines=40, start=date(2026, 1, 5), days=90)
    sent, keys, buyer = shuffled(rng, told), keys_of(running), BUYERS[0]
    key = keys["PROGRAMME"]

    # The topic is created while the processor runs, so it has to be discovered.
    topic = f"rantai.inbound.{buyer}"
    environment = running.environment
    assert f"created    {topic}" in rantai(
        "topics", "apply", "--partner", buyer, environment=environment
    )
    producer = KafkaProducer(bootstrap_servers=environment["RANTAI_KAFKA"], acks="all")
    own = [event for event in sent if sender_of(event) == buyer]
    for number, event in enumerate(own):
        value, headers = (binary if number % 3 == 0 else structured)(event)
        producer.send(topic, value=value, headers=headers)
    wrong = {**own[0], "id": "wrong-1", "data": {**own[0]["data"], "buyer_id": "another"}}
    for value in (b"no JSON at all", json.dumps(wrong).encode()):
        producer.send(topic, value=value)
    producer.flush()
    producer.close()
    others = [event for event in sent if sender_of(event) != buyer]
    for _ in feed(rng, running.gateway_url, keys, others):
        pass

    running.settle()
    assert compare(running.scorecards_url, key, sent, ASKED) == ASKED.figures
    answer = running.reconcile()
    assert answer["missing"] == 0
    assert answer["total"]["rejected"] == 2
    assert answer["total"]["stored"] == len({(event["source"], event["id"]) for event in sent})
    refused = running.get(key, "/v1/rejected")
    assert {(row["topic"], row["reason"]) for row in refused["rejected"]} == {
        (topic, "invalid"),
        (topic, "forbidden"),
    }
    assert running.stop() == 0


Message = tuple[bytes, list[tuple[str, bytes]]]


def structured(event: Event) -> Message:
    """Return the value and headers of an event in the structured mode of CloudEvents' binding."""
    value = json.dumps(event, ensure_ascii=False).encode()
    return value, [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def binary(event: Event) -> Message:
    """Return the value and headers of an event in binary mode: its attributes are headers."""
    attributes: dict[str, Any] = {name: v for name, v in event.items() if name != "data"}
    headers = [(f"ce_{name}", str(value).encode()) for name, value in attributes.items()]
    value = json.dumps(event["data"], ensure_ascii=False).encode()
    return value, [*headers, ("content-type", b"application/json")]
