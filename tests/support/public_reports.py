"""Cases from public bug reports of other products: their events and the expected figures."""

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
"""By figure key: (numerator, denominator), a plain number, or a load for each process."""


@dataclass(frozen=True)
class Report:
    """A bug report as events, and the right figures, worked out by hand from docs/figures.md."""

    name: str
    """Repository and issue number."""
    events: Sequence[Event]
    expected: Told
    later: Sequence[Event] = field(default=())
    """Events that arrive after the others were stored and folded."""
    as_of: date = T

    @property
    def supplier(self) -> str:
        """The supplier id, made from the name: each report has its own supplier."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.name)[-64:].strip("-")

    @property
    def parts(self) -> tuple[list[Event], list[Event]]:
        """`events` and `later`, with the supplier id and event ids of this report."""
        first, second = ([self._own(one) for one in part] for part in (self.events, self.later))
        return first, second

    def _own(self, one: Event) -> Event:
        data = one["data"] | {"supplier_id": self.supplier}
        # Reports share events: each gets its own copy with its own id.
        return one | {"id": f"{self.name} {one['id']}", "data": data}


def by_the_store(clickhouse: ClickHouse, reports: Sequence[Report]) -> dict[str, Told]:
    """Store the events of all reports; return the figures of each, by report name."""
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
    """Return the figures of a report as the reference implementation computes them."""
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
    """Return an order of the given lines."""
    return event("order.placed", day, order_no=order_no, lines=list(lines), **more)


def asked(line_no: str, quantity: int | str, wanted: str, **more: Any) -> Document:
    """Return a line of an order; `wanted` is a date with its year."""
    stated = {"line_no": line_no, "item_no": "I", "quantity": quantity, "requested_date": wanted}
    return stated | more


def moved(quantity: int | str, line_no: str = "10", order_no: str = "P", **more: Any) -> Document:
    """Return a line of a despatch, receipt, reversal or return."""
    return {"order_no": order_no, "line_no": line_no, "quantity": quantity} | more
