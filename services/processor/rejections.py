"""Refusals: what was not taken, with the reason, on `rantai.rejected` and in the store.

Nothing is dropped silently: a refusal is confirmed by the broker before its record is passed.
"""

import base64
import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from schemas.catalogue import INBOUND_PREFIX, REJECTED
from schemas.envelope import lawful_trace, sender_of
from schemas.validation import Fault
from services.kafka.producer import EventProducer, Record
from services.kafka.record_headers import TRACE_HEADER, accepted_ms, record_name, trace_of
from services.kafka.topics import MAX_RECORD_BYTES, BrokerUnavailable
from services.processor.sink import KafkaRecord
from services.runtime.turns import Turns
from services.store.client import StoreRefused, StoreUnavailable
from services.store.ledger import LedgerRecord
from services.telemetry.logs import log
from services.telemetry.metrics import REJECTED as REJECTED_EVENTS

_LOGGER: Final = logging.getLogger("rantai.rejections")
_ROOM: Final = 256 * 1024
"""For what stands beside the value in a record of `rantai.rejected`: up to 50 faults, names."""

_MOST_TEXT: Final = MAX_RECORD_BYTES - _ROOM
_MOST_BYTES: Final = _MOST_TEXT // 4 * 3
_LONGEST_NAME: Final = 512
_WHOLE: Final = "base64"
_HEAD: Final = "base64-head"


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
    traceparent: str | None = None

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
            (event[0] or "")[:_LONGEST_NAME], (event[1] or "")[:_LONGEST_NAME],
            trace_of(record.headers),
        )  # fmt: skip

    @classmethod
    def of_row(cls, row: LedgerRecord, reason: str, faults: list[Fault]) -> Self:
        """Make one of an event on its way into the ledger."""
        return cls(
            "ledger", reason, sender_of(row.source), faults, row.value, row.topic, row.partition,
            row.offset, row.timestamp, row.source, row.id, _own_trace(row.value),
        )  # fmt: skip

    @property
    def id(self) -> str:
        """What names it: where its record stands, and since when (a topic may be made anew)."""
        return record_name(self.topic, self.partition, self.offset, self.accepted_ms)

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """The headers of its record on `rantai.rejected`: why, and in which trace it came."""
        reason = ("reason", self.reason.encode())
        if self.traceparent is None:
            return (reason,)
        return reason, (TRACE_HEADER, self.traceparent.encode())

    def as_json(self) -> dict[str, Any]:
        """Return the value of its record on `rantai.rejected`: a row of the table `rejected`."""
        text, encoding = _storable(self.value)
        faults = self.faults
        if encoding == _HEAD:
            cut = (
                f"is {len(self.value)} bytes: the first {_MOST_BYTES} are kept, all is in its topic"
            )
            faults = [*faults, Fault("", cut)]
        return {
            "id": self.id,
            "sender": self.sender,
            "reason": self.reason,
            "errors": json.dumps([fault.as_json() for fault in faults], ensure_ascii=False),
            "event_source": self.event_source,
            "event_id": self.event_id,
            "kafka_topic": self.topic,
            "kafka_partition": self.partition,
            "kafka_offset": self.offset,
            "accepted_at": accepted_ms(self.accepted_ms) / 1000,
            "rejected_at": round(time.time(), 3),
            "value": text,
            "encoding": encoding,
        }


def _own_trace(value: bytes) -> str | None:
    with suppress(ValueError):
        event = json.loads(value)
        if isinstance(event, dict) and isinstance(found := event.get("traceparent"), str):
            return lawful_trace(found)
    return None


def _storable(value: bytes) -> tuple[str, str]:
    """Return a value as text that fits a record, and how it is written."""
    with suppress(UnicodeDecodeError):
        text = value.decode()
        # A control character takes six once it is escaped.
        if len(json.dumps(text, ensure_ascii=False).encode()) <= _MOST_TEXT:
            return text, "utf-8"
    head = base64.b64encode(value[:_MOST_BYTES]).decode()
    return head, _WHOLE if len(value) <= _MOST_BYTES else _HEAD


class LedgerFor(Protocol):
    """What the rejection sink needs of the store."""

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        """Insert rows."""


class RejectionSink:
    """Writes `rantai.rejected` into the store, where it can be listed, shown and replayed."""

    def __init__(self, store: LedgerFor) -> None:
        self._store = store
        # Its own: a reader must not hold it.
        self._thread = Turns(1, "rejections")

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Store refusals; the same one again replaces itself. Raises StoreUnavailable."""
        rows = [record.value for record in records if record.value]
        if rows:
            await self.insert(rows)

    async def insert(self, rows: Sequence[bytes]) -> None:
        """Store refusals, as their records are. Raises StoreUnavailable."""
        try:
            await self._thread.run(
                "insert", lambda: self._store.insert_json_lines("rejected", b"\n".join(rows))
            )
        except StoreRefused as error:
            if len(rows) > 1:
                for row in rows:
                    await self.insert([row])
                return
            # It stays in its topic, and the reconciliation misses it; those behind it go on.
            log(
                _LOGGER,
                "refusal_not_stored",
                level=logging.ERROR,
                topic=REJECTED,
                begins=rows[0][:80].decode(errors="replace"),
                error=str(error)[:500],
            )


class Rejections:
    """Writes refusals to `rantai.rejected`.

    `store`: where the broker keeps memory only, they go into the store as well before the event
    that they tell of is passed: what ends with the broker could not be told to its sender.
    """

    def __init__(self, producer: EventProducer, store: RejectionSink | None = None) -> None:
        self._producer, self._store = producer, store

    async def refuse(self, *refusals: Refusal) -> None:
        """Write refusals; return when they are safe.

        Raises StoreUnavailable where they are not taken, so that the batch is tried again.
        """
        if not refusals:
            return
        records = [
            Record(
                REJECTED,
                refusal.sender.encode(),
                json.dumps(refusal.as_json(), ensure_ascii=False).encode(),
                refusal.headers,
            )
            for refusal in refusals
        ]
        if self._store is not None:
            await self._store.insert([record.value for record in records])
        try:
            await self._producer.publish(records)
        except BrokerUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        for refusal in refusals:
            REJECTED_EVENTS.labels(refusal.stage, refusal.reason).inc()
