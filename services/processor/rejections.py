"""Refusals: what was not taken, with the reason, on `rantai.rejected` and in the store.

Nothing is dropped silently: a refusal is confirmed by the broker before its record is passed.
"""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from schemas.catalogue import INBOUND_PREFIX, REJECTED
from schemas.envelope import sender_of
from schemas.validation import Fault
from services.bus.producer import EventProducer, Record
from services.bus.topics import BrokerUnavailable
from services.processor.sink import KafkaRecord
from services.telemetry.metrics import REJECTED as REJECTED_EVENTS
from services.warehouse.client import StoreUnavailable, Warehouse
from services.warehouse.ledger import LedgerRecord


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was not taken: from where, why, and as it came."""

    stage: str
    reason: str
    sender: str
    faults: list[Fault]
    value: bytes
    topic: str
    partition: int
    offset: int
    accepted_ms: int
    event_source: str = ""
    event_id: str = ""

    @classmethod
    def of_record(
        cls,
        record: KafkaRecord,
        stage: str,
        reason: str,
        faults: list[Fault],
        event: tuple[str | None, str | None] = (None, None),
    ) -> Self:
        """Make one of a record as it was read; `event` = its source and id, where known."""
        return cls(
            stage, reason, record.topic.removeprefix(INBOUND_PREFIX), faults, record.value or b"",
            record.topic, record.partition, record.offset, record.timestamp,
            event[0] or "", event[1] or "",
        )  # fmt: skip

    @classmethod
    def of_row(cls, row: LedgerRecord, reason: str, faults: list[Fault]) -> Self:
        """Make one of an event on its way into the ledger."""
        return cls(
            "ledger", reason, sender_of(row.source), faults, row.value, row.topic, row.partition,
            row.offset, row.accepted_ms, row.source, row.id,
        )  # fmt: skip

    @property
    def id(self) -> str:
        """What names it: where its record stands, and since when (a topic may be made anew)."""
        return f"{self.topic}:{self.partition}:{self.offset}:{self.accepted_ms}"

    def as_json(self) -> dict[str, Any]:
        """Return the value of its record on `rantai.rejected`: a row of the table `rejected`."""
        try:
            value, encoding = self.value.decode(), "utf-8"
        except UnicodeDecodeError:
            value, encoding = base64.b64encode(self.value).decode(), "base64"
        return {
            "id": self.id,
            "sender": self.sender,
            "reason": self.reason,
            "errors": json.dumps([fault.as_json() for fault in self.faults], ensure_ascii=False),
            "event_source": self.event_source,
            "event_id": self.event_id,
            "kafka_topic": self.topic,
            "kafka_partition": self.partition,
            "kafka_offset": self.offset,
            "accepted_at": self.accepted_ms / 1000,
            "rejected_at": round(time.time(), 3),
            "value": value,
            "encoding": encoding,
        }


class Rejections:
    """Writes refusals to `rantai.rejected`."""

    def __init__(self, producer: EventProducer) -> None:
        self._producer = producer

    async def refuse(self, *refusals: Refusal) -> None:
        """Write refusals; return when the broker has them.

        Raises StoreUnavailable where it does not take them, so that the batch is tried again.
        """
        records = [
            Record(
                REJECTED,
                refusal.sender.encode(),
                json.dumps(refusal.as_json(), ensure_ascii=False).encode(),
                (("reason", refusal.reason.encode()),),
            )
            for refusal in refusals
        ]
        try:
            await self._producer.publish(records)
        except BrokerUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        for refusal in refusals:
            REJECTED_EVENTS.labels(refusal.stage, refusal.reason).inc()


class LedgerFor(Protocol):
    """What the rejection sink needs of the store."""

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        """Insert rows."""


class RejectionSink:
    """Writes `rantai.rejected` into the store, where it can be listed, shown and replayed."""

    def __init__(self, warehouse: Warehouse | LedgerFor) -> None:
        self._warehouse = warehouse

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Store refusals; the same one again replaces itself. Raises StoreUnavailable."""
        lines = b"\n".join(record.value for record in records if record.value)
        if lines:
            await asyncio.to_thread(self._warehouse.insert_json_lines, "rejected", lines)
