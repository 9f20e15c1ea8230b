"""An order line as it stood at a date, computed from its fold. Pure.

The result has the shape of a row of `order_lines_at.sql`, so that every page describes a line in
the same words and by the same numbers.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from services.readiness.policy import Policy
from services.readiness.row import Row
from services.readiness.sums import in_unit

_NONE: Final = Decimal(0)


def line_at(fold: Row, as_of: date, policy: Policy) -> dict[str, Any] | None:
    """Return a line as it was known when a day began, or None if it had no version by then.

    `fold`: a row of line_fold.sql. Quantities in the result are in the unit of the line.
    `receipts`: (day, quantity, receipt number) of what reversals left of each receipt. `most`: the
    quantity above which the buyer has received too much. `in_the_house`: (day, quantity) that the
    buyer held after each receipt and return.
    """
    known = sum(day < as_of for day, _, _ in fold["events"])
    if not known or not fold["steps"]:
        return None
    (
        due, requested, ordered, most, out, cancelled_by, item, uom, revision, confirmed, *by, _,
    ) = fold["steps"][known - 1]  # fmt: skip
    tolerances = policy.tolerances_for(fold["buyer_id"], item)
    came = [one for one in fold["receipts"] if one[1] < as_of]
    went = [one for one in fold["returns"] if one[1] < as_of]
    net: dict[tuple[date, str], Decimal] = {}
    for received_on, _, quantity, number, _ in came:
        net[received_on, number] = net.get((received_on, number), _NONE) + quantity
    return {
        "buyer_id": fold["buyer_id"],
        "order_no": fold["order_no"],
        "line_no": fold["line_no"],
        "item_no": item,
        "uom": uom or None,
        "ordered": in_unit(ordered, uom),
        "requested_date": requested,
        "due_date": due,
        "due_set_by": tuple(by),
        "out_because": out,
        "cancelled_by": cancelled_by,
        "revision": revision,
        "confirmed": bool(confirmed),
        "receipts": [
            (on, in_unit(quantity, uom), number)
            for (on, number), quantity in sorted(net.items())
            if quantity > 0
        ],
        "most": in_unit(most * (1 + tolerances.over), uom),
        "in_the_house": [(on, in_unit(held, uom)) for on, held in _in_the_house(came, went)],
        "received": in_unit(sum((one[2] for one in came), _NONE), uom),
        "returned": in_unit(sum((one[2] for one in went), _NONE), uom),
    }


def _in_the_house(
    came: Sequence[Sequence[Any]], went: Sequence[Sequence[Any]]
) -> list[tuple[date, Decimal]]:
    """Return (day, quantity the buyer held) after each instant at which goods came or went back."""
    moves: list[tuple[datetime, date, Decimal]] = sorted(
        [(at, on, quantity) for on, _, quantity, _, at in came]
        + [(at, on, -quantity) for on, _, quantity, at in went]
    )
    held, found = _NONE, []
    for _, together in groupby(moves, key=lambda move: move[0]):
        some = list(together)
        held += sum((quantity for _, _, quantity in some), _NONE)
        found.append((some[0][1], held))
    return found
