"""A scorecard out of sums: figures, score, grade, published grade and stage at a date."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.readiness.grade import Grade, grade_at, published
from services.readiness.policy import Policy
from services.readiness.policy_parts import Letter
from services.readiness.score import Score, score
from services.readiness.stage import Assessment, Certificate, Stage, stages
from services.readiness.sums import AnyFigure, Capacity, FigureSums

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Assessed:
    """What a scorecard says of a supplier at a date."""

    sums: FigureSums
    figures: Mapping[str, AnyFigure]
    score: Score
    grade: Grade
    published: Letter | None
    stages: Sequence[Stage]

    def as_json(self) -> dict[str, Any]:
        """Return `kpis`, `score`, `grade` and `stage` in KPI.md's shape."""
        return {
            "kpis": {key: figure.as_json() for key, figure in self.figures.items()},
            "score": self.score.as_json(provisional=self.grade.insufficient),
            "grade": self.grade.as_json(self.published),
            "stage": [one.as_json() for one in self.stages],
        }


def assess(
    policy: Policy, as_of: date, sums: Mapping[date, FigureSums], partner: Rows, *, one_buyer: bool
) -> Assessed:
    """Assess a supplier at a date.

    `sums`: at that date, and at every month end up to it. `partner`: its `partner_facts`.
    """
    at = sums[as_of]
    scored, grade = grade_sums(policy, at)
    capacities = standing_capacities(partner, as_of)
    figures = at.figures(policy, capacities, one_buyer=one_buyer)
    concentration = None if one_buyer else at.concentration(policy)
    ends = [grade_sums(policy, sums[day])[1] for day in sorted(sums) if day.day == 1]
    return Assessed(
        at,
        figures,
        scored,
        grade,
        published(policy, ends, grade),
        stages(policy, as_of, _assessments(partner), _certificates(partner), concentration),
    )


def month_ends(first: date, as_of: date) -> list[date]:
    """Return the first of every month after a supplier's first day, up to and with a date."""
    year, month = first.year, first.month
    found: list[date] = []
    while (end := date(year + month // 12, month % 12 + 1, 1)) <= as_of:
        found.append(end)
        year, month = end.year, end.month
    return found


def first_day(partner: Rows) -> date | None:
    """Return the day on which anything of a supplier first counts, or None."""
    days: list[date] = [row["valid_from"] for row in partner if row["kind"] == "first"]
    return min(days, default=None)


def standing_capacities(partner: Rows, as_of: date) -> list[Capacity]:
    """Return the capacity in force of every process: the latest before a date, then sent last."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in partner:
        if row["kind"] == "capacity" and row["valid_from"] < as_of:
            stands = found.get(row["name"])
            if stands is None or stands["valid_from"] <= row["valid_from"]:
                found[row["name"]] = row
    return [Capacity(name, row["numbers"][0], tuple(row["items"])) for name, row in found.items()]


def grade_sums(policy: Policy, sums: FigureSums) -> tuple[Score, Grade]:
    """Return the score and the grade that sums give at their date."""
    scored = score(policy, sums.scored())
    return scored, grade_at(
        policy,
        scored,
        matured_lines=sums.matured_lines,
        matured_months=sums.matured_months,
        line_stops=sums.line_stops,
        overdue_step=sums.overdue_step,
    )


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
