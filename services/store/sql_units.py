"""Macros for converting units of measure in SQL.

An SQL file may use `$kind_of(unit)`, `$factor_of(unit)` and `$converted(quantity, uom, unit)`,
whose arguments are plain names; `with_units` expands them.

Facts hold quantities in the smallest unit of their kind (pieces, mg, mm, ...), so that every factor
is an integer and nothing is rounded. A query that shows a quantity divides it by the unit's factor.
"""

import re
from typing import Final

from schemas.units import CONVERTIBLE

_UNITS: Final = [(unit, kind) for kind in CONVERTIBLE for unit in kind]
_CODES: Final = "[" + ", ".join(f"'{unit}'" for unit, _ in _UNITS) + "]"
_KINDS: Final = "[" + ", ".join(f"'{next(iter(kind))}'" for _, kind in _UNITS) + "]"
_FACTORS: Final = "[" + ", ".join(str(kind[unit]) for unit, kind in _UNITS) + "]"


def kind_of(unit: str) -> str:
    """Return, as SQL, the kind of a unit, equal for units that convert into each other.

    `unit` is an SQL expression.
    """
    return f"transform({unit}, {_CODES}, {_KINDS}, {unit})"


def factor_of(unit: str) -> str:
    """Return, as SQL, how many smallest units of its kind a unit is; 1 if it does not convert."""
    return f"transform({unit}, {_CODES}, {_FACTORS}, 1)::UInt64"


def converted(quantity: str, uom: str, unit: str) -> str:
    """Return, as SQL, a quantity in the smallest unit of the kind of `unit`.

    A quantity whose own unit (`uom`) is '' is taken to be in `unit`. It becomes 0 if `uom` does not
    convert into `unit`, and stays as it is if `unit` is ''.
    """
    return (
        f"multiIf({unit} = '', {quantity}, {uom} = '' OR {uom} = {unit}, "
        f"{quantity} * {factor_of(unit)}, {kind_of(uom)} = {kind_of(unit)}, "
        f"{quantity} * {factor_of(uom)}, 0::Decimal(38, 6))"
    )


def expand_units(text: str) -> str:
    """Return a statement with its unit macros expanded."""
    return _MACRO.sub(_expression, text)


_MACRO: Final = re.compile(r"\$(kind_of|factor_of|converted)\(([\w., ]+)\)")


def _expression(found: re.Match[str]) -> str:
    names = [name.strip() for name in found[2].split(",")]
    if found[1] == "converted":
        return converted(*names)
    return kind_of(*names) if found[1] == "kind_of" else factor_of(*names)
