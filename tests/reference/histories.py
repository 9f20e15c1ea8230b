"""Random histories of suppliers and buyers that exercise every rule of the figures."""

import random
from copy import deepcopy
from datetime import date
from typing import Any

from .calm_stories import Calm
from .delivery_stories import tell_deliveries
from .order_stories import Line, tell_order
from .partner_stories import agree, follow, register
from .writing import Pair, Writer, buyer_ids, supplier_ids

__all__ = ["buyer_ids", "history", "shuffled", "supplier_ids"]

TYPES_OF_DEALINGS = frozenset(
    f"id.rantai.{name}.v1"
    for name in (
        "order.placed",
        "order.changed",
        "order.cancelled",
        "order.confirmed",
        "delivery.despatched",
        "delivery.received",
        "delivery.reversed",
        "delivery.returned",
        "quality.inspected",
        "quality.complaint_opened",
        "quality.complaint_answered",
        "quality.complaint_closed",
        "line.disputed",
        "line.dispute_answered",
    )
)


def history(
    rng: random.Random,
    *,
    suppliers: int,
    buyers: int,
    lines: int,
    start: date,
    days: int,
    calm: float = 0.0,
) -> list[dict[str, Any]]:
    """Return valid events of every type, with `lines` order lines spread over all pairs.

    Numbers are JSON integers or decimal strings, so that JSON keeps them exact. The last order is
    written with every optional document if chance left out some event type.

    `calm` is the share of orders that mostly go as they should. Without any, hardly a supplier
    gets beyond the worst grade; with about 0.97 of them over a year or more, and 40 lines or more
    for each supplier, grades of all kinds occur and change.
    """
    writer = Writer(rng, start, days)
    pairs = [
        Pair(buyer, seller) for buyer in buyer_ids(buyers) for seller in supplier_ids(suppliers)
    ]
    for role, ids in (("supplier", supplier_ids(suppliers)), ("buyer", buyer_ids(buyers))):
        for partner_id in ids:
            register(writer, partner_id, role)
    for supplier in supplier_ids(suppliers):
        follow(writer, supplier, buyer_ids(buyers))
    for pair in pairs:
        agree(writer, pair)
    lines_of: dict[Pair, list[Line]] = {pair: [] for pair in pairs}
    calmly = Calm(writer, {})
    left = lines
    while left:
        count = min(left, rng.choice((1, 1, 2, 3)))
        left -= count
        writer.eager = not left and bool(
            TYPES_OF_DEALINGS - {event["type"] for event in writer.events}
        )
        pair = rng.choice(pairs)
        if rng.random() < calm and left:
            lines_of[pair] += calmly.tell(pair, count).lines
            continue
        order = tell_order(writer, pair, count)
        tell_deliveries(writer, order, lines_of[pair])
        lines_of[pair] += order.lines
    return writer.events


def shuffled(
    rng: random.Random, events: list[dict[str, Any]], resend: float = 0.2
) -> list[dict[str, Any]]:
    """Return the events in random order, with a share of them repeated unchanged."""
    repeated = rng.sample(events, round(len(events) * resend))
    mixed = [*events, *deepcopy(repeated)]
    rng.shuffle(mixed)
    return mixed
