"""Reads the senders' own topics, `rantai.inbound.<partner>`, which come and go while it runs.

It is no member of a group: a consumer with manual assignment takes up and gives back partitions
without a rebalance, so a new sender changes nothing for any other reader. Several processors divide
the partitions by what each holds of the ledger's first topic, whose number of partitions is fixed.
When that is dealt out anew, two of them may read the same records for a moment: the ledger keeps
each event once, and a refusal replaces itself.
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

from services.kafka.lag import INBOUND_GROUP, inbound_begins
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


_BETWEEN: Final = (KafkaError, IllegalStateError, AssertionError)
"""Raised while partitions are being assigned, or no broker answers."""


@dataclass(frozen=True, slots=True)
class InboundSettings:
    """Where a reader reads, and how often it looks; times in seconds."""

    bootstrap: str
    discovery_seconds: float
    stall_seconds: float


class InboundReader:
    """One run: looks for topics, reads, writes to the sink, commits.

    `held`: what this process reads of the ledger's first topic. `on_stall` is called where a batch
    takes longer than `stall_seconds`, or where records wait and none is read.
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
        self.drained_since: float | None = None
        """Since when nothing came, on the clock that never goes back; None where something does."""
        self._stopping = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._there: dict[str, int] = {}
        self._assigned: set[TopicPartition] = set()
        self._reached: dict[TopicPartition, int] = {}
        """The next offset of everything that is assigned."""
        self._busy_since: float | None = None
        self._unread_since: float | None = None

    async def stop(self) -> None:
        """End after the batch at hand."""
        self._stopping.set()

    async def all_read(self) -> bool:
        """Return whether every record that the broker has now is written and committed."""
        consumer = self._consumer
        if consumer is None or self.drained_since is None:
            return False
        try:
            found = await unread(consumer)
        except _BETWEEN:
            return False
        return self.drained_since is not None and all(at >= end for at, end in found.values())

    async def run(self) -> None:
        """Read and write until `stop`. Raises what the consumer raises."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._reading.bootstrap,
            group_id=INBOUND_GROUP,  # under which offsets are kept; it has no members
            enable_auto_commit=False,
            # A new topic is read from its earliest record: nothing that waits is passed over.
            auto_offset_reset="earliest",
            max_poll_records=_BATCH,
            **FETCHED_BYTES,
        )
        await consumer.start()
        self._consumer = consumer
        beside = [
            asyncio.create_task(self._discover()),
            asyncio.create_task(self._watch(consumer)),
        ]
        try:
            while not self._stopping.is_set():
                raise_failed(beside)
                await self._assign(consumer)
                await self._read(consumer)
        finally:
            self._consumer = None
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            for place in self._assigned:
                _forget_lag(place)
            await consumer.stop()

    async def _discover(self) -> None:
        while True:
            try:
                self._there = await asyncio.to_thread(inbound_partitions, self._reading.bootstrap)
                self.ready.set()
            except BrokerUnavailable as error:
                log(_LOGGER, "discovery_failed", level=logging.WARNING, error=str(error)[:200])
            # Jitter: processors that start together should not ask together.
            await asyncio.sleep(self._reading.discovery_seconds * random.uniform(0.8, 1.0))  # noqa: S311

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        """Take up and give back partitions, where they are others than those at hand.

        Between two batches only: everything that was read is written and committed then.
        """
        wanted = set(self._wanted())
        if wanted == self._assigned:
            return
        new, gone = wanted - self._assigned, self._assigned - wanted
        if new:
            try:
                begins = await asyncio.to_thread(inbound_begins, self._reading.bootstrap, new)
            except BrokerUnavailable as error:
                # A topic made this moment may have no leader yet: the next round asks again.
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
            # The client forgets where it was with each assignment, of all partitions. To ask the
            # broker anew takes as long as there are senders: where new ones come faster than that,
            # nothing would ever be read.
            for place, offset in self._reached.items():
                consumer.seek(place, offset)
        self._assigned = wanted
        for change, places in (("inbound_taken_up", new), ("inbound_given_back", gone)):
            if places:
                topics = sorted({place.topic for place in places})
                log(_LOGGER, change, topics=topics[:20], partitions=len(places))

    def _wanted(self) -> Iterable[TopicPartition]:
        held = self._held()
        for topic, partitions in self._there.items():
            for partition in range(partitions):
                if held.share(partition):
                    yield TopicPartition(topic, partition)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        if not self._assigned:
            self.drained_since = self.drained_since or time.monotonic()
            await asyncio.sleep(min(_POLL_SECONDS, self._reading.discovery_seconds))
            return
        polled = await consumer.getmany(timeout_ms=int(1000 * _POLL_SECONDS), max_records=_BATCH)
        records = [record for some in polled.values() for record in some]
        if not records:
            self.drained_since = self.drained_since or time.monotonic()
            return
        self.drained_since, self._busy_since = None, time.monotonic()
        await write_until_taken(self._sink, records)
        self._busy_since = None
        reached = {place: some[-1].offset + 1 for place, some in polled.items()}
        self._reached |= reached
        await _commit(consumer, reached)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        look = min(_LOOK_SECONDS, self._reading.stall_seconds / 4)
        while True:
            await asyncio.sleep(look)
            waiting = await self._measured(consumer)
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

    async def _measured(self, consumer: AIOKafkaConsumer) -> bool:
        """Measure the lag of what is assigned; return whether records wait that are not read."""
        try:
            found = await unread(consumer)
        except _BETWEEN:
            return False  # between two assignments, or no broker; the next look will tell
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
    # Whoever has it now tells its lag; what was last known here would stand for ever.
    try:
        OFFSET_LAG.remove(place.topic, str(place.partition))
    except KeyError:
        return  # it was never measured
