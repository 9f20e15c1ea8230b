"""Orders to deliver, week by week, beside what each process can make in a week. Pure.

Weeks begin on the day of the report, so that all of them are whole. A week's capacity is 7/365.25
of twelve times the capacity declared for a month.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from schemas.units import conversion_factor
from services.assessment.supplier_reader import WEEKS, Awaited, ProcessCapacity

A_WEEK: Final = Fraction(12 * 7) / Fraction(36525, 100)
"""A week's capacity as a share of a month's."""


@dataclass(frozen=True, slots=True)
class Week:
    """What is due from `first` to `last`, both included. `first` is None for the backlog."""

    first: date | None
    last: date
    lines: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Workload:
    """The orders awaited from one process in one unit, `uom`; '' = no unit was given.

    `process`: None for items without a declared process. `a_week`: the capacity of a week, None if
    none is declared in a unit that `uom` converts to. `weeks`: the backlog, due before the report's
    day, then week after week.
    """

    process: str | None
    uom: str
    a_week: Fraction | None
    weeks: tuple[Week, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """How many lines are to be delivered: overdue, due within a week, due within four weeks."""

    overdue: int
    a_week: int
    four_weeks: int


def ahead(overdue: int, awaited: Iterable[Awaited], as_of: date) -> Ahead:
    """Count the lines that are still to come. `overdue`: the figure `overdue_lines` of that day.

    Overdue lines can't be counted from `awaited`: it leaves out goods that came and were sent back,
    which the figure counts as missing again.
    """
    a_week = four_weeks = 0
    for one in awaited:
        days = (one.due - as_of).days
        a_week += one.lines if 0 <= days < 7 else 0
        four_weeks += one.lines if 0 <= days < 28 else 0
    return Ahead(overdue, a_week, four_weeks)


def workloads(
    awaited: Sequence[Awaited], capacities: Iterable[ProcessCapacity], as_of: date
) -> list[Workload]:
    """Return the workload of each declared process, and that of items without a process.

    An item that two processes make counts for both. Quantities are in the unit of the process.
    Those that do not convert to it, and those of items without a process, get a workload for each
    of their units, since different units do not add up.
    """
    found = []
    declared: set[str] = set()
    for one in capacities:
        declared.update(one.items)
        orders = [some for some in awaited if some.item in one.items]
        convertible = [
            replace(some, quantity=_multiplied(some.quantity, times))
            for some in orders
            if (times := conversion_factor(some.unit, one.uom)) is not None
        ]
        a_week = Fraction(one.quantity_per_month) * A_WEEK
        other_units = [some for some in orders if conversion_factor(some.unit, one.uom) is None]
        # If all orders are in other units, an empty workload would say that none is awaited.
        if convertible or not other_units:
            found.append(Workload(one.process, one.uom, a_week, _weeks(convertible, as_of)))
        found += _by_unit(one.process, other_units, as_of)
    return found + _by_unit(None, [one for one in awaited if one.item not in declared], as_of)


def _by_unit(process: str | None, some: Sequence[Awaited], as_of: date) -> list[Workload]:
    return [
        Workload(process, unit, None, _weeks([one for one in some if one.unit == unit], as_of))
        for unit in sorted({one.unit for one in some})
    ]


def _multiplied(quantity: Decimal, times: Fraction) -> Decimal:
    # 9 decimals are enough for a page, which shows 6 at most.
    return quantity if times == 1 else Decimal(round(Fraction(quantity) * times * 10**9)) / 10**9


def _weeks(orders: Iterable[Awaited], as_of: date) -> tuple[Week, ...]:
    lines = [0] * (WEEKS + 1)
    quantities = [Decimal(0)] * (WEEKS + 1)
    for one in orders:
        place = 1 + (one.due - as_of).days // 7 if one.due >= as_of else 0
        if place <= WEEKS:
            lines[place] += one.lines
            quantities[place] += one.quantity
    return tuple(
        Week(
            as_of + timedelta(days=7 * (place - 1)) if place else None,
            as_of + timedelta(days=7 * place - 1),
            lines[place],
            quantities[place],
        )
        for place in range(WEEKS + 1)
    )
