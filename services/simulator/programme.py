"""Events about partners over a year: registration, certificates, assessments and coaching.

Also what suppliers declare (capacity) and what buyers agree with them (partnerships).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from schemas.catalogue import Role
from services.simulator.companies import (
    BUYERS,
    PROGRAMME,
    SUPPLIERS,
    Buyer,
    Character,
    Company,
    Weakness,
)
from services.simulator.steps import StoryStep
from services.simulator.worktime import (
    by_workday,
    chance,
    dice,
    moment,
    on_workday,
    start_of,
)

ORDERS_PER_MONTH: Final = 3
"""About how many orders a buyer places with a supplier in a month; capacities are sized by it."""

_SEASON: Final = range(2, 9)
"""The months in which a seasonal supplier works for its last buyer."""

_NIB_EXPIRED: Final = frozenset({6, 19, 32})
"""The numbers of the suppliers whose business licence is expired."""

_TOPICS: Final = {
    Weakness.DATES: "production",
    Weakness.QUALITY: "5r",
    Weakness.ANSWERS: "marketing",
    None: "finance",
}

NamedStep = tuple[str, StoryStep]
"""The id of an event, and the step that it reports."""


def participants() -> dict[str, Role]:
    """Return the role of each partner that sends events, by partner id."""
    roles = {PROGRAMME: Role.PROGRAMME}
    roles.update((buyer.id, Role.BUYER) for buyer in BUYERS)
    roles.update((supplier.id, Role.SUPPLIER) for supplier in SUPPLIERS)
    return roles


def in_season(supplier: Company, buyer_id: str, day: date) -> bool:
    """Whether a supplier and a buyer have an agreement in force on a day."""
    seasonal = supplier.seasonal and buyer_id == supplier.buyers[-1]
    return not seasonal or day.month in _SEASON


def opening_events(seed: int, first_day: date) -> Iterator[NamedStep]:
    """Yield the first working day's events: registrations, licences, capacities, agreements."""
    day = on_workday(first_day)
    rng = dice(seed, "opening", day)
    at = start_of(day) + timedelta(hours=7, minutes=30)
    for buyer in BUYERS:
        yield f"registered.{buyer.id}.{day:%y%m%d}", _registered_buyer(buyer, at)
    for supplier in SUPPLIERS:
        name = f"{supplier.id}.{day:%y%m%d}"
        at += timedelta(seconds=rng.randint(5, 40))
        yield f"registered.{name}", _registered(supplier, at)
        yield f"nib.{name}", _business_licence(supplier, at)
        yield from _declare_capacity(supplier, day, moment(day, rng, 8, 12))
        for buyer_id in supplier.buyers:
            if in_season(supplier, buyer_id, day):
                yield _agreed(supplier, buyer_id, day, moment(day, rng, 8, 12))


def month_events(seed: int, first: date) -> Iterator[NamedStep]:
    """Yield the events of the month that begins on `first`: the same ones in every history."""
    for supplier in SUPPLIERS:
        rng = dice(seed, "programme", supplier.id, first)
        turn = (first.month + supplier.number) % 6
        if turn == 0:
            yield _assessed(supplier, "Bina IKM Nusantara", _some_moment(first, rng), rng)
        if turn == 3 and supplier.number % 4 == 0:
            yield _assessed(supplier, "Dinas Perindustrian", _some_moment(first, rng), rng)
        if turn == 1:
            at = _some_moment(first, rng)
            yield from _declare_capacity(supplier, at.date(), at)
        if supplier.character is Character.GOOD and first.month == supplier.number % 12 + 1:
            yield _quality_certificate(supplier, _some_moment(first, rng))
        if supplier.character is not Character.GOOD and chance(rng, 0.45):
            yield coaching_session(supplier, _some_moment(first, rng), rng)
        if supplier.seasonal:
            yield from _season(supplier, first, rng)


def coaching_session(supplier: Company, at: datetime, rng: Random) -> NamedStep:
    """Return a coaching session; what the supplier is worst at is a likely topic."""
    topic = rng.choice((_TOPICS[supplier.weakness], "production", "5r", "licensing"))
    document = {
        "supplier_id": supplier.id,
        "coach": rng.choice(("Pendamping Wilayah Timur", "Pendamping Wilayah Barat")),
        "held_on": at.date(),
        "topic": topic,
        "hours": Decimal(rng.choice(("1.5", "2", "3", "4"))),
    }
    return f"coached.{supplier.id}.{at:%y%m%d}", _said("partner.coached", at, document)


def _some_moment(first: date, rng: Random) -> datetime:
    return moment(by_workday(first + timedelta(days=rng.randint(1, 27))), rng)


def _said(kind: str, at: datetime, document: dict[str, Any]) -> StoryStep:
    return StoryStep(at, PROGRAMME, Role.PROGRAMME, kind, document)


def _registered_buyer(buyer: Buyer, at: datetime) -> StoryStep:
    document = {
        "partner_id": buyer.id,
        "role": "buyer",
        "name": buyer.name,
        "province": buyer.province,
        "regency": buyer.regency,
        "sector": buyer.sector,
        "languages": ["id", "en"],
    }
    return _said("partner.registered", at, document)


def _registered(supplier: Company, at: datetime) -> StoryStep:
    document = {
        "partner_id": supplier.id,
        "role": "supplier",
        "name": supplier.name,
        "province": supplier.cluster.province,
        "regency": supplier.regency,
        "cluster": supplier.cluster.name,
        "sector": supplier.cluster.sector,
        "licence_no": supplier.licence_no,
        "languages": supplier.cluster.languages,
    }
    return _said("partner.registered", at, document)


def _business_licence(supplier: Company, at: datetime) -> StoryStep:
    expired = supplier.number in _NIB_EXPIRED
    document = {
        "supplier_id": supplier.id,
        "certificate": "NIB",
        "number": supplier.licence_no,
        "valid_from": date(2021, 3, 1),
        "valid_to": date(2026, 2, 28) if expired else None,
        "issuer": "OSS",
    }
    return _said("partner.certified", at + timedelta(seconds=2), document)


def _quality_certificate(supplier: Company, at: datetime) -> NamedStep:
    certificate = "ISO9001" if supplier.number % 3 else "SNI"
    document = {
        "supplier_id": supplier.id,
        "certificate": certificate,
        "number": f"{certificate}-{supplier.number:03d}-{at:%Y}",
        "valid_from": at.date(),
        "valid_to": at.date() + timedelta(days=395),
        "issuer": "Lembaga Sertifikasi Mutu Arunika",
    }
    return f"certified.{supplier.id}.{at:%y%m%d}", _said("partner.certified", at, document)


def _assessed(supplier: Company, assessor: str, at: datetime, rng: Random) -> NamedStep:
    def mark(skill: float) -> Decimal:
        # Marks are given in half points.
        points = round(skill * 200) + rng.randint(-24, 10)
        return Decimal(max(0, min(200, points))) / 2

    day = at.date()
    dates, quality, answers = (supplier.skill(kind, day) for kind in Weakness)
    document = {
        "supplier_id": supplier.id,
        "assessor": assessor,
        "assessed_on": day,
        "pillars": {
            "produksi": mark((dates + quality) / 2),
            "pemasaran": mark(answers),
            "keuangan": mark((dates + answers) / 2 - 0.05),
        },
        "five_r": {name: mark(quality) for name in ("ringkas", "rapi", "resik", "rawat", "rajin")},
    }
    return f"assessed.{supplier.id}.{at:%y%m%d}", _said("partner.assessed", at, document)


def _declare_capacity(supplier: Company, day: date, at: datetime) -> Iterator[NamedStep]:
    slack = (Decimal("1.2"), Decimal("1.5"), Decimal("0.9"), Decimal("1.8"))[supplier.number % 4]
    orders = ORDERS_PER_MONTH * len(supplier.buyers)
    for process in supplier.processes:
        items = [item for item in supplier.items if item.process == process]
        # An order has two lines of some three lots each, spread over all items.
        lots = sum((item.lot for item in items), Decimal(0))
        monthly = lots * orders * 6 / len(supplier.items) * slack
        document = {
            "supplier_id": supplier.id,
            "process": process,
            "valid_from": day,
            "quantity_per_month": max(Decimal(100), monthly // 100 * 100),
            "uom": items[0].uom,
            "items": [item.item_no for item in items],
        }
        step = StoryStep(at, supplier.id, Role.SUPPLIER, "partner.capacity_declared", document)
        yield f"capacity.{process}.{at:%y%m%d%H%M%S}", step


def _agreed(supplier: Company, buyer_id: str, day: date, at: datetime) -> NamedStep:
    seasonal = supplier.seasonal and buyer_id == supplier.buyers[-1]
    document = {
        "buyer_id": buyer_id,
        "supplier_id": supplier.id,
        "kind": "cluster" if supplier.activity < 1 else "subcontract",
        "valid_from": day,
        "valid_to": date(day.year, 8, 31) if seasonal else date(9999, 12, 31),
        "targets": {"otif": Decimal("0.95"), "ppm": 500, "confirmation_in_time": Decimal("0.9")},
    }
    step = StoryStep(at, buyer_id, Role.BUYER, "partnership.agreed", document)
    return f"agreed.{supplier.id}.{at:%y%m%d%H%M%S}", step


def _season(supplier: Company, first: date, rng: Random) -> Iterator[NamedStep]:
    buyer_id = supplier.buyers[-1]
    if first.month == _SEASON.start:
        day = on_workday(first)
        yield _agreed(supplier, buyer_id, day, moment(day, rng, 8, 9))
    if first.month == _SEASON.stop - 1:
        day = by_workday(date(first.year, first.month, 31))
        document = {
            "buyer_id": buyer_id,
            "supplier_id": supplier.id,
            "ended_on": day,
            "reason": "musim produksi selesai",
        }
        step = StoryStep(moment(day, rng), buyer_id, Role.BUYER, "partnership.ended", document)
        yield f"ended.{supplier.id}.{day:%y%m%d}", step
