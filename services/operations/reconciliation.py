"""Reconciliation: checks for each sender and day that accepted = stored + rejected.

Both sides are counted at their origin: in the broker's topics and in the store. Missing records are
listed by source and id, or by topic, partition and offset if they are not events. Unresolved
conflicts are listed as well: events that were sent again with other content, which does not count.
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
    """Where a record is, and its timestamp. The value is not kept, as there are millions."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @property
    def name(self) -> str:
        """The id of the refusal of this record, if it was refused."""
        return record_name(self.topic, self.partition, self.offset, self.timestamp)

    def day(self, site: ZoneInfo) -> date:
        """The day on which it was accepted, at the site."""
        return datetime.fromtimestamp(accepted_ms(self.timestamp) / 1000, site).date()


@dataclass(slots=True)
class SenderDay:
    """The counts of one sender and day. `resent`: further copies of accepted events."""

    accepted: int = 0
    stored: int = 0
    rejected: int = 0
    resent: int = 0

    @property
    def missing(self) -> int:
        """How many records were accepted and are neither stored nor rejected."""
        return self.accepted - self.stored - self.rejected


@dataclass(slots=True)
class Reconciliation:
    """The counts by sender and day, the missing records, and the unresolved conflicts.

    `conflicts`: events that were sent again with other content and refused, and neither replayed
    nor dismissed yet. `read`: how many records were read from the topics.
    """

    rows: dict[tuple[str, date], SenderDay] = field(default_factory=lambda: defaultdict(SenderDay))
    missing: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0

    def miss(self, sender: str, day: date, place: _Place, key: EventKey | None) -> None:
        """Count a record that is neither stored nor refused, and list it."""
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
        """Return the answer of the API and of `rantai reconcile --json`; lists end after 1000."""
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
    """Count both sides. Blocks, and reads every record of the topics since `since` (default: all).

    `zone`: the time zone of the sites, which decides on which day a record counts. `sender`: count
    only its records. Raises BrokerUnavailable or StoreUnavailable.
    """
    site = ZoneInfo(zone)
    start = since or EPOCH
    result = Reconciliation()
    parameters = {"zone": zone, "since": start, "senders": [] if sender is None else [sender]}
    published: dict[EventKey, list[_Place]] = defaultdict(list)
    others: list[tuple[_Place, EventKey | None]] = []
    for record in records_of(bootstrap, _is_counted, start):
        if accepted_ms(record.timestamp) < start.timestamp() * 1000:
            continue  # not every broker finds offsets by time
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
    refused = _count_refused(result, clickhouse, parameters)
    _count_ledger(result, clickhouse, parameters)
    open_keys: dict[EventKey, _Place] = {}
    for key, places in published.items():
        # A copy with other content was refused as a conflict: it is not a resend.
        copies = [place for place in places if place.name not in refused]
        if len(copies) > 1:
            day = copies[0].day(site)
            result.rows[(sender_of(key[0]), day)].resent += len(copies) - 1
        if copies and _name(key) not in refused:
            open_keys[key] = copies[0]
    _count_missing(result, clickhouse, open_keys, site)
    for place, inbound_key in others:
        # An inbound record must be in a canonical topic or refused, and a record that is not an
        # event must be refused; otherwise it is missing.
        if place.name not in refused and inbound_key not in published:
            by = place.topic.removeprefix(INBOUND_PREFIX)
            result.miss(by, place.day(site), place, inbound_key)
    return result


def _sender(topic: str, key: EventKey | None) -> str:
    """Return the sender of a record; the topic's name if a canonical record is not an event."""
    if topic.startswith(INBOUND_PREFIX) or key is None:
        return topic.removeprefix(INBOUND_PREFIX)
    return sender_of(key[0])


def _count_refused(
    result: Reconciliation, clickhouse: ClickHouse, parameters: dict[str, Any]
) -> set[str]:
    """Count the refusals; return their ids, and the names of events that the store refused."""
    names: set[str] = set()
    for row in clickhouse.rows(sql("refused_records"), parameters):
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


def _count_ledger(
    result: Reconciliation, clickhouse: ClickHouse, parameters: dict[str, Any]
) -> None:
    for row in clickhouse.rows(sql("ledger_days"), parameters):
        # Counted as accepted as well: the broker may not hold the record any more, because of its
        # retention or because an in-memory broker ended.
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


def _is_counted(topic: str) -> bool:
    return topic in CANONICAL_TOPICS or topic.startswith(INBOUND_PREFIX)


def _key_of_headers(record: Any) -> EventKey | None:
    headers = dict(record.headers)
    try:
        return _key(headers[SOURCE_HEADER].decode(), headers[ID_HEADER].decode())
    except (KeyError, UnicodeDecodeError):
        return None


def _key_of_attributes(record: Any) -> EventKey | None:
    """Return the event key of an inbound record in binary content mode, or None."""
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
    """Return an event key, or None if no valid event can have it."""
    if not isinstance(source, str) or not isinstance(name, str):
        return None
    try:
        sender_of(source)
    except ValueError:
        return None
    return source, name
