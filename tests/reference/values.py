"""The two shapes of a figure: a ratio or a plain value."""

import math
from dataclasses import dataclass
from fractions import Fraction

Z = 1.959964


@dataclass(frozen=True)
class Figure:
    """A ratio with its numerator and denominator."""

    numerator: Fraction
    denominator: Fraction
    value: Fraction | None


@dataclass(frozen=True)
class Plain:
    """A figure that is not a ratio of sums: a count, a percentile or an index."""

    value: Fraction | int | float | None


def ratio(numerator: Fraction | int, denominator: Fraction | int, scale: int = 1) -> Figure:
    """Return a ratio as a figure; `scale` multiplies its value, as for ppm."""
    above, below = Fraction(numerator), Fraction(denominator)
    # "`numerator`, `denominator` and `value` are all given; denominator 0 = `null`, never 0 and
    # never 100"
    return Figure(above, below, None if below == 0 else scale * above / below)


def wilson(figure: Figure) -> tuple[float, float] | None:
    """Return the interval of a ratio of counts: "the Wilson interval (z = 1.959964)"."""
    if figure.value is None:
        return None
    share, count = float(figure.value), float(figure.denominator)
    middle = share + Z**2 / (2 * count)
    spread = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    scale = 1 + Z**2 / count
    return (middle - spread) / scale, (middle + spread) / scale
