"""The ledger sink: writes batches of the canonical topics to the ledger, refusing bad rows."""

import logging
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol
from uuid import UUID, uuid4

from schemas.envelope import sender_of, trace_id
from schemas.validation import Fault, NotParseable, Rejected, parse, read_event, to_canonical
from services.kafka.producer import CONTENT_HEADER, ID_HEADER, SOURCE_HEADER
from services.processor.rejections import Refusal, Rejections
from services.processor.sink import KafkaRecord
from services.runtime.turns import Turns
from services.store.client import StoreRefused
from services.store.ledger import Appended, LedgerRecord, open_line
from services.telemetry.logs import log
from services.telemetry.metrics import (
    BATCH_ROWS,
    END_TO_END,
    FOLD_SECONDS,
    INSERT_SECONDS,
    RESENT,
    STORED,
)

_LOGGER: Final = logging.getLogger("rantai.ledger")
_THREADS: Final = 2
"""One inserts while the other finishes what was inserted. They serve the sink alone: requests wait
for them, and must not queue behind other work that the process does in threads."""


class AppendsBatches(Protocol):
    """What the sink needs of the ledger: `store.ledger.Ledger`, or a test double."""

    def insert(self, records: Sequence[LedgerRecord], batch: UUID) -> Appended:
        """Store a batch. Raises StoreUnavailable, or StoreRefused for a bad record."""

    def finish(self) -> None:
        """Fold and complete all inserted batches. Raises StoreUnavailable, StoreRefused."""


class LedgerSink:
    """Writes batches to the ledger.

    A batch that the store refuses is halved until the bad row is found: that row goes to
    `rantai.rejected`, and the rest is stored. A batch that fails transiently keeps its id, so that
    the ledger can complete what the failed attempt left.
    """

    def __init__(self, ledger: AppendsBatches, rejections: Rejections) -> None:
        self._ledger = ledger
        self._rejections = rejections
        self._threads = Turns(_THREADS, "ledger")
        self._attempts: dict[tuple[str, int, int, int], UUID] = {}
        self._newest = 0.0

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Store a batch, and refuse its bad rows and conflicts. Raises StoreUnavailable."""
        rows: list[LedgerRecord] = []
        for record in records:
            try:
                rows.append(record if isinstance(record, LedgerRecord) else ledger_record(record))
            except ValueError as error:
                await self._rejections.refuse(
                    Refusal.of_record(record, "ledger", "invalid", [Fault("", str(error))])
                )
        if rows:
            await self._append(rows)
        self._attempts.clear()
        self._newest = max(record.timestamp for record in records) / 1000

    async def finish(self) -> None:
        """Fold and complete the batches written so far. Raises StoreUnavailable, StoreRefused."""
        newest, began = self._newest, time.perf_counter()
        await self._threads.run("finish", self._ledger.finish)
        FOLD_SECONDS.observe(time.perf_counter() - began)
        END_TO_END.set(max(0.0, time.time() - newest))

    async def _append(self, rows: Sequence[LedgerRecord]) -> None:
        name = (rows[0].topic, rows[0].partition, rows[0].offset, len(rows))
        batch = self._attempts.setdefault(name, uuid4())
        began = time.perf_counter()
        try:
            result = await self._threads.run("insert", lambda: self._ledger.insert(rows, batch))
        except StoreRefused as error:
            await self._halve(rows, error)
            return
        INSERT_SECONDS.observe(time.perf_counter() - began)
        BATCH_ROWS.observe(len(rows))
        STORED.inc(result.stored)
        RESENT.inc(result.resent)
        for conflict in result.conflicts:
            fault = Fault(
                "/id",
                "an event with this source and id and other content is already stored; it stands",
            )
            await self._rejections.refuse(Refusal.of_row(conflict, "conflict", [fault]))

    async def _halve(self, rows: Sequence[LedgerRecord], error: StoreRefused) -> None:
        if len(rows) > 1:
            middle = len(rows) // 2
            await self._append(rows[:middle])
            await self._append(rows[middle:])
            return
        fault = Fault("", f"the store refuses this event: {str(error)[:300]}")
        refusal = Refusal.of_row(rows[0], "store", [fault])
        log(
            _LOGGER,
            "row_refused",
            level=logging.ERROR,
            topic=rows[0].topic,
            partition=rows[0].partition,
            offset=rows[0].offset,
            error=str(error)[:500],
            trace_id=trace_id(refusal.traceparent),
        )
        await self._rejections.refuse(refusal)


def ledger_record(record: KafkaRecord) -> LedgerRecord:
    """Return what the ledger needs of a record, with its row (`line`) already written.

    Source, id and content digest come from the headers, or from the JSON if those are missing.
    Raises ValueError if the record is not an event.
    """
    headers = dict(record.headers)
    value: bytes = record.value or b""
    try:
        source = _source(headers[SOURCE_HEADER])
        name = headers[ID_HEADER].decode()
        content = headers[CONTENT_HEADER].decode()
    except (KeyError, AttributeError):
        source, name, content, value = _from_json(value)
    place = (record.topic, record.partition, record.offset, record.timestamp)
    return LedgerRecord(source, name, content, value, *place, open_line(content, value, place))


def read_ahead(record: KafkaRecord) -> KafkaRecord:
    """Convert a record for the ledger; one that is not an event is returned as it is.

    `BatchLoop` calls it while the previous batch is written: writing mostly waits for the store,
    and converting needs the interpreter, so together they take less time.
    """
    try:
        return ledger_record(record)
    except ValueError:
        return record


@lru_cache(maxsize=4096)
def _source(header: bytes) -> str:
    source = header.decode()
    sender_of(source)  # raises ValueError: a refusal must be able to name the sender
    return source


def _from_json(value: bytes) -> tuple[str, str, str, bytes]:
    # Only the services write these topics; a record without headers was written by an operator.
    try:
        raw = parse(value)
    except NotParseable as error:
        raise ValueError(str(error)) from None
    event = read_event(raw)
    if isinstance(event, Rejected):
        raise ValueError("; ".join(f"{one.pointer} {one.message}" for one in event.faults))
    accepted = to_canonical(event)
    return accepted.source, accepted.id, accepted.content.hex(), accepted.value
