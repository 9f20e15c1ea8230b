"""Random orders that mostly go as they should, so that suppliers earn grades of every kind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .order_stories import Line, Order, place
from .writing import Pair, Writer

CARES = (1.0, 1.0, 0.99, 0.97, 0.9, 0.7)
SEASON = timedelta(days=75)


@dataclass
class Calm:
    """Writes orders. `cares`: the share that goes well, by supplier and season of 75 days."""

    writer: Writer
    cares: dict[tuple[str, int], float]

    def tell(self, pair: Pair, count: int) -> Order:
        """Write an order with `count` lines, and all events that follow from it."""
        order = self._order(pair, count)
        placed_at = place(self.writer, order)
        self._answer(order, placed_at)
        for line in order.lines:
            arrival = self.writer.clock(line.requested)
            if arrival < self.writer.end:  # A line that is due after the span stays open.
                self._deliver(order, line, arrival)
        return order

    def _goes_well(self, order: Order) -> bool:
        season = (order.placed_on - self.writer.start) // SEASON
        key = order.pair.supplier, season
        if key not in self.cares:
            self.cares[key] = self.writer.rng.choice(CARES)
        return self.writer.rng.random() < self.cares[key]

    def _order(self, pair: Pair, count: int) -> Order:
        rng = self.writer.rng
        self.writer.recent = []
        placed_on = self.writer.day(last=0.95)
        order_no = self.writer.order_no(pair)
        lines = [
            Line(
                pair,
                order_no,
                f"{10 * (number + 1)}",
                item_no=f"ITEM-{rng.randint(1, 6)}",
                unit="H87",
                quantity=Decimal(rng.randint(10, 900)),
                requested=placed_on + timedelta(days=rng.randint(6, 25)),
            )
            for number in range(count)
        ]
        return Order(pair, order_no, placed_on, lines)

    def _answer(self, order: Order, placed_at: datetime) -> None:
        """Confirm all lines in time if it goes well; else too late, rejected, or not at all."""
        rng, well = self.writer.rng, self._goes_well(order)
        if not well and rng.random() < 0.3:
            return
        hours = rng.choice((0, 3, 20, 47, 48) if well else (20, 49, 80))
        status = "accepted" if well or rng.random() < 0.6 else "rejected"
        answers: list[dict[str, Any]] = [
            {"line_no": line.line_no, "status": status} for line in order.lines
        ]
        self.writer.write(
            order.pair.supplier,
            "order.confirmed",
            self.writer.inside(placed_at + timedelta(hours=hours)),
            {**order.opening, "lines": answers},
        )

    def _deliver(self, order: Order, line: Line, arrival: datetime) -> None:
        writer, rng = self.writer, self.writer.rng
        quantity = line.quantity
        if not self._goes_well(order):
            arrival = writer.inside(arrival + timedelta(days=rng.choice((-9, 0, 1, 2, 6))))
            quantity = max(Decimal(1), quantity - rng.choice((0, 0, 1, 9)))
        came = {**line.reference, "quantity": writer.number(quantity)}
        receipt: dict[str, Any] = {
            **order.pair.parties,
            "receipt_no": writer.document_no(order.pair, "GR"),
            "received_at": writer.text(arrival),
            "lines": [came],
        }
        receipt["despatch_no"] = writer.document_no(order.pair, "DN")
        announced = {
            **order.pair.parties,
            "despatch_no": receipt["despatch_no"],
            "lines": [dict(came)],
        }
        ahead = timedelta(hours=rng.choice((2, 20)) if self._goes_well(order) else -1)
        writer.write(
            order.pair.supplier, "delivery.despatched", writer.inside(arrival - ahead), announced
        )
        writer.write(order.pair.buyer, "delivery.received", arrival, receipt)
        if rng.random() < 0.6:
            self._inspect(order, line, quantity, arrival)
        if not self._goes_well(order) and rng.random() < 0.5:
            self._complain(order, line, arrival)

    def _inspect(self, order: Order, line: Line, quantity: Decimal, arrival: datetime) -> None:
        writer, well = self.writer, self._goes_well(order)
        rejected = Decimal(0) if well else min(quantity, Decimal(writer.rng.choice((0, 1, 20))))
        inspected = {
            **order.pair.parties,
            **line.reference,
            "inspection_no": writer.document_no(order.pair, "QI"),
            "inspected_at": writer.text(arrival),
            "quantity_inspected": writer.number(quantity),
            "quantity_rejected": writer.number(rejected),
            "disposition": "accepted" if well else writer.rng.choice(("rejected", "concession")),
        }
        writer.write(order.pair.buyer, "quality.inspected", arrival, inspected)

    def _complain(self, order: Order, line: Line, arrival: datetime) -> None:
        """Open a complaint and settle it, in time if that goes well; rarely it is a line stop."""
        writer, rng = self.writer, self.writer.rng
        naming = {**order.pair.parties, "complaint_no": writer.document_no(order.pair, "C")}
        opened = {
            **naming,
            **line.reference,
            "opened_at": writer.text(arrival),
            "severity": rng.choice(("minor",) * 6 + ("major", "line_stop")),
            "quantity": rng.choice((0, 1)),
        }
        writer.write(order.pair.buyer, "quality.complaint_opened", arrival, opened)
        late = 0 if self._goes_well(order) else rng.choice((1, 20, 90))
        for step, days in (("containment", 2), ("corrective_action", 14)):
            self._settle(order.pair.supplier, "answered", arrival, days + late, naming, step=step)
        self._settle(order.pair.buyer, "closed", arrival, 30 + late, naming)

    def _settle(
        self,
        sender: str,
        what: str,
        opened_at: datetime,
        days: int,
        naming: dict[str, Any],
        **more: str,
    ) -> None:
        moment = opened_at + timedelta(days=days)
        if moment < self.writer.end:
            document = {**naming, **more, f"{what}_at": self.writer.text(moment)}
            self.writer.write(sender, f"quality.complaint_{what}", moment, document)
