"""Random histories of suppliers and buyers, made to meet every rule of the figures."""

import random
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from .delivery_stories import tell_deliveries
from .order_stories import Line, tell_order
from .writing import Pair, Writer, buyer_ids, supplier_ids

__all__ = ["buyer_ids", "history", "shuffled", "supplier_ids"]

PROGRAMME = "PROGRAMME"

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
    rng: random.Random, *, suppliers: int, buyers: int, lines: int, start: date, days: int
) -> list[dict[str, Any]]:
    """Write valid events of every type, with `lines` order lines among all pairs.

    Numbers are JSON integers or decimal strings, so that JSON keeps them exact. The last order
    makes up for every type that chance left out.
    """
    writer = Writer(rng, start, days)
    pairs = [
        Pair(buyer, seller) for buyer in buyer_ids(buyers) for seller in supplier_ids(suppliers)
    ]
    for role, ids in (("supplier", supplier_ids(suppliers)), ("buyer", buyer_ids(buyers))):
        for partner_id in ids:
            _register(writer, partner_id, role)
    for supplier in supplier_ids(suppliers):
        _follow(writer, supplier)
    for pair in pairs:
        _agree(writer, pair)
    told: dict[Pair, list[Line]] = {pair: [] for pair in pairs}
    left = lines
    while left:
        count = min(left, rng.choice((1, 1, 2, 3)))
        left -= count
        writer.eager = not left and bool(
            TYPES_OF_DEALINGS - {event["type"] for event in writer.events}
        )
        pair = rng.choice(pairs)
        order = tell_order(writer, pair, count)
        tell_deliveries(writer, order, told[pair])
        told[pair] += order.lines
    return writer.events


def shuffled(
    rng: random.Random, events: list[dict[str, Any]], resend: float = 0.2
) -> list[dict[str, Any]]:
    """Shuffle events and repeat a share of them as they are."""
    repeated = rng.sample(events, round(len(events) * resend))
    mixed = [*events, *deepcopy(repeated)]
    rng.shuffle(mixed)
    return mixed


def _register(writer: Writer, partner_id: str, role: str) -> None:
    for _ in range(writer.rng.choice((1, 1, 2))):
        data: dict[str, Any] = {
            "partner_id": partner_id,
            "role": role,
            "name": f"PT Maju {partner_id}",
        }
        if role == "supplier":
            data |= {
                "province": "Jawa Barat",
                "regency": writer.rng.choice(("Bekasi", "Karawang")),
                "cluster": writer.rng.choice(("logam", "plastik")),
                "sector": "otomotif",
                "languages": ["id", "en"],
                "licence_no": f"{writer.rng.randrange(10**13):013d}",
            }
        writer.write(PROGRAMME, "partner.registered", writer.moment(writer.day()), data)


def _follow(writer: Writer, supplier: str) -> None:
    """Write what the programme and the supplier itself tell about the supplier."""
    rng = writer.rng
    day = writer.day()
    named = {"supplier_id": supplier}
    certified = {
        **named,
        "certificate": rng.choice(("NIB", "SNI", "ISO9001", "IATF16949")),
        "number": f"CERT-{rng.randint(1, 99)}",
        "valid_from": day.isoformat(),
    }
    if rng.random() < 0.6:
        certified["valid_to"] = (day + timedelta(days=rng.randint(1, 400))).isoformat()
        certified["issuer"] = "BSN"
    writer.write(PROGRAMME, "partner.certified", writer.moment(day), certified)
    assessed: dict[str, Any] = {
        **named,
        "assessor": "YDBA",
        "assessed_on": day.isoformat(),
        "pillars": {
            pillar: rng.randint(0, 100) for pillar in ("produksi", "pemasaran", "keuangan")
        },
    }
    if rng.random() < 0.6:
        habits = ("ringkas", "rapi", "resik", "rawat", "rajin")
        assessed["five_r"] = {habit: rng.randint(0, 100) for habit in habits}
    writer.write(PROGRAMME, "partner.assessed", writer.moment(day, (0, 1)), assessed)
    coached = {
        **named,
        "coach": "Ibu Sari",
        "held_on": day.isoformat(),
        "topic": rng.choice(("production", "marketing", "finance", "licensing", "5r")),
        "hours": rng.randint(1, 16),
    }
    writer.write(PROGRAMME, "partner.coached", writer.moment(day, (0, 1)), coached)
    capacity = {
        **named,
        "process": "stamping",
        "valid_from": day.isoformat(),
        "quantity_per_month": writer.number(writer.amount()),
        "uom": "H87",
        "items": ["ITEM-1", "ITEM-2"],
    }
    writer.write(supplier, "partner.capacity_declared", writer.moment(day), capacity)


def _agree(writer: Writer, pair: Pair) -> None:
    """Write the partnership of a pair, and its end."""
    rng = writer.rng
    day = writer.day(last=0.5)
    agreed: dict[str, Any] = {
        **pair.parties,
        "kind": rng.choice(("subcontract", "licence", "vertical", "cluster")),
        "valid_from": day.isoformat(),
    }
    if rng.random() < 0.5:
        agreed["targets"] = {"otif": 1, "ppm": 500}
    writer.write(pair.buyer, "partnership.agreed", writer.moment(day), agreed)
    ended_on = day + timedelta(days=rng.randint(1, 300))
    ended = {**pair.parties, "ended_on": ended_on.isoformat()}
    if rng.random() < 0.5:
        ended["reason"] = "kontrak selesai"
    writer.write(pair.buyer, "partnership.ended", writer.moment(ended_on), ended)
