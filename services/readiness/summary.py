"""The summary of a supplier's standing, and the figures of a group of suppliers made from them.

A group's figure is the sum of its suppliers' numerators over the sum of their denominators.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Final, Self

from services.readiness.assessed import Assessed
from services.readiness.kpis import COUNTS, UNITS_OF
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.score import added
from services.readiness.sums import FigureSums

_NO_RATIOS: Final = FigureSums.of(date.min, []).ratios()


@dataclass(frozen=True, slots=True)
class Summary:
    """A supplier's standing at a date, in short.

    `ratios`: numerator and denominator by KPI. `counts`: by key of `COUNTS`. `units`: the units of
    the quantities, by part family. `adds`: the points that each KPI adds to the score. `grade`: the
    grade of the day. `stages` and the `limits` of each: by assessor.
    """

    ratios: Mapping[str, tuple[Fraction, Fraction]]
    counts: Mapping[str, int]
    units: Mapping[str, frozenset[str]]
    score: Fraction | None
    adds: Mapping[str, Fraction]
    weakest_pillar: str | None
    grade: Letter | None
    gates: tuple[str, ...]
    published: Letter | None
    stages: Mapping[str, str]
    limits: Mapping[str, tuple[str, ...]]
    matured_lines: int

    @classmethod
    def of(cls, assessed: Assessed) -> Self:
        """Summarise a supplier's assessment."""
        sums, found = assessed.sums, assessed.score
        pillars = {name: one for name, one in found.pillars.items() if one is not None}
        return cls(
            ratios={key: (x.numerator, x.denominator) for key, x in sums.ratios().items()},
            counts={key: int(assessed.figures[key].value or 0) for key in COUNTS},
            units={name: frozenset(sums.units(name)) for name in set(UNITS_OF.values())},
            score=found.value,
            adds=added(found.keys),
            weakest_pillar=min(pillars, key=lambda name: pillars[name], default=None),
            grade=assessed.grade.value,
            gates=assessed.grade.gates,
            published=assessed.published,
            stages={one.assessor: one.value for one in assessed.stages},
            limits={one.assessor: one.limits for one in assessed.stages},
            matured_lines=sums.matured_lines,
        )

    @property
    def value(self) -> float | None:
        """The score as the nearest double; None if there is none."""
        return None if self.score is None else float(self.score)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as it is stored, with exact numbers as text; `from_json` reads it."""
        return {
            "ratios": {key: [str(a), str(b)] for key, (a, b) in self.ratios.items()},
            "counts": dict(self.counts),
            "units": {name: sorted(of) for name, of in self.units.items()},
            "score": None if self.score is None else str(self.score),
            "adds": {key: str(one) for key, one in self.adds.items()},
            "weakest_pillar": self.weakest_pillar,
            "grade": self.grade,
            "gates": list(self.gates),
            "published": self.published,
            "stages": dict(self.stages),
            "limits": {name: list(of) for name, of in self.limits.items()},
            "matured_lines": self.matured_lines,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `as_json` wrote."""
        return cls(
            ratios={key: (Fraction(a), Fraction(b)) for key, (a, b) in kept["ratios"].items()},
            counts=kept["counts"],
            units={name: frozenset(of) for name, of in kept["units"].items()},
            score=None if kept["score"] is None else Fraction(kept["score"]),
            adds={key: Fraction(one) for key, one in kept["adds"].items()},
            weakest_pillar=kept["weakest_pillar"],
            grade=_letter(kept["grade"]),
            gates=tuple(kept["gates"]),
            published=_letter(kept["published"]),
            stages=kept["stages"],
            limits={name: tuple(of) for name, of in kept["limits"].items()},
            matured_lines=kept["matured_lines"],
        )


def pooled(summaries: Iterable[Summary]) -> dict[str, Any]:
    """Return a group's figures in the shape of `kpis`: pooled ratios, and sums of counts."""
    some = list(summaries)
    shown: dict[str, Any] = {}
    for key, none in _NO_RATIOS.items():
        pairs = [one.ratios[key] for one in some]
        shown[key] = replace(
            none,
            numerator=sum((a for a, _ in pairs), Fraction(0)),
            denominator=sum((b for _, b in pairs), Fraction(0)),
            mixed_units=_mixed(some, key),
        ).as_json()
    counts = {key: {"value": sum(one.counts[key] for one in some)} for key in COUNTS}
    return {**shown, **counts}


def _mixed(some: Iterable[Summary], key: str) -> bool:
    family = UNITS_OF.get(key)
    return family is not None and len({unit for one in some for unit in one.units[family]}) > 1


def _letter(text: str | None) -> Letter | None:
    return None if text is None else LETTERS[LETTERS.index(text)]
