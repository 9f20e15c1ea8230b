"""The delivery and quality figures of one supplier, in exact arithmetic.

Each rule follows the sentence of docs/figures.md that it implements, quoted word for word.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from .complaints import counting
from .documents import Inspection, Movement, OrderLineKey, inspections
from .order_line import DEFAULTS, OrderLine, Out, Tolerances
from .reading import ZERO
from .values import Figure, ratio
from .view import LineAt, View, Window, record_of, view_of

__all__ = ["Figure", "LineFacts", "OrderLineKey", "Tolerances", "line_facts", "scorecard"]


@dataclass(frozen=True)
class LineFacts:
    """An order line at T, with its contribution to each delivery figure."""

    due: date
    requested: date
    ordered: Fraction
    price: Fraction | None
    highest: Fraction
    """The highest quantity that any version asks for."""
    revision: int
    """The revision in force."""
    confirmed: bool
    cancelled_by: str | None
    out: Out | None
    receipts: tuple[tuple[date, Fraction], ...]
    """Net receipts before T, by date."""
    received: Fraction
    returned: Fraction
    matured: bool
    in_window: bool
    """Matured, and due + late in the window."""
    otif: bool
    requested_matured: bool
    requested_in_window: bool
    otif_requested: bool
    on_time: Fraction
    filled: Fraction
    quantity_days_late: Fraction
    """As of T; meaningful only if the line is matured."""


def line_facts(
    events: Iterable[Mapping[str, Any]],
    supplier_id: str,
    as_of: date,
    window_days: int = 180,
    buyer_id: str | None = None,
    *,
    zone: str = "Asia/Jakarta",
    tolerances: Tolerances = DEFAULTS,
) -> dict[OrderLineKey, LineFacts]:
    """Return the state at `as_of` of each order line that has a version before it."""
    record = record_of(events, supplier_id, buyer_id)
    return facts_of(view_of(record, as_of, window_days, zone=zone, tolerances=tolerances))


def scorecard(
    events: Iterable[Mapping[str, Any]],
    supplier_id: str,
    as_of: date,
    window_days: int = 180,
    buyer_id: str | None = None,
    *,
    zone: str = "Asia/Jakarta",
    tolerances: Tolerances = DEFAULTS,
) -> dict[str, Figure]:
    """Return the delivery and quality figures of a supplier, for all its buyers or for one."""
    record = record_of(events, supplier_id, buyer_id)
    return delivery_figures(view_of(record, as_of, window_days, zone=zone, tolerances=tolerances))


def delivery_figures(view: View) -> dict[str, Figure]:
    """Return the delivery and quality figures of a view."""
    facts = facts_of(view).values()
    due = [line for line in facts if line.in_window]
    wanted = [line for line in facts if line.requested_in_window]
    ordered = _total(due, lambda line: line.ordered)
    return {
        "otif": ratio(sum(line.otif for line in due), len(due)),
        "otif_requested": ratio(sum(line.otif_requested for line in wanted), len(wanted)),
        "on_time_quantity": ratio(_total(due, lambda line: line.on_time), ordered),
        "fill_rate": ratio(_total(due, lambda line: line.filled), ordered),
        "mean_days_late": ratio(_total(due, lambda line: line.quantity_days_late), ordered),
        "ppm": _ppm(view),
        "lot_acceptance": _lot_acceptance(view),
    }


def _total(lines: Iterable[LineFacts], quantity: Callable[[LineFacts], Fraction]) -> Fraction:
    return sum((quantity(line) for line in lines), ZERO)


def _ppm(view: View) -> Figure:
    # "rejected in inspections + quantity of complaints that name no `inspection_no` / net
    # quantity received (orphans too), all dated in the window; `value` = 1,000,000 x the ratio"
    window = view.window
    bad = [found.rejected for found in _inspections(view) if window.holds(found.on)]
    bad += [
        complaint.quantity
        for complaint in counting(view)
        if window.holds(complaint.on) and not complaint.names_inspection
    ]
    received = [
        sum(receipt.left.values(), ZERO) for receipt in view.receipts if window.holds(receipt.on)
    ]
    return ratio(sum(bad, ZERO), sum(received, ZERO), scale=1_000_000)


def _lot_acceptance(view: View) -> Figure:
    # "inspections with disposition `accepted` / inspections."
    inspected = [found for found in _inspections(view) if view.window.holds(found.on)]
    return ratio(sum(inspection.accepted for inspection in inspected), len(inspected))


def _inspections(view: View) -> list[Inspection]:
    events = view.record.dealings
    return inspections(events, view.as_of, view.site, view.units, view.known_receipts)


def facts_of(view: View) -> dict[OrderLineKey, LineFacts]:
    """Return the contribution of each line to each delivery figure."""
    return {key: _facts(line, view.window, view.tolerances) for key, line in view.lines.items()}


def _facts(at: LineAt, window: Window, tolerances: Tolerances) -> LineFacts:
    line, received = at.state, at.received
    all_received, all_returned = at.quantity_received, at.quantity_returned
    matured = _is_matured(line, line.due, window, tolerances)
    wanted = _is_matured(line, line.requested, window, tolerances)
    late = timedelta(days=tolerances.late)
    return LineFacts(
        due=line.due,
        requested=line.requested,
        ordered=line.quantity,
        price=line.price,
        highest=line.highest,
        revision=line.in_force.revision,
        confirmed=line.confirmation is not None,
        cancelled_by=line.cancelled_by,
        out=line.out,
        receipts=tuple(sorted((receipt.on, receipt.quantity) for receipt in received)),
        received=all_received,
        returned=all_returned,
        matured=matured,
        # "it belongs to the window in which `due` + late falls."
        in_window=matured and window.holds(line.due + late),
        otif=_is_otif(line, line.due, at, tolerances),
        requested_matured=wanted,
        requested_in_window=wanted and window.holds(line.requested + late),
        # "the same, with the requested date in force in the place of `due` (maturity too)"
        otif_requested=_is_otif(line, line.requested, at, tolerances),
        on_time=_on_time(line, received, tolerances),
        # "min(ordered, received less returned before T, not under 0)"
        filled=min(line.quantity, max(ZERO, all_received - all_returned)),
        quantity_days_late=_quantity_days_late(line, received, window.end),
    )


def _received(
    movements: list[Movement], since: date = date.min, until: date = date.max
) -> Fraction:
    return sum((moved.quantity for moved in movements if since <= moved.on <= until), ZERO)


def _is_matured(line: OrderLine, due: date, window: Window, tolerances: Tolerances) -> bool:
    # "A line that is not out is **matured** when `due` + late < T".
    return line.out is None and due + timedelta(days=tolerances.late) < window.end


def _is_otif(line: OrderLine, due: date, at: LineAt, tolerances: Tolerances) -> bool:
    """Return whether a line came on time and in full.

    "(1) received by due+late >= ordered x (1-under); (2) at no receipt by then more in the house
    than (1+over) x the highest quantity that any version at T asks for [...]; (3) nothing received
    before due-early"
    """
    by_then = due + timedelta(days=tolerances.late)
    too_early = due - timedelta(days=tolerances.early)
    most = (1 + Fraction(tolerances.over)) * line.highest
    return (
        _received(at.received, until=by_then) >= line.quantity * (1 - Fraction(tolerances.under))
        and all(_in_the_house(at, moved) <= most for moved in at.received if moved.on <= by_then)
        and not any(moved.on < too_early for moved in at.received)
    )


def _in_the_house(at: LineAt, moved: Movement) -> Fraction:
    """Return the quantity in the house at a receipt.

    "what was received so far less returned so far, by `received_at` and `returned_at`, a return
    before a receipt of the same instant; not under 0"
    """
    came = sum((one.quantity for one in at.received if one.at <= moved.at), ZERO)
    went = sum((one.quantity for one in at.returned if one.at <= moved.at), ZERO)
    return max(ZERO, came - went)


def _on_time(line: OrderLine, received: list[Movement], tolerances: Tolerances) -> Fraction:
    # "min(ordered, received in [due-early, due+late])"
    since = line.due - timedelta(days=tolerances.early)
    until = line.due + timedelta(days=tolerances.late)
    return min(line.quantity, _received(received, since, until))


def _quantity_days_late(line: OrderLine, received: list[Movement], as_of: date) -> Fraction:
    """Return the days late, weighted by quantity.

    "receipts fill the ordered quantity in order of date; sum of quantity x max(0, date - due),
    what is still missing at T valued at T - due"
    """
    missing = line.quantity
    weighed = ZERO
    for receipt in sorted(received, key=lambda receipt: receipt.on):
        filling = min(missing, receipt.quantity)
        weighed += filling * max(0, (receipt.on - line.due).days)
        missing -= filling
    return weighed + missing * (as_of - line.due).days
