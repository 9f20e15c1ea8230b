"""The whole scorecard of a supplier: figures, score, grade and stage."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any

from .all_figures import AllFigures, AnyFigure, figures_of
from .grade import Grade, Letter, grade_of, published_grade
from .load import Load
from .order_line import DEFAULTS, Tolerances
from .score import PILLARS, Pillars, Score, score
from .stage import Stage, stages
from .values import Figure, wilson
from .view import View, record_of, view_of

RATIOS_OF_COUNTS = (
    "otif",
    "otif_requested",
    "lot_acceptance",
    "confirmation_in_time",
    "order_acceptance",
    "despatch_notice_rate",
    "complaint_response",
)


@dataclass(frozen=True)
class Assessment:
    """The content of a scorecard."""

    figures: AllFigures
    score: Score
    grade: Grade
    published: Letter | None
    stages: list[Stage]


def whole(
    events: Iterable[Mapping[str, Any]],
    supplier_id: str,
    as_of: date,
    window_days: int = 180,
    buyer_id: str | None = None,
    *,
    zone: str = "Asia/Jakarta",
    tolerances: Tolerances = DEFAULTS,
    base_currency: str = "IDR",
    pillars: Pillars = PILLARS,
) -> Assessment:
    """Return the whole scorecard of a supplier at a date, except its next steps."""
    look = cache(
        partial(
            view_of,
            record_of(events, supplier_id, buyer_id),
            window_days=window_days,
            zone=zone,
            tolerances=tolerances,
            base_currency=base_currency,
        )
    )
    view: View = look(as_of)
    figures = figures_of(view)
    return Assessment(
        figures,
        score(figures.kpis, pillars),
        grade_of(figures, pillars),
        published_grade(look, as_of, pillars),
        stages(view),
    )


def as_json(assessed: Assessment) -> dict[str, Any]:
    """Return an assessment in the shape of the API's answer, with its numbers still exact."""
    grade = assessed.grade
    return {
        "kpis": {key: _kpi(key, figure) for key, figure in assessed.figures.kpis.items()},
        "score": {
            "value": assessed.score.value,
            # "(the score is given, marked provisional)"
            "provisional": grade.insufficient,
            "pillars": dict(assessed.score.pillars),
        },
        "grade": {
            "value": grade.value,
            "published": assessed.published,
            "gates": list(grade.gates),
            "insufficient": grade.insufficient,
        },
        "stage": [
            {
                "assessor": stage.assessor,
                "value": stage.value,
                "mean": stage.mean,
                "assessed_on": stage.assessed_on.isoformat(),
                "limits": list(stage.limits),
            }
            for stage in assessed.stages
        ],
    }


def _kpi(key: str, figure: AnyFigure) -> dict[str, Any]:
    found: dict[str, Any] = {"value": figure.value}
    if isinstance(figure, Figure):
        found |= {"numerator": figure.numerator, "denominator": figure.denominator}
        if key in RATIOS_OF_COUNTS:
            found["ci95"] = wilson(figure)
    elif isinstance(figure, Load):
        found["processes"] = {name: _kpi("", load) for name, load in figure.processes.items()}
    return found
