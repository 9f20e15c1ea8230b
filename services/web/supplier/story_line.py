"""An order line for its story: its state after each event, in the line's own unit. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from schemas.units import conversion_factor
from services.readiness.policy import Policy
from services.readiness.row import Row
from services.readiness.sums import in_unit

EventKey = tuple[str, str]
"""Source and id of an event."""


@dataclass(frozen=True, slots=True)
class LineState:
    """An order line after one of its events, as the fold has it; quantities in the line's unit.

    `most`: the highest quantity asked for so far. `out`: why no delivery figure counts the line, ""
    if they do. `due_source`, `due_id`: the event that set `due`. `effect`: what the event did, in
    the words of facts/lines.sql.
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
        """Make a state of a step of line_fold.sql, whose quantities are in the smallest unit."""
        due, requested, quantity, most, out, cancelled_by, item_no, uom, *others = step
        some = in_unit(quantity, uom), in_unit(most, uom)
        return cls(due, requested, *some, out, cancelled_by, item_no, uom, *others)


@dataclass(frozen=True, slots=True)
class StoryLine:
    """What a line's story needs beside its events.

    `fold`: a row of line_fold.sql, None if there is no order. `names`: of partners, by id.
    """

    fold: Row | None
    supplier_id: str
    buyer_id: str
    names: Mapping[str, str]
    as_of: date
    policy: Policy

    @property
    def states(self) -> list[LineState]:
        """The line after each order event, and after each receipt that changes its state."""
        return [] if self.fold is None else [LineState.of(one) for one in self.fold["steps"]]

    @property
    def keys(self) -> list[EventKey]:
        """The event behind each of the states; ('', '') for a receipt."""
        return [] if self.fold is None else [(where, one) for _, where, one in self.fold["events"]]

    @property
    def last(self) -> LineState | None:
        """The line after all known events, None without an order."""
        return self.states[-1] if self.states else None

    @property
    def uom(self) -> str:
        """The unit of the line; '' where none is known."""
        return self.last.uom if self.last else ""


def converted(quantity: Decimal, uom: str, unit: str) -> Fraction | None:
    """Return a quantity, given in `uom`, in `unit`; as it is if either of them is ''.

    None if no fixed factor exists: such a quantity counts in nothing.
    """
    if not uom or not unit:
        return Fraction(quantity)
    times = conversion_factor(uom, unit)
    return None if times is None else Fraction(quantity) * times


def amount(row: Row, unit: str) -> Fraction | None:
    """Return the quantity of an event in `unit`, the line's; None if no part of it converts.

    Amounts that convert count even if others of the same event do not.
    """
    found = [converted(quantity, uom, unit) for quantity, uom in row["amounts"]]
    counted = [one for one in found if one is not None]
    if found and not counted:
        return None
    return sum(counted, Fraction(0))
