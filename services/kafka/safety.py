"""When an event is safe: on all in-sync replicas or, with the embedded broker, in the ledger."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from schemas.validation import Accepted
from services.kafka.producer import EventProducer, Record, event_record
from services.kafka.sink_progress import SinkProgress
from services.kafka.topics import BrokerUnavailable

Traces = str | Sequence[str | None] | None
"""The trace of the request that carried the events, or one trace for each event."""


class Safety(Protocol):
    """Makes events safe, so that their sender may be answered, or raises BrokerUnavailable."""

    async def keep(self, events: Sequence[Accepted], traces: Traces = None) -> None:
        """Return once every event is safe."""


class OnBroker:
    """An event is safe once every in-sync replica of the broker has it."""

    def __init__(self, producer: EventProducer) -> None:
        self._producer = producer

    async def keep(self, events: Sequence[Accepted], traces: Traces = None) -> None:
        """Publish the events. Raises BrokerUnavailable."""
        await self._producer.publish(_records(events, traces))


class InLedger:
    """An event is safe once the ledger has it: for the embedded broker. `timeout` in seconds.

    While the embedded broker restarts, new calls of `keep` wait: `cli.broker_life` calls `close`
    before and `open` after. `emptied` waits for the calls in progress, so that a healthy broker is
    stopped only when no event is on its way.
    """

    def __init__(self, producer: EventProducer, progress: SinkProgress, timeout: float) -> None:
        self._producer, self._progress, self._timeout = producer, progress, timeout
        self._open = asyncio.Event()
        self._open.set()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    async def keep(self, events: Sequence[Accepted], traces: Traces = None) -> None:
        """Publish the events and wait for the sink to pass them. Raises BrokerUnavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._open.wait()
                await self._kept(events, traces)
        except TimeoutError:
            raise BrokerUnavailable("the ledger did not take the events in time") from None

    async def _kept(self, events: Sequence[Accepted], traces: Traces) -> None:
        self._inside += 1
        self._empty.clear()
        try:
            # Noted before publishing: if the broker restarts meanwhile, these offsets are void.
            life = self._progress.life
            positions = await self._producer.publish(_records(events, traces))
            if not await self._progress.passed(positions, self._timeout, life):
                raise BrokerUnavailable("the broker ended before the ledger had the events")
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    def open(self) -> None:
        """Let `keep` publish again."""
        self._open.set()

    def close(self) -> None:
        """Make new calls of `keep` wait until `open`."""
        self._open.clear()

    async def emptied(self) -> None:
        """Return when no `keep` is publishing or waiting for the ledger, or after `timeout`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._empty.wait()


def _records(events: Sequence[Accepted], traces: Traces) -> list[Record]:
    each = [traces] * len(events) if traces is None or isinstance(traces, str) else traces
    return [event_record(event, trace) for event, trace in zip(events, each, strict=True)]
