"""Reads events: exact numbers, instants, business dates, and each event counted once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

ZERO = Fraction(0)


def number(value: object) -> Fraction:
    """Read a JSON number or a decimal string exactly."""
    return Fraction(Decimal(str(value)))


NUMBERS = frozenset(
    (
        "buyer_id", "supplier_id", "order_no", "line_no", "item_no", "despatch_no", "receipt_no",
        "return_no", "inspection_no", "complaint_no",
    )
)  # fmt: skip


def spelled(data: Any) -> Any:
    """Return a document with its identifiers and numbers in one spelling.

    "Identifiers, document, line and item numbers are brought to Unicode NFC and lose white space at
    both ends before anything is checked or compared."
    """
    if isinstance(data, Mapping):
        return {
            key: _spelling(value) if key in NUMBERS and isinstance(value, str) else spelled(value)
            for key, value in data.items()
        }
    if isinstance(data, list):
        # The lines of a cancellation and the items of a capacity are bare strings.
        return [_spelling(one) if isinstance(one, str) else spelled(one) for one in data]
    return data


def _spelling(number: str) -> str:
    return normalize("NFC", number).strip()


def instant(text: str) -> datetime:
    """Read an RFC 3339 time. "No offset = rejected"."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError(f"no offset: {text}")
    return moment


@dataclass(frozen=True)
class Site:
    """The site whose time zone decides business dates.

    "A time becomes a business date in the site's time zone, default `Asia/Jakarta`."
    """

    zone: ZoneInfo

    def date_of(self, moment: datetime) -> date:
        """Return the business date of an instant."""
        return moment.astimezone(self.zone).date()


@dataclass(frozen=True)
class Event:
    """One CloudEvent of one buyer and supplier."""

    source: str
    id: str
    type: str
    time: datetime
    data: Mapping[str, Any]

    @cached_property
    def buyer_id(self) -> str:
        """The buyer of the document."""
        return str(self.data["buyer_id"])

    @cached_property
    def place(self) -> tuple[datetime, str, str]:
        """The sort key among versions: `time`, then `id`, then `source`."""
        return self.time, self.id, self.source

    def lines(self) -> list[Mapping[str, Any]]:
        """Return the document's lines."""
        return list(self.data["lines"])


def counted_once(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep each (source, id) once.

    "The same pair again is the same event: accepted, counted once, forever [...] The same pair
    with other content: the one stored first stands".
    """
    kept: dict[tuple[str, str], Mapping[str, Any]] = {}
    for event in events:
        kept.setdefault((event["source"], event["id"]), event)
    return list(kept.values())


def about(
    events: Iterable[Mapping[str, Any]], supplier_id: str, buyer_id: str | None
) -> list[Event]:
    """Return the events about the supplier, also those that name no buyer.

    Certificates, assessments and capacities that name no buyer come from the programme or the
    supplier, and hold for every buyer. Decision: if `buyer_id` is given, those of other buyers are
    left out, as their orders are.
    """
    return [
        Event(raw["source"], raw["id"], raw["type"], instant(raw["time"]), spelled(raw["data"]))
        for raw in counted_once(events)
        if raw["data"].get("supplier_id") == supplier_id
        and (buyer_id is None or raw["data"].get("buyer_id") in (None, buyer_id))
    ]


def dealings(
    events: Iterable[Mapping[str, Any]], supplier_id: str, buyer_id: str | None
) -> list[Event]:
    """Return the events between the supplier and its buyers, or only with `buyer_id`."""
    return [
        Event(raw["source"], raw["id"], raw["type"], instant(raw["time"]), spelled(raw["data"]))
        for raw in counted_once(events)
        if raw["data"].get("supplier_id") == supplier_id
        and "buyer_id" in raw["data"]
        and buyer_id in (None, raw["data"]["buyer_id"])
    ]
