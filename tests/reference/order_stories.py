"""Random orders: placed, changed, confirmed, cancelled and disputed in any sequence."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from .writing import LINE_NUMBERS, MILLIONTH, UNITS, Pair, Writer

MOST = Decimal(10) ** 11
"""The highest ordered quantity, so that a larger received quantity still fits into 18 digits."""

AROUND_DUE = (-6, -5, -4, -4, -3, -3, -2, -2, -1, 0, 0, 1, 1, 2)
"""Days from the due date. Short notice begins, and the time for changes ends, among them."""


@dataclass
class Line:
    """An order line as its buyer last wanted it. `added_later`: not in the first placed event."""

    pair: Pair
    order_no: str
    line_no: str
    item_no: str
    unit: str
    quantity: Decimal
    requested: date
    price: Decimal | None = None
    added_later: bool = False

    @property
    def reference(self) -> dict[str, Any]:
        """The fields `order_no` and `line_no` that identify the line in other documents."""
        return {"order_no": self.order_no, "line_no": self.line_no}


@dataclass
class Order:
    """An order. `placed_on`: its planned day. `placed_at`: when it was placed, if it was."""

    pair: Pair
    order_no: str
    placed_on: date
    lines: list[Line]
    placed_at: datetime | None = None

    @property
    def opening(self) -> dict[str, Any]:
        """The first fields of every document about the order."""
        return {**self.pair.parties, "order_no": self.order_no}


def tell_order(writer: Writer, pair: Pair, count: int) -> Order:
    """Write the events of an order with `count` lines, in any sequence of times."""
    rng = writer.rng
    writer.recent = []
    order_no, placed_on = writer.order_no(pair), writer.day(last=0.85)
    numbers = rng.sample(LINE_NUMBERS, count)
    lines = [_line(writer, pair, order_no, line_no, placed_on) for line_no in numbers]
    for line in lines[1:]:
        line.added_later = rng.random() < 0.25
    order = Order(pair, order_no, placed_on, lines)
    if not writer.chance(0.95):
        return order  # No order event is sent: receipts of it are orphans.
    if writer.chance(0.9):
        place(writer, order)
    else:
        _change(writer, order, revision=rng.randint(1, 3), offsets=(0,))
    steps = [_change_somehow] * rng.choice((0, 0, 1, 1, 2, 4)) + [_confirm] * rng.choice((0, 1, 2))
    steps += [_place_again] * (rng.random() < 0.08)
    if writer.eager:
        steps += [_change_somehow, _confirm]
    rng.shuffle(steps)
    for step in steps:
        step(writer, order)
    if any(line.added_later for line in lines):
        _change(writer, order, revision=rng.randint(1, 2), offsets=(0, 1, 2, 5))
    if writer.chance(0.18):
        _cancel(writer, order)
    if writer.chance(0.08):
        _dispute(writer, order)
    return order


def _line(writer: Writer, pair: Pair, order_no: str, line_no: str, placed_on: date) -> Line:
    ahead = writer.rng.choice((-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 21, 21, 30))
    return Line(
        pair,
        order_no,
        line_no,
        item_no=f"ITEM-{writer.rng.randint(1, 6)}",
        unit=writer.rng.choice(UNITS),
        quantity=writer.amount(),
        requested=placed_on + timedelta(days=ahead),
        price=writer.rng.choice((None, writer.amount(), writer.amount())),
    )


def _stated(writer: Writer, line: Line) -> dict[str, Any]:
    """Return the document of an order line, at times with its optional fields."""
    rng = writer.rng
    stated: dict[str, Any] = {
        "line_no": line.line_no,
        "item_no": line.item_no,
        "quantity": writer.number(line.quantity),
        "requested_date": line.requested.isoformat(),
    }
    if rng.random() < 0.8:
        stated["uom"] = line.unit
    else:
        stated |= writer.unit(line.unit)
    if rng.random() < 0.2:
        line.price = rng.choice((None, writer.amount()))
    if line.price is not None:
        stated["unit_price"] = writer.number(line.price)
    if rng.random() < 0.3:
        stated["description"] = 'Braket 3/4" – kiri'
    if rng.random() < 0.3:
        stated["ship_to"] = "PLANT-1"
    return stated


def _order_document(writer: Writer, order: Order, lines: list[Line]) -> dict[str, Any]:
    document = {**order.opening, "lines": [_stated(writer, line) for line in lines]}
    if writer.rng.random() < 0.4:
        document["currency"] = writer.rng.choice(("IDR", "IDR", "USD"))
    if writer.rng.random() < 0.1:
        document["partnership"] = "subcontract"
    return document


def place(writer: Writer, order: Order) -> datetime:
    """Write the placed event of an order, without lines added later; return its time."""
    lines = [line for line in order.lines if not line.added_later]
    moment = order.placed_at = writer.moment(order.placed_on)
    writer.write(order.pair.buyer, "order.placed", moment, _order_document(writer, order, lines))
    return moment


def _place_again(writer: Writer, order: Order) -> None:
    """Write a placed event again, with other content: a version like any other."""
    lines = _some(writer, order)
    for line in lines:
        _rethink(writer, line)
    moment = writer.moment(order.placed_on, (0, 0, 1, 4))
    writer.write(order.pair.buyer, "order.placed", moment, _order_document(writer, order, lines))


def _some(writer: Writer, order: Order) -> list[Line]:
    return writer.rng.sample(order.lines, writer.rng.randint(1, len(order.lines)))


def _rethink(writer: Writer, line: Line) -> None:
    """Change quantity, requested date or item of a line, or nothing."""
    rng = writer.rng
    if rng.random() < 0.35:
        return  # The same again, if price and unit stay the same too.
    if rng.random() < 0.06:
        line.quantity = Decimal(0)
    elif line.quantity == 0:
        line.quantity = writer.amount()
    elif rng.random() < 0.5:
        factor = Decimal(rng.choice(("0.5", "0.9", "1.1", "2")))
        line.quantity = min(max(MILLIONTH, round(line.quantity * factor, 6)), MOST)
    if rng.random() < 0.55:
        line.requested += timedelta(days=rng.choice((-7, -4, -3, -2, -1, 1, 2, 4, 9)))
    if rng.random() < 0.06:
        line.item_no = f"ITEM-{rng.randint(1, 6)}"


def _change_somehow(writer: Writer, order: Order) -> None:
    """Write a change of some lines, soon after the order or around the due date of one."""
    revision = writer.rng.choice((1, 1, 1, 2, 2, 3, 4))
    _change(writer, order, revision, offsets=())


def _change(writer: Writer, order: Order, revision: int, offsets: tuple[int, ...]) -> None:
    rng = writer.rng
    lines = _some(writer, order)
    if offsets:  # Lines that are added later need an event that names them.
        lines += [line for line in order.lines if line.added_later and line not in lines]
        moment = writer.moment(order.placed_on, offsets)
    elif rng.random() < 0.3:
        moment = writer.moment(order.placed_on, (0, 1, 1, 2, 3))
    else:
        moment = writer.moment(lines[0].requested, AROUND_DUE)
    before = [(line.quantity, line.requested) for line in lines]
    for line in lines:
        _rethink(writer, line)
    document = _order_document(writer, order, lines)
    writer.write(order.pair.buyer, "order.changed", moment, {**document, "revision": revision})
    if rng.random() < 0.4:  # The next change starts from the earlier state again.
        for line, (quantity, requested) in zip(lines, before, strict=True):
            line.quantity, line.requested = quantity, requested


def _confirm(writer: Writer, order: Order) -> None:
    """Write a confirmation of some lines, at times before the order itself.

    At times, rejected lines are brought back.
    """
    rng = writer.rng
    lines = _some(writer, order)
    if order.placed_at is not None and rng.random() < 0.15:
        moment = writer.about_48_hours(order.placed_at)
    elif rng.random() < 0.7:
        moment = writer.moment(order.placed_on, (-1, 0, 0, 0, 1, 1, 2, 3))
    else:
        moment = writer.moment(lines[0].requested, AROUND_DUE)
    answers = [_answer(writer, line) for line in lines]
    writer.write(
        order.pair.supplier, "order.confirmed", moment, {**order.opening, "lines": answers}
    )
    if any(answer["status"] == "rejected" for answer in answers) and rng.random() < 0.6:
        _bring_back(writer, order, lines, moment)


def _answer(writer: Writer, line: Line) -> dict[str, Any]:
    rng = writer.rng
    status = rng.choice(("accepted", "accepted", "changed", "changed", "rejected"))
    answer: dict[str, Any] = {"line_no": line.line_no, "status": status}
    if status != "rejected" and rng.random() < 0.75:
        on = line.requested + timedelta(
            days=rng.choice((-3, -1, 0, 0, 0, 1, 2, 4, 6, -60, 365, 366, 730))
        )
        answer["confirmed_date"] = on.isoformat()
    if status != "rejected" and rng.random() < 0.5:
        answer["confirmed_quantity"] = writer.number(writer.portion(line.quantity))
    return answer


def _bring_back(writer: Writer, order: Order, lines: list[Line], rejected_at: datetime) -> None:
    """Write a change of lines after they were rejected, also after their due date."""
    if writer.rng.random() < 0.25:
        _write_cancellation(writer, order, lines, writer.after(rejected_at, (0, 5, 10, 20)))
    for line in lines:
        _rethink(writer, line)
    moment = writer.after(rejected_at, (0, 1, 2, 5, 9, 15, 25))
    document = _order_document(writer, order, lines)
    revision = writer.rng.randint(1, 5)
    writer.write(order.pair.buyer, "order.changed", moment, {**document, "revision": revision})
    if writer.rng.random() < 0.5:
        answers = [_answer(writer, line) for line in lines]
        writer.write(
            order.pair.supplier,
            "order.confirmed",
            writer.after(moment, (0, 0, 1, 2)),
            {**order.opening, "lines": answers},
        )


def _cancel(writer: Writer, order: Order) -> None:
    """Write a cancellation of the order or of some lines of it, once or twice."""
    rng = writer.rng
    for _ in range(rng.choice((1, 1, 1, 2))):
        lines = _some(writer, order)
        if order.placed_at is not None and rng.random() < 0.25:
            moment = writer.about_48_hours(order.placed_at)
        elif rng.random() < 0.4:
            moment = writer.moment(order.placed_on, (-1, 0, 1, 2))
        else:
            moment = writer.moment(lines[0].requested, AROUND_DUE)
        _write_cancellation(writer, order, lines, moment)


def _write_cancellation(writer: Writer, order: Order, lines: list[Line], moment: datetime) -> None:
    rng = writer.rng
    document = {**order.opening, "by": rng.choice(("buyer", "supplier"))}
    if rng.random() < 0.6:
        document["lines"] = [line.line_no for line in lines]
    if rng.random() < 0.5:
        document["reason"] = "model dihentikan"
    writer.write(order.pair.buyer, "order.cancelled", moment, document)


def _dispute(writer: Writer, order: Order) -> None:
    line = writer.rng.choice(order.lines)
    opening = {**order.pair.parties, **line.reference}
    moment = writer.moment(line.requested, (1, 3, 8))
    dispute = {**opening, "reason": "barang sudah dikirim"}
    if writer.rng.random() < 0.5:
        dispute["evidence"] = "https://example.org/surat-jalan/1.jpg"
    writer.write(order.pair.supplier, "line.disputed", moment, dispute)
    if writer.chance(0.7):
        answer = {**opening, "answer": writer.rng.choice(("corrected", "upheld"))}
        if writer.rng.random() < 0.5:
            answer["note"] = "sudah diperiksa"
        writer.write(order.pair.buyer, "line.dispute_answered", writer.after(moment), answer)
