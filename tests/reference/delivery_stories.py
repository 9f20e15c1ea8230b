"""Random deliveries: receipts sent again and reversed, returns, inspections, complaints."""

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from .order_stories import Line, Order
from .writing import Pair, Writer

ARRIVALS = (-9, -8, -7, -7, -6, -3, -1, 0, 0, 0, 0, 0, 1, 1, 2, 5, 12)
"""Days from the requested date; the early tolerance ends among them."""


def tell_deliveries(writer: Writer, order: Order, others: list[Line]) -> None:
    """Write the deliveries against an order, at times with a line of the `others`."""
    rng = writer.rng
    writer.recent = []
    arriving = [line for line in order.lines for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 3)))]
    if writer.eager:
        arriving += order.lines
    if others and rng.random() < 0.2:
        arriving.append(rng.choice(others))
    rng.shuffle(arriving)
    while arriving:
        count = rng.choice((1, 1, 2, 3))
        together, arriving = arriving[:count], arriving[count:]
        _deliver(writer, order.pair, together)


def _deliver(writer: Writer, pair: Pair, lines: list[Line]) -> None:
    received_at = writer.moment(lines[0].requested, ARRIVALS)
    document: dict[str, Any] = {
        **pair.parties,
        "receipt_no": writer.document_no(pair, "GR"),
        "received_at": writer.text(received_at),
        "lines": [_portion(writer, line) for line in lines],
    }
    if writer.chance(0.5):
        document["despatch_no"] = _despatch(writer, pair, document["lines"], received_at)
        if writer.rng.random() < 0.3:  # The buyer's system does not record the number.
            del document["despatch_no"]
    if writer.rng.random() < 0.1:  # The number of another or of no notice, or in another case.
        document["despatch_no"] = writer.rng.choice(("DN1", "DN2", "DN3", "dn1", "DN999"))
    sent = [writer.after(received_at, (0, 0, 0, 1, 3))]
    writer.write(pair.buyer, "delivery.received", sent[0], document)
    while writer.rng.random() < 0.25:
        sent.append(_receive_again(writer, pair, lines, document, sent[-1]))
    if writer.chance(0.25):
        _reverse(writer, pair, document, sent)
    if writer.chance(0.15):
        _send_back(writer, pair, document, received_at)
    while writer.chance(0.4):
        _inspect(writer, pair, document, received_at)
        if writer.eager:
            break
    if writer.chance(0.12):
        _complain(writer, pair, lines[0], received_at)


def _portion(writer: Writer, line: Line) -> dict[str, Any]:
    quantity = writer.number(writer.portion(line.quantity))
    return {**line.reference, "quantity": quantity, **writer.unit(line.unit)}


def _despatch(
    writer: Writer, pair: Pair, lines: list[dict[str, Any]], received_at: datetime
) -> str:
    """Write a despatch notice, in time or late, once or twice; return its number."""
    despatch_no = writer.document_no(pair, "DN")
    for _ in range(writer.rng.choice((1, 1, 1, 2))):
        document = {**pair.parties, "despatch_no": despatch_no, "lines": deepcopy(lines)}
        if writer.rng.random() < 0.5:
            document["expected_at"] = writer.text(received_at)
            document["vehicle"] = "B 9123 XY"
        moment = writer.after(received_at, (-2, -1, -1, 0, 1))
        writer.write(pair.supplier, "delivery.despatched", moment, document)
    return despatch_no


def _receive_again(
    writer: Writer, pair: Pair, lines: list[Line], first: dict[str, Any], sent: datetime
) -> datetime:
    """Write a receipt again with other lines, quantities or date, or without its notice.

    Return the time of the new version.
    """
    document = deepcopy(first)
    if writer.rng.random() < 0.2:
        document.pop("despatch_no", None)
    if writer.rng.random() < 0.7:
        chosen = writer.rng.sample(lines, writer.rng.randint(1, len(lines)))
        document["lines"] = [_portion(writer, line) for line in chosen]
    if writer.rng.random() < 0.4:
        received_at = datetime.fromisoformat(document["received_at"])
        document["received_at"] = writer.text(writer.after(received_at, (-3, -1, 1, 2)))
    again = writer.after(sent, (-1, 0, 0, 1, 2, 6))
    writer.write(pair.buyer, "delivery.received", again, document)
    return again


def _reverse(writer: Writer, pair: Pair, receipt: dict[str, Any], sent: list[datetime]) -> None:
    """Reverse a receipt or part of it: before it, at the time of a version, or after."""
    for _ in range(writer.rng.choice((1, 1, 2, 3))):
        document = {**pair.parties, "receipt_no": receipt["receipt_no"]}
        if writer.rng.random() < 0.75:
            count = writer.rng.randint(1, len(receipt["lines"]))
            document["lines"] = deepcopy(writer.rng.sample(receipt["lines"], count))
            for line in document["lines"]:
                if writer.rng.random() < 0.6:
                    line["quantity"] = writer.number(writer.amount())
                if "uom" in line and writer.rng.random() < 0.5:
                    line["uom"] = writer.rng.choice((line["uom"], "DZN"))
        moment = writer.rng.choice(sent)
        if writer.rng.random() < 0.7:
            moment = writer.after(moment, (-2, 0, 0, 1, 3, 8))
        writer.write(pair.buyer, "delivery.reversed", moment, document)


def _send_back(writer: Writer, pair: Pair, receipt: dict[str, Any], received_at: datetime) -> None:
    return_no = writer.document_no(pair, "RT")
    for _ in range(writer.rng.choice((1, 1, 2))):
        returned_at = writer.after(received_at, (0, 1, 4, 20))
        lines = deepcopy(writer.rng.sample(receipt["lines"], 1))
        if writer.rng.random() < 0.5:
            lines[0]["quantity"] = writer.number(writer.amount())
        document = {
            **pair.parties,
            "return_no": return_no,
            "returned_at": writer.text(returned_at),
            "lines": lines,
        }
        if writer.rng.random() < 0.5:
            document |= {"receipt_no": receipt["receipt_no"], "reason": "cacat"}
        moment = writer.after(returned_at, (0, 0, 1))
        writer.write(pair.buyer, "delivery.returned", moment, document)


def _inspect(writer: Writer, pair: Pair, receipt: dict[str, Any], received_at: datetime) -> None:
    """Write an inspection, at times again with other quantities and another disposition."""
    rng = writer.rng
    inspection_no = writer.document_no(pair, "QI")
    line = rng.choice(receipt["lines"])
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        inspected_at = writer.after(received_at, (0, 1, 2, 7))
        inspected = rng.choice((0, 2, rng.randint(1, 500), rng.randint(1, 500)))
        rejected = rng.choice((0, 0, 0, rng.randint(0, inspected)))
        document: dict[str, Any] = {
            **pair.parties,
            "inspection_no": inspection_no,
            "inspected_at": writer.text(inspected_at),
            "order_no": line["order_no"],
            "line_no": line["line_no"],
            "quantity_inspected": rng.choice((inspected, str(inspected))),
            "quantity_rejected": rng.choice((rejected, f"{rejected}.000")),
            "disposition": rng.choice(("accepted", "accepted", "rejected", "concession", "rework")),
        }
        if rng.random() < 0.5:
            document |= {"receipt_no": receipt["receipt_no"], "item_no": "ITEM-1"}
        if "uom" in line and rng.random() < 0.5:
            document["uom"] = line["uom"]
        if rejected and rng.random() < 0.5:
            document["defects"] = [{"code": "D01", "quantity": rejected}]
        writer.write(
            pair.buyer, "quality.inspected", writer.after(inspected_at, (0, 0, 1)), document
        )


def _complain(writer: Writer, pair: Pair, line: Line, received_at: datetime) -> None:
    """Write a complaint, at times twice; answer and close it, or not."""
    rng = writer.rng
    naming = {**pair.parties, "complaint_no": writer.document_no(pair, "C")}
    opened_at = writer.after(received_at, (0, 1, 3, 10))
    for _ in range(rng.choice((1, 1, 2))):
        severity = rng.choice(("minor", "minor", "major", "line_stop", "safety"))
        document = {**naming, "opened_at": writer.text(opened_at), "severity": severity}
        if rng.random() < 0.7:
            document |= {**line.reference, "item_no": line.item_no}
        if rng.random() < 0.8:
            document["quantity"] = writer.number(writer.amount())
        if rng.random() < 0.4:
            document["inspection_no"] = f"QI{rng.randint(1, 9)}"
        if rng.random() < 0.3:
            document["failure_mode"] = "dimensi"
        writer.write(
            pair.buyer, "quality.complaint_opened", writer.after(opened_at, (0, 0, 1)), document
        )
        opened_at = writer.after(opened_at, (-1, 0, 2))
    for step, days in (("containment", 2), ("corrective_action", 14)):
        while writer.rng.random() < 0.5 or writer.eager:
            answered_at = opened_at + timedelta(days=days + rng.choice((-1, 0, 0, 1)))
            _settle(writer, pair.supplier, "answered", answered_at, {**naming, "step": step})
            if writer.eager:
                break
    if writer.chance(0.5):
        for _ in range(rng.choice((1, 1, 2))):  # At times twice, at times before the opening.
            closed_at = opened_at + timedelta(days=rng.choice((-4, 0, 1, 2, 5, 13, 59, 60, 61)))
            _settle(writer, pair.buyer, "closed", closed_at, naming)


def _settle(
    writer: Writer, sender: str, what: str, wished: datetime, naming: dict[str, Any]
) -> None:
    moment = writer.after(wished, (0,))
    document = {**naming, f"{what}_at": writer.text(moment)}
    writer.write(sender, f"quality.complaint_{what}", writer.after(moment, (0, 0, 1)), document)
