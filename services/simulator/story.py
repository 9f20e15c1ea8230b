"""The beginning of an order's life: it is placed, confirmed, changed, cancelled.

`deliveries` and `quality` continue the story. Steps are added in causal order, not by time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from schemas.catalogue import Role
from services.simulator.clusters import Item
from services.simulator.companies import Buyer, Company
from services.simulator.conduct import Conduct, conduct_of
from services.simulator.steps import StoryStep
from services.simulator.worktime import (
    SITE,
    chance,
    days_later,
    hours_later,
    moment,
    on_workday,
    workdays_after,
)


@dataclass(slots=True)
class OpenLine:
    """An order line as buyer and supplier see it at this point of the story.

    `requested`: the date that the buyer asks for. `due`: that date, or the one the supplier
    confirmed instead. `wanted`: whether the line is still to be delivered.
    """

    line_no: str
    item: Item
    quantity: Decimal
    requested: date
    due: date
    wanted: bool = True

    def as_ordered(self, ship_to: str) -> dict[str, Any]:
        """Return the line as an order document has it."""
        return {
            "line_no": self.line_no,
            "item_no": self.item.item_no,
            "description": self.item.description,
            "quantity": self.quantity,
            "uom": self.item.uom,
            "unit_price": self.item.price,
            "requested_date": self.requested,
            "ship_to": ship_to,
        }


@dataclass(slots=True)
class OrderStory:
    """One order of a buyer with a supplier, and its steps so far.

    `revision`: of the last change. `documents`: how many document numbers were given out.
    """

    buyer: Buyer
    supplier: Company
    order_no: str
    placed_at: datetime
    rng: Random
    conduct: Conduct
    lines: list[OpenLine] = field(default_factory=list)
    steps: list[StoryStep] = field(default_factory=list)
    revision: int = 0
    documents: int = 0

    def buyer_says(
        self, at: datetime, kind: str, *, not_before: datetime | None = None, **data: Any
    ) -> None:
        """Add a step that the buyer reports."""
        document = {"buyer_id": self.buyer.id, "supplier_id": self.supplier.id, **data}
        self.steps.append(StoryStep(at, self.buyer.id, Role.BUYER, kind, document, not_before))

    def supplier_says(
        self, at: datetime, kind: str, *, not_before: datetime | None = None, **data: Any
    ) -> None:
        """Add a step that the supplier reports."""
        document = {"buyer_id": self.buyer.id, "supplier_id": self.supplier.id, **data}
        self.steps.append(
            StoryStep(at, self.supplier.id, Role.SUPPLIER, kind, document, not_before)
        )

    def number(self, prefix: str) -> str:
        """Return a number that no other document between this buyer and supplier has."""
        self.documents += 1
        return f"{prefix}-{self.order_no}-{self.documents}"

    @property
    def ship_to(self) -> str:
        """The buyer's site."""
        return f"{self.buyer.id}-{self.buyer.regency}"

    @property
    def wanted(self) -> list[OpenLine]:
        """The lines that are still to be delivered."""
        return [line for line in self.lines if line.wanted]


def open_story(
    buyer: Buyer, supplier: Company, order_no: str, placed_at: datetime, rng: Random
) -> OrderStory:
    """Begin a story; it has no lines and no steps yet."""
    day = placed_at.astimezone(SITE).date()
    return OrderStory(buyer, supplier, order_no, placed_at, rng, conduct_of(supplier, day))


def whole_lots(item: Item, quantity: Decimal) -> Decimal:
    """Round a quantity to the item's step, at least one of it."""
    return max((quantity / item.step).to_integral_value(), Decimal(1)) * item.step


def place(story: OrderStory, due_days: Sequence[date]) -> None:
    """Place the order with one to four lines, each requested for one of `due_days`."""
    rng = story.rng
    count = min(len(story.supplier.items), rng.choice((1, 1, 1, 2, 2, 3, 4)))
    for index, item in enumerate(rng.sample(story.supplier.items, count), start=1):
        due = rng.choice(due_days)
        quantity = item.lot * rng.choice((1, 2, 2, 3, 3, 4, 6))
        story.lines.append(OpenLine(str(index * 10), item, quantity, due, due))
    story.buyer_says(
        story.placed_at,
        "order.placed",
        order_no=story.order_no,
        currency="IDR",
        partnership=f"AGR-{story.buyer.id}-{story.supplier.id}",
        lines=[line.as_ordered(story.ship_to) for line in story.lines],
    )


def confirm(story: OrderStory) -> None:
    """Let the supplier confirm the order line by line, or not answer at all."""
    rng, conduct = story.rng, story.conduct
    if chance(rng, conduct.silent):
        return
    answers = []
    for line in story.lines:
        if chance(rng, conduct.rejects_line):
            line.wanted = False
            answers.append({"line_no": line.line_no, "status": "rejected"})
        elif chance(rng, conduct.changes_date):
            line.due = workdays_after(line.due, rng.randint(1, 4))
            answers.append(_answer(line, "changed"))
        else:
            answers.append(_answer(line, "accepted"))
    at = hours_later(story.placed_at, rng, 1, conduct.hours_to_confirm_most)
    story.supplier_says(at, "order.confirmed", order_no=story.order_no, lines=answers)
    rejected = [line for line in story.lines if not line.wanted]
    if rejected and chance(rng, 0.5):
        _order_again(story, at, rejected)


def _answer(line: OpenLine, status: str) -> dict[str, Any]:
    return {
        "line_no": line.line_no,
        "status": status,
        "confirmed_quantity": line.quantity,
        "confirmed_date": line.due,
    }


def _order_again(story: OrderStory, after: datetime, rejected: list[OpenLine]) -> None:
    """Let the buyer request the rejected lines for a later day; mostly the supplier accepts."""
    for line in rejected:
        line.requested = line.due = workdays_after(line.requested, story.rng.randint(5, 9))
        line.wanted = True
    at = hours_later(after, story.rng, 2, 20)
    _change(story, at, rejected)
    if chance(story.rng, 0.9):
        at = hours_later(at, story.rng, 1, 24)
        answers = [_answer(line, "accepted") for line in rejected]
        story.supplier_says(at, "order.confirmed", order_no=story.order_no, lines=answers)


def _change(story: OrderStory, at: datetime, lines: list[OpenLine]) -> None:
    story.revision += 1
    story.buyer_says(
        at,
        "order.changed",
        order_no=story.order_no,
        revision=story.revision,
        lines=[line.as_ordered(story.ship_to) for line in lines],
    )


def change(story: OrderStory) -> None:
    """Let the buyer sometimes change a line: another quantity or another day."""
    rng = story.rng
    if not story.wanted or not chance(rng, 0.11):
        return
    line = rng.choice(story.wanted)
    days_left = (line.due - story.placed_at.astimezone(SITE).date()).days
    if days_left < 6:
        return
    if chance(rng, 0.12):
        # At short notice: the supplier still owes the old quantity, and delivers that.
        at = moment(on_workday(line.due - timedelta(days=2)), rng, 8, 11)
        agreed = line.quantity
        line.quantity = whole_lots(line.item, agreed * Decimal("1.25"))
        _change(story, at, [line])
        line.quantity = agreed
        return
    at = days_later(story.placed_at, rng, 2, days_left - 4)
    if chance(rng, 0.5):
        factor = rng.choice((Decimal("0.75"), Decimal("0.9"), Decimal("1.2"), Decimal("1.5")))
        line.quantity = whole_lots(line.item, line.quantity * factor)
    else:
        line.requested = line.due = workdays_after(line.due, rng.randint(2, 6))
    _change(story, at, [line])
    if chance(rng, 0.7):
        answers = [_answer(line, "accepted")]
        at = hours_later(at, rng, 1, 20)
        story.supplier_says(at, "order.confirmed", order_no=story.order_no, lines=answers)


def call_off(story: OrderStory) -> None:
    """Sometimes cancel the order or a line of it: by the buyer, more rarely by the supplier."""
    rng = story.rng
    if not story.wanted:
        return
    if chance(rng, 0.02):
        by, reason = "buyer", "rencana produksi berubah"
        lines = story.wanted if chance(rng, 0.5) else story.wanted[:1]
    elif chance(rng, story.conduct.gives_up):
        by, reason, lines = "supplier", "bahan baku tidak tersedia", story.wanted[:1]
    else:
        return
    whole = len(lines) == len(story.lines)
    for line in lines:
        line.wanted = False
    story.buyer_says(
        hours_later(story.placed_at, rng, 4, 60),
        "order.cancelled",
        order_no=story.order_no,
        lines=None if whole else [line.line_no for line in lines],
        by=by,
        reason=reason,
    )
