"""Converts a figure's value into points by linear interpolation between a policy's pairs."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

Exact = Decimal | Fraction


def points_at(pairs: Sequence[tuple[Exact, Exact]], value: Fraction) -> Fraction:
    """Return the exact points of a value; constant before the first pair and after the last.

    `pairs`: two or more pairs (value, points) with rising values, which the checks of a policy
    guarantee.
    """
    first, last = pairs[0], pairs[-1]
    if value <= Fraction(first[0]):
        return Fraction(first[1])
    for (x0, y0), (x1, y1) in pairwise(pairs):
        if value <= Fraction(x1):
            run, rise = Fraction(x1) - Fraction(x0), Fraction(y1) - Fraction(y0)
            return Fraction(y0) + rise * (value - Fraction(x0)) / run
    return Fraction(last[1])
