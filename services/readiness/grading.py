"""Grades suppliers under a policy, date by date, and compares the outcome of two policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, Literal

from services.readiness.grade import Grade, grade_at, published
from services.readiness.policy import Policy
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.score import Score, Scorer, added, changed_most, nearest
from services.readiness.sums import FigureSums

Direction = Literal["up", "down", "unchanged", "newly_insufficient", "newly_graded"]
DIRECTIONS: Final[tuple[Direction, ...]] = (
    "up",
    "down",
    "unchanged",
    "newly_insufficient",
    "newly_graded",
)
FROZEN: Final = "frozen"
"""Stands for the frozen evaluations wherever a backtest takes an old policy."""

_TELLING: Final = 1e-6
"""A score computed in doubles that is this near to a threshold is recomputed exactly."""
_NOTHING: Final = Fraction(1, 10**9)
"""A smaller change in points is no real one: figures stored as JSON are rounded."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A supplier's score and the grade of the day."""

    score: Score
    grade: Grade


@dataclass(frozen=True, slots=True)
class GradedStanding:
    """A supplier's standing at a date: score and grade of that day, and the published grade."""

    score: Score
    grade: Letter | None
    published: Letter | None


@dataclass(frozen=True, slots=True)
class Move:
    """A supplier whose standing differs between two policies."""

    supplier_id: str
    old: GradedStanding
    new: GradedStanding
    by: str | None
    """The figure that changed the score most; None if no figure adds other points than before."""
    change: Fraction
    """The change of that figure's contribution, in points of the score."""

    def as_json(self) -> dict[str, Any]:
        """Return the move as JSON for scripts; scores are unrounded."""
        old, new = self.old, self.new
        return {
            "supplier_id": self.supplier_id,
            "grade": {"from": old.grade, "to": new.grade},
            "published": {"from": old.published, "to": new.published},
            "score": {"from": nearest(old.score.value), "to": nearest(new.score.value)},
            "by": self.by,
            "by_points": nearest(self.change) if self.by else None,
        }


class Grader:
    """Grades suppliers under one policy; one instance serves many suppliers and days."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.scorer = Scorer(policy)
        self._thresholds = [float(one) for one in (policy.grade.A, policy.grade.B, policy.grade.C)]
        self._pairs = {
            key: [(float(x), float(y)) for x, y in scale.points]
            for key, scale in policy.scales.items()
        }
        self._weights: dict[tuple[str, ...], dict[str, float]] = {}

    def graded(self, sums: FigureSums, values: Mapping[str, Fraction | None]) -> Graded:
        """Return score and grade of a day. `values`: `sums.scored()`, reusable for all policies."""
        return self._graded(self.scorer.score(values), sums)

    def contributed(self, sums: FigureSums, values: Mapping[str, Fraction | None]) -> Graded:
        """Return score and grade of a day without pillar scores, which would double the cost."""
        return self._graded(self.scorer.bare(values), sums)

    def letter(self, sums: FigureSums) -> Letter | None:
        """Return only the grade of a day; None if it is insufficient.

        Same result as `graded`, but computed in doubles, because a programme needs tens of
        thousands of month ends. Near a threshold doubles could be wrong, so there the exact score
        decides.
        """
        if sums.matured_lines < self.policy.grade.min_lines:
            return None
        near = self._near(sums)
        if any(abs(near - one) < _TELLING for one in self._thresholds):
            return self.graded(sums, sums.scored()).grade.value
        return self._graded(Score(Fraction(near), {}, {}), sums).grade.value

    def _graded(self, scored: Score, sums: FigureSums) -> Graded:
        grade = grade_at(
            self.policy,
            scored,
            matured_lines=sums.matured_lines,
            matured_months=sums.matured_months,
            line_stops=sums.line_stops,
            overdue_step=sums.overdue_step,
        )
        return Graded(scored, grade)

    def _near(self, sums: FigureSums) -> float:
        """Return the score to about 12 digits. A matured line must exist: it gives a value."""
        ratios = sums.ratios()
        values = {
            key: one.scale * float(one.numerator) / float(one.denominator)
            for key in self._pairs
            if (one := ratios[key]).denominator
        }
        weights = self._near_weights(tuple(values))
        return sum(weights[key] * _near_points(self._pairs[key], values[key]) for key in values)

    def _near_weights(self, valued: tuple[str, ...]) -> dict[str, float]:
        if valued not in self._weights:
            exact = self.scorer.weights(frozenset(valued))
            self._weights[valued] = {key: float(exact[key]) / 100 for key in valued}
        return self._weights[valued]


def _near_points(pairs: Sequence[tuple[float, float]], value: float) -> float:
    if value <= pairs[0][0]:
        return pairs[0][1]
    for (x0, y0), (x1, y1) in pairwise(pairs):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return pairs[-1][1]


def standings(
    policy: Policy, found: Mapping[date, Graded], asked: Sequence[date]
) -> dict[date, GradedStanding]:
    """Return a supplier's standing at each date of `asked`.

    `found`: score and grade at those dates and at every month end of the supplier's history, on
    which the published grade depends.
    """
    ends = [day for day in sorted(found) if day.day == 1]
    return {
        day: GradedStanding(
            found[day].score,
            found[day].grade.value,
            published(
                policy, [found[end].grade.value for end in ends if end <= day], found[day].grade
            ),
        )
        for day in asked
    }


def move(supplier_id: str, old: GradedStanding, new: GradedStanding) -> Move | None:
    """Return the difference between two standings of a supplier; None if they are the same."""
    # Compared as doubles: frozen scores are known only as JSON numbers.
    before, after = (nearest(one.score.value) for one in (old, new))
    if (before, old.grade, old.published) == (after, new.grade, new.published):
        return None
    by, change = changed_most(added(old.score.keys), added(new.score.keys))
    return Move(supplier_id, old, new, by if abs(change) > _NOTHING else None, change)


def direction(old: Letter | None, new: Letter | None) -> Direction:
    """Return the direction of a change of grade. None: insufficient, or nothing published yet."""
    if old == new:
        return "unchanged"
    if new is None:
        return "newly_insufficient"
    if old is None:
        return "newly_graded"
    return "up" if LETTERS.index(new) < LETTERS.index(old) else "down"
