"""Where suppliers stand under a policy, date by date, and what another policy would move.

Pure: sums in, standings and moves out; whoever has sums can ask.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal

from services.readiness.grade import Grade, grade_at, published
from services.readiness.points import points_at
from services.readiness.policy import Policy
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.score import KeyScore, Score, nearest, score
from services.readiness.sums import FigureSums

Direction = Literal["up", "down", "unchanged", "newly_insufficient", "newly_graded"]
DIRECTIONS: Final[tuple[Direction, ...]] = (
    "up",
    "down",
    "unchanged",
    "newly_insufficient",
    "newly_graded",
)
_NOTHING: Final = KeyScore(None, Fraction(0))


@dataclass(frozen=True, slots=True)
class Graded:
    """A supplier's score and the grade of the day."""

    score: Score
    grade: Grade


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a supplier stands at a date: as graded that day, and as is shown."""

    score: Score
    grade: Letter | None
    published: Letter | None


@dataclass(frozen=True, slots=True)
class Move:
    """A supplier's standing under one policy and under another, which differs."""

    supplier_id: str
    old: Standing
    new: Standing
    by: str | None
    """The figure that changed the score most; None where no figure adds anything else."""
    change: Fraction
    """By how many points of the score it did."""

    def as_json(self) -> dict[str, Any]:
        """Return it for a script; scores are unrounded."""
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
    """Grades many suppliers at many days under one policy.

    Gives the score of `score`, without its pillars; what depends on the policy, and on which
    figures have a value, is worked out once.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._scales = policy.scales
        self._weights: dict[frozenset[str], dict[str, Fraction]] = {}

    def graded(self, sums: FigureSums, values: Mapping[str, Fraction | None]) -> Graded:
        """Grade the sums of a day. `values`: `sums.scored()`, made once for all policies."""
        scored = self._score(values)
        grade = grade_at(
            self.policy,
            scored,
            matured_lines=sums.matured_lines,
            matured_months=sums.matured_months,
            line_stops=sums.line_stops,
            overdue_step=sums.overdue_step,
        )
        return Graded(scored, grade)

    def _score(self, values: Mapping[str, Fraction | None]) -> Score:
        valued = {key: one for key in self._scales if (one := values[key]) is not None}
        keys = dict.fromkeys(self._scales, _NOTHING)
        for key, weight in self._weights_of(frozenset(valued)).items():
            if key in valued:
                points = points_at(self._scales[key].points, valued[key])
                keys[key] = KeyScore(points, weight)
        value = sum(_added(keys).values(), Fraction(0)) if valued else None
        return Score(value, {}, keys)

    def _weights_of(self, valued: frozenset[str]) -> dict[str, Fraction]:
        if valued not in self._weights:
            any_value = {key: Fraction(0) if key in valued else None for key in self._scales}
            keys = score(self.policy, any_value).keys
            self._weights[valued] = {key: one.weight for key, one in keys.items()}
        return self._weights[valued]


def month_ends(first: date, as_of: date) -> list[date]:
    """Return the first of every month after a day, up to and with a date."""
    return [
        date(month // 12, month % 12 + 1, 1)
        for month in range(_month(first) + 1, _month(as_of) + 1)
    ]


def last_month_ends(count: int, as_of: date) -> list[date]:
    """Return the last `count` firsts of a month, up to and with a date."""
    last = _month(as_of)
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - count + 1, last + 1)]


def standings(
    policy: Policy, found: Mapping[date, Graded], asked: Sequence[date]
) -> dict[date, Standing]:
    """Return where a supplier stands at the dates asked for.

    `found`: those dates, and every month end of the supplier's history: what is published
    remembers them all.
    """
    ends = [day for day in sorted(found) if day.day == 1]
    return {
        day: Standing(
            found[day].score,
            found[day].grade.value,
            published(policy, [found[end].grade for end in ends if end <= day], found[day].grade),
        )
        for day in asked
    }


def move(supplier_id: str, old: Standing, new: Standing) -> Move | None:
    """Return what moves from one standing to another; None where they are the same."""
    if (old.score.value, old.grade, old.published) == (new.score.value, new.grade, new.published):
        return None
    by, change = _greatest_change(old.score, new.score)
    return Move(supplier_id, old, new, by, change)


def direction(old: Letter | None, new: Letter | None) -> Direction:
    """Say which way a grade goes; None is insufficient, or not yet published."""
    if old == new:
        return "unchanged"
    if new is None:
        return "newly_insufficient"
    if old is None:
        return "newly_graded"
    return "up" if LETTERS.index(new) < LETTERS.index(old) else "down"


def _greatest_change(old: Score, new: Score) -> tuple[str | None, Fraction]:
    """Find the figure whose points x weight changed most; of two alike, the one that goes along."""
    before, after = _added(old.keys), _added(new.keys)
    none = Fraction(0)
    changes = {key: after.get(key, none) - before.get(key, none) for key in {**after, **before}}
    rises = (new.value or none) >= (old.value or none)
    by = max(changes, key=lambda key: (abs(changes[key]), (changes[key] > 0) == rises))
    return (by, changes[by]) if changes[by] else (None, none)


def _added(keys: Mapping[str, KeyScore]) -> dict[str, Fraction]:
    """Return what each figure adds to the score: its points by its part of the whole weight."""
    return {
        key: Fraction(0) if one.points is None else one.points * one.weight / 100
        for key, one in keys.items()
    }


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1
