"""Lists the KPIs, the unit of each, and whether higher or lower is better.

Policies are checked against this list. A policy may give points only to ratios, because their
numerators and denominators add up over suppliers and months.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Unit = Literal["fraction", "ratio", "per million", "days", "hours", "count"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """The unit of a figure's `value`, and which direction is better for the supplier."""

    unit: Unit
    better: Better


KPIS: Final[Mapping[str, Kpi]] = MappingProxyType(
    {
        "otif": Kpi("fraction", "higher"),
        "otif_requested": Kpi("fraction", "higher"),
        "on_time_quantity": Kpi("fraction", "higher"),
        "fill_rate": Kpi("fraction", "higher"),
        "mean_days_late": Kpi("days", "lower"),
        "ppm": Kpi("per million", "lower"),
        "lot_acceptance": Kpi("fraction", "higher"),
        "confirmation_in_time": Kpi("fraction", "higher"),
        "confirmation_hours_median": Kpi("hours", "lower"),
        "order_acceptance": Kpi("fraction", "higher"),
        "despatch_notice_rate": Kpi("fraction", "higher"),
        "complaint_response": Kpi("fraction", "higher"),
        "lead_time_days_p50": Kpi("days", "lower"),
        "lead_time_days_p90": Kpi("days", "lower"),
        # A deviation over a mean, and a load over a capacity: neither is bounded by 1.
        "lead_time_cv": Kpi("ratio", "lower"),
        "capacity_load": Kpi("ratio", "lower"),
        "line_stops": Kpi("count", "lower"),
        "open_complaints": Kpi("count", "lower"),
        "overdue_lines": Kpi("count", "lower"),
        "orphan_receipts": Kpi("count", "lower"),
        "retroactive_lines": Kpi("count", "lower"),
        "buyer_concentration": Kpi("fraction", "lower"),
    }
)

SCORABLE: Final = (
    "otif", "otif_requested", "on_time_quantity", "fill_rate", "mean_days_late", "ppm",
    "lot_acceptance", "confirmation_in_time", "order_acceptance", "despatch_notice_rate",
    "complaint_response",
)  # fmt: skip
"""The KPIs to which a policy may give points: all that are ratios."""
