"""The partners: three buyers and forty IKM, each with its own character. All are made up.

The characters do not depend on the seed: a supplier that keeps its dates does so under every seed.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from services.simulator.clusters import BEKASI, CEPER, CLUSTERS, SOLO_RAYA, TANGERANG, Cluster, Item

PROGRAMME: Final = "PROGRAMME"
"""The partner id under which the programme sends."""

_DRIFT: Final = 0.24
"""How far the skill of a drifting supplier moves up or down from its base."""

_CYCLE_DAYS: Final = 730


class Character(StrEnum):
    """How good a supplier is overall."""

    GOOD = "good"
    MIDDLING = "middling"
    BAD = "bad"


class Weakness(StrEnum):
    """What a supplier does notably worse than its character suggests; also a skill of any supplier.

    `ANSWERS`: confirming orders, announcing deliveries and answering complaints.
    """

    DATES = "dates"
    QUALITY = "quality"
    ANSWERS = "answers"


_BASE: Final = {Character.GOOD: 0.95, Character.MIDDLING: 0.74, Character.BAD: 0.42}
_WEAKNESS: Final = {Character.GOOD: 0.10, Character.MIDDLING: 0.18, Character.BAD: 0.15}


@dataclass(frozen=True, slots=True)
class Buyer:
    """A manufacturer that orders from IKM."""

    id: str
    name: str
    sector: str
    province: str
    regency: str


@dataclass(frozen=True, slots=True)
class Company:
    """A small subcontractor (IKM): what it makes, for whom, and how well.

    `number`: its place among all suppliers, from 1. `turns_up_on` makes it drift: from that day on
    it gets better for a year, then worse for a year, and so on. A `seasonal` one works for its last
    buyer from February to August only. `activity`: a factor on how often it is given orders.
    """

    id: str
    name: str
    cluster: Cluster
    regency: str
    licence_no: str
    character: Character
    buyers: tuple[str, ...]
    items: tuple[Item, ...]
    number: int
    weakness: Weakness | None = None
    turns_up_on: date | None = None
    seasonal: bool = False
    activity: float = 1.0

    @property
    def processes(self) -> tuple[str, ...]:
        """The processes that its items need."""
        return tuple(dict.fromkeys(item.process for item in self.items))

    def skill(self, at: Weakness, day: date) -> float:
        """How well it does one thing on a day, from 0 (never well) to 1 (always well)."""
        skill = _BASE[self.character] + (self.number % 5 - 2) * 0.01
        if self.weakness is at:
            skill -= _WEAKNESS[self.character]
        return min(1.0, max(0.0, skill + self._drift(day)))

    def trend(self, day: date) -> int:
        """Whether it got better (1), worse (-1) or neither (0) over the 180 days before a day."""
        earlier = self._drift(date.fromordinal(day.toordinal() - 180))
        change = self._drift(day) - earlier
        return 0 if abs(change) < _DRIFT / 2 else (1 if change > 0 else -1)

    def _drift(self, day: date) -> float:
        if self.turns_up_on is None:
            return 0.0
        # A cycle of the calendar, not a line from the first day of a history to its last: a day is
        # the same in every history that contains it, and some supplier always rises or slips.
        place = ((day - self.turns_up_on).days % _CYCLE_DAYS) / _CYCLE_DAYS
        return _DRIFT * (4 * place - 1 if place < 0.5 else 3 - 4 * place)


BUYERS: Final = (
    Buyer("CAKRA", "PT Cakra Roda Khatulistiwa", "motorcycles", "Jawa Barat", "Karawang"),
    Buyer("TIRTA", "PT Tirta Pompa Mandalawangi", "pumps", "Jawa Tengah", "Kota Semarang"),
    Buyer("GRIYA", "PT Griya Elektrika Nirmala", "appliances", "Banten", "Kabupaten Tangerang"),
)
_BUYER_OF_LETTER: Final = {buyer.id[0]: buyer.id for buyer in BUYERS}

# Name, character (G, M, B), and the first letters of its buyers. Then, if they apply: a weakness
# (dates, quality, answers); "up" or "down" and the month in which the drift turned; "seasonal"
# (works for its last buyer in season only); "small" (has too few orders for a grade).
_ROSTER: Final[dict[str, tuple[str, ...]]] = {
    CEPER.name: (
        "UD Tungku Merapi Ceper|G|TC",
        "CV Cor Kencana Klaten|G|TCG",
        "UD Logam Batur Sejati|M|T quality",
        "CV Tuang Jaya Ngawonggo|M|TC up 10",
        "UD Sumber Kowi|B|T dates",
        "CV Besi Kelabu Makmur|M|CT dates",
        "UD Karya Cetak Pasir|G|T",
        "CV Mulia Kupola|M|TG down 10",
        "UD Pandan Logam|B|TC quality",
        "PB Anugerah Cor Ceper|M|T answers small",
    ),
    BEKASI.name: (
        "CV Plat Cibitung Presisi|G|CG",
        "PT Tekan Mitra Sarana|G|CGT",
        "UD Setu Logam Tipis|M|C dates",
        "CV Pon Tambun Abadi|M|CG up 1",
        "PT Dies Cikarang Utama|G|CT answers",
        "UD Babelan Stamping|B|CG dates",
        "CV Lipat Baja Serang Baru|M|C quality",
        "UD Karya Tekuk Mandiri|M|CG down 1",
        "CV Galvani Setia|B|C answers",
        "UD Bintang Pelat Jaya|M|CT answers seasonal",
    ),
    SOLO_RAYA.name: (
        "CV Bubut Lawu Presisi|G|TC",
        "UD Mesin Colomadu|G|CGT",
        "CV Poros Bengawan|M|TC quality",
        "UD Frais Kartasura|M|T up 4",
        "CV Gerinda Palur|G|CT",
        "UD Roda Gigi Masaran|M|C dates",
        "CV Ulir Sambi|B|TC quality",
        "UD Teknik Jebres|M|TG down 4",
        "CV Mandiri Bor Grogol|M|T answers",
        "UD Cipta Sekrup Gondang|B|C dates small",
    ),
    TANGERANG.name: (
        "CV Plastik Cisadane|G|GC",
        "PT Injeksi Balaraja Utama|G|GCT",
        "UD Polimer Jatiuwung|M|G quality",
        "CV Cetak Resin Curug|M|GC up 7",
        "UD Warna Cikupa|B|G quality",
        "CV Tiup Botol Serpong|M|GT dates",
        "UD Pelet Hijau Pasar Kemis|M|G answers",
        "CV Karya Moulding Ciputat|M|GC down 7",
        "UD Tunas Plastik Teluknaga|B|GC dates",
        "PT Bening Polimer Cipondoh|G|GC quality seasonal",
    ),
}
_CHARACTERS: Final = {"G": Character.GOOD, "M": Character.MIDDLING, "B": Character.BAD}


def _turning_day(words: list[str]) -> date | None:
    for direction in ("up", "down"):
        if direction in words:
            month = int(words[words.index(direction) + 1])
            # Up and down in the same month go opposite ways: half a cycle lies between them.
            return date(2025 if direction == "up" else 2024, month, 15)
    return None


def _company(cluster: Cluster, index: int, row: str) -> Company:
    name, letter, rest = row.split("|")
    letters, *words = rest.split()
    offered = len(cluster.items)
    items = tuple(cluster.items[(index + step) % offered] for step in range(3 + index % 3))
    code = CLUSTERS.index(cluster) + 1
    return Company(
        id=f"IKM-{cluster.code}-{index:02d}",
        name=name,
        cluster=cluster,
        regency=cluster.regencies[index % len(cluster.regencies)],
        licence_no=f"9{code}{index:02d}{(code * 104729 + index * 7919) * 331 % 10**9:09d}",
        character=_CHARACTERS[letter],
        buyers=tuple(_BUYER_OF_LETTER[letter] for letter in letters),
        items=items,
        number=(code - 1) * 10 + index,
        weakness=next((kind for kind in Weakness if kind in words), None),
        turns_up_on=_turning_day(words),
        seasonal="seasonal" in words,
        activity=0.1 if "small" in words else 1.0,
    )


SUPPLIERS: Final = tuple(
    _company(cluster, index, row)
    for cluster in CLUSTERS
    for index, row in enumerate(_ROSTER[cluster.name], start=1)
)
