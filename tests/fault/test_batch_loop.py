"""The batch loop on a real consumer: it retries, commits after the write, and reports stalls."""

import asyncio
import json
import time
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from schemas.catalogue import ORDERS, REJECTED
from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.producer import EventProducer, Position, Record, event_record
from services.processor.batches import BatchLoop, Subscription
from services.processor.ledger_sink import LedgerSink
from services.processor.rejections import Rejections
from services.processor.sink import KafkaRecord
from services.telemetry.metrics import OFFSET_LAG, RETRIES
from tests.fault.doubles import BlockingSink, FailingSink, RefusingLedger, UnfinishedSink
from tests.fault.loops import Stalls, committed, running, until
from tests.reference.cases import order
from tests.support.storing import accepted

pytestmark = pytest.mark.anyio


async def publish(broker: EmbeddedBroker, topic: str, count: int) -> list[Position]:
    """Write `count` records to a topic, creating it with three partitions if it does not exist."""
    admin = KafkaAdminClient(bootstrap_servers=[broker.bootstrap])
    if topic not in admin.list_topics():
        admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1)])
    admin.close()
    producer = EventProducer(broker.bootstrap)
    try:
        return await producer.publish([Record(topic, b"S%d" % at, b"{}") for at in range(count)])
    finally:
        await producer.close()


def ends(positions: list[Position]) -> dict[tuple[str, int], int]:
    """Return the offsets to commit once all positions are written: one past the last of each."""
    found: dict[tuple[str, int], int] = {}
    for one in positions:
        place = (one.topic, one.partition)
        found[place] = max(found.get(place, 0), one.offset + 1)
    return found


def lag(topic: str) -> float:
    samples = [sample for metric in OFFSET_LAG.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.labels["topic"] == topic)


async def test_a_batch_is_retried_and_committed_only_when_it_is_written(
    broker: EmbeddedBroker,
) -> None:
    topic, group = "retried", "group-retried"
    positions = await publish(broker, topic, 30)
    sink, before = FailingSink(failures=4), RETRIES._value.get()
    at: list[float] = []
    seen: list[dict[tuple[str, int], int]] = []
    write = sink.write

    async def watched(records: Any) -> None:
        at.append(time.monotonic())
        seen.append(await asyncio.to_thread(committed, broker.bootstrap, group, topic))
        await write(records)

    sink.write = watched  # type: ignore[method-assign]
    async with running(broker.bootstrap, group, (topic,), sink):
        await until(lambda: len(sink.written) == 30)
        await until(lambda: committed(broker.bootstrap, group, topic) == ends(positions))
    assert sink.attempts[0] == sink.attempts[1] == sink.attempts[4]
    assert sorted(sink.written) == sorted((topic, p.partition, p.offset) for p in positions)
    assert seen[:5] == [{}] * 5
    assert RETRIES._value.get() - before == 4
    # 0.1, 0.2, 0.4, 0.8 s, each at least halved by the jitter.
    pauses = [later - earlier for earlier, later in pairwise(at)]
    for pause, least in zip(pauses, (0.05, 0.1, 0.2, 0.4), strict=False):
        assert pause >= least


async def test_a_blocked_sink_commits_nothing_shows_its_lag_and_stalls_once(
    broker: EmbeddedBroker,
) -> None:
    topic, group = "blocked", "group-blocked"
    positions = await publish(broker, topic, 7)
    sink, stalls = BlockingSink(), Stalls()
    async with running(
        broker.bootstrap, group, (topic,), sink, on_stall=stalls, stall_seconds=1.0
    ) as loop:
        await asyncio.wait_for(sink.entered.wait(), 25)
        assert loop.ready.is_set()
        await until(lambda: stalls.count > 0)
        # The consumer has read all of them, but none is written: all count as lag.
        await until(lambda: lag(topic) == 7)
        await asyncio.sleep(1.5)
        assert stalls.count == 1
        assert committed(broker.bootstrap, group, topic) == {}
        sink.released.set()
        await until(lambda: committed(broker.bootstrap, group, topic) == ends(positions))
        await until(lambda: lag(topic) == 0)
    assert len(sink.written) == 7


async def test_further_batches_are_written_while_others_are_finished_and_committed_after(
    broker: EmbeddedBroker,
) -> None:
    topic, group = "unfinished", "group-unfinished"
    positions = await publish(broker, topic, 100)
    sink = UnfinishedSink(failures=2)
    async with running(broker.bootstrap, group, (topic,), sink, batch_rows=5):
        # Twelve batches and no more: the number of written, unfinished batches is bounded.
        await until(lambda: len(sink.attempts) == 12)
        await asyncio.sleep(0.7)
        assert len(sink.attempts) == 12
        assert committed(broker.bootstrap, group, topic) == {}
        sink.let.set()
        await until(lambda: committed(broker.bootstrap, group, topic) == ends(positions))
    assert sorted(sink.finished) == sorted((topic, p.partition, p.offset) for p in positions)
    # Several batches are finished at once: the first few, then those written meanwhile.
    assert sink.finish_failures == 0
    assert sink.finishes < len(sink.attempts)


async def test_a_full_batch_after_which_nothing_comes_is_finished(broker: EmbeddedBroker) -> None:
    topic, group = "full", "group-full"
    positions = await publish(broker, topic, 30)
    async with running(broker.bootstrap, group, (topic,), FailingSink(), batch_rows=30):
        await until(lambda: committed(broker.bootstrap, group, topic) == ends(positions))


async def test_what_was_written_and_not_finished_is_read_again(broker: EmbeddedBroker) -> None:
    topic, group = "cut-off", "group-cut-off"
    positions = await publish(broker, topic, 12)
    lost = UnfinishedSink()
    async with running(broker.bootstrap, group, (topic,), lost) as loop:
        await until(lambda: len(lost.written) == 12)
        await loop.stop()
    assert committed(broker.bootstrap, group, topic) == {}
    sink = FailingSink()
    async with running(broker.bootstrap, group, (topic,), sink):
        await until(lambda: committed(broker.bootstrap, group, topic) == ends(positions))
    assert sorted(sink.written) == sorted((topic, p.partition, p.offset) for p in positions)


async def test_a_loop_that_stops_finishes_what_it_wrote(broker: EmbeddedBroker) -> None:
    topic, group = "drained", "group-drained"
    positions = await publish(broker, topic, 12)
    sink = UnfinishedSink()
    async with running(broker.bootstrap, group, (topic,), sink) as loop:
        await until(lambda: len(sink.written) == 12)
        await loop.stop()
        sink.let.set()
    assert committed(broker.bootstrap, group, topic) == ends(positions)


class DeafLoop(BatchLoop):
    """Fetches nothing and raises nothing, as was observed of stalled consumers."""

    deaf = True

    async def _poll(self, consumer: AIOKafkaConsumer) -> list[KafkaRecord]:
        if self.deaf:
            await asyncio.sleep(0.05)
            return []
        return await super()._poll(consumer)


async def test_a_consumer_that_fetches_nothing_stalls_and_an_idle_one_does_not(
    broker: EmbeddedBroker,
) -> None:
    await publish(broker, "deaf", 3)
    await publish(broker, "idle", 3)
    sink, deaf, idle = FailingSink(), Stalls(), Stalls()
    subscription = Subscription(broker.bootstrap, "group-deaf", ("deaf",), 10, 0.1, 1.0, 8.0)
    loop = DeafLoop(subscription, sink, on_stall=deaf)
    task = asyncio.create_task(loop.run())
    async with running(
        broker.bootstrap, "group-idle", ("idle",), sink, on_stall=idle, stall_seconds=1.0
    ):
        await until(lambda: len(sink.written) == 3)
        await until(lambda: deaf.count == 1)
        await asyncio.sleep(1.5)
    await loop.stop()
    await asyncio.wait_for(task, 10)
    assert (deaf.count, idle.count) == (1, 0)
    assert {topic for topic, _, _ in sink.written} == {"idle"}


async def test_one_bad_row_among_a_thousand_is_refused_alone(broker: EmbeddedBroker) -> None:
    ledger = RefusingLedger("bad")
    events = [order("03-01", 1, "03-20", id=f"good-{at}") for at in range(999)]
    events.insert(617, order("03-01", 1, "03-20", id="bad"))
    producer = EventProducer(broker.bootstrap)
    sink = LedgerSink(ledger, Rejections(producer))
    positions = await producer.publish([event_record(accepted(event)) for event in events])
    group = "group-bad-row"
    async with running(broker.bootstrap, group, (ORDERS,), sink):
        await until(lambda: committed(broker.bootstrap, group, ORDERS) == ends(positions))
    assert {name for _, name in ledger.stored} == {e["id"] for e in events} - {"bad"}
    # Halving finds it in twice the depth of a tree of a thousand leaves, not a thousand attempts.
    assert len(ledger.batches) < 60
    refused = await asyncio.to_thread(rejected, broker)
    await producer.close()
    assert [(row["reason"], row["event_id"], row["sender"]) for row in refused] == [
        ("store", "bad", "B1")
    ]
    where = positions[617]
    assert refused[0]["id"].startswith(f"{ORDERS}:{where.partition}:{where.offset}:")
    (fault,) = json.loads(refused[0]["errors"])
    assert "Cannot parse input" in fault["message"]
    assert json.loads(refused[0]["value"])["id"] == "bad"


def rejected(broker: EmbeddedBroker) -> list[dict[str, Any]]:
    """Return the records of `rantai.rejected`; assert that a header repeats each reason."""
    consumer = KafkaConsumer(bootstrap_servers=[broker.bootstrap], group_id=None)
    try:
        place = TopicPartition(REJECTED, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        rows: list[dict[str, Any]] = []
        while len(rows) < end:
            for record in consumer.poll(timeout_ms=500).get(place, []):
                row: dict[str, Any] = json.loads(record.value)
                assert dict(record.headers)["reason"].decode() == row["reason"]
                rows.append(row)
        return rows
    finally:
        consumer.close()
