"""The kinds of figure, their confidence intervals, and their JSON.

All numbers are JSON numbers. Numerators and denominators are exact decimals; a value is the double
nearest to their exact quotient.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

Exact = Decimal | Fraction
"""An unrounded number. Fractions are needed: a sum of dozens may be an infinite decimal."""

Z: Final = 1.959964
"""The two-sided 95 % quantile of the normal distribution, to the digits in docs/figures.md."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio over a window. It has no value if the denominator is 0.

    `counts`: numerator and denominator count cases, so the ratio has a confidence interval.
    `scale`: 1,000,000 for figures in parts per million. `mixed_units`: the quantities that were
    added have more than one unit.
    """

    numerator: Fraction
    denominator: Fraction
    counts: bool = False
    scale: int = 1
    mixed_units: bool = False

    @property
    def exact(self) -> Fraction | None:
        """The exact quotient, from which points are computed; None if the denominator is 0."""
        if self.denominator == 0:
            return None
        return self.scale * self.numerator / self.denominator

    @property
    def value(self) -> float | None:
        """The quotient as the nearest double; None if the denominator is 0."""
        return None if self.exact is None else float(self.exact)

    @property
    def ci95(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval (E. B. Wilson, JASA 22, 1927); None unless `counts`."""
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
    """A figure that is one number: a count, a percentile, an index; None if it has no value."""

    exact: Fraction | float | int | None

    @property
    def value(self) -> float | int | None:
        """The number for JSON: a fraction as the nearest double, a count unchanged."""
        return float(self.exact) if isinstance(self.exact, Fraction) else self.exact

    def as_json(self) -> dict[str, Any]:
        """Return the figure in the shape of the scorecard's `kpis`."""
        return {"value": self.value}


@dataclass(frozen=True, slots=True)
class Load:
    """The demand for each declared process over what the process can make in a month."""

    processes: Mapping[str, Figure]

    @property
    def exact(self) -> Fraction | None:
        """The highest load; None if no process has one."""
        return max(
            (x for one in self.processes.values() if (x := one.exact) is not None), default=None
        )

    @property
    def value(self) -> float | None:
        """The highest load as the nearest double; None if no process has one."""
        return None if self.exact is None else float(self.exact)

    def as_json(self) -> dict[str, Any]:
        """Return the figure in the shape of the scorecard's `kpis`."""
        return {
            "value": self.value,
            "processes": {name: one.as_json() for name, one in self.processes.items()},
        }


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a proportion. `trials` must be more than 0."""
    p = successes / trials
    z2 = Z * Z / trials
    centre = (p + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials)) / (1 + z2)
    return (max(0.0, centre - half), min(1.0, centre + half))


def difference(before: Figure, after: Figure) -> tuple[float, float] | None:
    """Return the 95 % interval of the change from one share of cases to another.

    R. G. Newcombe, Statistics in Medicine 17, 1998, method 10: from the two Wilson intervals.
    Returns None if either figure has no value or is not a ratio of counts.
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
    """Return a number as JSON can write it exactly: an int if it is whole, else a Decimal.

    A fraction that is an infinite decimal (7 pieces as a part of a dozen) is rounded to 30
    significant digits.
    """
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return int(value)
        with localcontext(Context(prec=30)):
            return (Decimal(value.numerator) / Decimal(value.denominator)).normalize()
    return int(value) if value == value.to_integral_value() else value.normalize()
