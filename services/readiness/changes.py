"""Compares a supplier's standing with that of its last announcement: published grade and stages.

A state is small enough to be stored with each announcement.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal, Self

from services.readiness.policy_parts import LETTERS, GateName, Letter
from services.readiness.score import changed_most
from services.readiness.summary import Summary

GATE_FIGURES: Final[Mapping[GateName, str]] = {
    "line_stops": "line_stops",
    "overdue_complaint_step": "complaint_response",
}
"""Map each gate to the KPI behind it."""

_CONCENTRATION: Final = "buyer_concentration"


@dataclass(frozen=True, slots=True)
class AnnouncedState:
    """The part of a supplier's standing whose changes are announced.

    `stages` and `limits`: by assessor, the stage and what limits it. `adds`: the points that each
    KPI adds to the score, to about 15 digits.
    """

    published: Letter | None = None
    gates: tuple[str, ...] = ()
    stages: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    adds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """Build the state from a summary."""
        adds = {key: float(one) for key, one in summary.adds.items()}
        return cls(summary.published, summary.gates, summary.stages, summary.limits, adds)

    def as_json(self) -> dict[str, Any]:
        """Return the state as stored with an announcement; `from_json` reads it."""
        return {
            "published": self.published,
            "gates": list(self.gates),
            "stages": dict(self.stages),
            "limits": {name: list(of) for name, of in self.limits.items()},
            "adds": dict(self.adds),
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what `as_json` wrote."""
        published: str | None = written["published"]
        return cls(
            None if published is None else LETTERS[LETTERS.index(published)],
            tuple(written["gates"]),
            written["stages"],
            {name: tuple(of) for name, of in written["limits"].items()},
            written["adds"],
        )


@dataclass(frozen=True, slots=True)
class StandingChange:
    """A change of the published grade, or of the stage by one assessor, and its cause.

    `kpi`: for a grade, the figure behind a gate that came into force or was lifted, else the figure
    whose contribution to the score changed most, by `points`; for a stage, the figure behind a
    limit that was added or lifted. `gates`, `limits`: those in force after the change. `assessor`:
    for a stage only.
    """

    what: Literal["published_grade", "stage"]
    before: str | None
    after: str | None
    assessor: str | None = None
    kpi: str | None = None
    points: float | None = None
    gates: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


def changes(
    before: AnnouncedState, now: AnnouncedState, caps: Mapping[GateName, Letter]
) -> Iterator[StandingChange]:
    """Yield the changes from one state to another: the grade first, then stages by assessor id.

    `caps`: the best grade that the policy allows while a gate is in force.
    """
    if now.published != before.published:
        kpi, points = _moved_by(before, now, caps)
        yield StandingChange(
            "published_grade", before.published, now.published,
            kpi=kpi, points=points, gates=now.gates,
        )  # fmt: skip
    for assessor in sorted({*before.stages, *now.stages}):
        was, stands = before.stages.get(assessor), now.stages.get(assessor)
        if was != stands:
            limits = now.limits.get(assessor, ())
            limited = set(limits) ^ set(before.limits.get(assessor, ()))
            yield StandingChange(
                "stage", was, stands, assessor,
                kpi=_CONCENTRATION if _CONCENTRATION in limited else None, limits=limits,
            )  # fmt: skip


def _moved_by(
    before: AnnouncedState, now: AnnouncedState, caps: Mapping[GateName, Letter]
) -> tuple[str | None, float | None]:
    if before.published is None:
        return None, None  # the supplier's first grade has no cause
    for gate, behind in GATE_FIGURES.items():
        came = gate in now.gates and gate not in before.gates and caps[gate] == now.published
        went = gate in before.gates and gate not in now.gates and caps[gate] == before.published
        # A gate that comes into force can only lower a grade; a lifted one can only raise it.
        if (came and _fell(before, now)) or (went and _fell(now, before)):
            return behind, None
    kpi, points = changed_most(
        {key: Fraction(one) for key, one in before.adds.items()},
        {key: Fraction(one) for key, one in now.adds.items()},
    )
    return (kpi, None) if kpi is None else (kpi, float(points))


def _fell(one: AnnouncedState, other: AnnouncedState) -> bool:
    if one.published is None or other.published is None:
        return False
    return LETTERS.index(other.published) > LETTERS.index(one.published)
