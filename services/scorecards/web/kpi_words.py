"""What every figure of KPI.md is called in tables and on paper, and its unit. Pure."""

from collections.abc import Mapping
from typing import Final

from services.readiness.figures import Figure
from services.readiness.kpis import KPIS
from services.scorecards.web import wording
from services.scorecards.web.language import Language, mark
from services.scorecards.web.tables import Cell, Column, Kind

_TITLES: Final = {
    **wording.TITLES,
    "confirmation_in_time": mark("Orders answered in time"),
    "confirmation_hours_median": mark("Hours to answer an order (median)"),
    "order_acceptance": mark("Orders accepted"),
    "despatch_notice_rate": mark("Deliveries announced"),
    "complaint_response": mark("Complaint steps in time"),
    "lead_time_days_p50": mark("Lead time (median)"),
    "lead_time_days_p90": mark("Lead time (9 of 10 within)"),
    "lead_time_cv": mark("Lead time, spread"),
    "line_stops": mark("Complaints that stopped a line"),
    "open_complaints": mark("Open complaints"),
    "overdue_lines": mark("Lines overdue"),
    "orphan_receipts": mark("Receipts without an order"),
    "retroactive_lines": mark("Lines ordered after the date asked for"),
    "buyer_concentration": mark("Dependence on one buyer"),
    "capacity_load": mark("Load of the capacity"),
}
_UNITS: Final = {
    "fraction": mark("fraction of 1"),
    "ratio": mark("ratio"),
    "per million": mark("per million"),
    "days": mark("days"),
    "hours": mark("hours"),
    "count": mark("count"),
}


def title(language: Language, key: str) -> str:
    """Return what a figure is called."""
    return language.text(_TITLES[key])


def unit(language: Language, key: str) -> str:
    """Return what a figure's value is measured in."""
    return language.text(_UNITS[KPIS[key].unit])


def ratio_columns(language: Language) -> list[Column]:
    """Return three columns for each figure that the pages tell: value, numerator, denominator."""
    columns = []
    for key, name in wording.TITLES.items():
        title = language.text(name)
        kind = Kind.SHARE if KPIS[key].unit == "fraction" else Kind.NUMBER
        columns += [
            Column(title, kind),
            Column(language.text("%(figure)s: numerator", figure=title), Kind.QUANTITY),
            Column(language.text("%(figure)s: denominator", figure=title), Kind.QUANTITY),
        ]
    return columns


def ratio_cells(figures: Mapping[str, Figure]) -> list[Cell]:
    """Return the cells of those columns; a figure that there is not leaves them empty."""
    found = [figures.get(key) for key in wording.TITLES]
    return [
        cell
        for one in found
        for cell in (
            (None, None, None) if one is None else (one.exact, one.numerator, one.denominator)
        )
    ]
