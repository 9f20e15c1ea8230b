"""The ledger: events as they came, each once, and the tables behind it complete.

Whether an event was seen is decided by the ledger alone. An insert writes one block into the
ledger and, through the materialised views, into every derived table; the two are not one
transaction, so a batch is marked complete only after both, and after what it concerns was folded
into facts. What stands in a batch that is not complete is not relied on: whoever reads one of its
records again completes it, whichever process wrote it. Inserting or deriving twice changes nothing:
the ledger and every derived table replace rows by the event's key.
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
from services.store.derived_tables import derive
from services.store.folding import fold
from services.store.sql_files import sql
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.ledger")
_KEYS_A_LOOKUP: Final = 50_000
_QUERY_BYTES: Final = 256 * 1024 * 1024
_BATCHES_A_LOOKUP: Final = 2000
_OWN_NAMES: Final = ("content", "batch")
_OWN_CONTENT, _OWN_BATCH = (f'"{name}"'.encode() for name in _OWN_NAMES)
"""Columns of the ledger that a CloudEvents extension may be called like."""

_OPEN_LINE: Final = (
    b'{"accepted_at":"%d.%03d","kafka_topic":"%b","kafka_partition":%d,"kafka_offset":%d,'
    b'"content":"%b",%b'
)

EventKey = tuple[str, str]
"""Source and id: what identifies an event, forever."""


class LedgerRecord(NamedTuple):
    """A record of a canonical topic: the event's key, its digest, its JSON, where it was read.

    A tuple, because one is made for every event that is stored. `timestamp` is when the broker took
    it, in milliseconds. `line` is its row, where that was written ahead (`open_line`).
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
        """What identifies the event, forever."""
        return (self.source, self.id)

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """None: what they tell is read."""
        return ()


@dataclass(slots=True)
class Appended:
    """What became of a batch. A conflict is a resent key with other content: not stored."""

    stored: int = 0
    resent: int = 0
    conflicts: list[LedgerRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the ledger has under a key, and whether the views are known to have it too."""

    content: str
    batches: Sequence[UUID]
    complete: bool


class Ledger:
    """Appends batches of events to the store. Blocks.

    One thread inserts, another may finish what was inserted meanwhile: what several batches concern
    is folded once, while the next one is inserted.
    """

    def __init__(self, clickhouse: ClickHouse, rules: Rules = DEFAULT_RULES) -> None:
        self.clickhouse = clickhouse
        self._rules = rules
        self._unfinished: dict[UUID, int] = {}
        self._lock = Lock()

    def append(self, records: Sequence[LedgerRecord], batch: UUID) -> Appended:
        """Insert a batch and finish it: the events count in every figure then."""
        result = self.insert(records, batch)
        self.finish()
        return result

    def finish(self) -> None:
        """Fold what the inserted batches concern, and mark them complete.

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
        """Store the events of a batch that the ledger has not yet: all of them, or none.

        They are safe once `finish` has returned. Call it again with the same `batch` after a
        failure: what the failed attempt left behind is completed. Raises StoreUnavailable (try
        again) or StoreRefused (a record is bad).
        """
        stands = self._seen(records)
        cut = {b for has in stands.values() if not has.complete for b in has.batches}
        completed: set[EventKey] = set()
        if cut - {batch}:
            # Not stored anew under this batch instead: of two rows the ledger keeps the first, so
            # what another process left would look incomplete for ever.
            before, stands = stands, self._repaired(cut, records)
            completed = {key for key, has in before.items() if not has.complete}
        to_store: dict[tuple[str, str], LedgerRecord] = {}
        result = Appended()
        for record in records:
            key = record.key
            stored = stands.get(key)
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
                # Where a view refused, the ledger may have the block already.
                self._forget(batch)
                raise
            with self._lock:
                self._unfinished[batch] = len(to_store)
        result.stored += len(to_store)
        return result

    def repair(self) -> int:
        """Derive what an ended process left incomplete; return how many batches that were."""
        rows = self.clickhouse.rows(sql("incomplete_batches"))
        return self._complete_cut({row["batch"]: row["rows"] for row in rows})

    def _repaired(self, cut: set[UUID], records: Sequence[LedgerRecord]) -> dict[EventKey, _Stored]:
        rows = self.clickhouse.rows(sql("incomplete_batches"))
        self._complete_cut({row["batch"]: row["rows"] for row in rows if row["batch"] in cut})
        return self._seen(records)

    def _complete_cut(self, incomplete: dict[UUID, int]) -> int:
        try:
            derive(self.clickhouse, list(incomplete))
        except StoreRefused:
            incomplete = {b: rows for b, rows in incomplete.items() if self._derivable(b)}
        if incomplete:
            fold(self.clickhouse, self._rules, list(incomplete))
        self._complete(list(incomplete.items()))
        return len(incomplete)

    def _derivable(self, batch: UUID) -> bool:
        try:
            derive(self.clickhouse, [batch])
        except StoreRefused as error:
            # Its offsets were never committed: its records come again, and the bad one among them
            # is refused then. Left in the ledger, it would make every rebuild fail.
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
            # What this process is about to finish is as good as complete: whoever waits for a copy
            # of it waits for `finish` too.
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
    """Ask a query over event keys, and return its rows as JSON has them.

    The keys travel in the text of the query as one JSON string: a list of parameters is slower to
    write and to read, and a server refuses one above 128 KiB.
    """
    listed = list(keys)
    if len(listed) > _KEYS_A_LOOKUP:
        listed.sort()  # so that each turn touches another part of the ledger
    asked = Template(sql(name))
    for start in range(0, len(listed), _KEYS_A_LOOKUP):
        text = to_json(listed[start : start + _KEYS_A_LOOKUP]).decode()
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        yield from clickhouse.json_rows(
            asked.substitute(keys=f"'{quoted}'"), {"max_query_size": _QUERY_BYTES}
        )


def json_lines(records: Iterable[LedgerRecord], batch: UUID) -> bytes:
    """Return the rows of events, one a line. Raises StoreRefused for a value that is no object."""
    end = f',"batch":"{batch}"}}\n'.encode()
    try:
        lines = [r.line or open_line(r.content, r.value, r[4:8]) for r in records]
    except ValueError as error:
        raise StoreRefused(str(error)) from None
    return end.join(lines) + end


def open_line(content: str, value: bytes, place: tuple[str, int, int, int]) -> bytes:
    """Return the row of an event, left open for its batch. Raises ValueError: no JSON object.

    `place` is topic, partition, offset and when the broker took it, in milliseconds.
    """
    topic, partition, offset, timestamp = place
    # The value is a JSON object already: what the sink knows is put in front of its first field.
    # The time is written in seconds with three decimals: bare milliseconds are read as seconds.
    if not value.startswith(b"{") or not value.endswith(b"}"):
        raise ValueError("is no JSON object")
    return _OPEN_LINE % (
        *divmod(timestamp, 1000), topic.encode(), partition, offset, content.encode(),
        _without_own_names(value)[1:-1],
    )  # fmt: skip


def _without_own_names(value: bytes) -> bytes:
    # The store refuses a row with a field twice. The ledger keeps no extensions, so one that is
    # called like a column of its own is left out; documents may hold such names as they like.
    if _OWN_CONTENT not in value and _OWN_BATCH not in value:
        return value
    try:
        event = simplejson.loads(value, use_decimal=True)
    except ValueError:
        return value  # no JSON: the store says so
    kept = {name: of for name, of in event.items() if name not in _OWN_NAMES}
    written: str = simplejson.dumps(kept, use_decimal=True, ensure_ascii=False)
    return written.encode()
