"""The ledger: every event as it came, stored once, with the derived tables behind it complete.

The ledger alone decides whether an event was seen before. An insert writes one block into the
ledger and, through the materialised views, into every derived table. The two are not one
transaction, so a batch is marked complete only after both have succeeded and its documents are
folded into facts. Rows of an incomplete batch do not count as stored: the process that reads one of
its records again completes the batch, whichever process wrote it. Inserting or deriving twice
changes nothing, because the ledger and every derived table replace rows by the event's key.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from string import Template
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID

import simplejson
from pydantic_core import to_json

from services.readiness.rules import DEFAULT_RULES, Rules
from services.store.client import ClickHouse, StoreRefused
from services.store.derived_tables import derive_batches
from services.store.folding import fold
from services.store.sql_files import sql
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.ledger")
_KEYS_A_LOOKUP: Final = 50_000
_QUERY_BYTES: Final = 256 * 1024 * 1024
_BATCHES_A_LOOKUP: Final = 2000
_OWN_NAMES: Final = ("content", "batch")
_OWN_CONTENT, _OWN_BATCH = (f'"{name}"'.encode() for name in _OWN_NAMES)
"""Columns of the ledger whose names are also legal names of a CloudEvents extension."""

_OPEN_LINE: Final = (
    b'{"accepted_at":"%d.%03d","kafka_topic":"%b","kafka_partition":%d,"kafka_offset":%d,'
    b'"content":"%b",%b'
)

EventKey = tuple[str, str]
"""Source and id, which together identify an event for ever."""


class LedgerRecord(NamedTuple):
    """A record of a canonical topic: the event's key, content digest, JSON and Kafka position.

    A tuple, because one is created for every stored event and tuples are cheap. `timestamp` is when
    the broker accepted the record, in milliseconds. `line` is its ledger row, if `open_line` has
    already built it.
    """

    source: str
    id: str
    content: str
    value: bytes
    topic: str
    partition: int
    offset: int
    timestamp: int
    line: bytes = b""

    @property
    def key(self) -> EventKey:
        """The event's key."""
        return (self.source, self.id)

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """Always empty: what the record headers say is in the other fields."""
        return ()


@dataclass(slots=True)
class Appended:
    """The outcome of a batch: events stored, resent, and in conflict.

    A conflict is an event whose key was stored before with other content; it is not stored.
    """

    stored: int = 0
    resent: int = 0
    conflicts: list[LedgerRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the ledger holds under a key, and whether a batch that wrote it is complete."""

    content: str
    batches: Sequence[UUID]
    complete: bool


class Ledger:
    """Appends batches of events to the ledger. Its methods block.

    One thread may insert a batch while another finishes the batches before it; documents that
    several of those batches touch are then folded only once.
    """

    def __init__(self, clickhouse: ClickHouse, rules: Rules = DEFAULT_RULES) -> None:
        self.clickhouse = clickhouse
        self._rules = rules
        self._unfinished: dict[UUID, int] = {}
        self._lock = Lock()

    def append(self, records: Sequence[LedgerRecord], batch: UUID) -> Appended:
        """Insert a batch and finish it, so that its events count in every figure."""
        result = self.insert(records, batch)
        self.finish()
        return result

    def finish(self) -> None:
        """Fold the documents that the inserted batches touch, and mark the batches complete.

        Call it again after a failure. Raises StoreUnavailable, StoreRefused.
        """
        with self._lock:
            batches = dict(self._unfinished)
        if batches:
            fold(self.clickhouse, self._rules, list(batches))
            self._complete(list(batches.items()))
            with self._lock:
                for batch in batches:
                    self._unfinished.pop(batch, None)

    def insert(self, records: Sequence[LedgerRecord], batch: UUID) -> Appended:
        """Insert those events of a batch that the ledger does not hold yet: all of them or none.

        They are safe once `finish` has returned. After a failure call it again with the same
        `batch`, which completes what the failed attempt left behind. Raises StoreUnavailable (try
        again) or StoreRefused (a record is bad).
        """
        known = self._seen(records)
        incomplete = {b for row in known.values() if not row.complete for b in row.batches}
        completed: set[EventKey] = set()
        if incomplete - {batch}:
            # Storing the events again under this batch would not do: of two rows the ledger keeps
            # the first, so the batch that another process left would look incomplete for ever.
            before, known = known, self._repaired(incomplete, records)
            completed = {key for key, row in before.items() if not row.complete}
        to_store: dict[tuple[str, str], LedgerRecord] = {}
        result = Appended()
        for record in records:
            key = record.key
            stored = known.get(key)
            first = to_store.get(key)
            if stored is None and first is None:
                to_store[key] = record
                continue
            content = stored.content if stored else first.content if first else record.content
            if content != record.content:
                result.conflicts.append(record)
            elif first is not None or (stored is not None and stored.complete):
                result.stored += key in completed
                result.resent += key not in completed
                completed.discard(key)
            else:
                to_store[key] = record
        if to_store:
            try:
                self.clickhouse.insert_json_lines("events", json_lines(to_store.values(), batch))
            except StoreRefused:
                # If a view refused the rows, the ledger may hold the block already.
                self._forget(batch)
                raise
            with self._lock:
                self._unfinished[batch] = len(to_store)
        result.stored += len(to_store)
        return result

    def repair(self) -> int:
        """Complete the batches that an ended process left incomplete; return their number."""
        rows = self.clickhouse.rows(sql("incomplete_batches"))
        return self._derive_and_complete({row["batch"]: row["rows"] for row in rows})

    def _repaired(
        self, wanted: set[UUID], records: Sequence[LedgerRecord]
    ) -> dict[EventKey, _Stored]:
        rows = self.clickhouse.rows(sql("incomplete_batches"))
        self._derive_and_complete(
            {row["batch"]: row["rows"] for row in rows if row["batch"] in wanted}
        )
        return self._seen(records)

    def _derive_and_complete(self, incomplete: dict[UUID, int]) -> int:
        try:
            derive_batches(self.clickhouse, list(incomplete))
        except StoreRefused:
            incomplete = {b: rows for b, rows in incomplete.items() if self._derivable(b)}
        if incomplete:
            fold(self.clickhouse, self._rules, list(incomplete))
        self._complete(list(incomplete.items()))
        return len(incomplete)

    def _derivable(self, batch: UUID) -> bool:
        try:
            derive_batches(self.clickhouse, [batch])
        except StoreRefused as error:
            # The batch's offsets were never committed, so its records are read again and the bad
            # one is refused then. A batch left in the ledger would make every rebuild fail.
            self._forget(batch)
            log(
                _LOGGER,
                "batch_forgotten",
                level=logging.ERROR,
                batch=str(batch),
                error=str(error)[:500],
            )
            return False
        return True

    def _forget(self, batch: UUID) -> None:
        events = self.clickhouse.stored("events")
        self.clickhouse.command(f"DELETE FROM {events} WHERE batch = '{batch}'")  # noqa: S608

    def _complete(self, batches: Sequence[tuple[UUID, int]]) -> None:
        if batches:
            self.clickhouse.insert_rows("batches", ["batch", "rows"], batches)

    def _seen(self, records: Sequence[LedgerRecord]) -> dict[EventKey, _Stored]:
        found: dict[EventKey, tuple[str, list[UUID]]] = {}
        for row in rows_of_keys(self.clickhouse, "seen", {record.key for record in records}):
            found[(row["source"], row["id"])] = (row["content"], list(map(UUID, row["batches"])))
        batches = {batch for _, wrote in found.values() for batch in wrote}
        with self._lock:
            # Batches that this process is about to finish count as complete: a sender waiting for
            # a resent copy of one of their events waits for `finish` as well.
            own = batches & self._unfinished.keys()
        complete = self._known_complete(sorted(batches - own)) | own
        return {
            key: _Stored(content, wrote, not complete.isdisjoint(wrote))
            for key, (content, wrote) in found.items()
        }

    def _known_complete(self, batches: Sequence[UUID]) -> set[UUID]:
        found: set[UUID] = set()
        for start in range(0, len(batches), _BATCHES_A_LOOKUP):
            some = batches[start : start + _BATCHES_A_LOOKUP]
            rows = self.clickhouse.rows(sql("complete_batches"), {"batches": some})
            found.update(row["batch"] for row in rows)
        return found


def rows_of_keys(
    clickhouse: ClickHouse, name: str, keys: Iterable[EventKey]
) -> Iterator[dict[str, Any]]:
    """Run the query `name` for these event keys and yield its rows, decoded from JSON.

    The keys travel in the text of the query as one JSON string (`$keys`): a parameter is slower to
    write and to read, and a server refuses one above 128 KiB.
    """
    listed = list(keys)
    if len(listed) > _KEYS_A_LOOKUP:
        listed.sort()  # so that each chunk reads a different range of the ledger
    query = Template(sql(name))
    for start in range(0, len(listed), _KEYS_A_LOOKUP):
        text = to_json(listed[start : start + _KEYS_A_LOOKUP]).decode()
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        yield from clickhouse.json_rows(
            query.substitute(keys=f"'{quoted}'"), {"max_query_size": _QUERY_BYTES}
        )


def json_lines(records: Iterable[LedgerRecord], batch: UUID) -> bytes:
    """Return ledger rows as JSON lines. Raises StoreRefused if a value is not a JSON object."""
    end = f',"batch":"{batch}"}}\n'.encode()
    try:
        lines = [r.line or open_line(r.content, r.value, r[4:8]) for r in records]
    except ValueError as error:
        raise StoreRefused(str(error)) from None
    return end.join(lines) + end


def open_line(content: str, value: bytes, place: tuple[str, int, int, int]) -> bytes:
    """Return an event's ledger row as JSON without its end, which `json_lines` adds with the batch.

    `place` is topic, partition, offset and the time when the broker accepted the record, in
    milliseconds. Raises ValueError if the value is not a JSON object.
    """
    topic, partition, offset, timestamp = place
    # The value is a JSON object already, so the sink's fields go in front of its first field.
    # The time is in seconds with three decimals: ClickHouse reads a bare integer as seconds.
    if not value.startswith(b"{") or not value.endswith(b"}"):
        raise ValueError("the record's value is not a JSON object")
    return _OPEN_LINE % (
        *divmod(timestamp, 1000), topic.encode(), partition, offset, content.encode(),
        _without_own_names(value)[1:-1],
    )  # fmt: skip


def _without_own_names(value: bytes) -> bytes:
    # The store refuses a row that has a field twice. The ledger keeps no extensions, so an
    # extension named like one of its columns is left out. Inside `data` such names do no harm.
    if _OWN_CONTENT not in value and _OWN_BATCH not in value:
        return value
    try:
        event = simplejson.loads(value, use_decimal=True)
    except ValueError:
        return value  # not JSON: the store refuses it
    kept = {name: of for name, of in event.items() if name not in _OWN_NAMES}
    written: str = simplejson.dumps(kept, use_decimal=True, ensure_ascii=False)
    return written.encode()
