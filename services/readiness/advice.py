"""Finds each figure's worst cases and the points that putting them right would gain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from services.readiness.figures import Figure
from services.readiness.kpis import KPIS, RATIOS
from services.readiness.next_steps import Alternative, Case, NextStep, next_steps
from services.readiness.policy import Policy
from services.readiness.row import Row
from services.readiness.sums import FigureSums

CASES: Final = 5
"""Maximum cases per figure: as many as a workshop can look into within a week."""

_MISSED: Final = {
    family: key for key, ratio in RATIOS.items() if ratio.counts for family in ratio.families
}
"""Map each part family to the KPI that loses a case when the part misses."""

_MOST: Final = {
    family: key
    for key, ratio in RATIOS.items()
    if KPIS[key].better == "lower"
    for family, (above, _) in ratio.families.items()
    if above != "0"
}
"""Map each part family to the KPI that loses in proportion to the size of a miss."""

_ONE: Final = Decimal(1)


def advise(policy: Policy, sums: FigureSums, worst: Mapping[str, Sequence[Row]]) -> list[NextStep]:
    """Return the changes that would raise a supplier's score most, best first.

    `worst`: the result of `worst_cases` for the same rows as `sums`. Each figure is considered on
    its own: the gain of a step is the score with that figure's cases put right, less the present
    score.
    """
    ratios = sums.ratios()
    return next_steps(
        policy,
        sums.scored(),
        (
            Alternative(
                key, tuple(map(_case, rows)), {key: _put_right(key, ratios[key], rows).exact}
            )
            for key, rows in worst.items()
            if key in policy.scales
        ),
    )


def worst_cases(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the cases that count most against a supplier, at most `CASES` for each KPI.

    `rows`: `figure_sums` of one supplier at one date. They yield no cases unless they were read
    with their worst parts (`FigureStore.sums(worst=...)`). In a case, `bad` is the amount that it
    takes from its figure: 1, or a quantity, or a quantity x days late. Of equal cases the latest
    comes first.
    """
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row["family"] in _MISSED and "missed" in row:
            missed = ((-_ONE, *part) for part in row["missed"])
            found.setdefault(_MISSED[row["family"]], []).extend(missed)
        if row["family"] in _MOST and "most" in row:
            most = (tuple(part) for part in row["most"] if part[0] < 0)
            found.setdefault(_MOST[row["family"]], []).extend(most)
    return {key: [_row(part) for part in sorted(parts)[:CASES]] for key, parts in found.items()}


def _row(part: tuple[Any, ...]) -> Row:
    below, _, buyer_id, kind, number, line_no, label = part
    return {
        "bad": -below, "buyer_id": buyer_id, "kind": kind, "number": number, "line_no": line_no,
        "label": label,
    }  # fmt: skip


def _put_right(key: str, figure: Figure, rows: Iterable[Row]) -> Figure:
    bad = sum((Fraction(row["bad"]) for row in rows), Fraction(0))
    better = KPIS[key].better == "higher"
    numerator = figure.numerator + bad if better else figure.numerator - bad
    return replace(figure, numerator=numerator)


def _case(row: Row) -> Case:
    names = {"buyer_id": row["buyer_id"]}
    if row["kind"] == "line":
        return {**names, "order_no": row["number"], "line_no": row["line_no"]}
    names[f"{row['kind']}_no"] = row["number"]
    return {**names, "step": row["label"]} if row["label"] else names
