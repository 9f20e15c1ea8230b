"""Computes the stage of independence (kemandirian): a second axis, never mixed into the score.

The rules are in docs/figures.md, "Independence stage". Each assessor's opinion stands on its own,
with its date and the rules that limited it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from services.readiness.policy import Policy

StageName = Literal["Pemula", "Madya", "Pra-Mandiri", "Mandiri"]
STAGES: Final[tuple[StageName, ...]] = ("Pemula", "Madya", "Pra-Mandiri", "Mandiri")
"""The stages, lowest first."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """An assessor's marks, 0 to 100: for the three pillars, and for 5R if it was assessed."""

    assessor: str
    assessed_on: date
    pillars: tuple[Decimal, ...]
    five_r: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its first and last day of validity; `valid_to` None: no end."""

    certificate: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """The stage in one assessor's opinion.

    `mean`: the mean mark of the three pillars. `limits`: what kept the stage from Mandiri: names of
    expired certificates, `five_r`, `buyer_concentration`; empty too if the mean is under Mandiri.
    """

    assessor: str
    value: StageName
    mean: Fraction
    assessed_on: date
    limits: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return an entry of `stage` in the scorecard's JSON."""
        return {
            "assessor": self.assessor,
            "value": self.value,
            "mean": float(self.mean),
            "assessed_on": self.assessed_on.isoformat(),
            "limits": list(self.limits),
        }


def stages(
    policy: Policy,
    as_of: date,
    assessments: Iterable[Assessment],
    certificates: Iterable[Certificate] = (),
    concentration: Fraction | None = None,
) -> list[Stage]:
    """Return the stage from each assessor's latest assessment before `as_of`, sorted by assessor.

    `assessments` and `certificates`: in the order in which they were sent, because of two
    assessments of one day the later sent stands. `concentration`: the figure
    `buyer_concentration`. Unknown 5R, certificates or concentration limit nothing.
    """
    latest: dict[str, Assessment] = {}
    for one in sorted(assessments, key=lambda one: one.assessed_on):
        if one.assessed_on < as_of:
            latest[one.assessor] = one
    gone = expired(policy, as_of, certificates)
    return [_stage(policy, latest[name], gone, concentration) for name in sorted(latest)]


def expired(policy: Policy, as_of: date, certificates: Iterable[Certificate]) -> tuple[str, ...]:
    """Return the mandatory certificates that have expired by `as_of` and were not renewed.

    Of one certificate the entry with the latest first day before `as_of` stands, and of two with
    the same first day the later sent, which renews or corrects the other. A certificate without an
    entry is unknown, not expired. `valid_to` is the last valid day.
    """
    standing: dict[str, Certificate] = {}
    for one in sorted(certificates, key=lambda one: one.valid_from):
        if one.valid_from < as_of:
            standing[one.certificate] = one
    held = (standing.get(name) for name in policy.stage.mandatory_certificates)
    return tuple(
        one.certificate
        for one in held
        if one is not None and one.valid_to is not None and one.valid_to < as_of
    )


def _stage(
    policy: Policy, one: Assessment, gone: tuple[str, ...], concentration: Fraction | None
) -> Stage:
    rules, mean = policy.stage, _mean(one.pillars)
    reached = sum(
        mean >= Fraction(threshold) for threshold in (rules.madya, rules.pra_mandiri, rules.mandiri)
    )
    if STAGES[reached] != "Mandiri":
        return Stage(one.assessor, STAGES[reached], mean, one.assessed_on)
    limits = gone
    if one.five_r and _mean(one.five_r) < Fraction(rules.five_r_minimum):
        limits += ("five_r",)
    if concentration is not None and concentration > Fraction(rules.concentration_limit):
        limits += ("buyer_concentration",)
    return Stage(
        one.assessor, "Pra-Mandiri" if limits else "Mandiri", mean, one.assessed_on, limits
    )


def _mean(marks: Sequence[Decimal]) -> Fraction:
    return sum((Fraction(mark) for mark in marks), Fraction(0)) / len(marks)
