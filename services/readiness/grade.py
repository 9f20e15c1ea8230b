"""Grades: of a day, and the published one, which moves at month ends (docs/figures.md, "Grade").

A grade of a day follows the score as it is. What is published must not flicker with one delivery,
so it waits for months in a row; a gate does not wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.readiness.policy import Policy
from services.readiness.policy_parts import LETTERS, GateName, Letter
from services.readiness.score import Score


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade at the beginning of a day.

    `value`: capped by the gates; None where there are too few lines or months to judge by.
    `gates`: those in force, also where the score alone gives no more than they leave.
    """

    value: Letter | None
    gates: tuple[GateName, ...] = ()

    @property
    def insufficient(self) -> bool:
        """Whether there is too little to judge by."""
        return self.value is None

    def as_json(self, published: Letter | None) -> dict[str, Any]:
        """Return the scorecard's `grade`."""
        return {
            "value": self.value,
            "published": published,
            "gates": list(self.gates),
            "insufficient": self.insufficient,
        }


def grade_at(  # noqa: PLR0913 - the facts that a grade is made of
    policy: Policy,
    score: Score,
    *,
    matured_lines: int,
    matured_months: int,
    line_stops: int,
    overdue_step: bool,
) -> Grade:
    """Return the grade of a day.

    `matured_lines`: matured in the window; `matured_months`: in how many calendar months of due +
    late. `line_stops`: the figure. `overdue_step`: a complaint's step is overdue and not done.
    """
    gates = _in_force(policy, line_stops=line_stops, overdue_step=overdue_step)
    rules = policy.grade
    enough = matured_lines >= rules.min_lines and matured_months >= rules.min_months
    # Without a score there is nothing to grade, however many lines there were.
    if not enough or score.value is None:
        return Grade(None, gates)
    # A decimal is compared with a fraction as a fraction: through a float, 89.999... would be 90.
    reached = sum(score.value >= Fraction(threshold) for threshold in (rules.A, rules.B, rules.C))
    return Grade(_capped(policy, LETTERS[3 - reached], gates), gates)


def published(policy: Policy, month_ends: Sequence[Letter | None], at: Grade) -> Letter | None:
    """Return the grade that is shown at T; None until a month end had enough to judge by.

    `month_ends`: the grades at the first of each month up to T (T's own where T is one), oldest
    first; None where one is insufficient. `at`: the grade at T, of which only the gates act, at
    once.
    """
    shown: Letter | None = None
    above = below = 0
    for month in month_ends:
        if month is None:
            above = below = 0
            continue
        if shown is None:
            shown = month
            continue
        better = LETTERS.index(shown) - LETTERS.index(month)
        above = above + 1 if better > 0 else 0
        below = below + 1 if better < 0 else 0
        if above == policy.grade.months_up:
            shown, above = _step(shown, -1), 0
        elif below == policy.grade.months_down:
            shown, below = _step(shown, 1), 0
    return None if shown is None else _capped(policy, shown, at.gates)


def _in_force(policy: Policy, *, line_stops: int, overdue_step: bool) -> tuple[GateName, ...]:
    holds: dict[GateName, bool] = {
        "line_stops": line_stops > 0,
        "overdue_complaint_step": overdue_step,
    }
    # A gate that leaves an A caps nothing: the policy has taken it away.
    return tuple(name for name in holds if holds[name] and policy.grade.gates.cap(name) != "A")


def _capped(policy: Policy, letter: Letter, gates: Sequence[GateName]) -> Letter:
    return max((letter, *(policy.grade.gates.cap(gate) for gate in gates)), key=LETTERS.index)


def _step(letter: Letter, by: int) -> Letter:
    return LETTERS[LETTERS.index(letter) + by]
