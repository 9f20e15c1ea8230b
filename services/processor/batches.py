"""The batch loop: one in-order consumer, from poll to committed offset.

A checkpoint is, in this order:
1. poll records of the assigned partitions, a full batch or what came within `linger` seconds;
2. write them to the sink, the same batch again and again while the store is away;
3. finish what was written, while the next batches are polled and written;
4. tell who waits how far the sink has come;
5. commit the offsets explicitly, each one past the last record of its partition.
A crash between 2 and 5 reads the batches again; the sink keeps each event once.
"""

import asyncio
import gc
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.kafka.sink_progress import SinkProgress
from services.processor.sink import FinishingSink, KafkaRecord
from services.store.client import StoreUnavailable
from services.telemetry.logs import log
from services.telemetry.metrics import OFFSET_LAG, RETRIES

_LOGGER: Final = logging.getLogger("rantai.processor")
_FIRST_BACKOFF: Final = 0.1
_LONGEST_BACKOFF: Final = 5.0
_POLL_SECONDS: Final = 0.5
_FINISHED_AT_ONCE: Final = 6
"""Full batches that are finished together: what two of them concern is folded once."""

_MOST_UNFINISHED: Final = 12
"""Batches that are written and not finished: a crash reads them again, a sender waits for them."""

_OBJECTS_A_COLLECTION: Final = 100_000
FETCHED_BYTES: Final = {
    "fetch_max_bytes": 64 * 1024 * 1024,
    "max_partition_fetch_bytes": 8 * 1024 * 1024,
}


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a loop reads and how: its group, topics, batch size; times in seconds.

    `alone`: no other process reads there. It takes all partitions at once, without forming a group.
    """

    bootstrap: str
    group: str
    topics: tuple[str, ...]
    batch_rows: int
    linger: float
    stall_seconds: float
    session_seconds: float
    alone: bool = False


@dataclass(frozen=True, slots=True)
class HeldPartitions:
    """The partitions of a topic that one process reads, of so many."""

    partitions: frozenset[int]
    of: int

    def share(self, partition: int) -> bool:
        """Return whether a partition of another topic falls to this process, too."""
        return self.of > 0 and partition % self.of in self.partitions


NOTHING_HELD: Final = HeldPartitions(frozenset(), 0)


class _Dealt(ConsumerRebalanceListener):
    """Counts how often partitions were dealt out."""

    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, revoked: object) -> None:
        """Do nothing: what is not committed is read again."""

    def on_partitions_assigned(self, assigned: object) -> None:
        """Count."""
        self.count += 1


class BatchLoop:
    """Reads, writes, commits, until stopped.

    `on_stall` is called once, where there are records to read or to write and no batch was finished
    for `stall_seconds`: a loop in that state is better ended and started anew than left silent.
    `ahead` is applied to each record as it is read, while the batch before is written.
    """

    def __init__(
        self,
        subscription: Subscription,
        sink: FinishingSink,
        *,
        progress: SinkProgress | None = None,
        ahead: Callable[[KafkaRecord], KafkaRecord] | None = None,
        on_stall: Callable[[], Awaitable[None]],
    ) -> None:
        self._subscription = subscription
        self._sink = sink
        self._progress = progress
        self._ahead = ahead
        self._on_stall = on_stall
        self._stopping = asyncio.Event()
        self._reached: dict[TopicPartition, int] = {}
        self._unfinished = 0
        self._written = asyncio.Event()
        self._room = asyncio.Event()
        self._working_since: float | None = None
        self._unread_since: float | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._measured: set[TopicPartition] = set()
        self._consumer: AIOKafkaConsumer | None = None
        self._life: int | None = None
        self._dealt = _Dealt()
        self.ready = asyncio.Event()

    @property
    def held(self) -> HeldPartitions:
        """Which partitions of the first topic it reads."""
        if self._consumer is None:
            return NOTHING_HELD
        first = self._subscription.topics[0]
        held = (place.partition for place in self._consumer.assignment() if place.topic == first)
        return HeldPartitions(
            frozenset(held), len(self._consumer.partitions_for_topic(first) or ())
        )

    @property
    def term(self) -> int | None:
        """The number of the term in which this loop leads its group; None while it does not.

        Whoever has the first partition of the first topic leads. A term ends with every dealing out
        of partitions.
        """
        first = TopicPartition(self._subscription.topics[0], 0)
        if self._consumer is None or first not in self._consumer.assignment():
            return None
        return self._dealt.count

    async def run(self) -> None:
        """Read and write until `stop`. Raises what it can't go on after."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._subscription.bootstrap,
            group_id=self._subscription.group,
            enable_auto_commit=False,
            # A new group reads from the earliest record: nothing that waits is passed over.
            auto_offset_reset="earliest",
            max_poll_records=self._subscription.batch_rows,
            **FETCHED_BYTES,
            session_timeout_ms=int(self._subscription.session_seconds * 1000),
            heartbeat_interval_ms=int(self._subscription.session_seconds * 100),
            rebalance_timeout_ms=10_000,
            max_poll_interval_ms=600_000,
        )
        if not self._subscription.alone:
            consumer.subscribe(self._subscription.topics, listener=self._dealt)
        await consumer.start()
        if self._subscription.alone:
            await self._take_all(consumer)
        self._consumer = consumer
        self._life = None if self._progress is None else self._progress.life
        _spare_the_collector()
        # Two tasks: a look at the broker that never ends must not keep the other from its watch.
        beside: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._measure(consumer)),
        ]
        finishing = asyncio.create_task(self._finish_written(consumer))
        try:
            polling = asyncio.create_task(self._poll(consumer))
            beside.append(polling)
            while not self._stopping.is_set() and not finishing.done():
                raise_failed(beside)
                records = await polling
                # The next batch is read while this one is written; offsets are committed by what
                # was finished, so one that is read and never written is read again.
                polling = beside[-1] = asyncio.create_task(self._poll(consumer))
                if consumer.assignment():
                    self.ready.set()
                if records:
                    self._working_since = self._working_since or time.monotonic()
                    await self._write(records)
                    await self._hand_over(records, finishing)
                elif self._reached:
                    self._written.set()  # the last batch was a full one, and no more came
            # What is written is finished before the partitions are given back.
            self._written.set()
            await finishing
        finally:
            for task in (*beside, finishing):
                task.cancel()
            self._consumer = None
            await asyncio.gather(*beside, finishing, return_exceptions=True)
            await consumer.stop()

    async def _take_all(self, consumer: AIOKafkaConsumer) -> None:
        await consumer.topics()  # fetches what is known of all topics; the client has it then
        consumer.assign(
            [
                TopicPartition(topic, partition)
                for topic in self._subscription.topics
                for partition in sorted(consumer.partitions_for_topic(topic) or ())
            ]
        )
        self._dealt.count += 1

    async def _hand_over(
        self, records: Sequence[KafkaRecord], finishing: "asyncio.Task[None]"
    ) -> None:
        """Say what is written; wait while too much is written and not finished."""
        ends = {(record.topic, record.partition): record.offset + 1 for record in records}
        self._reached.update({TopicPartition(*place): end for place, end in ends.items()})
        self._unfinished += 1
        if len(records) < self._subscription.batch_rows or self._unfinished >= _FINISHED_AT_ONCE:
            self._written.set()
        while self._unfinished >= _MOST_UNFINISHED and not finishing.done():
            self._room.clear()
            waiting = asyncio.create_task(self._room.wait())
            await asyncio.wait({waiting, finishing}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def _finish_written(self, consumer: AIOKafkaConsumer) -> None:
        """Finish what is written, all of it at once, again and again until told to stop."""
        while self._reached or not self._stopping.is_set():
            await self._written.wait()
            self._written.clear()
            if not self._reached:
                continue
            reached, self._reached = self._reached, {}
            count = self._unfinished
            await self._again_while_away(self._sink.finish)
            await self._checkpoint(consumer, reached)
            self._unfinished -= count
            self._room.set()
            self._unread_since = None
            self._working_since = time.monotonic() if self._unfinished else None

    async def stop(self) -> None:
        """End after the batch at hand; idempotent."""
        self._stopping.set()

    async def _poll(self, consumer: AIOKafkaConsumer) -> list[KafkaRecord]:
        limit = self._subscription.batch_rows
        records = await self._fetch(consumer, _POLL_SECONDS, limit)
        deadline = time.monotonic() + self._subscription.linger
        while records and len(records) < limit:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            records.extend(await self._fetch(consumer, left, limit - len(records)))
        return records

    async def _fetch(
        self, consumer: AIOKafkaConsumer, seconds: float, limit: int
    ) -> list[KafkaRecord]:
        polled = await consumer.getmany(timeout_ms=int(seconds * 1000), max_records=limit)
        for place, records in polled.items():
            self._committed.setdefault(place, records[0].offset)
        read = [record for records in polled.values() for record in records]
        return read if self._ahead is None else [self._ahead(record) for record in read]

    async def _write(self, records: Sequence[KafkaRecord]) -> None:
        await self._again_while_away(lambda: self._sink.write(records))

    async def _again_while_away(self, work: Callable[[], Awaitable[None]]) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            try:
                await work()
                return
            except StoreUnavailable as error:
                if self._stopping.is_set():
                    # Nothing is committed: whoever takes over reads the batch again.
                    raise asyncio.CancelledError from None
                RETRIES.inc()
                log(
                    _LOGGER,
                    "store_unavailable",
                    level=logging.WARNING,
                    error=str(error)[:300],
                    retry_in_seconds=round(backoff, 2),
                )
                # Jitter: processes that failed together should not come back together.
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311
                backoff = min(backoff * 2, _LONGEST_BACKOFF)

    async def _checkpoint(
        self, consumer: AIOKafkaConsumer, reached: Mapping[TopicPartition, int]
    ) -> None:
        if self._progress is not None:
            places = {(place.topic, place.partition): at for place, at in reached.items()}
            await self._progress.advance(places, self._life)
        try:
            await consumer.commit(dict(reached))
            self._committed.update(reached)
        except (CommitFailedError, IllegalStateError) as error:
            # The partitions went to another process meanwhile; it reads the batch again.
            log(_LOGGER, "commit_too_late", level=logging.WARNING, error=repr(error)[:300])

    async def _watch(self) -> None:
        """Tell of a stall where nothing comes to an end."""
        while True:
            await asyncio.sleep(self._look_seconds)
            since = self._working_since or self._unread_since
            stalled = 0.0 if since is None else time.monotonic() - since
            if stalled > self._subscription.stall_seconds:
                log(
                    _LOGGER,
                    "sink_stalled",
                    level=logging.WARNING,
                    group=self._subscription.group,
                    seconds=round(stalled, 1),
                )
                await self._on_stall()
                return

    async def _measure(self, consumer: AIOKafkaConsumer) -> None:
        """Measure the lag; a consumer that silently fetches nothing is behind as well."""
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                unread = await self._look(consumer)
            except (KafkaError, AssertionError):
                unread = False  # between two assignments, or no broker; the next look will tell
            self._unread_since = (self._unread_since or time.monotonic()) if unread else None

    async def _look(self, consumer: AIOKafkaConsumer) -> bool:
        assigned = consumer.assignment()
        for place in self._measured - assigned:
            # Whoever has it now tells its lag; what was last known here would stand for ever.
            OFFSET_LAG.remove(place.topic, str(place.partition))
        self._measured &= assigned
        self._committed = {p: offset for p, offset in self._committed.items() if p in assigned}
        found = await unread(consumer)
        for place, (position, end) in found.items():
            # What is read and not yet written stands past the committed offset.
            lag = end - min(position, self._committed.get(place, position))
            OFFSET_LAG.labels(place.topic, str(place.partition)).set(max(0, lag))
            self._measured.add(place)
        return any(position < end for position, end in found.values())

    @property
    def _look_seconds(self) -> float:
        return min(2.0, self._subscription.stall_seconds / 4)


def raise_failed(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Raise what ended one of some tasks: a reader without its watch would stall in silence."""
    for task in tasks:
        if task.done():
            task.result()


async def unread(consumer: AIOKafkaConsumer) -> dict[TopicPartition, tuple[int, int]]:
    """Return how far each assigned partition is read, and where it ends.

    Raises KafkaError, IllegalStateError and AssertionError between two assignments.
    """
    places = list(consumer.assignment())
    ends = await consumer.end_offsets(places) if places else {}
    return {
        # The embedded broker tells the first offset of the last batch instead of its end.
        place: (await consumer.position(place), max(end, consumer.highwater(place) or 0))
        for place, end in ends.items()
    }


@cache
def _spare_the_collector() -> None:
    """Keep the cycle collector from looking at the whole process several times a batch.

    A batch is some hundred thousand objects without a cycle that go when it is written. With the
    interpreter's defaults, looking for cycles among them, and among all that was imported, takes
    an eighth of the sink's time. Once a process: what is frozen is never collected.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_A_COLLECTION, 20, 20)
