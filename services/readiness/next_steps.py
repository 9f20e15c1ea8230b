"""Ranks the changes that would raise a supplier's score most (docs/figures.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.readiness.policy import Policy
from services.readiness.score import Scorer

Case = Mapping[str, str]
"""The numbers that identify an order line or document, such as `order_no` and `line_no`."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """The figures as they would be if the worst cases behind one of them were put right.

    `values`: the figures that would change, which need not include `kpi`, as one delivery put right
    may move several. All other figures stay as they are.
    """

    kpi: str
    cases: tuple[Case, ...]
    values: Mapping[str, Fraction | None]


@dataclass(frozen=True, slots=True)
class NextStep:
    """A figure, the cases behind it to put right, and the points of the score that this gains."""

    kpi: str
    gain: Fraction
    cases: tuple[Case, ...]

    def as_json(self) -> dict[str, Any]:
        """Return an entry of `next_steps` in the scorecard's JSON."""
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
    """Return the changes that gain most, at most one for each figure, best first.

    At most `policy.next_steps` of them, and only those that gain points. Equal gains are ordered by
    the number of cases (fewer first), then by KPI, then by the cases, so the order of the
    alternatives does not matter. `values`: the present figures, as `Scorer.score` takes them.
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
