"""Orders to deliver, week by week, beside what each process can make in a week. Pure.

Weeks begin on the day of the report, so that all of them are whole. A week's capacity is 7 of
365.25 days of twelve declared months.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from schemas.units import factor
from services.assessment.supplier_reader import WEEKS, Awaited, ProcessCapacity

A_WEEK: Final = Fraction(12 * 7) / Fraction(36525, 100)
"""The share of a month's capacity that a week has."""


@dataclass(frozen=True, slots=True)
class Week:
    """What is due in a week, its last day included. `first`: None = before the report's day."""

    first: date | None
    last: date
    lines: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked of one process in one unit, `uom`; '' = none was said.

    `process`: None = items that no process was declared for. `weeks`: the backlog first, then week
    after week. `a_week`: None where nothing was declared that such quantities can be held against.
    """

    process: str | None
    uom: str
    a_week: Fraction | None
    weeks: tuple[Week, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """How many lines are to be delivered: overdue, within a week, within four weeks."""

    overdue: int
    a_week: int
    four_weeks: int


def ahead(overdue: int, awaited: Iterable[Awaited], as_of: date) -> Ahead:
    """Count the lines that are still to come. `overdue`: the figure `overdue_lines` of that day.

    The backlog does not tell what is overdue: in it nothing is missing again that was sent back.
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
    """Return what is asked of each declared process, and of no process at all.

    An item that two processes make is asked of both. Quantities are in the unit of the process; of
    what does not convert to it, and of no process, each unit stands for itself: units do not add.
    """
    found = []
    declared: set[str] = set()
    for one in capacities:
        declared.update(one.items)
        asked = [some for some in awaited if some.item in one.items]
        of_it = [
            replace(some, quantity=_multiplied(some.quantity, times))
            for some in asked
            if (times := factor(some.unit, one.uom)) is not None
        ]
        a_week = Fraction(one.quantity_per_month) * A_WEEK
        apart = [some for some in asked if factor(some.unit, one.uom) is None]
        # Beside orders in other units alone it would say that none is waiting.
        if of_it or not apart:
            found.append(Workload(one.process, one.uom, a_week, _weeks(of_it, as_of)))
        found += _by_unit(one.process, apart, as_of)
    return found + _by_unit(None, [one for one in awaited if one.item not in declared], as_of)


def _by_unit(process: str | None, some: Sequence[Awaited], as_of: date) -> list[Workload]:
    return [
        Workload(process, unit, None, _weeks([one for one in some if one.unit == unit], as_of))
        for unit in sorted({one.unit for one in some})
    ]


def _multiplied(quantity: Decimal, times: Fraction) -> Decimal:
    # For a page, which shows 6 decimals at most.
    return quantity if times == 1 else Decimal(round(Fraction(quantity) * times * 10**9)) / 10**9


def _weeks(asked: Iterable[Awaited], as_of: date) -> tuple[Week, ...]:
    lines = [0] * (WEEKS + 1)
    quantities = [Decimal(0)] * (WEEKS + 1)
    for one in asked:
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
