"""The performance score: 0 to 100, from its figures (docs/figures.md, "Performance score").

Exact fractions throughout: two ways of computing it agree to the last digit. Floats are made where
JSON is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.readiness.points import points_at
from services.readiness.policy import Policy
from services.readiness.policy_parts import Pillars


@dataclass(frozen=True, slots=True)
class KeyScore:
    """What a figure adds to the score.

    `points`: 0 to 100; None where the figure has no value. `weight`: of 100, after figures without
    a value have left theirs to others; 0 where it has none itself.
    """

    points: Fraction | None
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Score:
    """The score, that of each pillar, and what each figure adds; None where nothing has a value."""

    value: Fraction | None
    pillars: Mapping[str, Fraction | None]
    keys: Mapping[str, KeyScore]

    def as_json(self, *, provisional: bool) -> dict[str, Any]:
        """Return the scorecard's `score`. Provisional: there is no grade to go with it yet."""
        return {
            "value": nearest(self.value),
            "provisional": provisional,
            "pillars": {name: nearest(points) for name, points in self.pillars.items()},
        }


class Scorer:
    """Scores under one policy.

    What depends on the policy alone, and on which figures have a value, is worked out once: a
    programme has tens of thousands of scores.
    """

    def __init__(self, policy: Policy) -> None:
        self.pillars = policy.pillars
        self._pairs = {
            key: [(Fraction(x), Fraction(y)) for x, y in scale.points]
            for key, scale in policy.scales.items()
        }
        self._weights: dict[frozenset[str], dict[str, Fraction]] = {}

    def score(self, values: Mapping[str, Fraction | None]) -> Score:
        """Return the score of a supplier's figures.

        `values`: at least every figure that the policy scores, in the unit of its `value` (ppm per
        million); None where it has none. KeyError where one is left out: what is not known must not
        pass for what has no value.
        """
        keys = self.keys(values)
        return Score(
            _mean(list(keys.values())),
            {name: _mean([keys[key] for key in of]) for name, of in self.pillars.items()},
            keys,
        )

    def bare(self, values: Mapping[str, Fraction | None]) -> Score:
        """Return the score without those of pillars, which cost more; `values` as `score` has."""
        keys = self.keys(values)
        known = any(one.points is not None for one in keys.values())
        return Score(sum(added(keys).values(), Fraction(0)) if known else None, {}, keys)

    def keys(self, values: Mapping[str, Fraction | None]) -> dict[str, KeyScore]:
        """Return what each figure adds to the score; `values` as `score` takes them."""
        points = {
            key: None if (value := values[key]) is None else points_at(pairs, value)
            for key, pairs in self._pairs.items()
        }
        weights = self.weights(frozenset(key for key, one in points.items() if one is not None))
        return {key: KeyScore(points[key], weights[key]) for key in points}

    def weights(self, valued: frozenset[str]) -> dict[str, Fraction]:
        """Share 100 among the pillars that have a value, and each one's part among its figures.

        Both in proportion to the policy's weights. The pillar comes first: a figure's weight stays
        within its pillar as long as another figure there has a value.
        """
        if valued not in self._weights:
            self._weights[valued] = _shared(self.pillars, valued)
        return self._weights[valued]


def score(policy: Policy, values: Mapping[str, Fraction | None]) -> Score:
    """Return the score of a supplier's figures, as `Scorer.score` does: for one of them."""
    return Scorer(policy).score(values)


def nearest(value: Fraction | None) -> float | None:
    """Return the double nearest to an exact value, for JSON."""
    return None if value is None else float(value)


def added(keys: Mapping[str, KeyScore]) -> dict[str, Fraction]:
    """Return how many of the score's points each figure adds; together they are the score."""
    return {
        key: Fraction(0) if one.points is None else one.points * one.weight / 100
        for key, one in keys.items()
    }


def changed_most(
    before: Mapping[str, Fraction], after: Mapping[str, Fraction]
) -> tuple[str | None, Fraction]:
    """Return the figure that adds the most points more or less than before, and how many.

    Of two alike, the one that goes the way of the score; None where none adds anything else.
    """
    none = Fraction(0)
    changes = {key: after.get(key, none) - before.get(key, none) for key in {**after, **before}}
    rises = sum(changes.values(), none) >= 0
    by = max(
        changes, key=lambda key: (abs(changes[key]), (changes[key] > 0) == rises), default=None
    )
    return (by, changes[by]) if by is not None and changes[by] else (None, none)


def _shared(pillars: Pillars, valued: frozenset[str]) -> dict[str, Fraction]:
    whole = {
        name: sum(Fraction(scale.weight) for scale in figures.values())
        for name, figures in pillars.items()
    }
    left = {
        name: sum(Fraction(scale.weight) for key, scale in figures.items() if key in valued)
        for name, figures in pillars.items()
    }
    total = sum(whole[name] for name in whole if left[name])
    return {
        key: Fraction(scale.weight) / left[name] * whole[name] / total * 100
        if key in valued
        else Fraction(0)
        for name, figures in pillars.items()
        for key, scale in figures.items()
    }


def _mean(keys: list[KeyScore]) -> Fraction | None:
    weighed = [(one.points, one.weight) for one in keys if one.points is not None]
    if not weighed:
        return None
    total = sum((weight for _, weight in weighed), Fraction(0))
    return sum((points * weight for points, weight in weighed), Fraction(0)) / total
