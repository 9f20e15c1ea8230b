"""An order line as it stood at a date, worked out of its fold. Pure.

In the shape that `lines.sql` gives, so that what is said of a line is said by the same words
wherever it stands.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from services.readiness.policy import Policy

Row = Mapping[str, Any]


def line_at(fold: Row, as_of: date, policy: Policy) -> dict[str, Any] | None:
    """Return a line as it was known when a day began; None where it had no version before.

    `receipts`: of each day and receipt what is left after reversals. `most`: what may come at most.
    """
    known = sum(day < as_of for day, _, _ in fold["events"])
    if not known or not fold["steps"]:
        return None
    due, requested, ordered, most, out, cancelled_by, item, uom, revision, confirmed, *by = fold[
        "steps"
    ][known - 1]
    tolerances = policy.tolerances_for(fold["buyer_id"], item)
    net: dict[tuple[date, str], Decimal] = {}
    for received_on, known_on, quantity, number in fold["receipts"]:
        if known_on < as_of:
            so_far = net.get((received_on, number), Decimal(0))
            net[received_on, number] = so_far + quantity
    receipts = sorted((on, quantity, number) for (on, number), quantity in net.items() if quantity)
    back = sum((quantity for on, quantity, _ in fold["returns"] if on < as_of), Decimal(0))
    return {
        "buyer_id": fold["buyer_id"],
        "order_no": fold["order_no"],
        "line_no": fold["line_no"],
        "item_no": item,
        "uom": uom,
        "ordered": ordered,
        "requested_date": requested,
        "due_date": due,
        "due_set_by": tuple(by),
        "out_because": out,
        "cancelled_by": cancelled_by,
        "revision": revision,
        "confirmed": bool(confirmed),
        "receipts": receipts,
        "most": most * (1 + tolerances.over),
        "received": sum((quantity for _, quantity, _ in receipts), Decimal(0)),
        "returned": back,
    }
