"""The performance score: points for figures, weighted within pillars."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from .all_figures import AnyFigure
from .reading import ZERO

Points = tuple[tuple[Fraction, Fraction], ...]


@dataclass(frozen=True)
class Measured:
    """The weight of a figure, and the points of its values as pairs (value, points)."""

    weight: int
    points: Points


Pillars = Mapping[str, Mapping[str, Measured]]


@dataclass(frozen=True)
class Score:
    """The score and its pillars, unrounded; None if none of their figures has a value."""

    value: Fraction | None
    pillars: dict[str, Fraction | None]


def _measured(weight: int, pairs: str) -> Measured:
    """Read a row of the table: a weight, and points written as `0.5:0, 0.8:60`."""
    split = [pair.split(":") for pair in pairs.split(", ")]
    return Measured(
        weight, tuple((Fraction(Decimal(at)), Fraction(Decimal(given))) for at, given in split)
    )


# "Performance score and grade (policy, versioned; these are the defaults)"
PILLARS: Pillars = {
    "quality": {
        "ppm": _measured(25, "0:100, 500:90, 2000:70, 10000:40, 50000:0"),
        "lot_acceptance": _measured(15, "0.80:0, 0.95:70, 1:100"),
    },
    "delivery": {
        "otif": _measured(15, "0.5:0, 0.8:60, 0.95:90, 1:100"),
        "otif_requested": _measured(10, "0.5:0, 0.8:60, 0.95:90, 1:100"),
        "mean_days_late": _measured(15, "0:100, 1:85, 3:50, 10:0"),
    },
    "responsiveness": {
        "confirmation_in_time": _measured(6, "0.5:0, 0.9:80, 1:100"),
        "order_acceptance": _measured(4, "0.5:0, 0.9:80, 1:100"),
        "despatch_notice_rate": _measured(4, "0.3:0, 0.9:90, 1:100"),
        "complaint_response": _measured(6, "0.5:0, 0.9:80, 1:100"),
    },
}


def points_for(value: Fraction, points: Points) -> Fraction:
    """Return the points of a value: "straight lines between the pairs, flat outside"."""
    if value <= points[0][0]:
        return points[0][1]
    for (left, given_left), (right, given_right) in pairwise(points):
        if value <= right:
            share = (value - left) / (right - left)
            return given_left + share * (given_right - given_left)
    return points[-1][1]


def score(kpis: Mapping[str, AnyFigure], pillars: Pillars = PILLARS) -> Score:
    """Return the score of the figures.

    "A `null` figure leaves its weight to the others of its pillar in proportion; a pillar without
    any leaves its weight to the other pillars in proportion." In proportion to their weights, so
    the score is the weighted mean of what has a value. The weight of a pillar is the sum of the
    weights of its figures, even if some of them are `null`.
    """
    found: dict[str, Fraction | None] = {}
    for name, pillar in pillars.items():
        found[name] = _mean(_weighed(kpis, pillar))
    weights = {
        name: sum(measured.weight for measured in pillar.values())
        for name, pillar in pillars.items()
    }
    given = [(weights[name], points) for name, points in found.items() if points is not None]
    return Score(_mean(given), found)


def _weighed(
    kpis: Mapping[str, AnyFigure], pillar: Mapping[str, Measured]
) -> list[tuple[int, Fraction]]:
    """Return weight and points of the figures that have a value."""
    found = []
    for key, measured in pillar.items():
        value = kpis[key].value
        if value is not None:
            found.append((measured.weight, points_for(Fraction(value), measured.points)))
    return found


def _mean(weighed: Iterable[tuple[int, Fraction]]) -> Fraction | None:
    given = list(weighed)
    total = sum(weight for weight, _ in given)
    if total == 0:
        return None
    return sum((weight * points for weight, points in given), ZERO) / total
