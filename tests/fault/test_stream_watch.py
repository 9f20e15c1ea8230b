"""The stream watch: a stall is reported once; an idle or slow stream is no stall."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final

import pytest
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from services.processor.stream_watch import StreamWatch
from services.processor.streams import Stream
from tests.fault.doubles import BlockingSink, FailingSink
from tests.fault.loops import Stalls, until

pytestmark = pytest.mark.anyio
PLACE: Final = TP("rantai.inbound.B1", 0)
STALL_SECONDS: Final = 1.0


class DeafConsumer:
    """Has a partition of ten records, reads none of them and raises nothing."""

    reads = 0

    def __init__(self, position: int) -> None:
        self.at = position

    def assignment(self) -> set[TP]:
        return {PLACE}

    async def highwaters(self, *places: TP) -> dict[TP, int]:
        return dict.fromkeys(places, 10)

    async def position(self, place: TP) -> int:
        assert place == PLACE
        self.at = min(10, self.at + self.reads)
        return self.at


class SlowConsumer(DeafConsumer):
    """Reads one record each time the watch looks."""

    reads = 1


class UnstartedConsumer(DeafConsumer):
    """Raises ConsumerNotStarted, as Faust's consumer does between two starts."""

    def assignment(self) -> set[TP]:
        raise ConsumerNotStarted("not yet")


@asynccontextmanager
async def watched(consumer: DeafConsumer, stream: Stream, stalls: Stalls) -> AsyncIterator[None]:
    """Run a stream, and a watch over it, as long as the context lasts."""
    app: Any = SimpleNamespace(consumer=consumer)
    watch = StreamWatch(app, [stream], STALL_SECONDS, stalls)
    await watch.start()
    draining = asyncio.create_task(stream.drain())
    yield
    draining.cancel()
    await watch.stop()


async def feed(stream: Stream, count: int) -> None:
    """Feed `count` events to a stream, as its agent does."""

    class Events:
        def noack(self) -> Any:
            return self

        async def events(self) -> AsyncIterator[Any]:
            for at in range(count):
                message = SimpleNamespace(
                    topic=PLACE.topic,
                    partition=0,
                    offset=at,
                    timestamp=1.0,
                    value=b"",
                    headers=None,
                )
                yield SimpleNamespace(message=message, ack=lambda: None)

    await stream.feed(Events())


async def test_a_consumer_that_reads_nothing_stalls_once() -> None:
    stalls = Stalls()
    async with watched(DeafConsumer(4), Stream(FailingSink()), stalls):
        await until(lambda: stalls.count == 1)
        await asyncio.sleep(1.5 * STALL_SECONDS)
    assert stalls.count == 1


async def test_a_batch_that_does_not_end_stalls_once() -> None:
    stalls, sink = Stalls(), BlockingSink()
    stream = Stream(sink)
    async with watched(DeafConsumer(10), stream, stalls):
        await feed(stream, 3)
        await until(lambda: stalls.count == 1)
        sink.released.set()
        await until(lambda: stream.finished == 1)
        await asyncio.sleep(1.5 * STALL_SECONDS)
    assert stalls.count == 1


@pytest.mark.parametrize("consumer", [DeafConsumer(10), SlowConsumer(0), UnstartedConsumer(0)])
async def test_an_idle_a_slow_and_an_unstarted_consumer_do_not_stall(
    consumer: DeafConsumer,
) -> None:
    stalls, stream = Stalls(), Stream(FailingSink())
    async with watched(consumer, stream, stalls):
        await feed(stream, 3)
        await asyncio.sleep(2 * STALL_SECONDS)
    assert stalls.count == 0


async def test_a_waiting_consumer_does_not_stall_while_batches_are_finished() -> None:
    """A consumer whose stream is full pauses: its position does not move while the sink works."""
    stalls, stream = Stalls(), Stream(FailingSink())
    async with watched(DeafConsumer(4), stream, stalls):
        for _ in range(12):
            await feed(stream, 3)
            await asyncio.sleep(STALL_SECONDS / 5)
        assert stalls.count == 0
        assert stream.finished >= 3
        await until(lambda: stalls.count == 1)
