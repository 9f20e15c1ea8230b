"""Documents other than orders: which version stands, and what counts of it at a date."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from .reading import ZERO, Event, Site, instant, number
from .units import code, converted

OrderLineKey = tuple[str, str, str]
"""Buyer, `order_no`, `line_no`; the supplier is that of the record."""

RECEIVED = "id.rantai.delivery.received.v1"
REVERSED = "id.rantai.delivery.reversed.v1"
RETURNED = "id.rantai.delivery.returned.v1"
INSPECTED = "id.rantai.quality.inspected.v1"
COMPLAINT = "id.rantai.quality.complaint_opened.v1"
DocumentKey = tuple[str, ...]
"""Buyer, then the fields that identify the document; the supplier is that of the record."""


@dataclass(frozen=True)
class Movement:
    """A quantity of one order line that was received, or sent back, on a date."""

    line: OrderLineKey
    on: date
    quantity: Fraction
    document: str
    at: datetime


@dataclass(frozen=True)
class Receipt:
    """The standing version of a receipt, less its reversals."""

    key: DocumentKey
    received_at: datetime
    on: date
    despatch_no: str | None
    left: dict[OrderLineKey, Fraction]
    """What is left of each line, in its unit: also 0, but no unit conflicts."""
    units: dict[OrderLineKey, str | None]
    names: frozenset[OrderLineKey]
    """Every order line that it names, also those in conflict of units."""

    @property
    def stays(self) -> bool:
        """Whether anything is left.

        "A receipt with nothing left is treated as if it did not exist."
        """
        return any(self.left.values())


@dataclass(frozen=True)
class Inspection:
    """The standing version of an inspection, which is a lot."""

    on: date
    rejected: Fraction
    """The part of the rejected quantity that counts; see `inspections`."""
    accepted: bool


@dataclass(frozen=True)
class Complaint:
    """The standing version of a complaint."""

    key: DocumentKey
    on: date
    severity: str
    quantity: Fraction
    names_inspection: bool
    order_no: str | None
    told_on: date
    """The date "of the `time` of the first event that told of it"."""


def versions(
    events: Iterable[Event], event_type: str, *naming: str
) -> dict[DocumentKey, list[Event]]:
    """Return all versions of each document, oldest first; `naming`: the fields that identify it.

    "The same document is: a despatch, receipt, return, inspection or complaint by its number; an
    answer by complaint and step; a closing by complaint; always within one buyer and supplier."
    """
    found: dict[DocumentKey, list[Event]] = defaultdict(list)
    for event in events:
        if event.type == event_type:
            found[event.buyer_id, *(event.data[field] for field in naming)].append(event)
    return {key: sorted(same, key=lambda event: event.place) for key, same in found.items()}


def standing(events: Iterable[Event], event_type: str, *naming: str) -> list[Event]:
    """Return the version of each document that stands.

    "A document sent again under a new event id replaces the earlier content: the version that
    stands is the one with the highest `time`, then `id`, then `source`. [...] First the version
    that stands is chosen, then its date is looked at." So the versions are not filtered by T here.
    """
    return [same[-1] for same in versions(events, event_type, *naming).values()]


Units = Mapping[OrderLineKey, str | None]
"""The unit of each order line that has a version at T."""


def _unit_of(key: OrderLineKey, lines: list[Mapping[str, Any]], units: Units) -> str | None:
    """Return the unit in which a receipt's quantities of an order line are counted.

    "The unit of an orphan is, in each receipt, that of the first of its lines there that names
    one".
    """
    if key in units:
        return units[key]
    return next((code(line) for line in lines if code(line) is not None), None)


def _by_order_line(event: Event) -> dict[OrderLineKey, list[Mapping[str, Any]]]:
    found: dict[OrderLineKey, list[Mapping[str, Any]]] = defaultdict(list)
    for line in event.lines():
        found[event.buyer_id, line["order_no"], line["line_no"]].append(line)
    return found


def _sum_in(unit: str | None, lines: list[Mapping[str, Any]]) -> Fraction | None:
    """Add up in a unit: "Two lines of one receipt for the same order line add up."

    None if every line is a unit conflict: "that line of the document, counts in nothing".
    """
    quantities = [converted(line["quantity"], code(line), unit) for line in lines]
    counted = [quantity for quantity in quantities if quantity is not None]
    return sum(counted, ZERO) if counted else None


def _in_force_at(same: list[Event], moment: datetime) -> Event:
    """Return the version from which a reversal takes.

    "A reversal takes from the version of the receipt in force at the reversal's time. Timed before
    the first version, it is taken as if at the first one's time; of two versions of one time, the
    one with the higher `id` is in force. A version timed later starts anew, without the reversal."
    """
    moment = max(moment, same[0].time)
    return [version for version in same if version.time <= moment][-1]


def _net(
    receipt: Event, reversals: list[Event], units: Units
) -> tuple[dict[OrderLineKey, Fraction], dict[OrderLineKey, str | None]]:
    """Subtract the reversals from a receipt; return what is left of each line, and its unit.

    "The net quantity of a receipt's line is its quantity less what was reversed of it, never under
    0; a reversal without lines takes all."
    """
    left, of = {}, {}
    for key, lines in _by_order_line(receipt).items():
        unit = _unit_of(key, lines, units)
        quantity = _sum_in(unit, lines)
        if quantity is not None:
            left[key], of[key] = quantity, unit
    for reversal in reversals:
        if reversal.data.get("lines") is None:
            return dict.fromkeys(left, ZERO), of
        for key, lines in _by_order_line(reversal).items():
            if key in left:
                left[key] -= _sum_in(of[key], lines) or ZERO
    return {key: max(ZERO, quantity) for key, quantity in left.items()}, of


def receipts(events: list[Event], as_of: date, site: Site, units: Units) -> list[Receipt]:
    """Return the receipts before `as_of`, less the reversals before it."""
    reversals: dict[DocumentKey, list[Event]] = defaultdict(list)
    for event in events:
        # "Only facts whose business date is before T count. The business date is the event's own
        # date field [...], or its envelope `time` where it has none".
        if event.type == REVERSED and site.date_of(event.time) < as_of:
            reversals[event.buyer_id, event.data["receipt_no"]].append(event)
    found = []
    for key, same in versions(events, RECEIVED, "receipt_no").items():
        stands = same[-1]
        received_at = instant(stands.data["received_at"])
        if site.date_of(received_at) >= as_of:
            continue
        # "Confirmations, cancellations and reversals are never replaced: each one counts."
        against = [event for event in reversals[key] if _in_force_at(same, event.time) is stands]
        left, of = _net(stands, against, units)
        found.append(
            Receipt(
                key,
                received_at,
                site.date_of(received_at),
                stands.data.get("despatch_no"),
                left,
                of,
                frozenset(_by_order_line(stands)),
            )
        )
    return found


def returns(events: list[Event], as_of: date, site: Site, units: Units) -> list[Movement]:
    """Return what was sent back before `as_of` of order lines that have a version.

    "Returns (goods sent back) are not reversals".
    """
    movements = []
    for event in standing(events, RETURNED, "return_no"):
        returned_at = instant(event.data["returned_at"])
        on = site.date_of(returned_at)
        if on >= as_of:
            continue
        for line, sent_back in _by_order_line(event).items():
            quantity = _sum_in(units.get(line), sent_back)
            if line in units and quantity is not None:
                number_of = str(event.data["return_no"])
                movements.append(Movement(line, on, quantity, number_of, returned_at))
    return movements


def inspections(
    events: list[Event], as_of: date, site: Site, units: Units, known: list[Receipt]
) -> list[Inspection]:
    """Return the inspections before `as_of` that stand, with the rejected quantity that counts.

    "Inspections that name the same line of the same receipt reject together at most what is left
    of that line at T (nothing, if all of it was reversed): they are taken in order of
    (`inspected_at`, `inspection_no`), and each one counts up to what is still left. Where no such
    receipt line is known at T, or it is a unit conflict, there is no limit".

    `known`: the receipts before `as_of`, also those that were reversed.
    """
    by_number = {receipt.key: receipt for receipt in known}
    left: dict[tuple[DocumentKey, OrderLineKey], Fraction] = {}
    found = []
    for event in sorted(standing(events, INSPECTED, "inspection_no"), key=_inspected):
        data = event.data
        on = site.date_of(instant(data["inspected_at"]))
        # "An inspection of quantity 0 is treated as if it did not exist".
        if on >= as_of or number(data["quantity_inspected"]) == 0:
            continue
        line = event.buyer_id, data["order_no"], data["line_no"]
        receipt = by_number.get((event.buyer_id, str(data.get("receipt_no"))))
        unit = units.get(line)
        if line not in units and receipt is not None:
            # "that receipt's reversals and inspections are converted into it."
            unit = receipt.units.get(line)
        rejected = converted(data["quantity_rejected"], code(data), unit)
        if rejected is None:
            continue  # "such an inspection is no lot"
        if receipt is not None and line in receipt.left:
            place = receipt.key, line
            still = left.get(place, receipt.left[line])
            rejected = min(rejected, still)
            left[place] = still - rejected
        found.append(Inspection(on, rejected, data["disposition"] == "accepted"))
    return found


def _inspected(event: Event) -> tuple[datetime, str]:
    return instant(event.data["inspected_at"]), event.data["inspection_no"]


def complaints(events: list[Event], site: Site) -> list[Complaint]:
    """Return the complaints that stand, of any date; without a quantity, their quantity is 0."""
    return [
        Complaint(
            key=key,
            severity=same[-1].data["severity"],
            on=site.date_of(instant(same[-1].data["opened_at"])),
            quantity=number(same[-1].data["quantity"]) if _given(same[-1], "quantity") else ZERO,
            names_inspection=_given(same[-1], "inspection_no"),
            order_no=same[-1].data.get("order_no"),
            told_on=site.date_of(same[0].time),
        )
        for key, same in versions(events, COMPLAINT, "complaint_no").items()
    ]


def _given(event: Event, field: str) -> bool:
    return event.data.get(field) is not None
