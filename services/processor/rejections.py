"""Refusals: records that were not accepted, with the reason, on `rantai.rejected` and in the store.

Nothing is dropped silently: the broker confirms a refusal before the offset of its record is
committed.
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
from schemas.envelope import sender_of, valid_traceparent
from schemas.validation import Fault
from services.kafka.producer import EventProducer, Record
from services.kafka.record_headers import TRACE_HEADER, accepted_ms, record_name, trace_of
from services.kafka.topics import MAX_RECORD_BYTES
from services.processor.sink import KafkaRecord
from services.runtime.turns import Turns
from services.store.client import StoreRefused
from services.store.ledger import LedgerRecord
from services.telemetry.logs import log
from services.telemetry.metrics import REJECTED as REJECTED_EVENTS

_LOGGER: Final = logging.getLogger("rantai.rejections")
_ROOM: Final = 256 * 1024
"""Bytes for everything but the value in a record of `rantai.rejected`: names, up to 50 faults."""

_MOST_TEXT: Final = MAX_RECORD_BYTES - _ROOM
_MOST_BYTES: Final = _MOST_TEXT // 4 * 3
_LONGEST_NAME: Final = 512
_WHOLE: Final = "base64"
_HEAD: Final = "base64-head"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was not accepted: its origin, the reason, and its original value.

    `stage`: the sink that refused it, `inbound` or `ledger`. `reason`: `invalid`, `forbidden`,
    `conflict`, or `store` (the database refused the row). `topic`, `partition`, `offset` and
    `accepted_ms` (the record's timestamp) say where the record is.
    """

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
        """Return the refusal of a record as it was read.

        `event`: its source and id, or None if they are not known.
        """
        return cls(
            stage, reason, record.topic.removeprefix(INBOUND_PREFIX), faults, record.value or b"",
            record.topic, record.partition, record.offset, record.timestamp,
            (event[0] or "")[:_LONGEST_NAME], (event[1] or "")[:_LONGEST_NAME],
            trace_of(record.headers),
        )  # fmt: skip

    @classmethod
    def of_row(cls, row: LedgerRecord, reason: str, faults: list[Fault]) -> Self:
        """Return the refusal of an event by the ledger."""
        return cls(
            "ledger", reason, sender_of(row.source), faults, row.value, row.topic, row.partition,
            row.offset, row.timestamp, row.source, row.id, _own_trace(row.value),
        )  # fmt: skip

    @property
    def id(self) -> str:
        """Where its record is, with the timestamp: a topic may be deleted and created again."""
        return record_name(self.topic, self.partition, self.offset, self.accepted_ms)

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """The headers of its record on `rantai.rejected`: the reason, and the trace if known."""
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
                f"is {len(self.value)} bytes: only the first {_MOST_BYTES} are kept here; "
                "the whole record is in its topic"
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
            return valid_traceparent(found)
    return None


def _storable(value: bytes) -> tuple[str, str]:
    """Return a value as text that fits into a record, and the encoding of that text."""
    with suppress(UnicodeDecodeError):
        text = value.decode()
        # The JSON is measured: escaping turns a control character into six bytes.
        if len(json.dumps(text, ensure_ascii=False).encode()) <= _MOST_TEXT:
            return text, "utf-8"
    head = base64.b64encode(value[:_MOST_BYTES]).decode()
    return head, _WHOLE if len(value) <= _MOST_BYTES else _HEAD


class LedgerFor(Protocol):
    """What the rejection sink needs of the store."""

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        """Insert rows, each a line of JSON. Raises StoreUnavailable, StoreRefused."""


class RejectionSink:
    """Writes `rantai.rejected` to the store, from where refusals are listed, shown and replayed."""

    def __init__(self, store: LedgerFor) -> None:
        self._store = store
        # A thread of its own: refusals must not wait behind readers.
        self._thread = Turns(1, "rejections")

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Store records of `rantai.rejected`, replacing repeats. Raises StoreUnavailable."""
        rows = [record.value for record in records if record.value]
        if rows:
            await self.insert(rows)

    async def insert(self, rows: Sequence[bytes]) -> None:
        """Store refusals, given as the values of their records. Raises StoreUnavailable.

        A refusal that the store itself refuses is logged and skipped.
        """
        try:
            await self._thread.run(
                "insert", lambda: self._store.insert_json_lines("rejected", b"\n".join(rows))
            )
        except StoreRefused as error:
            if len(rows) > 1:
                for row in rows:
                    await self.insert([row])
                return
            # It stays in its topic, and reconciliation reports it as missing; the others go on.
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

    `store`: given if the broker keeps its records in memory only. Refusals then go to the store
    first: one that was only on the broker would be lost with it, and its sender never told.
    """

    def __init__(self, producer: EventProducer, store: RejectionSink | None = None) -> None:
        self._producer, self._store = producer, store

    async def refuse(self, *refusals: Refusal) -> None:
        """Write refusals; return when they are safe.

        Raises StoreUnavailable or BrokerUnavailable if they are not taken: the caller retries the
        batch.
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
        await self._producer.publish(records)
        for refusal in refusals:
            REJECTED_EVENTS.labels(refusal.stage, refusal.reason).inc()
