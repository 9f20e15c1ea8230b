"""Doubles of sinks, the ledger and the producer that fail on demand, as the real ones do."""

import asyncio
import threading
from collections.abc import Sequence
from uuid import UUID

from services.kafka.producer import EventProducer, Position, Record
from services.kafka.topics import BrokerUnavailable
from services.processor.sink import KafkaRecord
from services.store.client import StoreRefused, StoreUnavailable
from services.store.ledger import Appended, LedgerRecord

Place = tuple[str, int, int]


def places(records: Sequence[KafkaRecord]) -> list[Place]:
    """Return topic, partition and offset of each record."""
    return [(record.topic, record.partition, record.offset) for record in records]


class FailingSink:
    """Fails `failures` times with StoreUnavailable, then works; records every attempt."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.attempts: list[list[Place]] = []
        self.written: list[Place] = []

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        self.attempts.append(places(records))
        if len(self.attempts) <= self.failures:
            raise StoreUnavailable("Code: 252. DB::Exception: Too many parts")
        self.written.extend(places(records))

    async def finish(self) -> None:
        """Do nothing: what is written is safe."""


class BlockingSink:
    """Blocks in `write` until `released` is set, like a store that neither answers nor fails."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.released = asyncio.Event()
        self.written: list[Place] = []

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        self.entered.set()
        await self.released.wait()
        self.written.extend(places(records))

    async def finish(self) -> None:
        """Do nothing: what is written is safe."""


class UnfinishedSink(FailingSink):
    """Writes every batch; `finish` blocks until `let` is set, then fails `failures` times first."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.finish_failures = failures
        self.finished: list[Place] = []
        self.finishes = 0

    async def finish(self) -> None:
        before = list(self.written)
        await self.let.wait()
        if self.finish_failures > 0:
            self.finish_failures -= 1
            raise StoreUnavailable("Code: 210. DB::Exception: Connection refused")
        self.finishes += 1
        self.finished = before


class FailingLedger:
    """Fails `failures` times with StoreUnavailable, then keeps each event once."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.batches: list[UUID] = []
        self.stored: dict[tuple[str, str], LedgerRecord] = {}
        self._lock = threading.Lock()

    def finish(self) -> None:
        """Do nothing: what is inserted is safe."""

    def insert(self, records: Sequence[LedgerRecord], batch: UUID) -> Appended:
        with self._lock:
            self.batches.append(batch)
            if self.failures > 0:
                self.failures -= 1
                raise StoreUnavailable("Code: 210. DB::Exception: Connection refused")
            result = Appended()
            for record in records:
                standing = self.stored.setdefault(record.key, record)
                if standing is record:
                    result.stored += 1
                elif standing.content == record.content:
                    result.resent += 1
                else:
                    result.conflicts.append(record)
            return result


class RefusingLedger(FailingLedger):
    """Refuses every batch that contains an event with a bad id, like a store with one bad row."""

    def __init__(self, *bad: str) -> None:
        super().__init__()
        self.bad = frozenset(bad)

    def insert(self, records: Sequence[LedgerRecord], batch: UUID) -> Appended:
        if any(record.id in self.bad for record in records):
            self.batches.append(batch)
            raise StoreRefused("Code: 27. DB::Exception: Cannot parse input")
        return super().insert(records, batch)


class FakeProducer(EventProducer):
    """Keeps published records in memory, after failing `failures` times with BrokerUnavailable."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__("127.0.0.1:1")
        self.failures = failures
        self.published: list[Record] = []

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        if self.failures > 0 and records:
            self.failures -= 1
            raise BrokerUnavailable("not enough replicas")
        self.published.extend(records)
        return [Position(record.topic, 0, at) for at, record in enumerate(records)]
