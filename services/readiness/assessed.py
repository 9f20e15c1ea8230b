"""Makes a scorecard from sums: figures, score, grade, published grade and stage at a date."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.readiness.grade import Grade, published
from services.readiness.grading import Grader
from services.readiness.policy_parts import Letter
from services.readiness.score import Score
from services.readiness.stage import Assessment, Certificate, Stage, stages
from services.readiness.sums import AnyFigure, Capacity, FigureSums

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Assessed:
    """The content of a supplier's scorecard at a date.

    `worst`: by KPI, the cases that count most against the supplier (see `worst_cases`).
    """

    sums: FigureSums
    figures: Mapping[str, AnyFigure]
    score: Score
    grade: Grade
    published: Letter | None
    stages: Sequence[Stage]
    worst: Mapping[str, Rows]

    def as_json(self) -> dict[str, Any]:
        """Return `kpis`, `score`, `grade` and `stage` in the shape of the scorecard's JSON."""
        return {
            "kpis": {key: figure.as_json() for key, figure in self.figures.items()},
            "score": self.score.as_json(provisional=self.grade.insufficient),
            "grade": self.grade.as_json(self.published),
            "stage": [one.as_json() for one in self.stages],
        }


def assess(  # noqa: PLR0913 - the facts that a scorecard is made of
    grader: Grader,
    sums: FigureSums,
    ends: Sequence[Letter | None],
    partner: Rows,
    worst: Mapping[str, Rows],
    *,
    one_buyer: bool,
) -> Assessed:
    """Assess a supplier at the date of its sums.

    `ends`: the supplier's grades at every month end up to and including that date, oldest first.
    `partner`: its rows of `FigureStore.partner_facts`. `worst`: the result of `worst_cases`.
    `one_buyer`: the sums are of one buyer's orders; buyer concentration then has no value and
    limits no stage.
    """
    policy, as_of = grader.policy, sums.as_of
    graded = grader.graded(sums, sums.scored())
    concentration = None if one_buyer else sums.concentration(policy)
    return Assessed(
        sums,
        sums.figures(policy, standing_capacities(partner, as_of), one_buyer=one_buyer),
        graded.score,
        graded.grade,
        published(policy, ends, graded.grade),
        stages(policy, as_of, _assessments(partner), _certificates(partner), concentration),
        worst,
    )


def standing_capacities(partner: Rows, as_of: date) -> list[Capacity]:
    """Return the capacity in force of each process on `as_of`.

    It is the declaration with the latest `valid_from` up to and including `as_of`; of two with the
    same day the one sent later. `partner`: rows of `FigureStore.partner_facts`, in the order sent.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for row in partner:
        if row["kind"] == "capacity" and row["valid_from"] <= as_of:
            stands = found.get(row["name"])
            if stands is None or stands["valid_from"] <= row["valid_from"]:
                found[row["name"]] = row
    return [
        Capacity(name, row["numbers"][0], tuple(row["items"]), row["unit"])
        for name, row in found.items()
    ]


def _assessments(partner: Rows) -> Iterable[Assessment]:
    return (
        Assessment(
            row["name"], row["valid_from"], tuple(row["numbers"][:3]), tuple(row["numbers"][3:])
        )
        for row in partner
        if row["kind"] == "assessment"
    )


def _certificates(partner: Rows) -> Iterable[Certificate]:
    return (
        Certificate(row["name"], row["valid_from"], row["valid_to"])
        for row in partner
        if row["kind"] == "certificate"
    )
