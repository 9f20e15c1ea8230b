"""The producer: returns after the delivery report, is bounded in time, survives restarts."""

import time
from dataclasses import replace

import pytest
from kafka import KafkaConsumer, TopicPartition

from services.kafka.embedded_broker import EmbeddedBroker, free_port
from services.kafka.producer import EventProducer, Record, event_record
from services.kafka.topics import BrokerUnavailable, apply
from tests.reference.cases import order
from tests.support.storing import accepted

pytestmark = pytest.mark.anyio
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_headers_contain_what_the_sink_needs() -> None:
    one = accepted(order("03-01", 5, "03-20", id="é1"))
    record = event_record(one)
    assert (record.topic, record.key, record.value) == ("rantai.orders", b"S1", one.value)
    assert dict(record.headers) == {
        "content-type": b"application/cloudevents+json; charset=utf-8",
        "source": b"/erp/B1/sap",
        "id": "é1".encode(),
        "content": one.content.hex().encode(),
    }
    assert dict(event_record(one, TRACE).headers)["traceparent"] == TRACE.encode()
    assert "traceparent" not in dict(event_record(one, "of another make").headers)
    other = TRACE.replace("0af7", "0bf7")
    own = replace(one, traceparent=other)
    assert dict(event_record(own, TRACE).headers)["traceparent"] == other.encode()


async def test_published_records_are_at_the_returned_positions() -> None:
    with EmbeddedBroker() as broker:
        apply(broker.bootstrap, partitions=3, replication=1)
        producer = EventProducer(broker.bootstrap)
        records = [event_record(accepted(order("03-01", at, "03-20"))) for at in range(1, 51)]
        positions = await producer.publish(records)
        assert await producer.publish([]) == []
        await producer.close()
        (partition,) = {one.partition for one in positions}  # one supplier, one partition
        assert [one.offset for one in positions] == list(range(50))
        consumer = KafkaConsumer(bootstrap_servers=[broker.bootstrap], group_id=None)
        place = TopicPartition("rantai.orders", partition)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        found = consumer.poll(timeout_ms=5000)[place]
        consumer.close()
        assert [(one.key, one.value) for one in found] == [(r.key, r.value) for r in records]
        assert list(found[0].headers) == list(records[0].headers)


async def test_an_unavailable_broker_raises_within_the_timeout() -> None:
    producer = EventProducer(f"127.0.0.1:{free_port()}", timeout=1.0)
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable, match="did not take"):
            await producer.publish([Record("rantai.orders", b"k", b"v")])
        assert time.monotonic() - began < 2
    await producer.close()


async def test_a_broker_that_starts_late_or_restarts_is_found() -> None:
    broker = EmbeddedBroker()
    producer = EventProducer(broker.bootstrap, timeout=1.0)
    record = Record("rantai.orders", b"k", b"v")
    with pytest.raises(BrokerUnavailable):
        await producer.publish([record])
    try:
        for _ in range(2):
            broker.start()
            apply(broker.bootstrap, partitions=1, replication=1)
            # The restarted broker has no memory of the client, which must be replaced.
            assert (await publish_with_retries(producer, record)) == 0
            kill(broker)
            with pytest.raises(BrokerUnavailable):
                await producer.publish([record])
    finally:
        broker.stop()
        await producer.close()


def kill(broker: EmbeddedBroker) -> None:
    """Kill the broker: a regular stop waits for its clients to disconnect."""
    assert broker._process is not None
    broker._process.kill()
    broker.stop()


async def publish_with_retries(producer: EventProducer, record: Record) -> int:
    """Publish, retrying as a sender does after a 503; return the offset."""
    for _ in range(3):
        try:
            return (await producer.publish([record]))[0].offset
        except BrokerUnavailable:
            continue
    raise AssertionError("the producer did not find the restarted broker")
