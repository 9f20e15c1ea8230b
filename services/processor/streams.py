"""Streams: the Faust agents, where a record needs a decision before it is passed on.

An agent only hands its events to a queue; a task takes them from there in batches, makes them
safe, and acknowledges them in their order. Faust acknowledges what an agent was at when it ends,
by error or by shutdown; with manual acknowledgement after the write, neither can lose an event.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import faust
from mode import Service

from services.bus.topics import BrokerUnavailable, inbound_topics
from services.processor.sink import Sink
from services.telemetry.logs import log
from services.warehouse.client import StoreUnavailable

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
            await self._write([stream_record(event) for event in events])
            self.working_since = None
            self.finished += 1
            for event in events:
                event.ack()

    async def _write(self, records: list[StreamRecord]) -> None:
        backoff = 0.1
        while True:
            try:
                await self._sink.write(records)
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


class StreamsService(Service):
    """Runs the drain tasks, and subscribes to inbound topics as they appear."""

    def __init__(
        self,
        app: faust.App,
        streams: list[Stream],
        bootstrap: str,
        subscribe: Callable[[str], Any],
        every: float,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._app, self._streams, self._bootstrap = app, streams, bootstrap
        self._subscribe, self._every = subscribe, every
        self._known: set[str] = set()

    async def on_start(self) -> None:
        """Start a drain for each stream; one that fails ends the process with it."""
        for stream in self._streams:
            self.add_future(self._draining(stream))
        self.add_future(self._discover())

    async def _draining(self, stream: Stream) -> None:
        try:
            await stream.drain()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._app.crash(error)
            raise

    async def _discover(self) -> None:
        # Faust's pattern subscription does not work, so new topics are looked for.
        while not self.should_stop:
            try:
                names = await asyncio.to_thread(inbound_topics, self._bootstrap)
            except BrokerUnavailable as error:
                log(_LOGGER, "discovery_failed", level=logging.WARNING, error=str(error)[:200])
                names = []
            for name in names:
                if name not in self._known:
                    self._known.add(name)
                    await self._subscribe(name)
                    log(_LOGGER, "inbound_topic", topic=name)
            self._ask_again()
            await self.sleep(self._every)

    def _ask_again(self) -> None:
        # Faust forgets a change of topics that comes while the group forms anew: its senders would
        # wait until the next start. It acknowledges of what it once subscribed to.
        topics = self._app.topics
        if not all(topics.acks_enabled_for(name) for name in self._known):
            topics.discard(None)  # removes nothing, and tells of a change


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
