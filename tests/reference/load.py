"""What is ordered of each process, against what it can make in a month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from .reading import ZERO, Event, number
from .values import Figure, ratio
from .view import View

DECLARED = "id.rantai.partner.capacity_declared.v1"
AHEAD = timedelta(days=30)


@dataclass(frozen=True)
class Load:
    """The load of each process, and the highest of them."""

    value: Fraction | None
    processes: dict[str, Figure]


def capacity_load(view: View) -> Load:
    """Give the load "per declared process in force at T".

    "`value` = the highest, `processes` = all". "one without items or of quantity 0 gives no
    figure".
    """
    processes = {
        process: ratio(_demand(view, declared), number(declared.data["quantity_per_month"]))
        for process, declared in sorted(_in_force(view).items())
        if declared.data.get("items") and number(declared.data["quantity_per_month"]) > 0
    }
    loads = [figure.value for figure in processes.values() if figure.value is not None]
    return Load(max(loads, default=None), processes)


def _demand(view: View, declared: Event) -> Fraction:
    """Sum what is still to be made.

    "sum of max(0, ordered - received) of its items' lines, neither out nor cancelled, with `due`
    before T + 30 (the backlog too)". Decision: the item of a line is that of its version in force;
    a line is cancelled where a cancellation ended its fold.
    """
    items = set(declared.data["items"])
    return sum(
        (
            max(ZERO, line.state.quantity - line.quantity_received)
            for line in view.lines.values()
            if line.state.item_no in items
            and line.state.out is None
            and line.state.cancelled_by is None
            and line.state.due < view.as_of + AHEAD
        ),
        ZERO,
    )


def _in_force(view: View) -> dict[str, Event]:
    """Choose the declaration of each process that is in force at T.

    "of each, the declaration of the highest (`valid_from`, `time`, `id`) with `valid_from` <= T";
    process names are compared letter by letter; who declared it does not matter.
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
