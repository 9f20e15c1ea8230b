"""The load of each process: what is on order against what it can make in a month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from .reading import ZERO, Event, number
from .units import code, factor
from .values import Figure, ratio
from .view import View

DECLARED = "id.rantai.partner.capacity_declared.v1"
AHEAD = timedelta(days=30)


@dataclass(frozen=True)
class Load:
    """The load of each process, and the highest of them as `value`."""

    value: Fraction | None
    processes: dict[str, Figure]


def capacity_load(view: View) -> Load:
    """Return the load "for each declared process".

    "one without items or of quantity 0 gives no figure. A process of which something is still
    wanted in a unit that does not convert to that of the declaration gives no figure. `value` =
    the highest, `processes` = all".
    """
    demands = {
        process: (_demand(view, declared), number(declared.data["quantity_per_month"]))
        for process, declared in sorted(_in_force(view).items())
        if declared.data.get("items") and number(declared.data["quantity_per_month"]) > 0
    }
    processes = {
        process: ratio(demand, month)
        for process, (demand, month) in demands.items()
        if demand is not None
    }
    loads = [figure.value for figure in processes.values() if figure.value is not None]
    return Load(max(loads, default=None), processes)


def _demand(view: View, declared: Event) -> Fraction | None:
    """Return what is still to be made, in the unit of the declaration; None for a unit conflict.

    "sum of max(0, ordered - received) of its items' lines, neither out nor cancelled, with `due`
    before T + 30 (the backlog too)". Decisions: the item of a line is that of its version in
    force; a line is cancelled if a cancellation ended its fold.
    """
    items, unit = set(declared.data["items"]), code(declared.data)
    wanted = [
        (line.state.quantity - line.quantity_received, factor(line.state.unit, unit))
        for line in view.lines.values()
        if line.state.item_no in items
        and line.state.out is None
        and line.state.cancelled_by is None
        and line.state.due < view.as_of + AHEAD
        and line.state.quantity > line.quantity_received
    ]
    times = [times for _, times in wanted if times is not None]
    if len(times) < len(wanted):
        return None
    return sum((quantity * one for (quantity, _), one in zip(wanted, times, strict=True)), ZERO)


def _in_force(view: View) -> dict[str, Event]:
    """Return the declaration of each process that is in force at T.

    "The declaration of a process is the one of the highest (`valid_from`, `time`, `id`) with
    `valid_from` <= T". Process names are compared letter by letter; the sender does not matter.
    """
    found: dict[str, Event] = {}
    for event in sorted(_declared(view), key=lambda event: (_valid_from(event), event.place)):
        found[str(event.data["process"])] = event
    return found


def _declared(view: View) -> Iterator[Event]:
    for event in view.record.about:
        if event.type == DECLARED and _valid_from(event) <= view.as_of:
            yield event


def _valid_from(event: Event) -> date:
    return date.fromisoformat(event.data["valid_from"])
