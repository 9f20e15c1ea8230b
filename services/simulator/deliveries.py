"""Deliveries of an order: what is shipped when, how it is announced, and how it is received."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from services.simulator.story import OpenLine, OrderStory, whole_lots
from services.simulator.worktime import (
    SITE,
    by_workday,
    chance,
    days_later,
    hours_later,
    in_working_time,
    minutes_later,
    moment,
    start_of,
    workdays_after,
)

_EARLY_ENOUGH: Final = timedelta(days=6)
"""How long before its due date a live run may send a punctual delivery: the early tolerance is 7
days."""


@dataclass(frozen=True, slots=True)
class PartialDelivery:
    """The quantity of one order line that is on a truck."""

    line: OpenLine
    quantity: Decimal

    def as_line(self, order_no: str) -> dict[str, Any]:
        """Return the line as a delivery document has it."""
        return {"order_no": order_no, "line_no": self.line.line_no, "quantity": self.quantity}


@dataclass(slots=True)
class Shipment:
    """What is on one truck. `late`: whether any of it comes after its due date."""

    on: date
    parts: list[PartialDelivery] = field(default_factory=list)
    late: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """A goods receipt: what arrived, when, and when the buyer booked it."""

    receipt_no: str
    received_at: datetime
    booked_at: datetime
    parts: list[PartialDelivery]


def deliver(story: OrderStory) -> list[Receipt]:
    """Ship every wanted line and return the receipts; goods of one day come on one truck."""
    shipments: dict[date, Shipment] = {}
    for line in story.wanted:
        for on, quantity in _plan(story, line):
            shipment = shipments.setdefault(on, Shipment(on))
            shipment.parts.append(PartialDelivery(line, quantity))
            shipment.late = shipment.late or on > line.due
    return [_ship(story, shipments[on]) for on in sorted(shipments)]


def _plan(story: OrderStory, line: OpenLine) -> list[tuple[date, Decimal]]:
    rng, conduct = story.rng, story.conduct
    if chance(rng, conduct.late):
        on = workdays_after(line.due, rng.randint(1, conduct.days_late_most))
    else:
        days_early = 9 if chance(rng, 0.008) else rng.choice((0, 0, 0, 0, 1, 1, 2, 3))
        on = _not_before_order(story, line.due - timedelta(days=days_early))
    if chance(rng, conduct.short):
        first = whole_lots(line.item, line.quantity * rng.randint(80, 96) / 100)
        later = workdays_after(max(on, line.due), rng.randint(2, 8))
        rest = [(later, line.quantity - first)] if chance(rng, 0.7) else []
        return [(on, first), *(part for part in rest if part[1] > 0)]
    if chance(rng, 0.16):
        first = whole_lots(line.item, line.quantity * rng.randint(30, 70) / 100)
        sooner = _not_before_order(story, on - timedelta(days=rng.randint(1, 3)))
        parts = [(sooner, first), (on, line.quantity - first)]
        return [part for part in parts if part[1] > 0]
    if chance(rng, 0.004):
        return [(on, whole_lots(line.item, line.quantity * Decimal("1.08")))]
    return [(on, line.quantity)]


def _not_before_order(story: OrderStory, day: date) -> date:
    return max(by_workday(day), story.placed_at.astimezone(SITE).date())


def _ship(story: OrderStory, shipment: Shipment) -> Receipt:
    rng = story.rng
    received_at = moment(shipment.on, rng, 9, 15)
    if received_at < story.placed_at + timedelta(hours=1):
        received_at = hours_later(story.placed_at, rng, 1, 2)
    earliest = start_of(min(part.line.due for part in shipment.parts)) - _EARLY_ENOUGH
    not_before = received_at if shipment.late else min(received_at, earliest)
    despatch_no = _announce(story, shipment, received_at, not_before)
    return _book(story, shipment, received_at, despatch_no, not_before)


def _announce(
    story: OrderStory, shipment: Shipment, received_at: datetime, not_before: datetime
) -> str | None:
    rng = story.rng
    if not chance(rng, story.conduct.despatch_notice):
        if chance(rng, 0.6):
            return None
        at = minutes_later(received_at, rng, 90, 240)  # sent long after the goods arrived
    elif received_at.hour >= 11:
        at = received_at - timedelta(minutes=rng.randint(60, 180))
    else:
        at = moment(by_workday(shipment.on - timedelta(days=1)), rng, 13, 16)
    if at <= story.placed_at:
        at = received_at - timedelta(minutes=rng.randint(20, 55))
    despatch_no = story.number("SJ")
    story.supplier_says(
        at,
        "delivery.despatched",
        not_before=not_before,
        despatch_no=despatch_no,
        expected_at=received_at if at < received_at else None,
        vehicle=f"AD {rng.randint(1000, 9999)} {rng.choice('ABCDEFGH')}{rng.choice('JKLMN')}",
        lines=[part.as_line(story.order_no) for part in shipment.parts],
    )
    return despatch_no


def _book(
    story: OrderStory,
    shipment: Shipment,
    received_at: datetime,
    despatch_no: str | None,
    not_before: datetime,
) -> Receipt:
    rng = story.rng
    booked_at = minutes_later(received_at, rng, 5, 80)
    if chance(rng, 0.02):
        booked_at = _book_wrongly(story, shipment.parts, received_at, booked_at, not_before)
    elif chance(rng, 0.02):
        booked_at = _forget_until_disputed(story, shipment.parts[0].line, received_at, not_before)
    receipt = Receipt(story.number("GR"), received_at, booked_at, shipment.parts)
    story.buyer_says(
        booked_at,
        "delivery.received",
        not_before=not_before,
        receipt_no=receipt.receipt_no,
        received_at=received_at,
        despatch_no=despatch_no,
        lines=[part.as_line(story.order_no) for part in shipment.parts],
    )
    return receipt


def _book_wrongly(
    story: OrderStory,
    parts: list[PartialDelivery],
    received_at: datetime,
    booked_at: datetime,
    not_before: datetime,
) -> datetime:
    """Book ten times the quantity, reverse it, and return when the right receipt is booked."""
    rng = story.rng
    receipt_no = story.number("GR")
    wrong = [PartialDelivery(part.line, part.quantity * 10) for part in parts]
    story.buyer_says(
        booked_at,
        "delivery.received",
        not_before=not_before,
        receipt_no=receipt_no,
        received_at=received_at,
        lines=[part.as_line(story.order_no) for part in wrong],
    )
    line_by_line = [part.as_line(story.order_no) for part in wrong]
    reversed_at = minutes_later(booked_at, rng, 15, 300)
    story.buyer_says(
        reversed_at,
        "delivery.reversed",
        not_before=not_before,
        receipt_no=receipt_no,
        lines=line_by_line if chance(rng, 0.4) else None,
    )
    return minutes_later(reversed_at, rng, 2, 20)


def _forget_until_disputed(
    story: OrderStory, line: OpenLine, received_at: datetime, not_before: datetime
) -> datetime:
    """Let the supplier dispute that a receipt is missing; return when the buyer books it."""
    rng = story.rng
    document: dict[str, Any] = {"order_no": story.order_no, "line_no": line.line_no}
    disputed_at = days_later(received_at, rng, 2, 5)
    story.supplier_says(
        disputed_at,
        "line.disputed",
        not_before=not_before,
        reason="barang sudah diterima gudang, penerimaan belum tercatat",
        evidence=f"https://files.example/{story.supplier.id}/{story.order_no}-{line.line_no}.jpg",
        **document,
    )
    answered_at = hours_later(disputed_at, rng, 2, 30)
    story.buyer_says(
        answered_at,
        "line.dispute_answered",
        not_before=not_before,
        answer="corrected",
        note="penerimaan dicatat dengan tanggal kedatangan",
        **document,
    )
    return in_working_time(answered_at + timedelta(minutes=rng.randint(3, 25)))
