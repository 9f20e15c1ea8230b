"""What to do next: the changes that would move a supplier's score most (docs/figures.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.readiness.policy import Policy
from services.readiness.score import Scorer

Case = Mapping[str, str]
"""What identifies an open case: an order line, an inspection, a complaint, by its numbers."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """How the figures would be if the worst open cases behind one of them were put right.

    `values`: the figures that become others, `kpi` among them or not: one delivery put right moves
    several. What is not named stays as it is.
    """

    kpi: str
    cases: tuple[Case, ...]
    values: Mapping[str, Fraction | None]


@dataclass(frozen=True, slots=True)
class NextStep:
    """A change, the points of the score that it gains, and the cases to put right."""

    kpi: str
    gain: Fraction
    cases: tuple[Case, ...]

    def as_json(self) -> dict[str, Any]:
        """Return an entry of the scorecard's `next_steps`."""
        return {
            "kpi": self.kpi,
            "gain": float(self.gain),
            "cases": [dict(case) for case in self.cases],
        }


def next_steps(
    policy: Policy,
    values: Mapping[str, Fraction | None],
    alternatives: Iterable[Alternative],
) -> list[NextStep]:
    """Return the changes that gain most, at most one for each figure, the best first.

    As many as the policy shows; only what gains anything. Of equal ones that with fewer cases goes
    first, then by key, then by the cases themselves: the order of the alternatives says nothing.
    `values` as `score` takes them.
    """
    scorer = Scorer(policy)
    now = scorer.bare(values).value
    if now is None:
        return []
    best: dict[str, NextStep] = {}
    for one in sorted((_step(scorer, values, now, one) for one in alternatives), key=_order):
        if one.gain > 0:
            best.setdefault(one.kpi, one)
    return list(best.values())[: policy.next_steps]


def _step(
    scorer: Scorer, values: Mapping[str, Fraction | None], now: Fraction, one: Alternative
) -> NextStep:
    then = scorer.bare({**values, **one.values}).value
    return NextStep(one.kpi, Fraction(0) if then is None else then - now, one.cases)


def _order(step: NextStep) -> tuple[Fraction, int, str, list[list[tuple[str, str]]]]:
    cases = [sorted(case.items()) for case in step.cases]
    return (-step.gain, len(step.cases), step.kpi, cases)
