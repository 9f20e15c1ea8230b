"""Units of measure: what ERPs write, the UN/ECE code it stands for, and what can be converted.

Codes are those of UN/ECE Recommendation 20, and 21 for packages.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

UNIT_ALIASES: Final = {
    "PCS": "H87", "PC": "H87", "PCE": "H87", "PIECE": "H87", "PIECES": "H87", "EA": "H87",
    "EACH": "H87", "BUAH": "H87", "BIJI": "H87", "LUSIN": "DZN",
    "KG": "KGM", "KGS": "KGM", "G": "GRM", "GR": "GRM", "TON": "TNE", "T": "TNE",
    "M": "MTR", "MM": "MMT", "CM": "CMT", "M2": "MTK", "M3": "MTQ", "L": "LTR", "LT": "LTR",
    "SET": "SET", "BOX": "BX", "DUS": "BX", "ROLL": "RO", "LBR": "ST", "SHEET": "ST",
    "HR": "HUR", "H": "HUR", "JAM": "HUR",
}  # fmt: skip
"""What ERPs write, to the code it stands for."""

CONVERTIBLE: Final[tuple[Mapping[str, int], ...]] = (
    {"H87": 1, "C62": 1, "PR": 2, "DZN": 12, "CEN": 100, "GRO": 144, "MIL": 1000},
    {"MGM": 1, "GRM": 1_000, "KGM": 1_000_000, "DTN": 100_000_000, "TNE": 1_000_000_000},
    {"MMT": 1, "CMT": 10, "MTR": 1_000, "KMT": 1_000_000},
    {"CMK": 1, "MTK": 10_000},
    {"MLT": 1, "LTR": 1_000, "HLT": 100_000, "MTQ": 1_000_000},
    {"SEC": 1, "MIN": 60, "HUR": 3_600},
)
"""Units between which a fixed factor exists, each in the smallest of its kind (docs/figures.md)."""


_SMALLEST: Final = {unit: count for kind in CONVERTIBLE for unit, count in kind.items()}


def smallest(unit: str) -> int:
    """Return how many of the smallest unit of its kind a unit is; 1 of any that does not convert.

    The store keeps quantities in the smallest unit: whoever reads them divides by this.
    """
    return _SMALLEST.get(unit, 1)


def factor(unit: str, into: str) -> Fraction | None:
    """Return how many `into` one `unit` is; None where no fixed factor exists."""
    if unit == into:
        return Fraction(1)
    for kind in CONVERTIBLE:
        if unit in kind and into in kind:
            return Fraction(kind[unit], kind[into])
    return None
