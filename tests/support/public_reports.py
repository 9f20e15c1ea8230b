"""Public bug reports of other products as cases: their events, and the figures they come to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.assessment.assessor import Assessor
from services.assessment.figure_store import Selection
from services.readiness.figures import Figure, Load
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from tests.reference import values
from tests.reference.all_figures import all_figures
from tests.reference.cases import Document, Event, event
from tests.reference.load import Load as ReferenceLoad
from tests.support.storing import store

T = date(2026, 4, 1)

Told = dict[str, Any]
"""By key: numerator and denominator, or the value of a figure that is one number."""


@dataclass(frozen=True)
class Report:
    """A report, and what is right of it, worked out by hand from docs/figures.md."""

    name: str
    """Repository and number."""
    events: Sequence[Event]
    expected: Told
    later: Sequence[Event] = field(default=())
    """Events that arrive when the others are stored and folded."""
    as_of: date = T

    @property
    def supplier(self) -> str:
        """The supplier of this report alone."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.name)[-64:].strip("-")

    @property
    def parts(self) -> tuple[list[Event], list[Event]]:
        """The events as they arrive, of a supplier of this report's own."""
        first, second = ([self._own(one) for one in part] for part in (self.events, self.later))
        return first, second

    def _own(self, one: Event) -> Event:
        data = one["data"] | {"supplier_id": self.supplier}
        # Reports share events: each has its own copy, with an id of its own.
        return one | {"id": f"{self.name} {one['id']}", "data": data}


def by_the_store(clickhouse: ClickHouse, reports: Sequence[Report]) -> dict[str, Told]:
    """Store the events of all reports, and read the figures of each."""
    store(clickhouse, [one for report in reports for one in report.parts[0]])
    if later := [one for report in reports for one in report.parts[1]]:
        store(clickhouse, later)
    found: dict[str, Told] = {}
    for day in {report.as_of for report in reports}:
        named = {report.supplier: report.name for report in reports if report.as_of == day}
        assessed = Assessor(clickhouse, DEFAULT_POLICY).assessed(Selection(day, 180, list(named)))
        found |= {named[supplier]: _told(one.figures) for supplier, one in assessed.items()}
    return found


def by_the_reference(report: Report) -> Told:
    """Read the figures of a report as the reference has them."""
    first, second = report.parts
    return _told(all_figures([*first, *second], report.supplier, report.as_of).kpis)


def _told(figures: Any) -> Told:
    return {key: _one(figure) for key, figure in figures.items()}


def _one(figure: Any) -> Any:
    if isinstance(figure, (Figure, values.Figure)):
        return (figure.numerator, figure.denominator)
    if isinstance(figure, (Load, ReferenceLoad)):
        return {name: _one(one) for name, one in figure.processes.items()}
    return figure.exact if hasattr(figure, "exact") else figure.value


def placed(day: str, *lines: Document, order_no: str = "P", **more: Any) -> Event:
    """Place an order of several lines."""
    return event("order.placed", day, order_no=order_no, lines=list(lines), **more)


def asked(line_no: str, quantity: int | str, wanted: str, **more: Any) -> Document:
    """Write a line of an order; the day with its year."""
    stated = {"line_no": line_no, "item_no": "I", "quantity": quantity, "requested_date": wanted}
    return stated | more


def moved(quantity: int | str, line_no: str = "10", order_no: str = "P", **more: Any) -> Document:
    """Write a line that moves a quantity."""
    return {"order_no": order_no, "line_no": line_no, "quantity": quantity} | more
