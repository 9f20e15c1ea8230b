"""All figures of a supplier at a date, by their key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from . import complaints, counts, lead_times, responsiveness
from .figures import delivery_figures
from .load import Load, capacity_load
from .order_line import DEFAULTS, Tolerances
from .values import Figure, Plain
from .view import View, record_of, view_of

AnyFigure = Figure | Plain | Load


@dataclass(frozen=True)
class AllFigures:
    """The figures, and what else a grade depends on."""

    kpis: dict[str, AnyFigure]
    matured_lines: int
    """The number of matured lines in the window."""
    matured_months: int
    """The number of calendar months of their due + late."""
    complaint_step_overdue: bool
    """A complaint step is overdue and not done at T."""

    def value(self, key: str) -> Fraction | int | float | None:
        """Return the value of a figure."""
        return self.kpis[key].value

    def ratio(self, key: str) -> Figure:
        """Return a figure that is a ratio. Raises TypeError if it is not one."""
        figure = self.kpis[key]
        if not isinstance(figure, Figure):
            raise TypeError(f"{key} is not a ratio")
        return figure


def all_figures(
    events: Iterable[Mapping[str, Any]],
    supplier_id: str,
    as_of: date,
    window_days: int = 180,
    buyer_id: str | None = None,
    *,
    zone: str = "Asia/Jakarta",
    tolerances: Tolerances = DEFAULTS,
    base_currency: str = "IDR",
) -> AllFigures:
    """Return every figure of the table in docs/figures.md, by its key."""
    record = record_of(events, supplier_id, buyer_id)
    return figures_of(
        view_of(
            record,
            as_of,
            window_days,
            zone=zone,
            tolerances=tolerances,
            base_currency=base_currency,
        )
    )


def figures_of(view: View) -> AllFigures:
    """Return every figure of a view."""
    return AllFigures(
        kpis={
            **delivery_figures(view),
            "confirmation_in_time": responsiveness.confirmation_in_time(view),
            "confirmation_hours_median": responsiveness.confirmation_hours_median(view),
            "order_acceptance": responsiveness.order_acceptance(view),
            "despatch_notice_rate": responsiveness.despatch_notice_rate(view),
            "complaint_response": complaints.complaint_response(view),
            "lead_time_days_p50": lead_times.lead_time_days(view, 50),
            "lead_time_days_p90": lead_times.lead_time_days(view, 90),
            "lead_time_cv": lead_times.lead_time_cv(view),
            "line_stops": complaints.line_stops(view),
            "open_complaints": complaints.open_complaints(view),
            "overdue_lines": counts.overdue_lines(view),
            "orphan_receipts": counts.orphan_receipts(view),
            "retroactive_lines": counts.retroactive_lines(view),
            "buyer_concentration": counts.buyer_concentration(view),
            "capacity_load": capacity_load(view),
        },
        matured_lines=len(counts.matured_in_window(view)),
        matured_months=counts.matured_months(view),
        complaint_step_overdue=complaints.any_step_overdue(view),
    )
