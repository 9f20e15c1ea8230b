"""An order line as its story needs it: its fold, and quantities in its own unit. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from schemas.units import factor
from services.readiness.policy import Policy
from services.readiness.row import Row
from services.readiness.sums import in_unit

EventKey = tuple[str, str]
"""Source and id: what names an event."""


@dataclass(frozen=True, slots=True)
class LineState:
    """An order line after one of its events, as the fold has it; quantities in its unit.

    `effect`: what the event did, as facts/lines.sql names it.
    """

    due: date
    requested: date
    quantity: Decimal
    most: Decimal
    out: str
    cancelled_by: str
    item_no: str
    uom: str
    revision: int
    confirmed: int
    due_source: str
    due_id: str
    effect: str

    @classmethod
    def of(cls, step: Sequence[Any]) -> "LineState":
        """Take it from a step of line_fold.sql, whose quantities are in the smallest unit."""
        due, requested, quantity, most, out, cancelled_by, item_no, uom, *others = step
        some = in_unit(quantity, uom), in_unit(most, uom)
        return cls(due, requested, *some, out, cancelled_by, item_no, uom, *others)


@dataclass(frozen=True, slots=True)
class StoryLine:
    """What a story is told with: the fold of the line, its partners and their names."""

    fold: Row | None
    supplier_id: str
    buyer_id: str
    names: Mapping[str, str]
    as_of: date
    policy: Policy

    @property
    def states(self) -> list[LineState]:
        """The line after each of its order events, and after each receipt that moved it."""
        return [] if self.fold is None else [LineState.of(one) for one in self.fold["steps"]]

    @property
    def keys(self) -> list[EventKey]:
        """The event behind each of the states; of a receipt that moved the line ('', '')."""
        return [] if self.fold is None else [(where, one) for _, where, one in self.fold["events"]]

    @property
    def last(self) -> LineState | None:
        """The line as it stands after everything that is known."""
        return self.states[-1] if self.states else None

    @property
    def uom(self) -> str:
        """The unit of the line; '' where none is known."""
        return self.last.uom if self.last else ""


def converted(quantity: Decimal, uom: str, unit: str) -> Fraction | None:
    """Return a quantity in another unit; without one it is in that already.

    None where no fixed factor exists: such a quantity counts in nothing.
    """
    if not uom or not unit:
        return Fraction(quantity)
    times = factor(uom, unit)
    return None if times is None else Fraction(quantity) * times


def amount(row: Row, unit: str) -> Fraction | None:
    """Return what an event of a story moves in the unit of its line; None where nothing converts.

    What converts counts, beside what does not.
    """
    found = [converted(quantity, uom, unit) for quantity, uom in row["amounts"]]
    counted = [one for one in found if one is not None]
    if found and not counted:
        return None
    return sum(counted, Fraction(0))
