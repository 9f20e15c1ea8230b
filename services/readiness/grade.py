"""Computes the grade of a day, and the published grade, which moves at month ends.

The rules are in docs/figures.md, "Performance score and grade". The grade of a day follows the
score. The published grade must not flicker with a single delivery, so it moves only after several
months in a row; a gate acts at once.
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
    """The grade at the beginning of a day.

    `value`: capped by the gates; None if there are too few matured lines or months, or no score.
    `gates`: all gates in force, even those that do not lower the grade that the score gives.
    """

    value: Letter | None
    gates: tuple[GateName, ...] = ()

    @property
    def insufficient(self) -> bool:
        """Whether there is too little data for a grade."""
        return self.value is None

    def as_json(self, published: Letter | None) -> dict[str, Any]:
        """Return the `grade` object of the scorecard's JSON. `published`: the published grade."""
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

    `matured_lines`: lines matured in the window. `matured_months`: the number of calendar months in
    which their due date + late tolerance falls. `line_stops`: the figure of that name.
    `overdue_step`: whether a complaint step is overdue and not done.
    """
    gates = _in_force(policy, line_stops=line_stops, overdue_step=overdue_step)
    rules = policy.grade
    enough = matured_lines >= rules.min_lines and matured_months >= rules.min_months
    # Enough lines do not imply a score: no scored figure may have a value.
    if not enough or score.value is None:
        return Grade(None, gates)
    # Thresholds are compared as fractions: as a float, 89.999... could become 90.
    reached = sum(score.value >= Fraction(threshold) for threshold in (rules.A, rules.B, rules.C))
    return Grade(_capped(policy, LETTERS[3 - reached], gates), gates)


def published(policy: Policy, month_ends: Sequence[Letter | None], at: Grade) -> Letter | None:
    """Return the grade that is shown at T; None until a month end has had enough data for a grade.

    `month_ends`: the grades at the first of each month up to and including T, oldest first; None
    for an insufficient one. `at`: the grade at T; only its gates matter here, and they act at once.
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
    # A cap of A caps nothing: this is how a policy disables a gate.
    return tuple(name for name in holds if holds[name] and policy.grade.gates.cap(name) != "A")


def _capped(policy: Policy, letter: Letter, gates: Sequence[GateName]) -> Letter:
    return max((letter, *(policy.grade.gates.cap(gate) for gate in gates)), key=LETTERS.index)


def _step(letter: Letter, by: int) -> Letter:
    return LETTERS[LETTERS.index(letter) + by]
