"""What the pages say: numbers, dates and sentences in Indonesian. Pure.

A number is rounded once, from the exact quotient, and never to a whole that it is not: 999 of
1,000 lines are not 100 %.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.readiness.figures import Figure
from services.readiness.policy import Policy

NO_DATA: Final = "belum ada data"
SMALL_SAMPLE: Final = 30
"""Below so many cases a share is told with its interval."""

MIXED_UNITS: Final = "Satuan barang berbeda-beda (misalnya buah dan kg) dijumlahkan menjadi satu."
TITLES: Final = {
    "otif": "Ketepatan waktu dan jumlah",
    "otif_requested": "Ketepatan terhadap tanggal yang diminta",
    "on_time_quantity": "Jumlah yang tepat waktu",
    "fill_rate": "Pesanan yang terpenuhi",
    "mean_days_late": "Keterlambatan",
    "ppm": "Barang ditolak",
    "lot_acceptance": "Lot diterima",
}
"""The figures that the pages tell, in their order."""

_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des",
)  # fmt: skip
_UNITS: Final = {
    "H87": "buah", "C62": "buah", "KGM": "kg", "GRM": "g", "TNE": "ton", "MTR": "m", "MMT": "mm",
    "CMT": "cm", "MTK": "m²", "MTQ": "m³", "LTR": "liter", "SET": "set", "BX": "dus", "RO": "rol",
    "ST": "lembar", "HUR": "jam",
}  # fmt: skip
_OUT: Final = {
    "retroactive": "tidak dinilai: tanggal yang diminta sudah lewat ketika dipesan",
    "cancelled": "tidak dinilai: dibatalkan pembeli",
    "rejected": "tidak dinilai: pesanan ditolak pemasok",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A figure in words: the short form, the sentence, and what to be careful about."""

    short: str
    sentence: str
    cautions: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is anything to say."""
        return self.short != NO_DATA

    @property
    def mixed_units(self) -> bool:
        """Whether quantities in different units were added up."""
        return MIXED_UNITS in self.cautions


@dataclass(frozen=True, slots=True)
class LineWords:
    """An order line in words, a cell of the table each."""

    order: str
    item: str
    due: str
    lateness: str
    amount: str
    rejected: str
    buyer: str
    notes: tuple[str, ...]


def day(value: date) -> str:
    """Return a date, as `22 Nov 2026`."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def month(value: str) -> str:
    """Return a month that is given as `2026-11`, as `Nov 2026`."""
    year, number = value.split("-")
    return f"{_MONTHS[int(number) - 1]} {int(year)}"


def moment(value: datetime, zone: str) -> str:
    """Return an instant as the clock of a zone shows it, as `22 Nov 2026 pukul 14.05 WIB`."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{day(local)} pukul {local:%H.%M} {local.tzname()}"


def number(value: Fraction | Decimal | int, places: int | None = None) -> str:
    """Return a number with dots between thousands and a decimal comma: `1.234,5`.

    With `places` it is rounded to so many decimals at most, half up; without, to the 6 that a
    quantity may have.
    """
    text = f"{_rounded(Fraction(value), 6 if places is None else places):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", ".,"))


def percent(share: Fraction) -> str:
    """Return a share as a percentage with one decimal; only a whole is 100 %, only nothing 0 %."""
    if 0 < share < Fraction(1, 2000):
        return "kurang dari 0,1 %"
    if Fraction(9995, 10000) <= share < 1:
        return "lebih dari 99,9 %"
    return f"{number(share * 100, 1)} %"


def quantity(value: Decimal | int, uom: str | None = None) -> str:
    """Return a quantity with the unit as a workshop calls it."""
    return f"{number(value)} {_UNITS.get(uom, uom)}" if uom else number(value)


def counted(figure: Figure) -> str:
    """Return a figure's numerator and denominator: `7 dari 9`."""
    if figure.denominator == 0:
        return NO_DATA
    return f"{number(figure.numerator)} dari {number(figure.denominator)}"


def say(key: str, figure: Figure) -> Said:
    """Return a figure of KPI.md in words, by its key."""
    words = _SENTENCES[key](figure)
    if figure.mixed_units and words.known:
        return Said(words.short, words.sentence, (*words.cautions, MIXED_UNITS))
    return words


def _cases(figure: Figure, case: str, what: str) -> Said:
    if figure.denominator == 0:
        return Said(NO_DATA, NO_DATA)
    share = percent(_ratio(figure))
    sentence = f"{counted(figure)} {case} {what} ({share})"
    interval = figure.ci95
    if interval is None or figure.denominator >= SMALL_SAMPLE:
        return Said(share, sentence)
    low, high = (number(Fraction(bound) * 100, 0) for bound in interval)
    caution = (
        f"Angka yang sebenarnya antara {low} % dan {high} %, "
        f"karena baru {number(figure.denominator)} {case}."
    )
    return Said(share, sentence, (caution,))


def _quantities(figure: Figure, what: str) -> Said:
    if figure.denominator == 0:
        return Said(NO_DATA, NO_DATA)
    share = percent(_ratio(figure))
    return Said(share, f"{counted(figure)} {what} ({share})")


def _days_late(figure: Figure) -> Said:
    if figure.denominator == 0:
        return Said(NO_DATA, NO_DATA)
    days = _ratio(figure)
    if days == 0:
        return Said("0 hari", "tidak ada yang terlambat")
    shown = "kurang dari 0,1 hari" if days < Fraction(1, 20) else f"{number(days, 1)} hari"
    return Said(shown, f"rata-rata terlambat {shown}")


def _per_million(figure: Figure) -> Said:
    if figure.denominator == 0:
        if figure.numerator == 0:
            return Said(NO_DATA, NO_DATA)
        rejected = f"{number(figure.numerator)} ditolak"
        return Said(rejected, f"{rejected}, tetapi belum ada penerimaan barang dalam jangka ini")
    parts = _ratio(figure) * 1_000_000
    received = f"{number(figure.denominator)} yang diterima"
    if parts == 0:
        return Said("0 dari sejuta", f"tidak ada yang ditolak dari {received}")
    shown = "kurang dari 1 dari sejuta" if parts < 1 else f"{number(parts, 0)} dari sejuta"
    return Said(shown, f"{shown} ditolak ({number(figure.numerator)} dari {received})")


_SENTENCES: Final[dict[str, Callable[[Figure], Said]]] = {
    "otif": lambda f: _cases(f, "baris", "tepat waktu dan lengkap"),
    "otif_requested": lambda f: _cases(f, "baris", "tepat pada tanggal yang diminta"),
    "on_time_quantity": lambda f: _quantities(f, "yang dipesan datang tepat waktu"),
    "fill_rate": lambda f: _quantities(f, "yang dipesan sudah terpenuhi"),
    "mean_days_late": _days_late,
    "ppm": _per_million,
    "lot_acceptance": lambda f: _cases(f, "lot", "diterima"),
}


def meanings(policy: Policy) -> dict[str, str]:
    """Return what each figure counts, under the tolerances of a policy."""
    due = "tanggal jatuh tempo"
    if policy.late_days:
        due = f"{policy.late_days} hari setelah tanggal jatuh tempo"
    early = f"tidak lebih dari {policy.early_days} hari lebih awal"
    over = f"tidak berlebih lebih dari {percent(Fraction(policy.over))}"
    if policy.under:
        over = f"tidak kurang lebih dari {percent(Fraction(policy.under))}, {over}"
    return {
        "otif": f"Baris pesanan yang diterima lengkap paling lambat {due}, {early}, dan {over}.",
        "otif_requested": "Sama, tetapi terhadap tanggal yang diminta pembeli, "
        "bukan tanggal yang disepakati.",
        "on_time_quantity": "Jumlah barang yang diterima tepat waktu, dari jumlah yang dipesan.",
        "fill_rate": "Jumlah yang diterima sampai sekarang, dikurangi yang dikembalikan, "
        "juga bila terlambat.",
        "mean_days_late": "Rata-rata untuk setiap barang yang dipesan. Barang yang belum datang "
        "dihitung sampai hari laporan ini.",
        "ppm": "Barang yang ditolak saat pemeriksaan, ditambah barang dalam keluhan yang bukan "
        "dari pemeriksaan.",
        "lot_acceptance": "Lot yang diperiksa dan langsung diterima. Lot yang diterima dengan "
        "konsesi tidak dihitung diterima.",
    }


def line(
    row: Mapping[str, Any],
    as_of: date,
    policy: Policy,
    names: Mapping[str, str],
    *,
    awaited: bool = False,
) -> LineWords:
    """Return an order line, in the shape of the scorecard's `lines`, in words.

    `awaited`: told by what is still missing, also where it once was complete and goods went back.
    """
    uom = row["uom"]
    amount = f"diterima {number(row['received'])} dari {quantity(row['ordered'], uom)}"
    if row["returned"]:
        amount += f", dikembalikan {number(row['returned'])}"
    return LineWords(
        order=f"{row['order_no']} baris {row['line_no']}",
        item=row["item_no"],
        due=f"jatuh tempo {day(date.fromisoformat(row['due_date']))}",
        lateness=_awaited(row, as_of) if awaited else _lateness(row, as_of, policy),
        amount=amount,
        rejected=_rejected(row),
        buyer=names.get(row["buyer_id"], row["buyer_id"]),
        notes=_notes(row),
    )


def days_late(row: Mapping[str, Any], as_of: date, policy: Policy) -> tuple[int, bool]:
    """Return by how many days a line came after its due date (negative: before it).

    The second value is whether the line is complete; one that is not counts up to `as_of`.
    """
    due = date.fromisoformat(row["due_date"])
    wanted = Decimal(row["ordered"]) * (1 - policy.under)
    if wanted <= 0:
        return 0, True
    got = Decimal(0)
    for receipt in sorted(row["receipts"], key=lambda one: str(one["received_on"])):
        got += Decimal(receipt["quantity"])
        if got >= wanted:
            return (date.fromisoformat(receipt["received_on"]) - due).days, True
    return (as_of - due).days, False


def _lateness(row: Mapping[str, Any], as_of: date, policy: Policy) -> str:
    if row["out_because"]:
        return _OUT.get(row["out_because"], "tidak dinilai")
    days, complete = days_late(row, as_of, policy)
    if complete:
        return f"terlambat {days} hari" if days > policy.late_days else "tidak terlambat"
    if days > policy.late_days:
        return f"belum lengkap, sudah terlambat {days} hari"
    return "belum lengkap, belum lewat jatuh tempo"


def _awaited(row: Mapping[str, Any], as_of: date) -> str:
    days = (as_of - date.fromisoformat(row["due_date"])).days
    missing = Decimal(row["ordered"]) - Decimal(row["received"]) + Decimal(row["returned"])
    return f"sudah lewat {days} hari, masih kurang {quantity(missing, row['uom'])}"


def _rejected(row: Mapping[str, Any]) -> str:
    inspected = f"{quantity(row['quantity_inspected'], row['uom'])} yang diperiksa"
    if row["quantity_rejected"]:
        return f"ditolak {number(row['quantity_rejected'])} dari {inspected}"
    if "rejected" in row["status"]:
        return f"lot tidak langsung diterima, tanpa jumlah yang ditolak dari {inspected}"
    return ""


def _notes(row: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    if row["cancelled_by"] == "supplier":
        notes.append("dibatalkan pemasok")
    if row["complaints"]:
        notes.append(f"{row['complaints']} keluhan")
    if row["dispute_open"]:
        notes.append("sanggahan belum dijawab")
    return tuple(notes)


def window(start: date, as_of: date) -> str:
    """Return the days of a window that ends before `as_of`: `26 Mei 2026 sampai 21 Nov 2026`."""
    return f"{day(start)} sampai {day(as_of - timedelta(days=1))}"


def _ratio(figure: Figure) -> Fraction:
    return Fraction(figure.numerator) / Fraction(figure.denominator)


def _rounded(value: Fraction, places: int) -> Decimal:
    # By whole numbers, so that neither a double nor a decimal context decides a half.
    scaled = value * 10**places
    whole = (abs(scaled.numerator) * 2 + scaled.denominator) // (2 * scaled.denominator)
    negative = int(scaled < 0)
    digits = tuple(int(digit) for digit in str(whole))
    return Decimal((negative, digits, -places))
