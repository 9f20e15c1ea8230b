"""Figures: a numerator over a denominator, exact, and what can be said of it.

Numbers go out as JSON numbers. Numerators and denominators are exact decimals; a value is the
double nearest to their exact quotient.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

Exact = Decimal | Fraction
"""A number without rounding: sums of quantities in units of one dozen have no end as decimals."""

Z: Final = 1.959964
"""The two-sided 95 % point of the normal distribution, as docs/figures.md has it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure over a window.

    `counts`: numerator and denominator are counts of cases, so that an interval can be given.
    `scale`: 1,000,000 for figures in parts per million. A denominator of 0 has no value.
    """

    numerator: Fraction
    denominator: Fraction
    counts: bool = False
    scale: int = 1
    mixed_units: bool = False

    @property
    def exact(self) -> Fraction | None:
        """The exact quotient, as points are given for it; None where there is none."""
        if self.denominator == 0:
            return None
        return self.scale * self.numerator / self.denominator

    @property
    def value(self) -> float | None:
        """The exact quotient, to the nearest double; None where there is nothing to divide by."""
        return None if self.exact is None else float(self.exact)

    @property
    def ci95(self) -> tuple[float, float] | None:
        """The Wilson interval (E. B. Wilson, JASA 22, 1927), for ratios of counts alone."""
        if not self.counts or self.denominator == 0:
            return None
        return wilson(int(self.numerator), int(self.denominator))

    def as_json(self) -> dict[str, Any]:
        """Return the figure in the shape of the scorecard's `kpis`."""
        shown: dict[str, Any] = {
            "value": self.value,
            "numerator": json_number(self.numerator),
            "denominator": json_number(self.denominator),
        }
        if self.counts:
            interval = self.ci95
            shown["ci95"] = None if interval is None else list(interval)
        if self.mixed_units:
            shown["mixed_units"] = True
        return shown


@dataclass(frozen=True, slots=True)
class Plain:
    """A figure that is one number: a count, a percentile, an index; None where it has no value."""

    exact: Fraction | float | int | None

    @property
    def value(self) -> float | int | None:
        """The number as JSON has it: the double nearest to it, a count as it is."""
        return float(self.exact) if isinstance(self.exact, Fraction) else self.exact

    def as_json(self) -> dict[str, Any]:
        """Return the figure in the shape of the scorecard's `kpis`."""
        return {"value": self.value}


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of each declared process over what it can make in a month."""

    processes: Mapping[str, Figure]

    @property
    def exact(self) -> Fraction | None:
        """The highest load; None where no process has one."""
        return max(
            (x for one in self.processes.values() if (x := one.exact) is not None), default=None
        )

    @property
    def value(self) -> float | None:
        """The highest load, to the nearest double."""
        return None if self.exact is None else float(self.exact)

    def as_json(self) -> dict[str, Any]:
        """Return the figure in the shape of the scorecard's `kpis`."""
        return {
            "value": self.value,
            "processes": {name: one.as_json() for name, one in self.processes.items()},
        }


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion; trials > 0."""
    p = successes / trials
    z2 = Z * Z / trials
    centre = (p + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials)) / (1 + z2)
    return (max(0.0, centre - half), min(1.0, centre + half))


def difference(before: Figure, after: Figure) -> tuple[float, float] | None:
    """Return the 95 % interval of the change from one share of cases to another; None of others.

    R. G. Newcombe, Statistics in Medicine 17, 1998, method 10: from the two Wilson intervals.
    """
    if before.value is None or after.value is None or before.ci95 is None or after.ci95 is None:
        return None
    p1, (l1, u1) = before.value, before.ci95
    p2, (l2, u2) = after.value, after.ci95
    change = p2 - p1
    low = math.sqrt((p2 - l2) ** 2 + (u1 - p1) ** 2)
    high = math.sqrt((u2 - p2) ** 2 + (p1 - l1) ** 2)
    return (max(-1.0, change - low), min(1.0, change + high))


def json_number(value: Exact) -> int | Decimal:
    """Return a number that JSON writes exactly: an int where it is whole, else the decimal.

    A part of a bigger unit may have no end as a decimal (7 pieces of a dozen): it is cut off after
    30 digits.
    """
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return int(value)
        with localcontext(Context(prec=30)):
            return (Decimal(value.numerator) / Decimal(value.denominator)).normalize()
    return int(value) if value == value.to_integral_value() else value.normalize()
