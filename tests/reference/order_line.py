"""The fold of one order line: its state at a date, from its order events."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, Protocol

from .documents import OrderLineKey
from .reading import ZERO, Event, Site, number
from .units import code, factor

Out = Literal["retroactive", "cancelled", "rejected", "zero"]
FoldKey = tuple[datetime, int, int, datetime, str, str]

PLACED = "id.rantai.order.placed.v1"
CHANGED = "id.rantai.order.changed.v1"
CANCELLED = "id.rantai.order.cancelled.v1"
CONFIRMED = "id.rantai.order.confirmed.v1"


@dataclass(frozen=True)
class Tolerances:
    """The policy's tolerances, with its defaults.

    "early 7 days, late 0 days, under 0 %, over 5 %"; short notice "3 days (policy)".
    """

    early: int = 7
    late: int = 0
    under: Decimal = Decimal("0")
    over: Decimal = Decimal("0.05")
    short_notice_days: int = 3


DEFAULTS = Tolerances()


@dataclass(frozen=True)
class Version:
    """An order line as one placed or changed event states it."""

    time: datetime
    revision: int
    id: str
    source: str
    quantity: Fraction
    price: Fraction | None
    requested: date
    item_no: str
    currency: str | None
    """The currency of the price; None if the document names none."""
    uom: str | None

    @property
    def earliness(self) -> tuple[datetime, int, str, str]:
        """The sort key by age: "the earliest [...] (by `time`, `revision`, `id`)"."""
        return self.time, self.revision, self.id, self.source

    @property
    def rank(self) -> tuple[int, datetime, str, str]:
        """The sort key by force: "counts where its (`revision`, `time`, `id`) is higher"."""
        return self.revision, self.time, self.id, self.source

    def fold_key(self, _first: datetime) -> FoldKey:
        """Return its place in the fold: at the same time, orders come first."""
        return self.time, 0, self.revision, self.time, self.id, self.source


@dataclass(frozen=True)
class CalledOff:
    """A placed event of the order that does not name the line.

    "A placed event is the whole order. For a line of that order which it does not name, and whose
    first version is timed before it, it is a version (revision 0) that asks for the same as the
    version which counted last, but with quantity 0."
    """

    time: datetime
    id: str
    source: str
    revision: int = 0

    @property
    def rank(self) -> tuple[int, datetime, str, str]:
        """The sort key by force, as for any version."""
        return self.revision, self.time, self.id, self.source

    def fold_key(self, _first: datetime) -> FoldKey:
        """Return its place in the fold: that of a version."""
        return self.time, 0, self.revision, self.time, self.id, self.source


@dataclass(frozen=True)
class Asked:
    """What a version asks for, in the line's unit."""

    item_no: str
    quantity: Fraction
    price: Fraction | None
    currency: str
    requested: date


@dataclass(frozen=True)
class Confirmation:
    """The supplier's confirmation of an order line. `rejected`: its status is `rejected`."""

    time: datetime
    id: str
    source: str
    rejected: bool
    confirmed_date: date | None

    def fold_key(self, first: datetime) -> FoldKey:
        """Return its place in the fold: at the same time, confirmations come after orders.

        "A confirmation or cancellation timed before the first version is taken as if at that
        version's time."
        """
        return max(self.time, first), 1, 0, self.time, self.id, self.source


@dataclass(frozen=True)
class Cancellation:
    """A cancellation that names the order line, or its whole order."""

    time: datetime
    id: str
    source: str
    by: str

    def fold_key(self, first: datetime) -> FoldKey:
        """Return its place in the fold: at the same time, cancellations come last."""
        return max(self.time, first), 2, 0, self.time, self.id, self.source


Step = Version | CalledOff | Confirmation | Cancellation


@dataclass
class History:
    """All order events of one line before T."""

    versions: list[Version] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    cancellations: list[Cancellation] = field(default_factory=list)
    placed_without: list[CalledOff] = field(default_factory=list)
    """Placed events of the order that do not name the line."""

    @property
    def called_off(self) -> list[CalledOff]:
        """Those of `placed_without` that are versions: "whose first version is timed before it"."""
        return [placed for placed in self.placed_without if self.first.time < placed.time]

    @property
    def unit(self) -> str | None:
        """The line's unit: "that of its first version which names one"."""
        ordered = sorted(self.versions, key=lambda version: version.earliness)
        return next((version.uom for version in ordered if version.uom is not None), None)

    @property
    def in_line_unit(self) -> list[tuple[Version, Fraction]]:
        """The versions that count at all, each with its factor into the line's unit.

        "Where none exists, that version [...] counts in nothing and is shown as a unit conflict".
        """
        factors = [(version, factor(version.uom, self.unit)) for version in self.versions]
        return [(version, times) for version, times in factors if times is not None]

    def asked_for_nothing_before(self, moment: datetime) -> bool:
        """Return whether "a version that asks for 0" is timed before a moment."""
        named = [version.time for version, _ in self.in_line_unit if version.quantity == 0]
        named += [placed.time for placed in self.called_off]
        return any(time < moment for time in named)

    @property
    def first(self) -> Version:
        """The first version."""
        return min(self.versions, key=lambda version: version.earliness)

    def in_fold_order(self) -> list[Step]:
        """Return the events "in order of (`time`, orders before confirmations before
        cancellations, `revision`, own `time`, `id`)".
        """
        first = self.first.time
        steps: list[Step] = [version for version, _ in self.in_line_unit]
        steps += [*self.called_off, *self.confirmations, *self.cancellations]
        return sorted(steps, key=lambda step: step.fold_key(first))


@dataclass
class OrderLine:
    """The state of a line during the fold of its events, and at its end."""

    in_force: Version | CalledOff
    asked: Asked
    """What the version that counted last asks for, whether or not it was taken over."""
    item_no: str
    quantity: Fraction
    price: Fraction | None
    currency: str
    requested: date
    due: date
    first: Version
    unit: str | None
    highest: Fraction
    asks_too_late: bool
    confirmation: Confirmation | None = None
    cancelled_by: str | None = None
    cancelled_at: datetime | None = None
    """When the buyer cancelled what was still open."""
    written_afterwards: bool = False
    """Something was received on a date before that of the first version."""

    @property
    def rejected(self) -> bool:
        """Whether the line stands rejected."""
        return self.confirmation is not None and self.confirmation.rejected

    @property
    def retroactive(self) -> bool:
        """Whether the line is retroactive.

        "a line is retroactive where its first version asks for a date before that version's own,
        or where anything was received on a date before that version's own."
        """
        return self.asks_too_late or self.written_afterwards

    @property
    def out(self) -> Out | None:
        """Why the line is out of every delivery figure; None if it is not."""
        if self.retroactive:
            return "retroactive"
        # "With nothing received the line is out of every delivery figure. By the supplier: the
        # line stays in, with what was received."
        if self.cancelled_by == "buyer" and self.quantity == 0:
            return "cancelled"
        # "`rejected` takes the line out of every delivery figure until a change brings it back."
        if self.rejected:
            return "rejected"
        # "while the quantity in force is 0 the line is out of every delivery figure."
        return "zero" if self.quantity == 0 else None


def fold(history: History, tolerances: Tolerances, site: Site) -> OrderLine:
    """Fold the order events of a line that has a version; `with_received` adds what came."""
    first, unit = history.first, history.unit
    counting = history.in_line_unit
    asked = _asked(first, Fraction(1), first.currency or "IDR")
    line = OrderLine(
        in_force=first,
        asked=asked,
        item_no=asked.item_no,
        quantity=asked.quantity,
        price=asked.price,
        currency=asked.currency,
        requested=asked.requested,
        due=asked.requested,
        first=first,
        unit=unit,
        # "the highest quantity that any version at T asks for"
        highest=max(version.quantity * times for version, times in counting),
        # "Retroactive: a line is retroactive where its first version asks for a date before that
        # version's own".
        asks_too_late=first.requested < site.date_of(first.time),
    )
    factors = {version.rank: times for version, times in counting}
    for step in history.in_fold_order()[1:]:
        on = site.date_of(step.fold_key(first.time)[0])
        late = _is_late(line, on, tolerances)
        match step:
            case Version():
                wanted = _asked(step, factors[step.rank], step.currency or line.currency)
                _change(line, step, wanted, on, tolerances)
            case CalledOff():
                _change(line, step, replace(line.asked, quantity=ZERO), on, tolerances)
            case Confirmation():
                if not late:
                    _confirm(line, step, site)
            case Cancellation():
                if not late:
                    # "the first cancellation that counts ends the fold for good".
                    line.cancelled_by = step.by
                    if step.by == "buyer":
                        line.cancelled_at = step.fold_key(first.time)[0]
                    return line
    return line


def with_received(line: OrderLine, received: Iterable["Came"], site: Site) -> OrderLine:
    """Return the line with the effects of its net receipts at T: short close and retroactive.

    "By the buyer, it calls off what is still open (a short close): the quantity in force becomes
    what was received of the line up to the cancellation's time, where that is less."
    """
    came = list(received)
    closed, quantity = line.cancelled_at, line.quantity
    if closed is not None:
        until = sum((one.quantity for one in came if one.at <= closed), ZERO)
        quantity = min(quantity, until)
    began = site.date_of(line.first.time)
    return replace(line, quantity=quantity, written_afterwards=any(one.on < began for one in came))


class Came(Protocol):
    """A net receipt of a line: how much, at which instant, on which day."""

    @property
    def quantity(self) -> Fraction: ...
    @property
    def at(self) -> datetime: ...
    @property
    def on(self) -> date: ...


def _is_late(line: OrderLine, on: date, tolerances: Tolerances) -> bool:
    """Return whether an event of this date is too late to change how the line is judged.

    "a change, confirmation or cancellation dated after `due` + late tolerance is kept and shown,
    but does not change how the line is judged: once missed, stays missed."
    """
    return on > line.due + timedelta(days=tolerances.late)


def _asked(version: Version, times: Fraction, currency: str) -> Asked:
    """Return what a version asks for in the line's unit: "its price likewise, exactly"."""
    price = None if version.price is None else version.price / times
    return Asked(version.item_no, version.quantity * times, price, currency, version.requested)


def _change(
    line: OrderLine,
    change: Version | CalledOff,
    wanted: Asked,
    on: date,
    tolerances: Tolerances,
) -> None:
    # "a version counts where its (`revision`, `time`, `id`) is higher than that in force."
    if change.rank <= line.in_force.rank:
        return
    # "The same again is no change: [...] only its (`revision`, `time`, `id`) is taken over, also
    # after due + late."
    if wanted == line.asked:
        line.in_force = change
        return
    stood_out = line.rejected or line.quantity == 0
    brings_back = stood_out and wanted.quantity > 0
    # "but where it asks for a date before its own, it does not count."
    if brings_back and wanted.requested < on:
        return
    # "(A line that stands rejected or at 0 has nothing to miss: this does not hold back a version
    # that brings it back.)"
    if _is_late(line, on, tolerances) and not brings_back:
        return
    quantity, requested = wanted.quantity, wanted.requested
    # "counts like a first one, without regard to short notice"
    if not brings_back and _is_short_notice(line, wanted, on, tolerances):
        # "Then its quantity is not taken over if higher, nor its requested date if before `due`;
        # the rest of it is."
        quantity = min(quantity, line.quantity)
        if requested < line.due:
            requested = line.requested
    # "The line takes over the version's item, quantity, price (or its absence), currency and
    # requested date."
    date_changes = requested != line.requested
    line.in_force, line.asked = change, wanted
    line.item_no, line.quantity, line.price = wanted.item_no, quantity, wanted.price
    line.currency, line.requested = wanted.currency, requested
    # "Where the requested date changes, or the line stood rejected or at 0, `due` = the requested
    # date, and earlier confirmations no longer count."
    if date_changes or stood_out:
        line.due = requested
        line.confirmation = None


def _is_short_notice(line: OrderLine, wanted: Asked, on: date, tolerances: Tolerances) -> bool:
    """Return whether a change comes too late to ask for more, or for an earlier date.

    "a version other than the first is short notice where it is dated later than 3 days (policy)
    before `due`, or before the new requested date if it sets another one and that is earlier."
    """
    before = line.due
    if wanted.requested != line.requested and wanted.requested < line.due:
        before = wanted.requested
    return on > before - timedelta(days=tolerances.short_notice_days)


def _confirm(line: OrderLine, confirmation: Confirmation, site: Site) -> None:
    # "the first confirmation that counts decides; later ones move nothing".
    if line.confirmation is not None:
        return
    line.confirmation = confirmation
    if confirmation.rejected:
        return
    # "`accepted` or `changed` sets `due` = `confirmed_date`. Without a `confirmed_date`, `due` =
    # the requested date. The same holds where the `confirmed_date` is before the confirmation's
    # own date or more than 365 days after the requested one: that is taken for a slip of the pen".
    promised = confirmation.confirmed_date
    slip = promised is not None and (
        promised < site.date_of(confirmation.time)
        or promised > line.requested + timedelta(days=365)
    )
    line.due = line.requested if promised is None or slip else promised


def histories(events: Iterable[Event], as_of: date, site: Site) -> dict[OrderLineKey, History]:
    """Gather the order events before `as_of` by line, without lines that have no version."""
    found: dict[OrderLineKey, History] = defaultdict(History)
    whole: dict[tuple[str, str], list[Cancellation]] = defaultdict(list)
    placed: dict[tuple[str, str], list[tuple[CalledOff, set[str]]]] = defaultdict(list)
    for event in events:
        # "Only facts whose business date is before T count".
        if site.date_of(event.time) >= as_of:
            continue
        if event.type in (PLACED, CHANGED):
            for key, version in _versions(event):
                found[key].versions.append(version)
            if event.type == PLACED:
                named = {str(line["line_no"]) for line in event.lines()}
                off = CalledOff(event.time, event.id, event.source)
                placed[event.buyer_id, event.data["order_no"]].append((off, named))
        elif event.type == CONFIRMED:
            for key, confirmation in _confirmations(event):
                found[key].confirmations.append(confirmation)
        elif event.type == CANCELLED:
            by = Cancellation(event.time, event.id, event.source, event.data["by"])
            if event.data.get("lines") is None:
                whole[event.buyer_id, event.data["order_no"]].append(by)
            for line_no in event.data.get("lines") or ():
                found[event.buyer_id, event.data["order_no"], line_no].cancellations.append(by)
    with_version = {key: history for key, history in found.items() if history.versions}
    for key, history in with_version.items():
        # "A cancellation of the whole order names every line of it, also one added later."
        history.cancellations += whole.get(key[:2], [])
        history.placed_without += [
            off for off, named in placed.get(key[:2], []) if key[2] not in named
        ]
    return with_version


def _key(event: Event, line: Mapping[str, Any]) -> OrderLineKey:
    # "A line is (buyer, supplier, `order_no`, `line_no`), compared letter by letter."
    return event.buyer_id, event.data["order_no"], line["line_no"]


def _versions(event: Event) -> Iterator[tuple[OrderLineKey, Version]]:
    # "Placed (revision 0) or changed (revision >= 1)"
    revision = 0 if event.type == PLACED else int(event.data["revision"])
    for line in event.lines():
        price = line.get("unit_price")
        yield (
            _key(event, line),
            Version(
                event.time,
                revision,
                event.id,
                event.source,
                quantity=number(line["quantity"]),
                price=None if price is None else number(price),
                requested=date.fromisoformat(line["requested_date"]),
                item_no=line["item_no"],
                currency=event.data.get("currency"),
                uom=code(line),
            ),
        )


def _confirmations(event: Event) -> Iterator[tuple[OrderLineKey, Confirmation]]:
    for line in event.lines():
        on = line.get("confirmed_date")
        yield (
            _key(event, line),
            Confirmation(
                event.time,
                event.id,
                event.source,
                rejected=line["status"] == "rejected",
                confirmed_date=None if on is None else date.fromisoformat(on),
            ),
        )
