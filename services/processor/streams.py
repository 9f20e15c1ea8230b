"""Streams: what Faust's agents hand on, where a record needs a decision before it is passed on.

An agent only hands its events to a queue; a task takes them from there in batches, makes them
safe, and acknowledges them in their order. Faust acknowledges what an agent was at when it ends,
by error or by shutdown; with manual acknowledgement after the write, neither can lose an event.
"""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.processor.sink import KafkaRecord, Sink
from services.store.client import StoreUnavailable
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.processor")
_BATCH: Final = 1000
_LONGEST_BACKOFF: Final = 5.0


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A Kafka record as a sink reads it; `timestamp` in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Stream:
    """One sink fed by an agent: the queue between them and the task that empties it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._events: asyncio.Queue[Any] = asyncio.Queue(maxsize=2 * _BATCH)
        self.working_since: float | None = None
        """When the batch at hand was begun, on the clock that never goes back."""
        self.finished = 0
        """Batches that were made safe."""

    async def feed(self, stream: Any) -> None:
        """Agent body: hand every event on. Waits while the sink is behind."""
        async for event in stream.noack().events():
            await self._events.put(event)

    async def drain(self) -> None:
        """Write batches until cancelled."""
        while True:
            events = [await self._events.get()]
            while len(events) < _BATCH and not self._events.empty():
                events.append(self._events.get_nowait())
            self.working_since = time.monotonic()
            await write_until_taken(self._sink, [stream_record(event) for event in events])
            self.working_since = None
            self.finished += 1
            for event in events:
                event.ack()


async def write_until_taken(sink: Sink, records: Sequence[KafkaRecord]) -> None:
    """Write a batch again and again while the store is away; until cancelled, or it is taken."""
    backoff = 0.1
    while True:
        try:
            await sink.write(records)
            return
        except StoreUnavailable as error:
            log(
                _LOGGER,
                "stream_retries",
                level=logging.WARNING,
                topic=records[0].topic,
                error=str(error)[:300],
            )
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311
            backoff = min(backoff * 2, _LONGEST_BACKOFF)


def stream_record(event: Any) -> StreamRecord:
    """Return a Faust event as a sink reads it."""
    message = event.message
    headers = message.headers or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return StreamRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=int(message.timestamp * 1000),
        value=message.value,
        # A header may have no value: null, as the protocol has it.
        headers=tuple((str(name), bytes(value or b"")) for name, value in pairs),
    )
