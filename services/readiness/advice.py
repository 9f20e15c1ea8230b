"""What to do next: the worst cases behind each figure, and what putting them right would gain."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Context, localcontext
from typing import Any, Final

from services.readiness.figures import Figure
from services.readiness.kpis import KPIS
from services.readiness.next_steps import Alternative, Case, NextStep, next_steps
from services.readiness.policy import Policy
from services.readiness.sums import FigureSums

CASES: Final = 5
"""Of each figure: as many as a workshop can look into within a week."""

Row = Mapping[str, Any]


def advise(policy: Policy, sums: FigureSums, worst: Iterable[Row]) -> list[NextStep]:
    """Return the changes that would move a supplier's score most.

    `worst`: rows of `worst_cases`, a few for each figure. Each figure is taken by itself: the gain
    of a step is what the score would be if that figure's cases had been as they should, less what
    it is.
    """
    ratios = sums.ratios()
    by_key: dict[str, list[Row]] = {}
    for row in worst:
        by_key.setdefault(row["key"], []).append(row)
    return next_steps(
        policy,
        sums.scored(),
        (
            Alternative(
                key, tuple(map(_case, rows)), {key: _put_right(key, ratios[key], rows).exact}
            )
            for key, rows in by_key.items()
            if key in policy.scales
        ),
    )


def _put_right(key: str, figure: Figure, rows: Iterable[Row]) -> Figure:
    with localcontext(Context(prec=100)):
        bad = sum((row["bad"] for row in rows), start=figure.numerator * 0)
        better = KPIS[key].better == "higher"
        numerator = figure.numerator + bad if better else figure.numerator - bad
    return replace(figure, numerator=numerator)


def _case(row: Row) -> Case:
    names = {"buyer_id": row["buyer_id"]}
    if row["kind"] == "line":
        return {**names, "order_no": row["number"], "line_no": row["line_no"]}
    names[f"{row['kind']}_no"] = row["number"]
    return {**names, "step": row["label"]} if row["label"] else names
