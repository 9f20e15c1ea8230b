"""Units of measure in SQL: what converts into what, as the statements of facts and figures have it.

A file of SQL says `$kind_of(unit)`, `$factor_of(unit)` and `$converted(quantity, uom, unit)`, each
of names alone; `with_units` puts the expressions there.

Facts hold quantities in the smallest unit of the kind of their unit, so that every factor is whole
and nothing is rounded; whoever shows them divides by the factor of the unit.
"""

import re
from typing import Final

from schemas.units import CONVERTIBLE

_UNITS: Final = [(unit, kind) for kind in CONVERTIBLE for unit in kind]
_CODES: Final = "[" + ", ".join(f"'{unit}'" for unit, _ in _UNITS) + "]"
_KINDS: Final = "[" + ", ".join(f"'{next(iter(kind))}'" for _, kind in _UNITS) + "]"
_FACTORS: Final = "[" + ", ".join(str(kind[unit]) for unit, kind in _UNITS) + "]"


def kind_of(unit: str) -> str:
    """Return, as SQL, what is equal for units that convert into each other. `unit`: SQL, too."""
    return f"transform({unit}, {_CODES}, {_KINDS}, {unit})"


def factor_of(unit: str) -> str:
    """Return, as SQL, how many of the smallest unit of its kind a unit is; 1 of any other."""
    return f"transform({unit}, {_CODES}, {_FACTORS}, 1)::UInt64"


def converted(quantity: str, uom: str, unit: str) -> str:
    """Return, as SQL, a quantity in the smallest unit of the kind of `unit`.

    Without a unit of its own it is in `unit`; where nothing converts it is 0; where `unit` is ''
    it stays as it is.
    """
    return (
        f"multiIf({unit} = '', {quantity}, {uom} = '' OR {uom} = {unit}, "
        f"{quantity} * {factor_of(unit)}, {kind_of(uom)} = {kind_of(unit)}, "
        f"{quantity} * {factor_of(uom)}, 0::Decimal(38, 6))"
    )


def with_units(text: str) -> str:
    """Return a statement with the expressions in the place of what it says of units."""
    return _MACRO.sub(_expression, text)


_MACRO: Final = re.compile(r"\$(kind_of|factor_of|converted)\(([\w., ]+)\)")


def _expression(found: re.Match[str]) -> str:
    names = [name.strip() for name in found[2].split(",")]
    if found[1] == "converted":
        return converted(*names)
    return kind_of(*names) if found[1] == "kind_of" else factor_of(*names)
