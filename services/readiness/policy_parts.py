"""The sections of a policy file. The packaged file explains each setting, line by line.

Numbers are exact: integers and decimals as they are written, never a float. Each setting is checked
on its own here; `policy_checks` checks that settings agree with each other.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from schemas.currencies import CURRENCIES
from schemas.fields import DocumentNumber, Identifier, NonEmptyText
from services.readiness.kpis import KPIS, SCORABLE

Letter = Literal["A", "B", "C", "D"]
LETTERS: Final[tuple[Letter, ...]] = ("A", "B", "C", "D")
"""Grades, best first."""

GateName = Literal["line_stops", "overdue_complaint_step"]
PillarName = Literal["quality", "delivery", "responsiveness"]
PILLARS: Final[tuple[PillarName, ...]] = ("quality", "delivery", "responsiveness")


def _number(value: object) -> object:
    """Accept integers and decimals only; text and booleans are typing mistakes."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number, without quotes")
    return value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, LookupError):
        raise ValueError("must be an IANA time zone such as Asia/Jakarta") from None
    return value


def _known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("must be a currency code of ISO 4217 such as IDR")
    return value


def _known_kpi(value: str) -> str:
    if value not in KPIS:
        raise ValueError(f"must be the key of a figure, one of {', '.join(KPIS)}")
    if value not in SCORABLE:
        raise ValueError(f"is not a ratio and can't be scored; use one of {', '.join(SCORABLE)}")
    return value


# The bounds on digits keep fractions small: 1e-999999 would be a valid decimal otherwise.
Exact = Annotated[Decimal, BeforeValidator(_number), Field(max_digits=18, decimal_places=6)]
Percent = Annotated[Exact, Field(ge=0, le=100)]
Days = Annotated[int, Field(strict=True, ge=0, le=3660)]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Under = Annotated[Exact, Field(ge=0, lt=1)]
Over = Annotated[Exact, Field(ge=0, le=100)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Currency = Annotated[str, AfterValidator(_known_currency)]
KpiKey = Annotated[str, AfterValidator(_known_kpi)]


class Section(BaseModel):
    """A table of the policy file. Unknown settings are refused; instances are immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToleranceOverride(Section):
    """`[[tolerances.overrides]]`: other tolerances for a buyer, an item, or a buyer's item."""

    buyer_id: Identifier | None = None
    item_no: DocumentNumber | None = None
    early_days: Days | None = None
    late_days: Days | None = None
    under: Under | None = None
    over: Over | None = None

    def fits(self, buyer_id: str, item_no: str) -> bool:
        """Return whether the override applies to lines of this buyer and item."""
        return self.buyer_id in (None, buyer_id) and self.item_no in (None, item_no)

    @property
    def specificity(self) -> int:
        """How specific the override is: 3 buyer and item, 2 buyer, 1 item."""
        return 2 * (self.buyer_id is not None) + (self.item_no is not None)

    @property
    def changes(self) -> dict[str, Any]:
        """The tolerances that the override sets, by name."""
        return self.model_dump(exclude={"buyer_id", "item_no"}, exclude_none=True)


class ToleranceSection(Section):
    """`[tolerances]`: days are calendar days, `under` and `over` fractions of the quantity."""

    early_days: Days
    late_days: Days
    under: Under
    over: Over
    notice_days: Days
    overrides: tuple[ToleranceOverride, ...] = ()


class ConfirmationSection(Section):
    """`[confirmation]`."""

    sla_hours: Count


class ComplaintSection(Section):
    """`[complaints]`: calendar days after the day of opening."""

    containment_days: Days
    corrective_action_days: Days
    closing_days: Days


class LeadTimeSection(Section):
    """`[lead_time]`."""

    min_lines: Count


class ConcentrationSection(Section):
    """`[concentration]`."""

    days: Annotated[Days, Field(ge=1)]


class CapacitySection(Section):
    """`[capacity]`."""

    horizon_days: Days


class Scale(Section):
    """`[pillars.<pillar>.<kpi>]`: a figure's weight, and its points as pairs (value, points)."""

    weight: Annotated[Exact, Field(gt=0, le=100)]
    points: Annotated[
        tuple[tuple[Annotated[Exact, Field(ge=0)], Percent], ...], Field(min_length=2)
    ]


Pillars = Mapping[PillarName, Annotated[Mapping[KpiKey, Scale], Field(min_length=1)]]


class Gates(Section):
    """`[grade.gates]`: the best grade while a gate is in force."""

    line_stops: Letter
    overdue_complaint_step: Letter

    def cap(self, gate: GateName) -> Letter:
        """Return the best grade that is possible while a gate is in force."""
        return self.line_stops if gate == "line_stops" else self.overdue_complaint_step


class GradeSection(Section):
    """`[grade]`: the lowest score of each grade, and how the published grade moves."""

    A: Percent
    B: Percent
    C: Percent
    min_lines: Count
    min_months: Count
    months_up: Count
    months_down: Count
    gates: Gates


class StageSection(Section):
    """`[stage]`: the lowest mean mark (0 to 100) of each stage, and what limits the stage."""

    madya: Percent
    pra_mandiri: Percent
    mandiri: Percent
    five_r_minimum: Percent
    concentration_limit: Annotated[Exact, Field(ge=0, le=1)]
    mandatory_certificates: tuple[DocumentNumber, ...]


Version = Annotated[NonEmptyText, Field(max_length=64)]
Sites = Mapping[Identifier, Zone]
