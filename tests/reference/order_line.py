"""The fold of one order line: what its events make of it at a date."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from .documents import OrderLineKey
from .reading import Event, Site, number

Out = Literal["retroactive", "cancelled", "rejected"]
FoldKey = tuple[datetime, int, int, datetime, str, str]

PLACED = "id.rantai.order.placed.v1"
CHANGED = "id.rantai.order.changed.v1"
CANCELLED = "id.rantai.order.cancelled.v1"
CONFIRMED = "id.rantai.order.confirmed.v1"


@dataclass(frozen=True)
class Tolerances:
    """The policy's tolerances.

    "defaults: early 7 days, late 0 days, under 0 %, over 5 %"; short notice "3 days (policy)".
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
    """Of the price, where the document names one."""

    @property
    def earliness(self) -> tuple[datetime, int, str, str]:
        """Order by age: "the earliest [...] (by `time`, `revision`, `id`)"."""
        return self.time, self.revision, self.id, self.source

    @property
    def rank(self) -> tuple[int, datetime, str, str]:
        """Order by force: "counts where its (`revision`, `time`, `id`) is higher"."""
        return self.revision, self.time, self.id, self.source

    def fold_key(self, _first: datetime) -> FoldKey:
        """Give its place in the fold: orders come first of what has the same time."""
        return self.time, 0, self.revision, self.time, self.id, self.source


@dataclass(frozen=True)
class Confirmation:
    """What the supplier said to an order line."""

    time: datetime
    id: str
    source: str
    rejected: bool
    confirmed_date: date | None

    def fold_key(self, first: datetime) -> FoldKey:
        """Give its place in the fold: confirmations come after orders of the same time.

        "a confirmation or cancellation timed before the first version is taken as if at that
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
        """Give its place in the fold: cancellations come last of what has the same time."""
        return max(self.time, first), 2, 0, self.time, self.id, self.source


Step = Version | Confirmation | Cancellation


@dataclass
class History:
    """All order events before the date asked for that name one line."""

    versions: list[Version] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    cancellations: list[Cancellation] = field(default_factory=list)

    @property
    def first(self) -> Version:
        """Give the first version."""
        return min(self.versions, key=lambda version: version.earliness)

    def in_fold_order(self) -> list[Step]:
        """Give the events "in order of (`time`, orders before confirmations before
        cancellations, `revision`, own `time`, `id`)".
        """
        first = self.first.time
        steps: list[Step] = [*self.versions, *self.confirmations, *self.cancellations]
        return sorted(steps, key=lambda step: step.fold_key(first))


@dataclass
class OrderLine:
    """The state of a line while its events are folded, and at the end of it."""

    in_force: Version
    quantity: Fraction
    price: Fraction | None
    requested: date
    due: date
    first: Version
    highest: Fraction
    retroactive: bool
    confirmation: Confirmation | None = None
    cancelled_by: str | None = None

    @property
    def rejected(self) -> bool:
        """Tell whether the line stands rejected."""
        return self.confirmation is not None and self.confirmation.rejected

    @property
    def out(self) -> Out | None:
        """Tell why the line is out of every delivery figure, if it is."""
        if self.retroactive:
            return "retroactive"
        # "cancelled: [...] By the buyer: out of every delivery figure. By the supplier: it stays
        # in, with what was received."
        if self.cancelled_by == "buyer":
            return "cancelled"
        # "`rejected` takes the line out of every delivery figure until a change brings it back."
        return "rejected" if self.rejected else None


def fold(history: History, tolerances: Tolerances, site: Site) -> OrderLine:
    """Fold the events of a line that has a version."""
    first = history.first
    line = OrderLine(
        in_force=first,
        quantity=first.quantity,
        price=first.price,
        requested=first.requested,
        due=first.requested,
        first=first,
        # "the highest quantity that any version at T asks for"
        highest=max(version.quantity for version in history.versions),
        # "Retroactive: a line whose first version asks for a date before that version's own".
        retroactive=first.requested < site.date_of(first.time),
    )
    for step in history.in_fold_order()[1:]:
        on = site.date_of(step.fold_key(first.time)[0])
        # "A change, confirmation or cancellation dated after `due` + late tolerance is kept and
        # shown, but judges nothing".
        late = on > line.due + timedelta(days=tolerances.late)
        match step:
            case Version():
                # "(A line that stands rejected has nothing to miss: a change to it always
                # counts.)"
                if not late or line.rejected:
                    _change(line, step, on, tolerances)
            case Confirmation():
                if not late:
                    _confirm(line, step)
            case Cancellation():
                if not late:
                    # "cancelled: the first one ends the fold."
                    line.cancelled_by = step.by
                    return line
    return line


def _change(line: OrderLine, change: Version, on: date, tolerances: Tolerances) -> None:
    # "counts where its (`revision`, `time`, `id`) is higher than that in force."
    if change.rank <= line.in_force.rank:
        return
    stood_rejected = line.rejected
    quantity, requested = change.quantity, change.requested
    if _is_short_notice(line, change, on, tolerances):
        # "its quantity is not taken over if higher, nor its requested date if before `due`; the
        # rest of it is."
        quantity = min(quantity, line.quantity)
        if requested < line.due:
            requested = line.requested
    # "It takes over quantity, price (or its absence) and requested date."
    date_changes = requested != line.requested
    line.in_force, line.quantity, line.price = change, quantity, change.price
    line.requested = requested
    # "Where the requested date changes, or the line stood rejected, `due` = the requested date,
    # and earlier confirmations no longer count."
    if date_changes or stood_rejected:
        line.due = requested
        line.confirmation = None


def _is_short_notice(line: OrderLine, change: Version, on: date, tolerances: Tolerances) -> bool:
    """Tell whether a change comes too late to ask for more, or for it sooner.

    "where a change is dated later than 3 days (policy) before `due`, or before the new requested
    date if it sets another one and that is earlier".
    """
    before = line.due
    if change.requested != line.requested and change.requested < line.due:
        before = change.requested
    return on > before - timedelta(days=tolerances.short_notice_days)


def _confirm(line: OrderLine, confirmation: Confirmation) -> None:
    # "confirmed: the first one that counts decides. [...] Later ones move nothing".
    if line.confirmation is not None:
        return
    line.confirmation = confirmation
    # "`accepted` or `changed` sets `due` = `confirmed_date` (without one: the requested date)".
    if not confirmation.rejected:
        line.due = confirmation.confirmed_date or line.requested


def histories(events: Iterable[Event], as_of: date, site: Site) -> dict[OrderLineKey, History]:
    """Gather the order events before `as_of` by line; a line without a version is none."""
    found: dict[OrderLineKey, History] = defaultdict(History)
    whole: dict[tuple[str, str], list[Cancellation]] = defaultdict(list)
    for event in events:
        # "Only facts whose business date is before T count".
        if site.date_of(event.time) >= as_of:
            continue
        if event.type in (PLACED, CHANGED):
            for key, version in _versions(event):
                found[key].versions.append(version)
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
    return with_version


def _key(event: Event, line: Mapping[str, Any]) -> OrderLineKey:
    # "A line is (buyer, supplier, `order_no`, `line_no`), compared letter by letter".
    return event.buyer_id, event.data["order_no"], line["line_no"]


def _versions(event: Event) -> Iterator[tuple[OrderLineKey, Version]]:
    # "placed (revision 0) / changed (revision >= 1)"
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
