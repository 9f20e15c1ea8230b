"""How a supplier stands, in Indonesian: grade, what to do next, months, independence, load. Pure.

All of it is made of a scorecard as the interface gives it, its numbers read as exact decimals, so
that page and interface can't disagree. A number is rounded once, as everywhere on the pages.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from services.readiness.figures import Figure
from services.readiness.kpis import KPIS
from services.readiness.policy import Policy
from services.readiness.policy_parts import LETTERS, PILLARS, GateName
from services.scorecards.wording import NO_DATA, day, month, number, percent

TOO_LITTLE: Final = "belum cukup data"
NOT_YET: Final = "belum ditetapkan"
MOST_CASES: Final = 5
"""Of one thing to do: as many as a workshop can look into within a week."""

LETTER_WORDS: Final = {"A": "sangat baik", "B": "baik", "C": "cukup", "D": "perlu perbaikan"}
_PILLARS: Final = {"quality": "Mutu", "delivery": "Pengiriman", "responsiveness": "Tanggapan"}
_LIMITS: Final = {
    "five_r": "nilai 5R di bawah batas",
    "buyer_concentration": "terlalu bergantung pada satu pembeli",
}
_STEPS: Final = {
    "containment": "pengamanan barang",
    "corrective_action": "perbaikan sebabnya",
    "closing": "penyelesaian",
}

Card = Mapping[str, Any]
Number = Decimal | int


@dataclass(frozen=True, slots=True)
class PillarWords:
    """A pillar of the score and its points, 0 to 100."""

    key: str
    name: str
    score: str


@dataclass(frozen=True, slots=True)
class GradeWords:
    """The grade that is shown, the score beside it, and what is to be said of both.

    `letter`: None where there is none to show; `word` says why. `score`: None where nothing has
    any points.
    """

    letter: str | None
    word: str
    sentences: tuple[str, ...]
    score: str | None
    score_label: str
    pillars: tuple[PillarWords, ...]


@dataclass(frozen=True, slots=True)
class StepWords:
    """Something to do, how many points it would gain, and the cases behind it."""

    what: str
    gain: str
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MonthEndWords:
    """How a month ended: the grade shown then, with a note where its figures gave another."""

    name: str
    grade: str
    note: str
    score: str


@dataclass(frozen=True, slots=True)
class StageWords:
    """A stage in one assessor's opinion, and what keeps it from a higher one."""

    assessor: str
    value: str
    sentence: str
    limits: str


@dataclass(frozen=True, slots=True)
class LoadWords:
    """What is asked of a process, of what it can make in a month."""

    process: str
    load: str
    sentence: str


def points(value: Number) -> str:
    """Return points of 100 with one decimal, cut off: what is under a grade never reads as it."""
    exact = Fraction(value)
    if 0 < exact < Fraction(1, 10):
        return "kurang dari 0,1"
    return number(Fraction(math.floor(exact * 10), 10), 1)


def gained(value: Number) -> str:
    """Return how many points are gained: `+4,2 poin`."""
    small = Fraction(value) < Fraction(1, 20)
    return "kurang dari +0,1 poin" if small else f"+{points(value)} poin"


def figure(card: Card, key: str) -> Figure:
    """Return a figure of a scorecard that is a numerator over a denominator."""
    shown = card["kpis"][key]
    return Figure(
        Decimal(shown["numerator"]),
        Decimal(shown["denominator"]),
        counts="ci95" in shown,
        scale=1_000_000 if KPIS[key].unit == "per million" else 1,
        mixed_units=shown.get("mixed_units", False),
    )


def grade(card: Card, policy: Policy, months: int) -> GradeWords:
    """Return the grade and the score of a scorecard in words.

    `months`: in how many calendar months its matured lines fall; told where it is insufficient.
    """
    shown, found = card["grade"], card["score"]
    letter = None if shown["insufficient"] else shown["published"]
    return GradeWords(
        letter=letter,
        word=_word(card, letter),
        sentences=(*_of_the_letter(card, policy, months), *_gates(card, policy)),
        score=None if found["value"] is None else points(found["value"]),
        score_label="Skor sementara" if found["provisional"] else "Skor",
        pillars=tuple(
            PillarWords(key, _PILLARS[key], _or_none(found["pillars"].get(key))) for key in PILLARS
        ),
    )


def _word(card: Card, letter: str | None) -> str:
    if letter is not None:
        return LETTER_WORDS[letter]
    return TOO_LITTLE if card["grade"]["insufficient"] else NOT_YET


def _or_none(value: Number | None) -> str:
    return NO_DATA if value is None else points(value)


def _of_the_letter(card: Card, policy: Policy, months: int) -> tuple[str, ...]:
    """Say why there is no letter, or that the figures of the day give another one."""
    shown = card["grade"]
    if shown["insufficient"]:
        return (_insufficient(card, policy, months),)
    at, published = shown["value"], shown["published"]
    if at == published:
        return ()
    now = f"Menurut angka terakhir nilainya {at} ({LETTER_WORDS[at]})"
    if published is None:
        return (f"{now}; nilai pertama ditetapkan pada akhir bulan.",)
    better = LETTERS.index(at) < LETTERS.index(published)
    needed = policy.grade.months_up if better else policy.grade.months_down
    in_a_row = " berturut-turut" if needed > 1 else ""
    moves = "naik" if better else "turun"
    return (f"{now}; nilai di atas baru {moves} setelah {needed} akhir bulan{in_a_row}.",)


def _insufficient(card: Card, policy: Policy, months: int) -> str:
    rules, lines = policy.grade, figure(card, "otif").denominator
    if lines >= rules.min_lines and months >= rules.min_months:
        return "Belum ada angka yang bisa dinilai."
    return (
        f"Ada {number(lines)} baris jatuh tempo dalam {number(months)} bulan; "
        f"untuk diberi nilai perlu paling sedikit {number(rules.min_lines)} baris "
        f"dalam {number(rules.min_months)} bulan."
    )


def _gates(card: Card, policy: Policy) -> tuple[str, ...]:
    stops = number(card["kpis"]["line_stops"]["value"])
    why: dict[GateName, str] = {
        "line_stops": "Jalur produksi pembeli berhenti atau keselamatan terancam "
        f"({stops} keluhan dalam jangka waktu ini)",
        "overdue_complaint_step": "Ada langkah keluhan yang lewat waktu",
    }
    return tuple(
        f"{why[gate]}, nilai paling tinggi {policy.grade.gates.cap(gate)}."
        for gate in card["grade"]["gates"]
    )


def to_do(policy: Policy) -> dict[str, str]:
    """Return what to do for each figure that a policy may score, by its key."""
    hours, answers = policy.confirmation.sla_hours, policy.complaints
    return {
        "otif": "Kirim pesanan lengkap pada tanggal yang disepakati: jangan terlambat, jangan "
        "terlalu awal, jangan berlebih.",
        "otif_requested": "Kirim pesanan lengkap pada tanggal yang diminta pembeli, bukan hanya "
        "pada tanggal yang disepakati.",
        "on_time_quantity": "Kirim semua yang dipesan paling lambat pada jatuh tempo; kalau belum "
        "lengkap, kirim dulu yang sudah jadi.",
        "fill_rate": "Kirim kekurangan pesanan, dan ganti barang yang dikembalikan.",
        "mean_days_late": "Dahulukan pesanan yang paling banyak dan paling lama terlambat.",
        "ppm": "Cari sebab barang ditolak, dan periksa setiap kiriman sebelum berangkat.",
        "lot_acceptance": "Pisahkan barang cacat sebelum dikirim, supaya seluruh lot langsung "
        "diterima.",
        "confirmation_in_time": f"Jawab setiap pesanan baru dalam {hours} jam.",
        "order_acceptance": "Jangan langsung menolak pesanan: kalau tanggalnya berat, jawab dengan "
        "tanggal yang sanggup dipenuhi.",
        "despatch_notice_rate": "Kirim pemberitahuan pengiriman sebelum barang sampai di pembeli.",
        "complaint_response": "Jawab keluhan sebelum tenggatnya: amankan barang dalam "
        f"{answers.containment_days} hari, perbaiki sebabnya dalam "
        f"{answers.corrective_action_days} hari, selesaikan dalam {answers.closing_days} hari.",
    }


def next_steps(card: Card, policy: Policy, names: Mapping[str, str]) -> list[StepWords]:
    """Return what to do next, that which gains most first. `names`: of buyers, by id."""
    sentences = to_do(policy)
    return [
        StepWords(
            sentences[step["kpi"]],
            gained(step["gain"]),
            tuple(_case(case, names) for case in step["cases"][:MOST_CASES]),
        )
        for step in card["next_steps"]
    ]


def nothing_to_do(card: Card) -> str:
    """Return what is said in the place of things to do where there are none."""
    score = card["score"]["value"]
    if score is None:
        return "Tidak ada yang menonjol, karena belum ada data."
    if score == 100:
        return "Tidak ada yang menonjol: semua angka sudah baik."
    # Points are flat at their ends: where much went wrong, a few cases less gain nothing.
    return (
        "Tidak ada yang menonjol: membereskan beberapa kasus saja belum menaikkan skor. "
        "Mulailah dari daftar di bawah."
    )


def _case(case: Mapping[str, str], names: Mapping[str, str]) -> str:
    if "order_no" in case:
        what = f"Pesanan {case['order_no']} baris {case['line_no']}"
    elif "inspection_no" in case:
        what = f"Pemeriksaan {case['inspection_no']}"
    elif "receipt_no" in case:
        what = f"Penerimaan {case['receipt_no']}"
    else:
        what = f"Keluhan {case['complaint_no']}"
    if "step" in case:
        what += f", langkah {_STEPS.get(case['step'], case['step'])}"
    return f"{what}, {names.get(case['buyer_id'], case['buyer_id'])}"


def month_ends(frozen: Iterable[tuple[date, Card]]) -> list[MonthEndWords]:
    """Return how months ended, in their order. `frozen`: the scorecards of month ends, by date."""
    return [_month_end(as_of, card) for as_of, card in frozen]


def _month_end(as_of: date, card: Card) -> MonthEndWords:
    shown, score = card["grade"], card["score"]["value"]
    letter = None if shown["insufficient"] else shown["published"]
    word, at = _word(card, letter), shown["value"]
    provisional = card["score"]["provisional"] and score is not None
    # The first of a month is how things stood when the one before it ended.
    return MonthEndWords(
        name=month((as_of - timedelta(days=1)).strftime("%Y-%m")),
        grade=word if letter is None else f"{letter}, {word}",
        note="" if at in (None, letter) else f"menurut angkanya {at}",
        score=_or_none(score) + (" (sementara)" if provisional else ""),
    )


def stages(card: Card) -> list[StageWords]:
    """Return the stage of independence in each assessor's opinion."""
    return [
        StageWords(
            assessor=one["assessor"],
            value=one["value"],
            sentence=f"Rata-rata {points(one['mean'])} dari 100, "
            f"dinilai {day(date.fromisoformat(one['assessed_on']))}.",
            limits="; ".join(_limit(limit) for limit in one["limits"]),
        )
        for one in card["stage"]
    ]


def _limit(name: str) -> str:
    return _LIMITS.get(name, f"{name} sudah habis masa berlakunya")


def capacity(card: Card) -> list[LoadWords]:
    """Return the load of each process that the supplier declared."""
    return [
        _load(process, Decimal(shown["numerator"]), Decimal(shown["denominator"]))
        for process, shown in card["kpis"]["capacity_load"]["processes"].items()
    ]


def _load(process: str, asked: Decimal, able: Decimal) -> LoadWords:
    if able == 0:
        return LoadWords(process, NO_DATA, NO_DATA)
    share = Fraction(asked) / Fraction(able)
    shown = "lebih dari 100 %" if 1 < share < Fraction(2001, 2000) else percent(share)
    if share > 1:
        said = "pesanan melebihi kapasitas"
    elif share == 1:
        said = "kapasitas terpakai penuh"
    else:
        said = "masih dalam kapasitas" if share else "tidak ada pesanan yang menunggu"
    return LoadWords(process, shown, f"{said} ({number(asked)} dari {number(able)} sebulan)")
