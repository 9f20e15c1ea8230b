"""The delivery and quality figures of one supplier, in exact arithmetic.

Every rule stands under the sentence of the definition that it transcribes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from .documents import (
    Movement,
    OrderLineKey,
    complaints,
    inspections,
    net_receipts,
    returns,
)
from .order_line import DEFAULTS, OrderLine, Out, Tolerances, fold, histories
from .reading import ZERO, Event, Site, dealings

__all__ = ["Figure", "LineFacts", "OrderLineKey", "Tolerances", "line_facts", "scorecard"]


@dataclass(frozen=True)
class Figure:
    """A figure with what it is made of."""

    numerator: Fraction
    denominator: Fraction
    value: Fraction | None


@dataclass(frozen=True)
class Window:
    """The days a figure looks at: "[T - W, T)"."""

    start: date
    end: date

    def holds(self, day: date) -> bool:
        """Tell whether a day lies in the window."""
        return self.start <= day < self.end


@dataclass(frozen=True)
class LineFacts:
    """An order line at T, with what each delivery figure takes from it."""

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
    """As of T; it means something where the line is matured."""


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
    """Give the state at `as_of` of each order line that has a version before it."""
    window = Window(as_of - timedelta(days=window_days), as_of)
    chosen = dealings(events, supplier_id, buyer_id)
    return _line_facts(chosen, window, Site(ZoneInfo(zone)), tolerances)


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
    """Give the figures of a supplier, from all its buyers' events or one buyer's."""
    window = Window(as_of - timedelta(days=window_days), as_of)
    site = Site(ZoneInfo(zone))
    chosen = dealings(events, supplier_id, buyer_id)
    facts = _line_facts(chosen, window, site, tolerances).values()
    due = [line for line in facts if line.in_window]
    wanted = [line for line in facts if line.requested_in_window]
    ordered = _total(due, lambda line: line.ordered)
    return {
        "otif": _ratio(_total(due, lambda line: Fraction(line.otif)), Fraction(len(due))),
        "otif_requested": _ratio(
            _total(wanted, lambda line: Fraction(line.otif_requested)), Fraction(len(wanted))
        ),
        "on_time_quantity": _ratio(_total(due, lambda line: line.on_time), ordered),
        "fill_rate": _ratio(_total(due, lambda line: line.filled), ordered),
        "mean_days_late": _ratio(_total(due, lambda line: line.quantity_days_late), ordered),
        "ppm": _ppm(chosen, window, site),
        "lot_acceptance": _lot_acceptance(chosen, window, site),
    }


def _total(lines: Iterable[LineFacts], quantity: Callable[[LineFacts], Fraction]) -> Fraction:
    return sum((quantity(line) for line in lines), ZERO)


def _ratio(numerator: Fraction, denominator: Fraction, scale: int = 1) -> Figure:
    # "`numerator`, `denominator` and `value` are all given; denominator 0 = `null`, never 0 and
    # never 100"
    value = None if denominator == 0 else scale * numerator / denominator
    return Figure(numerator, denominator, value)


def _ppm(events: list[Event], window: Window, site: Site) -> Figure:
    # "rejected in inspections + quantity of complaints that name no `inspection_no` / net
    # quantity received (orphans too), all dated in the window; `value` = 1,000,000 x the ratio"
    bad = [found.rejected for found in inspections(events, site) if window.holds(found.on)]
    bad += [
        complaint.quantity
        for complaint in complaints(events, site)
        if window.holds(complaint.on) and not complaint.names_inspection
    ]
    received = [
        receipt.quantity
        for receipt in net_receipts(events, window.end, site)
        if window.holds(receipt.on)
    ]
    return _ratio(sum(bad, ZERO), sum(received, ZERO), scale=1_000_000)


def _lot_acceptance(events: list[Event], window: Window, site: Site) -> Figure:
    # "inspections with disposition `accepted` / inspections."
    inspected = [found for found in inspections(events, site) if window.holds(found.on)]
    accepted = sum(found.accepted for found in inspected)
    return _ratio(Fraction(accepted), Fraction(len(inspected)))


def _line_facts(
    events: list[Event], window: Window, site: Site, tolerances: Tolerances
) -> dict[OrderLineKey, LineFacts]:
    received = _by_line(net_receipts(events, window.end, site))
    returned = _by_line(returns(events, window.end, site))
    return {
        key: _facts(
            fold(history, tolerances, site),
            received.get(key, []),
            returned.get(key, []),
            window,
            tolerances,
        )
        for key, history in histories(events, window.end, site).items()
    }


def _by_line(movements: list[Movement]) -> dict[OrderLineKey, list[Movement]]:
    found: dict[OrderLineKey, list[Movement]] = {}
    for moved in movements:
        found.setdefault(moved.line, []).append(moved)
    return found


def _facts(
    line: OrderLine,
    received: list[Movement],
    returned: list[Movement],
    window: Window,
    tolerances: Tolerances,
) -> LineFacts:
    all_received = _received(received)
    all_returned = _received(returned)
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
        otif=_is_otif(line, line.due, received, tolerances),
        requested_matured=wanted,
        requested_in_window=wanted and window.holds(line.requested + late),
        # "the same, with the requested date in force in the place of `due` (maturity too)"
        otif_requested=_is_otif(line, line.requested, received, tolerances),
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


def _is_otif(line: OrderLine, due: date, received: list[Movement], tolerances: Tolerances) -> bool:
    """Tell whether a line came on time and in full.

    "received by due+late >= ordered x (1-under), and <= (1+over) x the highest quantity that any
    version at T asks for, and nothing received before due-early"
    """
    in_time = _received(received, until=due + timedelta(days=tolerances.late))
    too_early = [
        receipt for receipt in received if receipt.on < due - timedelta(days=tolerances.early)
    ]
    return (
        in_time >= line.quantity * (1 - Fraction(tolerances.under))
        and in_time <= (1 + Fraction(tolerances.over)) * line.highest
        and not too_early
    )


def _on_time(line: OrderLine, received: list[Movement], tolerances: Tolerances) -> Fraction:
    # "min(ordered, received in [due-early, due+late])"
    since = line.due - timedelta(days=tolerances.early)
    until = line.due + timedelta(days=tolerances.late)
    return min(line.quantity, _received(received, since, until))


def _quantity_days_late(line: OrderLine, received: list[Movement], as_of: date) -> Fraction:
    """Weigh the days late with the quantity.

    "receipts by date fill the ordered quantity; sum of quantity x max(0, date - due), what is
    still missing at T valued at T - due"
    """
    missing = line.quantity
    weighed = ZERO
    for receipt in sorted(received, key=lambda receipt: receipt.on):
        filling = min(missing, receipt.quantity)
        weighed += filling * max(0, (receipt.on - line.due).days)
        missing -= filling
    return weighed + missing * (as_of - line.due).days
