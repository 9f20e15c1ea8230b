"""The inbound reader: topics appear, disappear and are divided, and no record is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from aiokafka.consumer.fetcher import Fetcher
from kafka.admin import KafkaAdminClient
from kafka.structs import OffsetAndMetadata, TopicPartition

from schemas.catalogue import ORDERS, inbound_topic
from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.lag import INBOUND_GROUP, STREAMS_GROUP
from services.kafka.producer import EventProducer, Record
from services.kafka.topics import apply
from services.processor import inbound_reader
from services.processor.batches import NOTHING_HELD, HeldPartitions
from services.processor.inbound_reader import InboundReader, InboundSettings
from tests.fault.doubles import BlockingSink, FailingSink
from tests.fault.loops import Stalls, committed, until

pytestmark = pytest.mark.anyio
PARTITIONS = 3
ALL = HeldPartitions(frozenset(range(PARTITIONS)), PARTITIONS)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """Run a broker for one test only: a reader reads every inbound topic on its broker."""
    with EmbeddedBroker() as running:
        apply(running.bootstrap, partitions=PARTITIONS, replication=1)
        yield running


@dataclass
class Senders:
    """Partners that write to their inbound topics; `written` counts each record's position."""

    broker: EmbeddedBroker
    written: Counter[tuple[str, int, int]] = field(default_factory=Counter)

    async def join(self, *partners: str) -> None:
        """Create the inbound topics of partners."""
        await asyncio.to_thread(
            apply, self.broker.bootstrap, partners=partners, partitions=PARTITIONS, replication=1
        )

    async def write(self, partner: str, count: int) -> None:
        producer = EventProducer(self.broker.bootstrap)
        topic = inbound_topic(partner)
        records = [Record(topic, b"S%d" % at, b"{}") for at in range(count)]
        for place in await producer.publish(records):
            self.written[place.topic, place.partition, place.offset] += 1
        await producer.close()


@asynccontextmanager
async def reading(
    broker: EmbeddedBroker,
    sink: FailingSink | BlockingSink,
    held: Callable[[], HeldPartitions] = lambda: ALL,
    on_stall: Stalls | None = None,
    stall_seconds: float = 60.0,
) -> AsyncIterator[InboundReader]:
    settings = InboundSettings(broker.bootstrap, discovery_seconds=0.1, stall_seconds=stall_seconds)
    reader = InboundReader(settings, sink, held, on_stall or Stalls())
    task = asyncio.create_task(reader.run())
    try:
        yield reader
        assert not task.done()
    finally:
        await reader.stop()
        await asyncio.wait({task}, timeout=5)
        task.cancel()


def more_than(sink: FailingSink, count: int) -> bool:
    """Return whether the sink has written more than `count` records."""
    return len(sink.written) > count


async def test_topics_that_appear_while_it_reads_are_read_from_their_first_record(
    broker: EmbeddedBroker,
) -> None:
    senders, sink = Senders(broker), FailingSink()
    async with reading(broker, sink) as reader:
        await until(reader.ready.is_set)
        for number in range(6):
            await senders.join(f"B{number}")
            await senders.write(f"B{number}", 20)
            await senders.write("B0", 5)  # existing topics are still read
        await until(lambda: len(sink.written) >= senders.written.total())
        await until(lambda: reader.idle_since is not None)
        assert await reader.all_read()
    assert Counter(sink.written) == senders.written


async def test_a_deleted_topic_does_not_affect_the_others(broker: EmbeddedBroker) -> None:
    senders, sink = Senders(broker), FailingSink()
    await senders.join("GOES", "STAYS")
    async with reading(broker, sink):
        await senders.write("GOES", 5)
        await until(lambda: len(sink.written) == 5)
        admin = KafkaAdminClient(bootstrap_servers=[broker.bootstrap])
        admin.delete_topics([inbound_topic("GOES")])
        admin.close()
        await senders.write("STAYS", 30)
        await until(lambda: len(sink.written) == 35)
    assert Counter(sink.written) == senders.written


async def test_two_readers_divide_the_topics_as_the_ledger_topics_are_divided(
    broker: EmbeddedBroker,
) -> None:
    senders, sinks = Senders(broker), (FailingSink(), FailingSink())
    shares = [
        HeldPartitions(frozenset({0, 2}), PARTITIONS),
        HeldPartitions(frozenset({1}), PARTITIONS),
    ]
    await senders.join("B0", "B1")
    async with (
        reading(broker, sinks[0], lambda: shares[0]),
        reading(broker, sinks[1], lambda: shares[1]),
    ):
        for partner in ("B0", "B1"):
            await senders.write(partner, 60)
        await until(lambda: len(sinks[0].written) + len(sinks[1].written) >= 120)
        assert {place[1] for place in sinks[0].written} == {0, 2}
        assert {place[1] for place in sinks[1].written} == {1}
        # The second process ends: its group assigns all partitions of the ledger to the first.
        shares[1], shares[0] = NOTHING_HELD, ALL
        await senders.write("B1", 60)
        await until(lambda: len(sinks[0].written) + len(sinks[1].written) >= 180)
    assert Counter([*sinks[0].written, *sinks[1].written]) == senders.written


async def test_what_the_sink_did_not_take_is_written_again_and_committed_only_then(
    broker: EmbeddedBroker,
) -> None:
    senders, sink = Senders(broker), FailingSink(failures=3)
    topic = inbound_topic("B0")
    await senders.join("B0")
    await senders.write("B0", 12)
    async with reading(broker, sink):
        await until(lambda: len(sink.attempts) == 3)
        assert committed(broker.bootstrap, INBOUND_GROUP, topic) == {}
        await until(lambda: sum(committed(broker.bootstrap, INBOUND_GROUP, topic).values()) == 12)
    assert Counter(sink.written) == senders.written
    # A new reader continues at the committed offsets.
    later = FailingSink()
    async with reading(broker, later):
        await senders.write("B0", 3)
        await until(lambda: len(later.written) >= 3)
    assert Counter([*sink.written, *later.written]) == senders.written


async def test_it_continues_where_the_group_of_an_earlier_version_ended(
    broker: EmbeddedBroker,
) -> None:
    senders, sink = Senders(broker), FailingSink()
    topic = inbound_topic("B0")
    await senders.join("B0")
    await senders.write("B0", 30)
    ends = Counter(place[1] for place in senders.written)
    admin = KafkaAdminClient(bootstrap_servers=[broker.bootstrap])
    admin.alter_group_offsets(
        STREAMS_GROUP,
        {
            TopicPartition(topic, partition): OffsetAndMetadata(end, "", -1)
            for partition, end in ends.items()
        },
    )
    admin.close()
    senders.written.clear()
    await senders.write("B0", 9)
    async with reading(broker, sink):
        await until(lambda: len(sink.written) >= 9)
    assert Counter(sink.written) == senders.written


async def test_a_batch_that_does_not_end_stalls_once_and_idle_topics_never(
    broker: EmbeddedBroker,
) -> None:
    senders, blocked, stalls = Senders(broker), BlockingSink(), Stalls()
    await senders.join("B0", "IDLE")
    async with reading(broker, blocked, on_stall=stalls, stall_seconds=1.0):
        await asyncio.sleep(2.0)
        assert stalls.count == 0
        await senders.write("B0", 3)
        await until(lambda: stalls.count == 1)
        await asyncio.sleep(1.5)
        blocked.released.set()
    assert stalls.count == 1


async def test_it_does_not_read_the_ledgers_topics(broker: EmbeddedBroker) -> None:
    senders, sink = Senders(broker), FailingSink()
    producer = EventProducer(broker.bootstrap)
    await producer.publish([Record(ORDERS, b"S", b"{}")])
    await producer.close()
    await senders.join("B0")
    async with reading(broker, sink):
        await senders.write("B0", 1)
        await until(lambda: len(sink.written) >= 1)
    assert {topic for topic, _, _ in sink.written} == {inbound_topic("B0")}


async def test_a_reader_that_can_no_longer_discover_topics_raises(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it failed silently, no new sender would ever be read."""

    def broken(_: str) -> dict[str, int]:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(inbound_reader, "inbound_partitions", broken)
    settings = InboundSettings(broker.bootstrap, discovery_seconds=0.1, stall_seconds=60.0)
    reader = InboundReader(settings, FailingSink(), lambda: ALL, Stalls())
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await asyncio.wait_for(reader.run(), 30)


async def test_senders_that_join_faster_than_offsets_are_looked_up_delay_no_one(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new sender changes the assignment, and the client then forgets all its positions."""
    sink, senders = FailingSink(), Senders(broker)
    update = Fetcher._update_fetch_positions

    async def late(self: Fetcher, assignment: object, node: int, places: object) -> object:
        await asyncio.sleep(1.0)  # as with thousands of partitions on a busy machine
        return await update(self, assignment, node, places)

    monkeypatch.setattr(Fetcher, "_update_fetch_positions", late)
    await senders.join("B0")
    async with reading(broker, sink):
        await senders.write("B0", 1)
        await until(lambda: len(sink.written) == 1)

        async def keep_coming() -> None:
            for number in range(1, 1000):
                await senders.join(f"B{number}")
                await asyncio.sleep(0.1)

        coming = asyncio.create_task(keep_coming())
        try:
            for count in range(2, 12):
                await senders.write("B0", 1)
                await until(partial(more_than, sink, count - 1), 5)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
