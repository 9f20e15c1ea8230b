"""Says what each part adds to a figure, so that an explanation adds up to the figure.

Each figure of docs/figures.md's table is made from the parts of one or more families, by the
formula in `kpis.py`. `services/store/sql/facts/*_parts.sql` define the letters of each family.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from typing import Any, Final

from services.readiness.kpis import KPIS, Count, Ratio, Term

PartRow = Mapping[str, Any]
_EPOCH: Final = date(1970, 1, 1)
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one part adds: to numerator and denominator of a ratio, or else one `value`.

    Values add up to a count; of a median or percentile they are its cases.
    """

    numerator: Decimal | None = None
    denominator: Decimal | None = None
    value: Decimal | None = None


def families_of(kpi: str) -> tuple[str, ...]:
    """Return the families of parts that a figure is made from."""
    formula = KPIS[kpi].formula
    if isinstance(formula, Ratio):
        return tuple(formula.families)
    return () if formula is None else (formula.family,)


def contribution(kpi: str, part: PartRow, as_of: date) -> Contribution:
    """Return what a part of one of a figure's families adds to it at a date."""
    formula = KPIS[kpi].formula
    if isinstance(formula, Ratio):
        above, below = formula.families[part["family"]]
        return Contribution(_term(above, part, as_of), _term(below, part, as_of))
    if isinstance(formula, Count):
        return Contribution(value=_term(formula.term, part, as_of))
    return Contribution(value=part["a"])


def _term(term: Term, part: PartRow, as_of: date) -> Decimal:
    if term == "0":
        return _ZERO
    if term == "n":
        return _ONE
    if term == "late":
        with localcontext(Context(prec=100)):
            late: Decimal = part["e"] + part["f"] * (as_of - _EPOCH).days - part["g"]
        return late
    letter: Decimal = part[term]
    return letter
