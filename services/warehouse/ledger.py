"""The ledger: events as they came, each once, and the tables behind it complete.

Whether an event was seen is decided by the ledger alone. An insert writes one block into the
ledger and, through the materialised views, into every derived table; the two are not one
transaction, so a batch is marked complete only after both, and one that is not is derived again.
Deriving twice changes nothing: every derived table replaces rows by the event's key.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.warehouse.client import Warehouse, sql
from services.warehouse.rebuild import derive

_LOOKUP_BYTES: Final = 90_000
"""Ids of one look-up: a server refuses a query parameter above 128 KiB."""


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """A record of a canonical topic: the event's key, its digest, its JSON, where it was read."""

    source: str
    id: str
    content: str
    value: bytes
    topic: str
    partition: int
    offset: int
    accepted_ms: int

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the event, forever."""
        return (self.source, self.id)


@dataclass(slots=True)
class Appended:
    """What became of a batch. A conflict is a resent key with other content: not stored."""

    stored: int = 0
    resent: int = 0
    conflicts: list[LedgerRecord] = field(default_factory=list)


class Ledger:
    """Appends batches of events to the store. Blocks; one thread at a time."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse

    def append(self, records: Sequence[LedgerRecord], batch: UUID) -> Appended:
        """Store the events of a batch that the ledger has not yet: all of them, or none.

        Call it again with the same `batch` after a failure: what the failed attempt left behind is
        completed. Raises StoreUnavailable (try again) or StoreRefused (a record is bad).
        """
        stands = self._seen(records)
        # Rows of this very batch: an earlier attempt wrote the ledger and may have died before
        # the views. Unless they are derived anew they count as seen and reach no figure.
        half_done = {key for key, (_, wrote) in stands.items() if wrote == batch}
        fresh: dict[tuple[str, str], LedgerRecord] = {}
        result = Appended()
        for record in records:
            content = stands[record.key][0] if record.key in stands else None
            if content is None and record.key in fresh:
                content = fresh[record.key].content
            if content is None:
                fresh[record.key] = record
            elif content == record.content:
                result.resent += 1
            else:
                result.conflicts.append(record)
        if fresh:
            lines = b"\n".join(_json_line(record, batch) for record in fresh.values())
            self.warehouse.insert_json_lines("events", lines)
        if half_done:
            derive(self.warehouse, [batch])
        if fresh or half_done:
            rows = len(fresh) + len(half_done)
            self.warehouse.insert_rows("batches", ["batch", "rows"], [[batch, rows]])
        result.stored = len(fresh) + len(half_done)
        result.resent -= len(half_done)
        return result

    def repair(self) -> int:
        """Derive what an ended process left incomplete; return how many batches that were."""
        rows = self.warehouse.rows(sql("incomplete_batches"))
        batches = [row["batch"] for row in rows]
        if batches:
            derive(self.warehouse, batches)
            self.warehouse.insert_rows(
                "batches", ["batch", "rows"], [[row["batch"], row["rows"]] for row in rows]
            )
        return len(batches)

    def _seen(self, records: Sequence[LedgerRecord]) -> dict[tuple[str, str], tuple[str, UUID]]:
        by_source: dict[str, set[str]] = {}
        for record in records:
            by_source.setdefault(record.source, set()).add(record.id)
        found: dict[tuple[str, str], tuple[str, UUID]] = {}
        for source, ids in by_source.items():
            for some in portions(ids):
                parameters = {"source": source, "ids": some}
                for row in self.warehouse.rows(sql("seen"), parameters):
                    found[(source, row["id"])] = (row["content"], row["batch"])
        return found


def portions(ids: Iterable[str]) -> Iterator[list[str]]:
    """Split ids into lists that fit one query parameter each."""
    portion: list[str] = []
    size = 0
    for name in sorted(ids):
        portion.append(name)
        size += 3 * len(name) + 9
        if size > _LOOKUP_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _json_line(record: LedgerRecord, batch: UUID) -> bytes:
    # The value is a JSON object already: what the sink knows is put in front of its first field.
    # The time is written in seconds with three decimals: bare milliseconds are read as seconds.
    seconds, milliseconds = divmod(record.accepted_ms, 1000)
    head = (
        f'{{"accepted_at":"{seconds}.{milliseconds:03}","kafka_topic":"{record.topic}",'
        f'"kafka_partition":{record.partition},"kafka_offset":{record.offset},'
        f'"content":"{record.content}","batch":"{batch}",'
    )
    return head.encode() + record.value[1:]
