"""Streams: write the records that Faust's agents read to a sink, in batches.

An agent only puts its events into a queue. A task takes them from there in batches, makes them safe
and acknowledges them in order. When an agent ends, by an error or a shutdown, Faust acknowledges
the event that it was handling; as events are acknowledged manually after the write, neither can
lose one.
"""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.processor.sink import UNAVAILABLE, KafkaRecord, Sink
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.processor")
_BATCH: Final = 1000
_LONGEST_BACKOFF: Final = 5.0


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A Kafka record in the form that sinks read (`KafkaRecord`); `timestamp` in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Stream:
    """A queue between a Faust agent (`feed`) and a sink, and the loop that empties it (`drain`)."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._events: asyncio.Queue[Any] = asyncio.Queue(maxsize=2 * _BATCH)
        self.working_since: float | None = None
        """When the current batch was begun, by `time.monotonic`; None between batches."""
        self.finished = 0
        """The number of batches made safe."""

    async def feed(self, stream: Any) -> None:
        """Body of the agent: queue every event. Waits while the queue is full."""
        async for event in stream.noack().events():
            await self._events.put(event)

    async def drain(self) -> None:
        """Write batches until cancelled. Raises any error of the sink but `UNAVAILABLE`."""
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
    """Write a batch, retrying with backoff while the sink is unavailable, until cancelled."""
    backoff = 0.1
    while True:
        try:
            await sink.write(records)
            return
        except UNAVAILABLE as error:
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
    """Convert a Faust event into the record that a sink reads."""
    message = event.message
    headers = message.headers or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return StreamRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=int(message.timestamp * 1000),
        value=message.value,
        # The Kafka protocol allows a header without a value (null).
        headers=tuple((str(name), bytes(value or b"")) for name, value in pairs),
    )
