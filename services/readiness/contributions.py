"""Says what each part adds to a figure, so that an explanation adds up to the figure.

Each figure of docs/figures.md's table is made from the parts of one or more families. This module
lists the families of each figure, and what a part adds to its numerator and denominator. The
letters `a` to `g` of a part are defined by family in `services/store/sql/facts/*_parts.sql`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from typing import Any, Final

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


Adds = Callable[[PartRow, date], Contribution]


def _share(part: PartRow, _: date) -> Contribution:
    return Contribution(part["b"], _ONE)


def _of_ordered(letter: str) -> Adds:
    return lambda part, _: Contribution(part[letter], part["a"])


def _days_late(part: PartRow, as_of: date) -> Contribution:
    with localcontext(Context(prec=100)):
        late = part["e"] + part["f"] * (as_of - _EPOCH).days - part["g"]
    return Contribution(late, part["a"])


def _above(part: PartRow, _: date) -> Contribution:
    return Contribution(part["a"], _ZERO)


def _below(part: PartRow, _: date) -> Contribution:
    return Contribution(_ZERO, part["a"])


def _value(part: PartRow, _: date) -> Contribution:
    return Contribution(value=part["a"])


def _one(_: PartRow, __: date) -> Contribution:
    return Contribution(value=_ONE)


def _marked(part: PartRow, _: date) -> Contribution:
    return Contribution(value=part["b"])


FAMILIES: Final[Mapping[str, Mapping[str, Adds]]] = {
    "otif": {"due": _share},
    "otif_requested": {"requested": _share},
    "on_time_quantity": {"due": _of_ordered("c")},
    "fill_rate": {"due": _of_ordered("d")},
    "mean_days_late": {"due": _days_late},
    "ppm": {"inspected": _above, "complained": _above, "received": _below},
    "lot_acceptance": {"inspected": _share},
    "confirmation_in_time": {"asked": _share},
    "confirmation_hours_median": {"asked": _value},
    "order_acceptance": {"answered": _share},
    "despatch_notice_rate": {"receipt": _share},
    "complaint_response": {"step": _share},
    "lead_time_days_p50": {"completed": _value},
    "lead_time_days_p90": {"completed": _value},
    "lead_time_cv": {"completed": _value},
    "line_stops": {"complained": _marked},
    "open_complaints": {"open": _one},
    "overdue_lines": {"overdue": _one},
    "orphan_receipts": {"orphan": _value},
    "retroactive_lines": {"retroactive": _one},
    "capacity_load": {"backlog": _value},
}
"""By KPI and part family, what a part adds. `buyer_concentration` is left out: it is made from
prices, which an explanation must not show. It is explained by the buyers' shares alone."""


def contribution(kpi: str, part: PartRow, as_of: date) -> Contribution:
    """Return what a part adds to a figure at a date.

    Raises KeyError if the figure is not in `FAMILIES` or has no parts of this family.
    """
    return FAMILIES[kpi][part["family"]](part, as_of)
