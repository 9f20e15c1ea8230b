"""Documents other than orders: which version stands, and what it says at a date."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from .reading import ZERO, Event, Site, instant, number

OrderLineKey = tuple[str, str, str]
"""Buyer, `order_no`, `line_no`; the supplier is the one asked for."""

RECEIVED = "id.rantai.delivery.received.v1"
REVERSED = "id.rantai.delivery.reversed.v1"
RETURNED = "id.rantai.delivery.returned.v1"
INSPECTED = "id.rantai.quality.inspected.v1"
COMPLAINT = "id.rantai.quality.complaint_opened.v1"
DocumentKey = tuple[str, ...]
"""Buyer, then what numbers the document; the supplier is the one asked for."""


@dataclass(frozen=True)
class Movement:
    """A quantity of one order line that came, or went back, on a date."""

    line: OrderLineKey
    on: date
    quantity: Fraction
    document: str


@dataclass(frozen=True)
class Receipt:
    """The standing version of a receipt with what the reversals left of it."""

    key: DocumentKey
    received_at: datetime
    on: date
    despatch_no: str | None
    left: dict[OrderLineKey, Fraction]


@dataclass(frozen=True)
class Inspection:
    """The standing version of an inspection."""

    on: date
    rejected: Fraction
    accepted: bool


@dataclass(frozen=True)
class Complaint:
    """The standing version of a complaint."""

    key: DocumentKey
    on: date
    severity: str
    quantity: Fraction
    names_inspection: bool


def versions(
    events: Iterable[Event], event_type: str, *naming: str
) -> dict[DocumentKey, list[Event]]:
    """Give all versions of each document, oldest first; `naming` are the fields that name it.

    "The same document is: a despatch, receipt, return, inspection or complaint by its number; an
    answer by complaint and step; a closing by complaint; always within one buyer and supplier."
    """
    found: dict[DocumentKey, list[Event]] = defaultdict(list)
    for event in events:
        if event.type == event_type:
            found[event.buyer_id, *(event.data[field] for field in naming)].append(event)
    return {key: sorted(same, key=lambda event: event.place) for key, same in found.items()}


def standing(events: Iterable[Event], event_type: str, *naming: str) -> list[Event]:
    """Give the version of each document that stands.

    "A document sent again under a new event id replaces its content: that of the highest `time`,
    then `id`, stands. [...] First the version that stands is chosen, then its date is looked at."
    So the versions are not filtered by the date asked for.
    """
    return [same[-1] for same in versions(events, event_type, *naming).values()]


def _quantities(event: Event) -> dict[OrderLineKey, Fraction]:
    """Sum a document's quantities by order line.

    "Two lines of one receipt for the same order line add up."
    """
    sums: dict[OrderLineKey, Fraction] = defaultdict(Fraction)
    for line in event.lines():
        key = event.buyer_id, line["order_no"], line["line_no"]
        sums[key] += number(line["quantity"])
    return dict(sums)


def _in_force_at(same: list[Event], moment: datetime) -> Event:
    """Choose the version a reversal takes from.

    "A reversal takes from the version of the receipt in force at its time (timed before the
    first: from the first); a version timed later starts anew."
    """
    until = [version for version in same if version.time <= moment]
    return until[-1] if until else same[0]


def _net(receipt: Event, reversals: list[Event]) -> dict[OrderLineKey, Fraction]:
    """Take the reversals off a receipt.

    "Net quantity of a receipt's line = its quantity less what was reversed of it, never under 0;
    a reversal without lines takes all".
    """
    left = _quantities(receipt)
    for reversal in reversals:
        if reversal.data.get("lines") is None:
            return {}
        for key, quantity in _quantities(reversal).items():
            left[key] = left.get(key, ZERO) - quantity
    # "A receipt with nothing left never was."
    return {key: quantity for key, quantity in left.items() if quantity > 0}


def receipts(events: list[Event], as_of: date, site: Site) -> list[Receipt]:
    """Give the receipts before `as_of` that have anything left after the reversals before it."""
    reversals: dict[DocumentKey, list[Event]] = defaultdict(list)
    for event in events:
        # "Only facts whose business date is before T count: an event's own date field [...], or
        # its envelope `time` where it has none".
        if event.type == REVERSED and site.date_of(event.time) < as_of:
            reversals[event.buyer_id, event.data["receipt_no"]].append(event)
    found = []
    for key, same in versions(events, RECEIVED, "receipt_no").items():
        stands = same[-1]
        received_at = instant(stands.data["received_at"])
        if site.date_of(received_at) >= as_of:
            continue
        # "confirmations, cancellations and reversals each count."
        against = [event for event in reversals[key] if _in_force_at(same, event.time) is stands]
        left = _net(stands, against)
        if left:
            despatch_no = stands.data.get("despatch_no")
            found.append(Receipt(key, received_at, site.date_of(received_at), despatch_no, left))
    return found


def net_receipts(events: list[Event], as_of: date, site: Site) -> list[Movement]:
    """Give what was received before `as_of`, net of what was reversed before it."""
    return [
        Movement(line, receipt.on, quantity, receipt.key[1])
        for receipt in receipts(events, as_of, site)
        for line, quantity in receipt.left.items()
    ]


def returns(events: list[Event], as_of: date, site: Site) -> list[Movement]:
    """Give what was sent back before `as_of`.

    "Returns (goods sent back) are no reversals".
    """
    movements = []
    for event in standing(events, RETURNED, "return_no"):
        on = site.date_of(instant(event.data["returned_at"]))
        if on < as_of:
            for line, quantity in _quantities(event).items():
                movements.append(Movement(line, on, quantity, event.data["return_no"]))
    return movements


def inspections(events: list[Event], site: Site) -> list[Inspection]:
    """Give the inspections that stand, whatever their date."""
    return [
        Inspection(
            on=site.date_of(instant(event.data["inspected_at"])),
            rejected=number(event.data["quantity_rejected"]),
            # "inspections with disposition `accepted` [...] A concession is not an acceptance".
            accepted=event.data["disposition"] == "accepted",
        )
        for event in standing(events, INSPECTED, "inspection_no")
    ]


def complaints(events: list[Event], site: Site) -> list[Complaint]:
    """Give the complaints that stand, whatever their date; one without a quantity adds none."""
    return [
        Complaint(
            key=(event.buyer_id, event.data["complaint_no"]),
            severity=event.data["severity"],
            on=site.date_of(instant(event.data["opened_at"])),
            quantity=number(event.data["quantity"]) if _given(event, "quantity") else ZERO,
            names_inspection=_given(event, "inspection_no"),
        )
        for event in standing(events, COMPLAINT, "complaint_no")
    ]


def _given(event: Event, field: str) -> bool:
    return event.data.get(field) is not None
