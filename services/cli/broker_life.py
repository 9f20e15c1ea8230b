"""Restarts the embedded broker when it ends or is full, with everything that reads or writes it.

The embedded broker keeps its records in memory only, and never deletes one. So it is restarted,
empty and on the same port, when it has ended, or when its memory exceeds a limit and the ledger has
all of its records. Each start begins a new life. Offsets of one life mean nothing in the next, so
readers and writers are restarted with the broker.
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
"""A healthy broker is stopped only after this time without a record from a sender's own Kafka
client: a record written between the last check and the stop would be lost."""

_CEILING: Final = 2.0
"""At this multiple of its limit, a broker is stopped as soon as everything in it is read."""


class BrokerLife:
    """One run of the process part `broker`: the embedded broker, with its readers and writers.

    `apply_topics` creates the topics. `limit`: bytes of memory above which the broker is restarted.
    If the broker ends, `run` raises BrokerUnavailable, and the part's next run starts it again.
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
        """Ask `run` to return; the broker keeps running."""
        self._stopping.set()

    async def run(self) -> None:
        """Start the broker and the parts that use it; restart them when the broker is full.

        Raises BrokerUnavailable if the broker ends.
        """
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
        broker_up = asyncio.Event()
        # Concurrently: a part that hangs while it stops delays neither the broker nor other parts.
        restart = asyncio.ensure_future(processor.restart(broker_up))
        try:
            if not self._broker.running:
                await asyncio.to_thread(self._broker.start)
            processor.producer.restart()
            await self._apply_topics()
            broker_up.set()
            processor.in_ledger.open()
            await restart
        finally:
            await _end(restart)
        self.ready.set()

    async def _full(self) -> bool:
        """Return whether the broker exceeds its limit and no Kafka client's records are unread."""
        used = self._broker.memory_bytes
        inbound = self._processor.inbound
        if used <= self._limit or inbound is None or inbound.idle_since is None:
            return False
        # The nearer the memory is to the ceiling, the shorter the required time without records.
        required = _QUIET_SECONDS * max(0.0, _CEILING - used / self._limit) / (_CEILING - 1)
        quiet = time.monotonic() - inbound.idle_since >= required
        return quiet and await inbound.all_read()

    async def _empty(self) -> None:
        """Restart the broker once the ledger has all of its records; otherwise leave it running."""
        used, began = self._broker.memory_bytes, time.monotonic()
        in_ledger, inbound = self._processor.in_ledger, self._processor.inbound
        in_ledger.close()
        try:
            await in_ledger.emptied()
            if inbound is None or not await inbound.all_read():
                return
            # Immediately: what a Kafka client writes after this check is lost.
            await asyncio.to_thread(self._broker.stop)
            await self._begin()
        finally:
            in_ledger.open()
        log(_LOGGER, "broker_emptied", bytes=used, seconds=round(time.monotonic() - began, 2))


async def _end(restart: "asyncio.Future[None]") -> None:
    """Cancel a restart of the parts, unless it has ended, until it has.

    A part that is being stopped lets that finish, and only the next cancellation ends its wait.
    """
    while not restart.done():
        restart.cancel()
        await asyncio.wait({restart}, timeout=_LOOK_SECONDS)
    if not restart.cancelled():
        restart.exception()  # retrieved, or asyncio logs that it never was
