"""The registry of figures (KPIs): formula, unit, which way is better, and name of each.

A formula stands here and nowhere else. Everything that needs one reads it from here: the figures
themselves (`sums.py`), what a single part adds when a figure is explained (`contributions.py`), the
worst cases (`advice.py`), and the SQL of dashboards and coaching (`services/store/figure_sql.py`).
docs/figures.md defines each figure in words; `services/text/figure_words.py` has what pages say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Unit = Literal["fraction", "ratio", "per million", "days", "hours", "count"]
Better = Literal["higher", "lower"]
Term = Literal["0", "n", "a", "b", "c", "d", "late"]
"""What one part adds to a sum: nothing, 1 (`n`), one of its letters, or its ordered quantity times
its days late at T (`late`). The files `services/store/sql/facts/*_parts.sql` say what the letters
of each family hold; `a`, `c` and `d` of a line are quantities."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A numerator over a denominator, both sums over parts, so that groups add up.

    `families`: what one part of each family adds to the numerator and to the denominator.
    `scale`: multiplies the quotient, as in parts per million.
    """

    families: Mapping[str, tuple[Term, Term]]
    scale: int = 1

    @property
    def counts(self) -> bool:
        """Whether it is a share of cases, which has a Wilson interval."""
        return all(denominator == "n" for _, denominator in self.families.values())

    @property
    def units_of(self) -> str | None:
        """The family whose quantities are the denominator; None where cases are counted."""
        return next((name for name, (_, below) in self.families.items() if below == "a"), None)


@dataclass(frozen=True, slots=True)
class Count:
    """A plain count that adds up over suppliers. `term`: what one part of the family adds."""

    family: str
    term: Term


@dataclass(frozen=True, slots=True)
class Values:
    """A figure of a family's single values, such as a median: it adds up over nobody."""

    family: str


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure. `title` and `meaning`: plain English, for dashboards.

    `formula`: None for `buyer_concentration`, which is made of prices: those are shown to nobody,
    so it is explained by the buyers' shares alone.
    """

    unit: Unit
    better: Better
    formula: Ratio | Count | Values | None
    title: str
    meaning: str = ""


def _share(family: str) -> Ratio:
    """Return the share of a family's parts that are as they should be (`b` is 1)."""
    return Ratio({family: ("b", "n")})


KPIS: Final[Mapping[str, Kpi]] = MappingProxyType(
    {
        "otif": Kpi(
            "fraction", "higher", _share("due"),
            "On time in full",
            "order lines that came whole and in time, of all that fell due",
        ),
        "otif_requested": Kpi(
            "fraction", "higher", _share("requested"),
            "On time in full, as requested",
            "the same against the date that the buyer asked for",
        ),
        "on_time_quantity": Kpi(
            "fraction", "higher", Ratio({"due": ("c", "a")}),
            "Quantity on time",
            "quantity that came in time, of the quantity ordered",
        ),
        "fill_rate": Kpi(
            "fraction", "higher", Ratio({"due": ("d", "a")}),
            "Quantity delivered",
            "quantity that came at all, less what was sent back, of the quantity ordered",
        ),
        "mean_days_late": Kpi(
            "days", "lower", Ratio({"due": ("late", "a")}),
            "Days late, by quantity",
            "days of delay of each ordered piece, what is still missing included",
        ),
        "ppm": Kpi(
            "per million", "lower",
            Ratio(
                {"inspected": ("a", "0"), "complained": ("a", "0"), "received": ("0", "a")},
                scale=1_000_000,
            ),
            "Rejects per million",
            "quantity rejected or complained of, per million received",
        ),
        "lot_acceptance": Kpi(
            "fraction", "higher", _share("inspected"),
            "Lots accepted",
            "inspected lots that were accepted; a concession is not an acceptance",
        ),
        "confirmation_in_time": Kpi(
            "fraction", "higher", _share("asked"),
            "Orders answered in time",
            "order lines that were answered before the time to confirm was over",
        ),
        "confirmation_hours_median": Kpi(
            "hours", "lower", Values("asked"), "Median hours to answer an order"
        ),
        "order_acceptance": Kpi(
            "fraction", "higher", _share("answered"),
            "Orders accepted",
            "answered order lines that were not refused",
        ),
        "despatch_notice_rate": Kpi(
            "fraction", "higher", _share("receipt"),
            "Deliveries announced",
            "goods receipts that a despatch notice had announced",
        ),
        "complaint_response": Kpi(
            "fraction", "higher", _share("step"),
            "Complaint steps in time",
            "steps of complaints that were done by their due date",
        ),
        "lead_time_days_p50": Kpi(
            "days", "lower", Values("completed"), "Median days from order to goods"
        ),
        "lead_time_days_p90": Kpi(
            "days", "lower", Values("completed"), "Days from order to goods, nine of ten"
        ),
        # A deviation over a mean, and a load over a capacity: neither ends at 1.
        "lead_time_cv": Kpi("ratio", "lower", Values("completed"), "How much these days vary"),
        "capacity_load": Kpi("ratio", "lower", Values("backlog"), "Highest load of a process"),
        "line_stops": Kpi(
            "count", "lower", Count("complained", "b"),
            "Line stops",
            "complaints that stopped a line or endangered somebody",
        ),
        "open_complaints": Kpi(
            "count", "lower", Count("open", "n"),
            "Open complaints",
            "complaints opened before the day and not closed before it",
        ),
        "overdue_lines": Kpi(
            "count", "lower", Count("overdue", "n"),
            "Overdue order lines",
            "order lines past their date that are not complete, of any age",
        ),
        "orphan_receipts": Kpi(
            "count", "lower", Count("orphan", "a"),
            "Receipts without an order",
            "receipt lines whose order line is not known",
        ),
        "retroactive_lines": Kpi(
            "count", "lower", Count("retroactive", "n"),
            "Orders dated back",
            "order lines that asked for a date before their own; they judge nobody",
        ),
        "buyer_concentration": Kpi("fraction", "lower", None, "Concentration of buyers"),
    }
)  # fmt: skip

RATIOS: Final[Mapping[str, Ratio]] = MappingProxyType(
    {key: kpi.formula for key, kpi in KPIS.items() if isinstance(kpi.formula, Ratio)}
)
COUNTS: Final[Mapping[str, Count]] = MappingProxyType(
    {key: kpi.formula for key, kpi in KPIS.items() if isinstance(kpi.formula, Count)}
)
VALUES: Final[Mapping[str, Values]] = MappingProxyType(
    {key: kpi.formula for key, kpi in KPIS.items() if isinstance(kpi.formula, Values)}
)

SCORABLE: Final = tuple(RATIOS)
"""The figures that a policy may give points to: they add up over suppliers and months."""

UNITS_OF: Final[Mapping[str, str]] = MappingProxyType(
    {key: ratio.units_of for key, ratio in RATIOS.items() if ratio.units_of is not None}
)
"""The family by whose units a figure that adds quantities is known to mix them."""
