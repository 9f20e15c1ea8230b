"""Computes the performance score, 0 to 100 (docs/figures.md, "Performance score and grade").

All arithmetic is in exact fractions, so that two ways of computing a score agree to the last digit.
Only JSON has floats.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.readiness.points import points_at
from services.readiness.policy import Policy
from services.readiness.policy_parts import Pillars


@dataclass(frozen=True, slots=True)
class KpiScore:
    """The contribution of one figure to the score.

    `points`: 0 to 100; None if the figure has no value. `weight`: out of 100, after the weights of
    figures without a value have been given to the others; 0 if this figure has no value.
    """

    points: Fraction | None
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Score:
    """The score, the score of each pillar, and the contribution of each figure.

    A score is None if none of its figures has a value.
    """

    value: Fraction | None
    pillars: Mapping[str, Fraction | None]
    keys: Mapping[str, KpiScore]

    def as_json(self, *, provisional: bool) -> dict[str, Any]:
        """Return the `score` object of the scorecard. `provisional`: the grade is insufficient."""
        return {
            "value": nearest(self.value),
            "provisional": provisional,
            "pillars": {name: nearest(points) for name, points in self.pillars.items()},
        }


class Scorer:
    """Computes scores under one policy.

    Whatever depends only on the policy and on which figures have a value is computed once, because
    a programme has tens of thousands of scores.
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

        `values`: the value of every figure that the policy scores, and possibly of others, in the
        unit of `Figure.value` (ppm per million); None for a figure without a value. Raises KeyError
        if a scored figure is left out: an unknown figure must not pass for one without a value.
        """
        keys = self.keys(values)
        return Score(
            _mean(list(keys.values())),
            {name: _mean([keys[key] for key in of]) for name, of in self.pillars.items()},
            keys,
        )

    def bare(self, values: Mapping[str, Fraction | None]) -> Score:
        """Return the score without the costlier pillar scores; `values` as for `score`."""
        keys = self.keys(values)
        known = any(one.points is not None for one in keys.values())
        return Score(sum(added(keys).values(), Fraction(0)) if known else None, {}, keys)

    def keys(self, values: Mapping[str, Fraction | None]) -> dict[str, KpiScore]:
        """Return the contribution of each figure to the score; `values` as for `score`."""
        points = {
            key: None if (value := values[key]) is None else points_at(pairs, value)
            for key, pairs in self._pairs.items()
        }
        weights = self.weights(frozenset(key for key, one in points.items() if one is not None))
        return {key: KpiScore(points[key], weights[key]) for key in points}

    def weights(self, valued: frozenset[str]) -> dict[str, Fraction]:
        """Return the effective weight of each scored figure, if only `valued` have a value.

        100 is shared among the pillars that have a value, and each pillar's share among its figures
        that have one, both in proportion to the policy's weights. So a missing figure's weight
        stays within its pillar as long as another figure there has a value.
        """
        if valued not in self._weights:
            self._weights[valued] = _shared(self.pillars, valued)
        return self._weights[valued]


def score(policy: Policy, values: Mapping[str, Fraction | None]) -> Score:
    """Return the score of one supplier's figures; for many suppliers use a `Scorer`."""
    return Scorer(policy).score(values)


def nearest(value: Fraction | None) -> float | None:
    """Return the double nearest to an exact value, for JSON; None for None."""
    return None if value is None else float(value)


def added(keys: Mapping[str, KpiScore]) -> dict[str, Fraction]:
    """Return the points that each figure adds to the score; they add up to the score."""
    return {
        key: Fraction(0) if one.points is None else one.points * one.weight / 100
        for key, one in keys.items()
    }


def changed_most(
    before: Mapping[str, Fraction], after: Mapping[str, Fraction]
) -> tuple[str | None, Fraction]:
    """Return the figure whose points changed most in either direction, and the change.

    `before`, `after`: as `added` returns them. Of two equal changes, the one in the direction of
    the whole score is returned. Returns (None, 0) if nothing changed.
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


def _mean(keys: list[KpiScore]) -> Fraction | None:
    weighed = [(one.points, one.weight) for one in keys if one.points is not None]
    if not weighed:
        return None
    total = sum((weight for _, weight in weighed), Fraction(0))
    return sum((points * weight for points, weight in weighed), Fraction(0)) / total
