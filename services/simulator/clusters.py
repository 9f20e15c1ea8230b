"""The four clusters: where they are, what they make, and which defects are typical of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

PIECES: Final = "H87"
KILOGRAMS: Final = "KGM"


@dataclass(frozen=True, slots=True)
class Item:
    """An item that buyers order in multiples of `lot`, and no quantity is finer than `step`.

    `price`: in IDR per `uom`.
    """

    item_no: str
    description: str
    process: str
    price: Decimal
    lot: Decimal
    uom: str = PIECES

    @property
    def step(self) -> Decimal:
        """The step in which quantities are shipped: a piece, or half a kilogram."""
        return Decimal(1) if self.uom == PIECES else Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster (sentra) of small makers of one trade. `code`: its letters in their partner ids."""

    name: str
    code: str
    sector: str
    province: str
    regencies: tuple[str, ...]
    languages: tuple[str, ...]
    items: tuple[Item, ...]
    defects: tuple[str, ...]


def _pieces(item_no: str, description: str, process: str, price: int, lot: int) -> Item:
    return Item(item_no, description, process, Decimal(price), Decimal(lot))


def _by_weight(item_no: str, description: str, process: str, price: str, lot: str) -> Item:
    return Item(item_no, description, process, Decimal(price), Decimal(lot), KILOGRAMS)


CEPER: Final = Cluster(
    name="ceper-casting",
    code="CPR",
    sector="casting",
    province="Jawa Tengah",
    regencies=("Klaten",),
    languages=("id", "jv"),
    items=(
        _pieces("CP-1101", "Rumah pompa besi cor 3 inci", "casting", 86500, 60),
        _pieces("CP-1102", "Impeler besi cor 150 mm", "casting", 41250, 120),
        _pieces("CP-1103", "Tromol rem belakang", "casting", 58750, 150),
        _pieces("CP-1104", "Tutup rumah kopling", "casting", 37400, 180),
        _pieces("CP-1105", "Kaki motor listrik", "casting", 22900, 240),
        _by_weight("CP-1201", "Bobot imbang besi cor kelabu", "bulk-casting", "14250.5", "312.5"),
        _by_weight("CP-1202", "Coran kasar FC200", "bulk-casting", "15875.25", "250"),
    ),
    defects=("POROSITY", "COLD-SHUT", "SAND-INCLUSION", "DIMENSION"),
)
BEKASI: Final = Cluster(
    name="bekasi-stamping",
    code="BKS",
    sector="stamping",
    province="Jawa Barat",
    regencies=("Kabupaten Bekasi", "Kota Bekasi"),
    languages=("id", "su"),
    items=(
        _pieces("ST-2101", "Braket lampu depan", "stamping", 4150, 1000),
        _pieces("ST-2102", "Pelat penahan rantai", "stamping", 6875, 800),
        _pieces("ST-2103", "Ring pelat 22 mm", "stamping", 640, 5000),
        _pieces("ST-2104", "Braket dudukan kompresor", "stamping", 12950, 400),
        _pieces("ST-2105", "Penutup bodi mesin cuci", "deep-drawing", 38200, 150),
        _pieces("ST-2106", "Mangkuk motor pompa", "deep-drawing", 21450, 250),
        _pieces("ST-2107", "Rangka jok las titik", "spot-welding", 54300, 120),
    ),
    defects=("BURR", "CRACK", "DENT", "DIMENSION"),
)
SOLO_RAYA: Final = Cluster(
    name="soloraya-machining",
    code="SLR",
    sector="machining",
    province="Jawa Tengah",
    regencies=("Kota Surakarta", "Karanganyar", "Sukoharjo", "Boyolali", "Sragen"),
    languages=("id", "jv"),
    items=(
        _pieces("MC-3101", "Poros pompa SUS420 18 mm", "turning", 27600, 300),
        _pieces("MC-3102", "Bos kuningan 12 mm", "turning", 5325, 1200),
        _pieces("MC-3103", "Mur penyetel rantai", "turning", 3480, 2000),
        _pieces("MC-3104", "Flens aluminium 80 mm", "milling", 46900, 160),
        _pieces("MC-3105", "Dudukan bantalan P204", "milling", 63500, 100),
        _pieces("MC-3106", "Roda gigi lurus 24 gigi", "gear-cutting", 71800, 90),
    ),
    defects=("DIMENSION", "ROUGHNESS", "THREAD", "SCRATCH"),
)
TANGERANG: Final = Cluster(
    name="tangerang-plastics",
    code="TGR",
    sector="plastics",
    province="Banten",
    regencies=("Kabupaten Tangerang", "Kota Tangerang", "Kota Tangerang Selatan"),
    languages=("id",),
    items=(
        _pieces("PL-4101", "Tutup baterai ABS", "injection-moulding", 7240, 900),
        _pieces("PL-4102", "Kipas pendingin motor PP", "injection-moulding", 9650, 600),
        _pieces("PL-4103", "Kenop pengatur waktu", "injection-moulding", 2185, 2500),
        _pieces("PL-4104", "Rumah sakelar", "injection-moulding", 3960, 1500),
        _pieces("PL-4105", "Tangki air HDPE 5 liter", "blow-moulding", 24700, 200),
        _by_weight("PL-4201", "Pelet PP daur ulang", "pelletising", "13120.75", "437.5"),
    ),
    defects=("FLASH", "SHORT-SHOT", "SINK-MARK", "COLOUR"),
)
CLUSTERS: Final = (CEPER, BEKASI, SOLO_RAYA, TANGERANG)
