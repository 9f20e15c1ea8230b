"""Reconciliation: for each sender and day, accepted = stored + rejected.

Both sides are counted where the records are: in the broker's topics and in the store. What is
missing is named by source and id, or by topic, partition and offset where it is no event. So are
the conflicts that nobody has dealt with: what was sent again otherwise, and does not count.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.catalogue import CANONICAL_TOPICS, INBOUND_PREFIX
from schemas.envelope import sender_of
from schemas.validation import NotParseable, parse
from services.kafka.producer import ID_HEADER, SOURCE_HEADER
from services.kafka.record_headers import accepted_ms, attributes_of, record_name
from services.kafka.topic_reader import EPOCH, records_of
from services.store.client import ClickHouse
from services.store.ledger import EventKey, rows_of_keys
from services.store.sql_files import sql

_SHOWN: Final = 1000


class _Place(NamedTuple):
    """Where a record stands, and since when. Its value is not kept: there are millions."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @property
    def name(self) -> str:
        """What a refusal of it is called."""
        return record_name(self.topic, self.partition, self.offset, self.timestamp)

    def day(self, site: ZoneInfo) -> date:
        """The day on which it was accepted."""
        return datetime.fromtimestamp(accepted_ms(self.timestamp) / 1000, site).date()


@dataclass(slots=True)
class SenderDay:
    """The count of one sender and day. `resent` are further copies of accepted events."""

    accepted: int = 0
    stored: int = 0
    rejected: int = 0
    resent: int = 0

    @property
    def missing(self) -> int:
        """What was accepted and is neither stored nor rejected."""
        return self.accepted - self.stored - self.rejected


@dataclass(slots=True)
class Reconciliation:
    """The counts by sender and day, the records that are missing, the conflicts.

    conflicts: events that came again with other content and were refused for it; whoever sent them
    has not dealt with them yet.
    """

    rows: dict[tuple[str, date], SenderDay] = field(default_factory=lambda: defaultdict(SenderDay))
    missing: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0

    def miss(self, sender: str, day: date, place: _Place, key: EventKey | None) -> None:
        """Count a record that is neither stored nor refused, and say which it is."""
        self.rows[(sender, day)].accepted += 1
        self.missing.append(
            {
                "sender": sender,
                "source": key[0] if key else None,
                "id": key[1] if key else None,
                "topic": place.topic,
                "partition": place.partition,
                "offset": place.offset,
            }
        )

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the API and of `rantai reconcile --json`."""
        total = SenderDay()
        rows = []
        for (sender, day), row in sorted(self.rows.items()):
            total.accepted += row.accepted
            total.stored += row.stored
            total.rejected += row.rejected
            total.resent += row.resent
            rows.append({"sender": sender, "day": day.isoformat(), **_counts(row)})
        return {
            "rows": rows,
            "total": _counts(total),
            "missing": len(self.missing),
            "missing_events": self.missing[:_SHOWN],
            "conflicts": len(self.conflicts),
            "conflict_events": self.conflicts[:_SHOWN],
            "records_read": self.read,
        }


def _counts(row: SenderDay) -> dict[str, int]:
    return {
        "accepted": row.accepted,
        "stored": row.stored,
        "rejected": row.rejected,
        "missing": row.missing,
        "resent": row.resent,
    }


def reconcile(
    clickhouse: ClickHouse,
    bootstrap: str,
    *,
    zone: str,
    since: datetime | None = None,
    sender: str | None = None,
) -> Reconciliation:
    """Count both sides. Blocks; reads every record of the topics since then, by default all.

    `sender`: count its records alone, as if there were no others. Raises BrokerUnavailable and
    StoreUnavailable.
    """
    site = ZoneInfo(zone)
    start = since or EPOCH
    result = Reconciliation()
    asked = {"zone": zone, "since": start, "senders": [] if sender is None else [sender]}
    published: dict[EventKey, list[_Place]] = defaultdict(list)
    others: list[tuple[_Place, EventKey | None]] = []
    for record in records_of(bootstrap, _counted, start):
        if accepted_ms(record.timestamp) < start.timestamp() * 1000:
            continue  # not every broker finds offsets by their time
        inbound = record.topic.startswith(INBOUND_PREFIX)
        key = _key_of_attributes(record) if inbound else _key_of_headers(record)
        key = key or _key_of_json(record.value)
        if sender is not None and _sender(record.topic, key) != sender:
            continue
        result.read += 1
        place = _Place(record.topic, record.partition, record.offset, record.timestamp)
        if inbound or key is None:
            others.append((place, key))
        else:
            published[key].append(place)
    refused = _count_refused(result, clickhouse, asked)
    _count_ledger(result, clickhouse, asked)
    open_keys: dict[EventKey, _Place] = {}
    for key, places in published.items():
        # A copy with other content is refused where it stands: it is no further copy of the event.
        copies = [place for place in places if place.name not in refused]
        if len(copies) > 1:
            day = copies[0].day(site)
            result.rows[(sender_of(key[0]), day)].resent += len(copies) - 1
        if copies and _name(key) not in refused:
            open_keys[key] = copies[0]
    _count_missing(result, clickhouse, open_keys, site)
    for place, inbound_key in others:
        # An inbound record ends in a canonical topic or is refused, what is no event is refused;
        # else it is missing.
        if place.name not in refused and inbound_key not in published:
            by = place.topic.removeprefix(INBOUND_PREFIX)
            result.miss(by, place.day(site), place, inbound_key)
    return result


def _sender(topic: str, key: EventKey | None) -> str:
    """Return who sent a record; the topic's own name where a canonical one has no event."""
    if topic.startswith(INBOUND_PREFIX) or key is None:
        return topic.removeprefix(INBOUND_PREFIX)
    return sender_of(key[0])


def _count_refused(
    result: Reconciliation, clickhouse: ClickHouse, asked: dict[str, Any]
) -> set[str]:
    """Count what was refused; return the names of the records and of events the store refused."""
    names: set[str] = set()
    for row in clickhouse.rows(sql("refused_records"), asked):
        names.add(row["id"])
        counted = result.rows[(row["sender"], row["day"])]
        counted.accepted += 1
        counted.rejected += 1
        if row["reason"] == "conflict" and not row["dealt_with"]:
            result.conflicts.append(
                {
                    "sender": row["sender"],
                    "source": row["event_source"],
                    "id": row["event_id"],
                    "rejected_id": row["id"],
                }
            )
        if row["reason"] == "store":
            names.add(_name((row["event_source"], row["event_id"])))
    return names


def _count_ledger(result: Reconciliation, clickhouse: ClickHouse, asked: dict[str, Any]) -> None:
    for row in clickhouse.rows(sql("ledger_days"), asked):
        # What the broker no longer keeps, by retention or because its memory ended, was
        # accepted all the same: the ledger has it.
        counted = result.rows[(row["sender"], row["day"])]
        counted.accepted += row["events"]
        counted.stored += row["events"]


def _count_missing(
    result: Reconciliation,
    clickhouse: ClickHouse,
    published: dict[EventKey, _Place],
    site: ZoneInfo,
) -> None:
    rows = rows_of_keys(clickhouse, "ledger_has", published)
    there = {(row["source"], row["id"]) for row in rows}
    for key, place in published.items():
        if key not in there:
            result.miss(sender_of(key[0]), place.day(site), place, key)


def _name(key: EventKey) -> str:
    return "\n".join(key)


def _counted(topic: str) -> bool:
    return topic in CANONICAL_TOPICS or topic.startswith(INBOUND_PREFIX)


def _key_of_headers(record: Any) -> EventKey | None:
    headers = dict(record.headers)
    try:
        return _key(headers[SOURCE_HEADER].decode(), headers[ID_HEADER].decode())
    except (KeyError, UnicodeDecodeError):
        return None


def _key_of_attributes(record: Any) -> EventKey | None:
    """Return the key of an inbound record in binary content mode."""
    try:
        attributes = attributes_of(record.headers)
    except ValueError:
        return None
    source, name = attributes.get("source"), attributes.get("id")
    return (source, name) if source is not None and name is not None else None


def _key_of_json(value: bytes | None) -> EventKey | None:
    try:
        raw = parse(value or b"")
    except NotParseable:
        return None
    return _key(raw.get("source"), raw.get("id")) if isinstance(raw, dict) else None


def _key(source: object, name: object) -> EventKey | None:
    """Return a key, or None where no event can have it."""
    if not isinstance(source, str) or not isinstance(name, str):
        return None
    try:
        sender_of(source)
    except ValueError:
        return None
    return source, name
