"""Reads the inbound topics, `rantai.inbound.<partner>`, which appear and disappear while it runs.

The reader is not a member of a consumer group: with manual assignment it adds and releases
partitions without a rebalance, so a new sender does not affect other readers. Several processors
divide the partitions by what each holds of the ledger's first topic, whose number of partitions is
fixed. While that topic is being reassigned, two processors may briefly read the same records: the
ledger keeps each event once, and a repeated refusal replaces the first.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.kafka.lag import INBOUND_GROUP, inbound_start_offsets
from services.kafka.topics import BrokerUnavailable, inbound_partitions
from services.processor.batches import FETCHED_BYTES, HeldPartitions, raise_failed, unread
from services.processor.sink import Sink
from services.processor.streams import write_until_taken
from services.runtime.parts import OnStall
from services.telemetry.logs import log
from services.telemetry.metrics import OFFSET_LAG

_LOGGER: Final = logging.getLogger("rantai.processor")
_BATCH: Final = 1000
_POLL_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 10.0


_TRANSIENT: Final = (KafkaError, IllegalStateError, AssertionError)
"""Errors raised while partitions are being reassigned, or while no broker answers."""


@dataclass(frozen=True, slots=True)
class InboundSettings:
    """The broker, how often to look for topics, and when a reader has stalled; times in seconds."""

    bootstrap: str
    discovery_seconds: float
    stall_seconds: float


class InboundReader:
    """Finds inbound topics, reads them, writes to the sink, commits; one run of a process part.

    `held` returns the partitions of the ledger's first topic that this process reads. `on_stall` is
    called if a batch takes longer than `stall_seconds`, or if records wait that long unread.
    """

    def __init__(
        self,
        reading: InboundSettings,
        sink: Sink,
        held: Callable[[], HeldPartitions],
        on_stall: OnStall,
    ) -> None:
        self._reading, self._sink, self._held, self._on_stall = reading, sink, held, on_stall
        self.ready = asyncio.Event()
        self.idle_since: float | None = None
        """Since when no records arrive, by `time.monotonic`; None while they do."""
        self._stopping = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._topics: dict[str, int] = {}
        self._assigned: set[TopicPartition] = set()
        self._reached: dict[TopicPartition, int] = {}
        """The next offset to read of each assigned partition."""
        self._busy_since: float | None = None
        self._unread_since: float | None = None

    async def stop(self) -> None:
        """Ask `run` to end after the current batch."""
        self._stopping.set()

    async def all_read(self) -> bool:
        """Return whether every record that the broker holds is written and committed.

        `cli.broker_life` calls it before it restarts the embedded broker, which loses its records.
        """
        consumer = self._consumer
        if consumer is None or self.idle_since is None:
            return False
        try:
            found = await unread(consumer)
        except _TRANSIENT:
            return False
        return self.idle_since is not None and all(at >= end for at, end in found.values())

    async def run(self) -> None:
        """Read and write until `stop`. Raises any error of the consumer."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._reading.bootstrap,
            group_id=INBOUND_GROUP,  # only stores offsets; it has no members
            enable_auto_commit=False,
            # A new topic is read from its earliest record, so that no waiting record is skipped.
            auto_offset_reset="earliest",
            max_poll_records=_BATCH,
            **FETCHED_BYTES,
        )
        await consumer.start()
        self._consumer = consumer
        side_tasks = [
            asyncio.create_task(self._discover()),
            asyncio.create_task(self._watch(consumer)),
        ]
        try:
            while not self._stopping.is_set():
                raise_failed(side_tasks)
                await self._assign(consumer)
                await self._read(consumer)
        finally:
            self._consumer = None
            for task in side_tasks:
                task.cancel()
            await asyncio.gather(*side_tasks, return_exceptions=True)
            for place in self._assigned:
                _forget_lag(place)
            await consumer.stop()

    async def _discover(self) -> None:
        while True:
            try:
                self._topics = await asyncio.to_thread(inbound_partitions, self._reading.bootstrap)
                self.ready.set()
            except BrokerUnavailable as error:
                log(_LOGGER, "discovery_failed", level=logging.WARNING, error=str(error)[:200])
            # Jitter: processors that start together should not query the broker together.
            await asyncio.sleep(self._reading.discovery_seconds * random.uniform(0.8, 1.0))  # noqa: S311

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        """Add and release partitions if the wanted ones differ from those assigned.

        Only called between two batches, when everything that was read is written and committed.
        """
        wanted = set(self._wanted())
        if wanted == self._assigned:
            return
        new, gone = wanted - self._assigned, self._assigned - wanted
        if new:
            try:
                begins = await asyncio.to_thread(
                    inbound_start_offsets, self._reading.bootstrap, new
                )
            except BrokerUnavailable as error:
                # A topic that was just created may have no leader yet: the next round tries again.
                log(_LOGGER, "begins_unknown", level=logging.WARNING, error=str(error)[:200])
                return
            self._reached |= {TopicPartition(*place): at for place, at in begins.items()}
        for place in gone:
            _forget_lag(place)
            del self._reached[place]
        if not wanted:
            consumer.unsubscribe()
        else:
            consumer.assign(sorted(wanted))
            # Each assignment makes the client forget its positions of all partitions. Asking the
            # broker for them takes time proportional to the number of senders: if new senders
            # came faster than that, nothing would ever be read.
            for place, offset in self._reached.items():
                consumer.seek(place, offset)
        self._assigned = wanted
        for change, places in (("inbound_taken_up", new), ("inbound_given_back", gone)):
            if places:
                topics = sorted({place.topic for place in places})
                log(_LOGGER, change, topics=topics[:20], partitions=len(places))

    def _wanted(self) -> Iterable[TopicPartition]:
        held = self._held()
        for topic, partitions in self._topics.items():
            for partition in range(partitions):
                if held.share(partition):
                    yield TopicPartition(topic, partition)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        if not self._assigned:
            self.idle_since = self.idle_since or time.monotonic()
            await asyncio.sleep(min(_POLL_SECONDS, self._reading.discovery_seconds))
            return
        polled = await consumer.getmany(timeout_ms=int(1000 * _POLL_SECONDS), max_records=_BATCH)
        records = [record for some in polled.values() for record in some]
        if not records:
            self.idle_since = self.idle_since or time.monotonic()
            return
        self.idle_since, self._busy_since = None, time.monotonic()
        await write_until_taken(self._sink, records)
        self._busy_since = None
        reached = {place: some[-1].offset + 1 for place, some in polled.items()}
        self._reached |= reached
        await _commit(consumer, reached)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        look = min(_LOOK_SECONDS, self._reading.stall_seconds / 4)
        while True:
            await asyncio.sleep(look)
            waiting = await self._measure_lag(consumer)
            now = time.monotonic()
            reading = waiting and self._busy_since is None
            self._unread_since = (self._unread_since or now) if reading else None
            since = self._busy_since or self._unread_since
            if since is not None and now - since > self._reading.stall_seconds:
                log(
                    _LOGGER,
                    "inbound_stalled",
                    level=logging.WARNING,
                    seconds=round(now - since, 1),
                )
                await self._on_stall()
                return

    async def _measure_lag(self, consumer: AIOKafkaConsumer) -> bool:
        """Measure the lag of the assigned partitions; return whether any records are unread."""
        try:
            found = await unread(consumer)
        except _TRANSIENT:
            return False  # during a reassignment, or no broker: the next look finds out
        for place, (position, end) in found.items():
            OFFSET_LAG.labels(place.topic, str(place.partition)).set(max(0, end - position))
        return any(position < end for position, end in found.values())


async def _commit(consumer: AIOKafkaConsumer, reached: Mapping[TopicPartition, int]) -> None:
    try:
        await consumer.commit(dict(reached))
    except (CommitFailedError, IllegalStateError) as error:
        # What is not committed is read again; the ledger keeps each event once.
        log(_LOGGER, "commit_failed", level=logging.WARNING, error=repr(error)[:300])


def _forget_lag(place: TopicPartition) -> None:
    # Its new owner reports its lag; the last value measured here would stay for ever.
    try:
        OFFSET_LAG.remove(place.topic, str(place.partition))
    except KeyError:
        return  # it was never measured
