"""Units of measure: the words that ERPs write, their UN/ECE codes, and factors between units.

Codes are those of UN/ECE Recommendation 20, and 21 for packages.
"""

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from schemas.spelling import WHITE_SPACE

_WORDS: Final[Mapping[str, str]] = {
    # Counted one by one, and in dozens, scores and gross.
    "H87": "PCS PC PCE PIECE PIECES EA EACH BUAH BIJI BUTIR POTONG PTG BATANG BTG",
    "C62": "UNIT UNITS UNT",
    "PR": "PASANG PSG PAIR PAIRS",
    "SET": "SET SETS STEL",
    "DZN": "LUSIN LSN DZ DOZ DOZEN",
    "SCO": "KODI",
    "GRO": "GROSS GROS GRS",
    # Mass.
    "GRM": "G GR GRAM",
    "KGM": "KG KGS KILO KILOGRAM",
    "DTN": "KWINTAL KUINTAL",
    "TNE": "TON TONNE T",
    # Length, area, volume.
    "MMT": "MM",
    "CMT": "CM",
    "MTR": "M METER METRE",
    "INH": "INCH INCI",
    "FOT": "FEET FOOT FT",
    "YRD": "YARD YARDS YD YDS",
    "CMK": "CM2 CM²",
    "MTK": "M2 M²",
    "MLT": "ML CC",
    "LTR": "L LT LITER LITRE",
    "MTQ": "M3 M³",
    # Time.
    "MIN": "MENIT",
    "HUR": "HR H JAM",
    "DAY": "HARI",
    # Sheets, rolls and packages.
    "ST": "LEMBAR LBR SHEET SHEETS",
    "RM": "RIM REAM",
    "RO": "ROLL ROLLS ROL GULUNG",
    "BX": "BOX DUS DOS KOTAK",
    "CT": "KARTON CARTON CTN",
    "PK": "PAK PACK PACKS BUNGKUS BKS",
    "SA": "KARUNG SAK ZAK SACK",
    "DR": "DRUM",
    "CA": "KALENG CAN",
    "BO": "BOTOL BTL BOTTLE",
    "PX": "PALET PALLET",
}
"""The words of the trade, by the code they stand for."""

UNIT_ALIASES: Final[Mapping[str, str]] = {
    word: code for code, words in _WORDS.items() for word in words.split()
}
"""The code for each word that ERPs write; the words are in capitals."""

CONVERTIBLE: Final[tuple[Mapping[str, int], ...]] = (
    {"H87": 1, "C62": 1, "PR": 2, "DZN": 12, "CEN": 100, "GRO": 144, "MIL": 1000},
    {"MGM": 1, "GRM": 1_000, "KGM": 1_000_000, "DTN": 100_000_000, "TNE": 1_000_000_000},
    {"MMT": 1, "CMT": 10, "MTR": 1_000, "KMT": 1_000_000},
    {"CMK": 1, "MTK": 10_000},
    {"MLT": 1, "LTR": 1_000, "HLT": 100_000, "MTQ": 1_000_000},
    {"SEC": 1, "MIN": 60, "HUR": 3_600},
)
"""Kinds of units with fixed factors: how many of the kind's smallest unit each unit is
(docs/figures.md)."""

_AT_THE_ENDS: Final = WHITE_SPACE + "."
_CODE: Final = re.compile(r"[A-Z0-9]{1,3}")
_UNCLEAR: Final = {
    "ONS": "ONS is 100 g to some and an ounce to others: send grams, as GRM",
}
_COMMON: Final = "PCS, SET, LUSIN, KG, METER, LITER, LEMBAR, ROLL, BOX"

LONGEST_WORD: Final = max(map(len, UNIT_ALIASES))


def _by_beginning(words: Iterable[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for word in sorted(words):
        if len(word) > 2:
            found.setdefault(word[:2], []).append(word)
    return {beginning: ", ".join(some) for beginning, some in found.items()}


_NEAR: Final = _by_beginning(UNIT_ALIASES)
"""Words to suggest, by their first two letters. To search for the most similar ones takes too long
in a file of many unknown units."""


def unit_of(value: Any) -> str:
    """Return the UN/ECE code of a unit that a sender wrote as a code or as a word of the trade.

    Called for each `uom` of an event. Case does not count, nor do blanks and dots at the ends.
    Codes are not looked up in the lists of the UN: any one to three letters and digits are
    accepted. Raises ValueError for anything else; its message suggests words that are accepted.
    """
    if not isinstance(value, str):
        raise ValueError('must be a unit as a text, such as "PCS", "KG" or "H87"')
    found = UNIT_ALIASES.get(value)
    if found is not None:
        return found
    word = value.strip(_AT_THE_ENDS)
    if len(word) <= LONGEST_WORD:
        capitals = word.upper()
        found = UNIT_ALIASES.get(capitals)
        if found is not None:
            return found
        if capitals in _UNCLEAR:
            raise ValueError(_UNCLEAR[capitals])
        # isascii, because some letters outside ASCII become A to Z in capitals.
        if word.isascii() and _CODE.fullmatch(capitals):
            return capitals
    near = _NEAR.get(word[:2].upper(), _COMMON)
    raise ValueError(
        "is not a known unit: send its code of UN/ECE Recommendation 20 (H87 = piece), or a word "
        f"such as {near}; all words are in `units` of /v1/catalogue"
    )


_SMALLEST: Final = {unit: count for kind in CONVERTIBLE for unit, count in kind.items()}


def smallest_units_of(unit: str) -> int:
    """Return how many of the smallest unit of its kind a unit is; 1 if it does not convert.

    The store keeps quantities in the smallest unit; code that reads them divides by this.
    """
    return _SMALLEST.get(unit, 1)


def conversion_factor(unit: str, into: str) -> Fraction | None:
    """Return the factor from `unit` to `into` (12 from DZN to H87); None if there is no fixed one.

    '' means that no unit was given: the quantity is taken as it is, with factor 1.
    """
    if unit == into or not unit or not into:
        return Fraction(1)
    for kind in CONVERTIBLE:
        if unit in kind and into in kind:
            return Fraction(kind[unit], kind[into])
    return None
