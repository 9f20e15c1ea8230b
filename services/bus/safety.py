"""When an event is safe: on the broker's replicas or, where it keeps memory only, in the ledger."""

from collections.abc import Sequence
from typing import Protocol

from schemas.validation import Accepted
from services.bus.producer import EventProducer, event_record
from services.bus.progress import Progress
from services.bus.topics import BrokerUnavailable


class Safety(Protocol):
    """Makes events safe, or raises BrokerUnavailable."""

    async def keep(self, events: Sequence[Accepted], traceparent: str | None = None) -> None:
        """Return once every event is safe."""


class OnBroker:
    """Safe once every in-sync replica of the broker has it."""

    def __init__(self, producer: EventProducer) -> None:
        self._producer = producer

    async def keep(self, events: Sequence[Accepted], traceparent: str | None = None) -> None:
        """Publish the events. Raises BrokerUnavailable."""
        await self._producer.publish([event_record(event, traceparent) for event in events])


class InLedger:
    """Safe once the ledger has it; for the broker in memory. `timeout` in seconds."""

    def __init__(self, producer: EventProducer, progress: Progress, timeout: float) -> None:
        self._producer, self._progress, self._timeout = producer, progress, timeout

    async def keep(self, events: Sequence[Accepted], traceparent: str | None = None) -> None:
        """Publish the events and wait for the sink to pass them. Raises BrokerUnavailable."""
        records = [event_record(event, traceparent) for event in events]
        positions = await self._producer.publish(records)
        if not await self._progress.passed(positions, self._timeout):
            raise BrokerUnavailable("the ledger did not take the events in time")
