"""Counts of order lines and receipt lines, and the concentration of sales on few buyers."""

from collections import defaultdict
from datetime import timedelta
from fractions import Fraction

from .reading import ZERO
from .values import Plain
from .view import LineAt, View, Window


def matured(line: LineAt, view: View) -> bool:
    """Return whether a line is matured: "A line that is not out [...] when `due` + late < T"."""
    return line.state.out is None and line.state.due + view.late < view.as_of


def matured_in_window(view: View) -> list[LineAt]:
    """Return the matured lines of "the window in which `due` + late falls"."""
    return [
        line
        for line in view.lines.values()
        if matured(line, view) and view.window.holds(line.state.due + view.late)
    ]


def matured_months(view: View) -> int:
    """Count the "calendar months of due + late" of the matured lines in the window."""
    dates = [line.state.due + view.late for line in matured_in_window(view)]
    return len({(on.year, on.month) for on in dates})


def overdue_lines(view: View) -> Plain:
    """Count the matured lines that are not delivered in full.

    "lines matured at any time, with no cancellation at all (not even one that came too late),
    received less returned before T < ordered x (1-under)".
    """
    share = 1 - Fraction(view.tolerances.under)
    return Plain(
        sum(
            matured(line, view)
            and not line.history.cancellations
            and line.quantity_received - line.quantity_returned < line.state.quantity * share
            for line in view.lines.values()
        )
    )


def orphan_receipts(view: View) -> Plain:
    """Count "receipt lines, any age, whose order line has no version at T".

    "Two lines of one receipt for the same order line add up": they count as one. Decision: "A
    receipt with nothing left is treated as if it did not exist", and so is a line of it.
    """
    lines = [key for receipt in view.receipts for key, quantity in receipt.left.items() if quantity]
    return Plain(sum(key not in view.lines for key in lines))


def retroactive_lines(view: View) -> Plain:
    """Count "retroactive lines whose first version is dated in the window"."""
    return Plain(
        sum(
            line.state.retroactive and view.window.holds(view.site.date_of(line.history.first.time))
            for line in view.lines.values()
        )
    )


def buyer_concentration(view: View) -> Plain:
    """Return the HHI (Herfindahl-Hirschman index) of the buyers.

    "sum of squared buyer shares of net received quantity x price in force, receipts of the 365
    days before T, lines with a price in the policy's base currency (HHI; total 0 = `null`). Only
    for the supplier and the programme: `null` with a `buyer_id`". It is not a delivery figure:
    lines that are out count too, because what came of them was sold.
    """
    if view.record.buyer_id is not None:
        return Plain(None)
    year = Window(view.as_of - timedelta(days=365), view.as_of)
    sales: dict[str, Fraction] = defaultdict(Fraction)
    for line in view.lines.values():
        if line.state.price is not None and line.currency == view.base_currency:
            received = [moved.quantity for moved in line.received if year.holds(moved.on)]
            sales[line.key[0]] += sum(received, ZERO) * line.state.price
    total = sum(sales.values(), ZERO)
    if total == 0:
        return Plain(None)
    return Plain(sum(((sold / total) ** 2 for sold in sales.values()), ZERO))
