"""Run a batch loop against a broker, and read the offsets that it committed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from services.kafka.embedded_broker import EMBEDDED_SESSION_SECONDS
from services.processor.batches import BatchLoop, Subscription
from services.processor.sink import FinishingSink

WAIT_SECONDS = 25.0


class Stalls:
    """An `on_stall` callback that counts its calls."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


@asynccontextmanager
async def running(
    bootstrap: str,
    group: str,
    topics: tuple[str, ...],
    sink: FinishingSink,
    *,
    on_stall: Stalls | None = None,
    batch_rows: int = 1000,
    stall_seconds: float = 60.0,
) -> AsyncIterator[BatchLoop]:
    """Run a batch loop as long as the context lasts."""
    subscription = Subscription(
        bootstrap, group, topics, batch_rows, 0.2, stall_seconds, EMBEDDED_SESSION_SECONDS
    )
    loop = BatchLoop(subscription, sink, on_stall=on_stall or Stalls())
    task = asyncio.create_task(loop.run())
    try:
        yield loop
        assert not task.done() or task.exception() is None
    finally:
        await loop.stop()
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(5):
                await task
        task.cancel()


async def until(true: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait until a condition holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        await asyncio.sleep(0.05)


def committed(bootstrap: str, group: str, topic: str) -> dict[tuple[str, int], int]:
    """Return the offsets that a group committed, by topic and partition, as the broker has them."""
    admin = KafkaAdminClient(bootstrap_servers=[bootstrap])
    try:
        places = [TopicPartition(topic, partition) for partition in range(3)]
        offsets = admin.list_group_offsets({group: places})[group]
    finally:
        admin.close()
    return {
        (place.topic, place.partition): found.offset
        for place, found in offsets.items()
        if found.offset > 0
    }
