"""Units of quantities, and the conversion between those with a fixed factor."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .reading import number

# "pieces `H87` `C62` 1, `PR` 2, `DZN` 12, `CEN` 100, `GRO` 144, `MIL` 1000; `MGM` `GRM` `KGM` `DTN`
# `TNE`; `MMT` `CMT` `MTR` `KMT`; `CMK` `MTK`; `MLT` `LTR` `HLT` `MTQ`; `SEC` `MIN` `HUR`"
KINDS = (
    {"H87": 1, "C62": 1, "PR": 2, "DZN": 12, "CEN": 100, "GRO": 144, "MIL": 1000},
    {"MGM": 1, "GRM": 10**3, "KGM": 10**6, "DTN": 10**8, "TNE": 10**9},
    {"MMT": 1, "CMT": 10, "MTR": 1000, "KMT": 10**6},
    {"CMK": 1, "MTK": 10_000},
    {"MLT": 1, "LTR": 1000, "HLT": 10**5, "MTQ": 10**6},
    {"SEC": 1, "MIN": 60, "HUR": 3600},
)


# "common aliases (`PCS`, `PCE`, `EA`, `KG`, `BUAH`, `LUSIN`) are normalised."
ALIASES = {"PCS": "H87", "PCE": "H87", "EA": "H87", "BUAH": "H87", "KG": "KGM", "LUSIN": "DZN"}


def code(line: Mapping[str, Any]) -> str | None:
    """Return the unit that a line of a document names, None if it names none."""
    uom = line.get("uom")
    return None if uom is None else ALIASES.get(uom, uom)


def factor(of: str | None, into: str | None) -> Fraction | None:
    """Return how many `into` one `of` is; None for a unit conflict.

    "A document line without a unit is in the order line's unit. Where no version names a unit,
    quantities are taken as they are".
    """
    if of is None or into is None or of == into:
        return Fraction(1)
    for kind in KINDS:
        if of in kind and into in kind:
            return Fraction(kind[of], kind[into])
    return None


def converted(quantity: object, of: str | None, into: str | None) -> Fraction | None:
    """Return a quantity in another unit, None for a unit conflict."""
    times = factor(of, into)
    return None if times is None else number(quantity) * times
