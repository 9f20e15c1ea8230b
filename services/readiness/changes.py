"""What changed about a supplier since it was last told: its published grade, its stages.

Pure: two states in, the changes out. A state is small enough to be written down with each change.
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
"""The figure behind each gate."""

_CONCENTRATION: Final = "buyer_concentration"


@dataclass(frozen=True, slots=True)
class ToldState:
    """How a supplier stands, as far as a change of it is told.

    `adds`: points of the score by figure, to about 15 digits.
    """

    published: Letter | None = None
    gates: tuple[str, ...] = ()
    stages: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    adds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """Take it from a summary."""
        adds = {key: float(one) for key, one in summary.adds.items()}
        return cls(summary.published, summary.gates, summary.stages, summary.limits, adds)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is written down."""
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
class Changed:
    """A published grade or, by an assessor, a stage that is another, and what moved it.

    `kpi`: of a grade, the figure behind a gate that came or went, else the one whose part of the
    score changed most, by `points`; of a stage, the figure behind a limit that came or went.
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
    before: ToldState, now: ToldState, caps: Mapping[GateName, Letter]
) -> Iterator[Changed]:
    """Yield every change from a state to another: the grade first, then stages by assessor.

    `caps`: the best grade that each gate leaves, as the policy has it.
    """
    if now.published != before.published:
        kpi, points = _moved_by(before, now, caps)
        yield Changed(
            "published_grade", before.published, now.published,
            kpi=kpi, points=points, gates=now.gates,
        )  # fmt: skip
    for assessor in sorted({*before.stages, *now.stages}):
        was, stands = before.stages.get(assessor), now.stages.get(assessor)
        if was != stands:
            limits = now.limits.get(assessor, ())
            limited = set(limits) ^ set(before.limits.get(assessor, ()))
            yield Changed(
                "stage", was, stands, assessor,
                kpi=_CONCENTRATION if _CONCENTRATION in limited else None, limits=limits,
            )  # fmt: skip


def _moved_by(
    before: ToldState, now: ToldState, caps: Mapping[GateName, Letter]
) -> tuple[str | None, float | None]:
    if before.published is None:
        return None, None  # the first grade of all: nothing moved it
    for gate, behind in GATE_FIGURES.items():
        came = gate in now.gates and gate not in before.gates and caps[gate] == now.published
        went = gate in before.gates and gate not in now.gates and caps[gate] == before.published
        # A gate that comes can but lower a grade, one that goes can but raise it.
        if (came and _fell(before, now)) or (went and _fell(now, before)):
            return behind, None
    kpi, points = changed_most(
        {key: Fraction(one) for key, one in before.adds.items()},
        {key: Fraction(one) for key, one in now.adds.items()},
    )
    return (kpi, None) if kpi is None else (kpi, float(points))


def _fell(one: ToldState, other: ToldState) -> bool:
    if one.published is None or other.published is None:
        return False
    return LETTERS.index(other.published) > LETTERS.index(one.published)
