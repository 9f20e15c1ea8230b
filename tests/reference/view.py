"""The state of one supplier's events at a date, from which every figure is computed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from .documents import Movement, OrderLineKey, Receipt, receipts, returns
from .order_line import (
    DEFAULTS,
    History,
    OrderLine,
    Tolerances,
    fold,
    histories,
    with_received,
)
from .reading import ZERO, Event, Site, about, dealings


@dataclass(frozen=True)
class Window:
    """The days that a figure covers: "[T - W, T)"."""

    start: date
    end: date

    def holds(self, day: date) -> bool:
        """Return whether a day lies in the window."""
        return self.start <= day < self.end


@dataclass(frozen=True)
class Record:
    """All events about a supplier, read once for any number of dates."""

    dealings: list[Event]
    """The events between the supplier and its buyers, or only `buyer_id` if that is set."""
    about: list[Event]
    """The same, and the events about the supplier that name no buyer."""
    buyer_id: str | None


def record_of(
    events: Iterable[Mapping[str, Any]], supplier_id: str, buyer_id: str | None = None
) -> Record:
    """Read the events about a supplier, of all its buyers or only of `buyer_id`."""
    every = list(events)
    return Record(
        dealings(every, supplier_id, buyer_id), about(every, supplier_id, buyer_id), buyer_id
    )


@dataclass(frozen=True)
class LineAt:
    """An order line at T with its net receipts and its returns."""

    key: OrderLineKey
    history: History
    state: OrderLine
    received: list[Movement]
    """Net receipts before T."""
    returned: list[Movement]

    @property
    def quantity_received(self) -> Fraction:
        """The net quantity received before T."""
        return sum((moved.quantity for moved in self.received), ZERO)

    @property
    def quantity_returned(self) -> Fraction:
        """The quantity sent back before T."""
        return sum((moved.quantity for moved in self.returned), ZERO)

    @property
    def currency(self) -> str:
        """The currency of the price in force.

        docs/events.md: "Money likewise with `currency` (ISO 4217, default `IDR`)".
        """
        return self.state.currency


@dataclass(frozen=True)
class View:
    """The record of a supplier as it stands at T, with the window and the rules to judge it."""

    record: Record
    window: Window
    site: Site
    tolerances: Tolerances
    base_currency: str

    @property
    def as_of(self) -> date:
        """T: the end of the window."""
        return self.window.end

    @property
    def late(self) -> timedelta:
        """The late tolerance."""
        return timedelta(days=self.tolerances.late)

    @cached_property
    def histories(self) -> dict[OrderLineKey, History]:
        """The order events of every order line that has a version at T."""
        return histories(self.record.dealings, self.as_of, self.site)

    @cached_property
    def units(self) -> dict[OrderLineKey, str | None]:
        """The unit of every order line that has a version at T."""
        return {key: history.unit for key, history in self.histories.items()}

    @cached_property
    def known_receipts(self) -> list[Receipt]:
        """The receipts before T, also those of which nothing is left."""
        return receipts(self.record.dealings, self.as_of, self.site, self.units)

    @cached_property
    def receipts(self) -> list[Receipt]:
        """The receipts before T of which something is left after reversals."""
        return [receipt for receipt in self.known_receipts if receipt.stays]

    @cached_property
    def lines(self) -> dict[OrderLineKey, LineAt]:
        """Every order line that has a version at T."""
        received: dict[OrderLineKey, list[Movement]] = defaultdict(list)
        returned: dict[OrderLineKey, list[Movement]] = defaultdict(list)
        for receipt in self.receipts:
            for key, quantity in receipt.left.items():
                if quantity:
                    came = Movement(key, receipt.on, quantity, receipt.key[1], receipt.received_at)
                    received[key].append(came)
        for moved in returns(self.record.dealings, self.as_of, self.site, self.units):
            returned[moved.line].append(moved)
        return {
            key: LineAt(
                key,
                history,
                with_received(fold(history, self.tolerances, self.site), received[key], self.site),
                received[key],
                returned[key],
            )
            for key, history in self.histories.items()
        }


def view_of(
    record: Record,
    as_of: date,
    window_days: int = 180,
    *,
    zone: str = "Asia/Jakarta",
    tolerances: Tolerances = DEFAULTS,
    base_currency: str = "IDR",
) -> View:
    """Return a record as of a date.

    "`as_of` = T [...] The window is the `window_days` (default 180) before it: [T - W, T)."
    """
    window = Window(as_of - timedelta(days=window_days), as_of)
    return View(record, window, Site(ZoneInfo(zone)), tolerances, base_currency)
