"""The batch loop: one in-order consumer, from poll to committed offset.

A checkpoint is, in this order:
1. poll records of the assigned partitions: a full batch, or what arrives within `linger` seconds;
2. write them to the sink, retrying the same batch while the store is unavailable;
3. finish what was written, while the next batches are polled and written;
4. publish the reached offsets to `SinkProgress`, for requests that wait for their events;
5. commit the offsets explicitly, each one past the last record of its partition.
After a crash between 2 and 5 the batches are read again; the sink keeps each event once.
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
from services.kafka.topics import BrokerUnavailable
from services.processor.sink import UNAVAILABLE, FinishingSink, KafkaRecord
from services.telemetry.logs import log
from services.telemetry.metrics import OFFSET_LAG, RETRIES

_LOGGER: Final = logging.getLogger("rantai.processor")
_FIRST_BACKOFF: Final = 0.1
_LONGEST_BACKOFF: Final = 5.0
_POLL_SECONDS: Final = 0.5
_FINISHED_AT_ONCE: Final = 6
"""Full batches that are finished together: documents that several of them touch are folded once."""

_MOST_UNFINISHED: Final = 12
"""Most batches that may be written but not finished.

More would mean more to read again after a crash, and longer waits for the senders of their events.
"""

_OBJECTS_A_COLLECTION: Final = 100_000
"""Threshold of the youngest generation of Python's cycle collector: see `_spare_the_collector`."""

FETCHED_BYTES: Final = {
    "fetch_max_bytes": 64 * 1024 * 1024,
    "max_partition_fetch_bytes": 8 * 1024 * 1024,
}


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a loop reads and how.

    `linger`, `stall_seconds` and `session_seconds` are in seconds. `alone`: no other process reads
    these topics, so the loop takes all partitions at once without forming a consumer group.
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
    """The partitions of a topic that this process reads, out of `of` partitions."""

    partitions: frozenset[int]
    of: int

    def share(self, partition: int) -> bool:
        """Return whether this process also reads a partition of another topic.

        `InboundReader` calls it: partition p belongs to the process that holds p modulo `of`.
        """
        return self.of > 0 and partition % self.of in self.partitions


NOTHING_HELD: Final = HeldPartitions(frozenset(), 0)


class _RebalanceCounter(ConsumerRebalanceListener):
    """Counts the partition assignments: a new one starts a new term."""

    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, revoked: object) -> None:
        """Do nothing: what is not committed is read again by the next owner."""

    def on_partitions_assigned(self, assigned: object) -> None:
        """Count the assignment."""
        self.count += 1


class BatchLoop:
    """Reads, writes and commits until stopped.

    `on_stall` is called once, if there are records to read or to write and no batch was finished
    for `stall_seconds`: such a loop is better restarted than left stalled without an error.
    `ahead` is applied to each record as it is read, while the previous batch is written.
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
        self._rebalances = _RebalanceCounter()
        self.ready = asyncio.Event()

    @property
    def held(self) -> HeldPartitions:
        """The partitions of the first topic that this loop reads."""
        if self._consumer is None:
            return NOTHING_HELD
        first = self._subscription.topics[0]
        held = (place.partition for place in self._consumer.assignment() if place.topic == first)
        return HeldPartitions(
            frozenset(held), len(self._consumer.partitions_for_topic(first) or ())
        )

    @property
    def term(self) -> int | None:
        """The number of the term in which this loop leads its group; None while it does not lead.

        The loop that holds the first partition of the first topic leads. Every assignment of
        partitions starts a new term.
        """
        first = TopicPartition(self._subscription.topics[0], 0)
        if self._consumer is None or first not in self._consumer.assignment():
            return None
        return self._rebalances.count

    async def run(self) -> None:
        """Read and write until `stop`. Retries on `UNAVAILABLE` and raises any other error."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._subscription.bootstrap,
            group_id=self._subscription.group,
            enable_auto_commit=False,
            # A new group starts at the earliest record, so that no waiting record is skipped.
            auto_offset_reset="earliest",
            max_poll_records=self._subscription.batch_rows,
            **FETCHED_BYTES,
            session_timeout_ms=int(self._subscription.session_seconds * 1000),
            heartbeat_interval_ms=int(self._subscription.session_seconds * 100),
            rebalance_timeout_ms=10_000,
            max_poll_interval_ms=600_000,
        )
        if not self._subscription.alone:
            consumer.subscribe(self._subscription.topics, listener=self._rebalances)
        await consumer.start()
        if self._subscription.alone:
            await self._take_all(consumer)
        self._consumer = consumer
        self._life = None if self._progress is None else self._progress.life
        _spare_the_collector()
        # Two tasks: a request to the broker that hangs must not stop the stall watch.
        side_tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._measure(consumer)),
        ]
        finishing = asyncio.create_task(self._finish_written(consumer))
        try:
            polling = asyncio.create_task(self._poll(consumer))
            side_tasks.append(polling)
            while not self._stopping.is_set() and not finishing.done():
                raise_failed(side_tasks)
                records = await polling
                # The next batch is read while this one is written. Only finished offsets are
                # committed, so a batch that is read and never written is read again.
                polling = side_tasks[-1] = asyncio.create_task(self._poll(consumer))
                if consumer.assignment():
                    self.ready.set()
                if records:
                    self._working_since = self._working_since or time.monotonic()
                    await self._write(records)
                    await self._hand_over(records, finishing)
                elif self._reached:
                    self._written.set()  # no more records: finish the full batches at hand
            # Finish what is written before the partitions are released.
            self._written.set()
            await finishing
        finally:
            for task in (*side_tasks, finishing):
                task.cancel()
            self._consumer = None
            await asyncio.gather(*side_tasks, finishing, return_exceptions=True)
            await consumer.stop()

    async def _take_all(self, consumer: AIOKafkaConsumer) -> None:
        await consumer.topics()  # makes the client fetch the metadata that is read below
        consumer.assign(
            [
                TopicPartition(topic, partition)
                for topic in self._subscription.topics
                for partition in sorted(consumer.partitions_for_topic(topic) or ())
            ]
        )
        self._rebalances.count += 1

    async def _hand_over(
        self, records: Sequence[KafkaRecord], finishing: "asyncio.Task[None]"
    ) -> None:
        """Pass a written batch on to be finished; wait while too many are unfinished."""
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
        """Finish all written batches together, repeatedly, until stopped and nothing is left."""
        while self._reached or not self._stopping.is_set():
            await self._written.wait()
            self._written.clear()
            if not self._reached:
                continue
            reached, self._reached = self._reached, {}
            count = self._unfinished
            await self._retry_while_unavailable(self._sink.finish)
            await self._checkpoint(consumer, reached)
            self._unfinished -= count
            self._room.set()
            self._unread_since = None
            self._working_since = time.monotonic() if self._unfinished else None

    async def stop(self) -> None:
        """Ask `run` to end after the current batch; idempotent."""
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
        await self._retry_while_unavailable(lambda: self._sink.write(records))

    async def _retry_while_unavailable(self, work: Callable[[], Awaitable[None]]) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            try:
                await work()
                return
            except UNAVAILABLE as error:
                if self._stopping.is_set():
                    # Nothing is committed: the next owner of the partitions reads the batch again.
                    raise asyncio.CancelledError from None
                RETRIES.inc()
                log(
                    _LOGGER,
                    "broker_unavailable"
                    if isinstance(error, BrokerUnavailable)
                    else "store_unavailable",
                    level=logging.WARNING,
                    error=str(error)[:300],
                    retry_in_seconds=round(backoff, 2),
                )
                # Jitter: processes that failed together should not retry together.
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
            # The partitions have moved to another process, which reads the batch again.
            log(_LOGGER, "commit_too_late", level=logging.WARNING, error=repr(error)[:300])

    async def _watch(self) -> None:
        """Call `on_stall` and end when no batch was finished for `stall_seconds`."""
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
        """Measure the lag, and since when records wait: a consumer may silently stop fetching."""
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                unread = await self._look(consumer)
            except (KafkaError, AssertionError):
                unread = False  # during a reassignment, or no broker: the next look finds out
            self._unread_since = (self._unread_since or time.monotonic()) if unread else None

    async def _look(self, consumer: AIOKafkaConsumer) -> bool:
        assigned = consumer.assignment()
        for place in self._measured - assigned:
            # Its new owner reports its lag; the last value measured here would stay for ever.
            OFFSET_LAG.remove(place.topic, str(place.partition))
        self._measured &= assigned
        self._committed = {p: offset for p, offset in self._committed.items() if p in assigned}
        found = await unread(consumer)
        for place, (position, end) in found.items():
            # Records that are read but not yet committed still count as lag.
            lag = end - min(position, self._committed.get(place, position))
            OFFSET_LAG.labels(place.topic, str(place.partition)).set(max(0, lag))
            self._measured.add(place)
        return any(position < end for position, end in found.values())

    @property
    def _look_seconds(self) -> float:
        return min(2.0, self._subscription.stall_seconds / 4)


def raise_failed(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Raise the error of any finished task: a reader without its watch would stall unnoticed."""
    for task in tasks:
        if task.done():
            task.result()


async def unread(consumer: AIOKafkaConsumer) -> dict[TopicPartition, tuple[int, int]]:
    """Return the read position and the end offset of each assigned partition.

    Raises KafkaError, IllegalStateError or AssertionError during a reassignment.
    """
    places = list(consumer.assignment())
    ends = await consumer.end_offsets(places) if places else {}
    return {
        # The embedded broker reports the first offset of its last batch as the end.
        place: (await consumer.position(place), max(end, consumer.highwater(place) or 0))
        for place, end in ends.items()
    }


@cache
def _spare_the_collector() -> None:
    """Keep Python's cycle collector from scanning the whole process several times a batch.

    A batch is some hundred thousand objects without cycles, which are freed once it is written.
    With the interpreter's defaults, scanning them and everything imported for cycles takes an
    eighth of the sink's time. Runs once in a process: frozen objects are never collected.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_A_COLLECTION, 20, 20)
