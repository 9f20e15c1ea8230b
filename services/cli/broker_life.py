"""The embedded broker's lives: what becomes of everything around it when it ends or is full.

It keeps memory only, and keeps every record as long as it lives. So it is started anew, empty and
on the same port, where it ended, and where it has grown past its limit and the ledger has all that
it holds. Its readers and writers begin anew with it: an offset of one life means nothing in the
next.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.topics import BrokerUnavailable
from services.processor.app import Processor
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.up")
_LOOK_SECONDS: Final = 0.5
_QUIET_SECONDS: Final = 10.0
"""Without a record from a sender's own Kafka client before a broker that is well is ended: what is
written to it in the moment between the last look and its end would be lost."""

_CEILING: Final = 2.0
"""At so many times its limit, a broker is ended as soon as everything in it is read."""


class BrokerLife:
    """One run of the embedded broker and of what reads it and writes to it.

    `apply_topics` makes the topics. `limit`: bytes of memory past which the broker is started anew.
    Raises BrokerUnavailable from `run` where the broker ended: the next run makes another.
    """

    def __init__(
        self,
        broker: EmbeddedBroker,
        processor: Processor,
        apply_topics: Callable[[], Awaitable[None]],
        limit: int,
    ) -> None:
        self._broker, self._processor = broker, processor
        self._apply_topics, self._limit = apply_topics, limit
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()

    async def stop(self) -> None:
        """Return from `run`; the broker goes on."""
        self._stopping.set()

    async def run(self) -> None:
        """Start the broker and its parts, and start them anew where the log is full."""
        try:
            await self._begin()
            while not self._stopping.is_set():
                await asyncio.sleep(_LOOK_SECONDS)
                if not self._broker.running:
                    raise BrokerUnavailable("the embedded broker ended")
                if await self._full():
                    await self._empty()
        finally:
            self.ready.clear()

    async def _begin(self) -> None:
        processor = self._processor
        processor.in_ledger.close()
        await processor.progress.begin_life()
        there = asyncio.Event()
        # Side by side: a run that hangs keeps neither the broker nor the other parts waiting.
        going_on = asyncio.ensure_future(processor.start_anew(there))
        if not self._broker.running:
            await asyncio.to_thread(self._broker.start)
        processor.producer.start_anew()
        await self._apply_topics()
        there.set()
        processor.in_ledger.open()
        await going_on
        self.ready.set()

    async def _full(self) -> bool:
        """Return whether the log is past its limit, and no sender's own records wait in it."""
        used = self._broker.memory_bytes
        inbound = self._processor.inbound
        if used <= self._limit or inbound is None or inbound.drained_since is None:
            return False
        # The nearer to the ceiling, the shorter the silence that is waited for.
        asked = _QUIET_SECONDS * max(0.0, _CEILING - used / self._limit) / (_CEILING - 1)
        quiet = time.monotonic() - inbound.drained_since >= asked
        return quiet and await inbound.all_read()

    async def _empty(self) -> None:
        """Begin another life: the ledger has all of this one."""
        used, began = self._broker.memory_bytes, time.monotonic()
        in_ledger, inbound = self._processor.in_ledger, self._processor.inbound
        in_ledger.close()
        try:
            await in_ledger.emptied()
            if inbound is None or not await inbound.all_read():
                return
            # At once: what a sender writes to it from here on would be lost.
            await asyncio.to_thread(self._broker.stop)
            await self._begin()
        finally:
            in_ledger.open()
        log(_LOGGER, "broker_emptied", bytes=used, seconds=round(time.monotonic() - began, 2))
