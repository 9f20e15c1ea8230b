"""Random events about partners: master data, certificates, assessments, capacities, coaching."""

from datetime import date, timedelta
from typing import Any

from .writing import Pair, Writer

PROGRAMME = "PROGRAMME"
ASSESSORS = ("YDBA", "YDBA", "Astra", "ydba")
PROCESSES = ("stamping", "stamping", "Stamping", "painting", "las & 'rakit'")
MARKS: tuple[int | str, ...] = (0, 20, "24.999999", 25, 30, 50, "74.5", 75, "75.000000", 90, 100)
HABITS = ("ringkas", "rapi", "resik", "rawat", "rajin")


def register(writer: Writer, partner_id: str, role: str) -> None:
    """Write the master data of a partner, at times twice."""
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


def follow(writer: Writer, supplier: str, buyers: list[str]) -> None:
    """Write what the programme, the supplier itself and its buyers report about the supplier."""
    rng = writer.rng
    writer.recent = []
    for _ in range(rng.choice((1, 2, 3))):
        _certify(writer, supplier, buyers)
    for _ in range(rng.choice((1, 2, 4))):
        _assess(writer, supplier, buyers)
    for _ in range(rng.choice((1, 2, 4))):
        _declare(writer, supplier, buyers)
    day = writer.day()
    coached = {
        "supplier_id": supplier,
        "coach": "Ibu Sari",
        "held_on": day.isoformat(),
        "topic": rng.choice(("production", "marketing", "finance", "licensing", "5r")),
        "hours": rng.randint(1, 16),
    }
    writer.write(PROGRAMME, "partner.coached", writer.moment(day, (0, 1)), coached)


def _sender(writer: Writer, document: dict[str, Any], own: str, buyers: list[str]) -> str:
    """Choose the sender of a document: mostly `own`, at times a buyer, which it then names."""
    if writer.rng.random() < 0.85:
        return own
    document["buyer_id"] = writer.rng.choice(buyers)
    return str(document["buyer_id"])


def _around(writer: Writer) -> date:
    """Choose a day in the span, or some days before or after it."""
    return writer.day() + timedelta(days=writer.rng.choice((-200, -30, 0, 0, 0, 0, 7, 60)))


def _certify(writer: Writer, supplier: str, buyers: list[str]) -> None:
    """Write a certificate, at times followed by its renewal or correction."""
    rng = writer.rng
    kind = rng.choice(("NIB", "NIB", "NIB", "nib", "SNI", "ISO9001", "IATF16949"))
    valid_from = _around(writer)
    for _ in range(rng.choice((1, 1, 2))):
        certified: dict[str, Any] = {
            "supplier_id": supplier,
            "certificate": kind,
            "number": f"CERT-{rng.randint(1, 99)}",
            "valid_from": valid_from.isoformat(),
        }
        if rng.random() < 0.65:
            valid_to = valid_from + timedelta(days=rng.choice((1, 10, 30, 60, 200, 400)))
            certified["valid_to"] = valid_to.isoformat()
            certified["issuer"] = "BSN"
        elif rng.random() < 0.3:
            certified["valid_to"] = "9999-12-31"
        sender = _sender(writer, certified, PROGRAMME, buyers)
        writer.write(sender, "partner.certified", writer.moment(valid_from, (0, 0, 3)), certified)
        if rng.random() < 0.5:
            valid_from += timedelta(days=rng.choice((1, 30)))


def _assess(writer: Writer, supplier: str, buyers: list[str]) -> None:
    """Write an assessment, at times a second one of the same day."""
    rng = writer.rng
    assessor, assessed_on = rng.choice(ASSESSORS), min(_around(writer), writer.end.date())
    for _ in range(rng.choice((1, 1, 2))):
        best = rng.random() < 0.4
        marks = MARKS[-4:] if best else MARKS
        assessed: dict[str, Any] = {
            "supplier_id": supplier,
            "assessor": assessor,
            "assessed_on": assessed_on.isoformat(),
            "pillars": {
                pillar: rng.choice((rng.choice(marks), rng.randint(75 if best else 0, 100)))
                for pillar in ("produksi", "pemasaran", "keuangan")
            },
        }
        if rng.random() < 0.6:
            habits: tuple[int | str, ...] = rng.choice(((60,), (60, "59.5"), (0, 60, 100), (90,)))
            assessed["five_r"] = {habit: rng.choice(habits) for habit in HABITS}
        sender = _sender(writer, assessed, PROGRAMME, buyers)
        writer.write(sender, "partner.assessed", writer.moment(assessed_on, (0, 0, 1)), assessed)


def _declare(writer: Writer, supplier: str, buyers: list[str]) -> None:
    """Write a declared capacity, at times valid from later on, at times without items."""
    rng = writer.rng
    items = [f"ITEM-{number}" for number in (1, 2, 3, 4, 5, 6, 7)]
    capacity: dict[str, Any] = {
        "supplier_id": supplier,
        "process": rng.choice(PROCESSES),
        "valid_from": _around(writer).isoformat(),
        "quantity_per_month": writer.number(writer.amount()) if rng.random() < 0.9 else 0,
    }
    if rng.random() < 0.8:
        capacity["uom"] = rng.choice(("H87", "H87", "PCS", "DZN", "KGM"))
    if rng.random() < 0.85:
        capacity["items"] = rng.choices(items, k=rng.choice((0, 1, 2, 3, 6)))
    sender = _sender(writer, capacity, rng.choice((supplier, supplier, PROGRAMME)), buyers)
    moment = writer.moment(writer.day(), (0, 0, 20))
    writer.write(sender, "partner.capacity_declared", moment, capacity)
    if rng.random() < 0.2:  # Declared again with the same `valid_from`.
        again = capacity | {"quantity_per_month": writer.number(writer.amount())}
        writer.write(
            sender, "partner.capacity_declared", writer.after(moment, (-1, 0, 0, 3)), again
        )


def agree(writer: Writer, pair: Pair) -> None:
    """Write the start and the end of a partnership between a pair."""
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
    ended_on = min(day + timedelta(days=rng.randint(1, 300)), writer.end.date())
    ended = {**pair.parties, "ended_on": ended_on.isoformat()}
    if rng.random() < 0.5:
        ended["reason"] = "kontrak selesai"
    writer.write(pair.buyer, "partnership.ended", writer.moment(ended_on), ended)
