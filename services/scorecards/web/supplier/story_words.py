"""The story of an order line: who said what and when, and what of it judges. Pure.

An event of the order counts where the fold of the line took it over: what it changed is read off
the states before and after it, so that page and figures can't disagree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.readiness.policy import Policy
from services.scorecards.web.language import Language, mark
from services.scorecards.web.next_step_words import STEPS
from services.scorecards.web.wording import quantity

Row = Mapping[str, Any]

_KINDS: Final = {
    "placed": mark("Ordered"),
    "changed": mark("Order changed"),
    "confirmed": mark("Order answered"),
    "cancelled": mark("Cancelled"),
    "despatched": mark("Despatched, despatch advice %(number)s"),
    "received": mark("Received, goods receipt %(number)s"),
    "reversed": mark("Goods receipt %(number)s corrected"),
    "returned": mark("Sent back, return %(number)s"),
    "inspected": mark("Inspected, inspection %(number)s"),
    "complained": mark("Complaint %(number)s"),
    "answered": mark("Complaint %(number)s answered"),
    "closed": mark("Complaint %(number)s closed"),
    "disputed": mark("Line disputed by the supplier"),
    "dispute_answered": mark("Dispute answered by the buyer"),
}
_ANSWERS: Final = {
    "accepted": mark("taken on as asked for"),
    "changed": mark("taken on for another date or quantity"),
    "rejected": mark("declined"),
}
_DISPOSITIONS: Final = {
    "accepted": mark("lot accepted"),
    "rejected": mark("lot rejected"),
    "concession": mark("lot taken with a concession"),
    "rework": mark("lot to be reworked"),
}
_SEVERITIES: Final = {
    "minor": mark("minor"),
    "major": mark("major"),
    "line_stop": mark("the buyer's line stopped"),
    "safety": mark("safety at risk"),
}
_DISPUTES: Final = {
    "corrected": mark("the buyer corrects it"),
    "upheld": mark("the buyer stays with it"),
}
_AFTER_DUE: Final = mark("came after the due date: kept, but judges nothing")
_ORDER_EVENTS: Final = ("placed", "changed", "confirmed", "cancelled")


@dataclass(frozen=True, slots=True)
class State:
    """An order line after one of its events, as the fold has it."""

    due: date
    requested: date
    quantity: Decimal
    most: Decimal
    out: str
    cancelled_by: str
    item_no: str
    uom: str
    revision: int
    confirmed: int
    due_source: str
    due_id: str


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the story.

    `effect`: what it does to the figures; `counts`: whether it does anything, None where it never
    could. `when`, `stored`: when it happened and when it came in here.
    """

    kind: str
    what: str
    details: tuple[str, ...]
    effect: str
    counts: bool | None
    who: str
    when: str
    stored: str
    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Line:
    """What a story is told with: the fold of the line, its partners and their names."""

    fold: Row | None
    supplier_id: str
    buyer_id: str
    names: Mapping[str, str]
    as_of: date
    policy: Policy

    @property
    def states(self) -> list[State]:
        """The line after each of its order events."""
        return [] if self.fold is None else [State(*one) for one in self.fold["steps"]]

    @property
    def last(self) -> State | None:
        """The line as it stands after everything that is known."""
        return self.states[-1] if self.states else None


def told(language: Language, events: Sequence[Row], line: Line) -> list[Told]:
    """Return the story, in the order of `events`: rows of line_story.sql with `accepted_at`."""
    return [_told(language, row, line) for row in events]


def who(language: Language, source: str, line: Line) -> str:
    """Return who said something, by its source: `PT Cakra (buyer)`."""
    partner = [*source.split("/"), "", "", ""][2]
    name = line.names.get(partner, partner)
    if partner == line.buyer_id:
        return language.text("%(name)s (buyer)", name=name)
    if partner == line.supplier_id:
        return language.text("%(name)s (supplier)", name=name)
    return name or source


def due_by(language: Language, events: Sequence[Row], line: Line) -> str:
    """Say which event set the due date, and who sent it; nothing where there is no order."""
    last = line.last
    if last is None:
        return ""
    for row in events:
        if (row["source"], row["event_id"]) == (last.due_source, last.due_id):
            return language.text(
                "set by: %(what)s, %(who)s, %(when)s",
                what=kind_of(language, row),
                who=who(language, row["source"], line),
                when=language.day(row["happened_at"].astimezone(ZoneInfo(line.policy.zone))),
            )
    return ""


def _told(language: Language, row: Row, line: Line) -> Told:
    zone = line.policy.zone
    effect, counts = _effect(language, row, line)
    happened, stored = row["happened_at"], row["accepted_at"]
    day = happened.astimezone(ZoneInfo(zone)).date()
    if counts and day >= line.as_of:
        later = language.day(day + timedelta(days=1))
        effect += language.text(" (counts from %(day)s on)", day=later)
    return Told(
        kind=row["kind"],
        what=kind_of(language, row),
        details=tuple(_details(language, row, line)),
        effect=effect,
        counts=counts,
        who=who(language, row["source"], line),
        when=language.moment(happened, zone),
        stored="" if stored is None else language.moment(stored, zone),
        source=row["source"],
        id=row["event_id"],
    )


def _details(language: Language, row: Row, line: Line) -> list[str]:
    uom = line.last.uom if line.last else ""
    some = None if row["first"] is None else quantity(language, row["first"], uom)
    day = None if row["day"] is None else language.day(row["day"])
    found = _DETAILS[row["kind"]](language, row, some, day)
    return [one for one in found if one]


def kind_of(language: Language, row: Row) -> str:
    """Return what an event is called."""
    message = _KINDS[row["kind"]]
    return language.text(message, number=row["number"])


def _word(language: Language, words: Mapping[str, str], row: Row) -> str:
    # A word that a later version of the contract adds is shown as it is.
    message = words.get(row["word"])
    return row["word"] if message is None else language.text(message)


def _of_order(language: Language, _: Row, some: str | None, day: str | None) -> list[str]:
    return [language.text("%(quantity)s, wanted on %(day)s", quantity=some, day=day)]


def _of_answer(language: Language, row: Row, some: str | None, day: str | None) -> list[str]:
    found = [_word(language, _ANSWERS, row)]
    if day:
        found.append(language.text("for %(day)s", day=day))
    return [*found, some or ""]


def _of_cancelling(language: Language, row: Row, _: str | None, __: str | None) -> list[str]:
    said = mark("by the buyer") if row["word"] == "buyer" else mark("by the supplier")
    return [language.text(said), row["note"] or ""]


def _of_goods(language: Language, row: Row, some: str | None, day: str | None) -> list[str]:
    found = [some or ""]
    if day:
        found.append(language.text("expected on %(day)s", day=day))
    if row["kind"] == "received" and row["note"]:
        found.append(language.text("despatch advice %(number)s", number=row["note"]))
    elif row["note"]:
        found.append(row["note"])
    return found


def _of_reversal(language: Language, _: Row, some: str | None, __: str | None) -> list[str]:
    if some is None:
        return [language.text("all of it taken back")]
    return [language.text("%(quantity)s taken back", quantity=some)]


def _of_inspection(language: Language, row: Row, some: str | None, _: str | None) -> list[str]:
    rejected = language.text(
        "%(rejected)s of %(inspected)s rejected",
        rejected=language.number(row["second"]),
        inspected=some,
    )
    return [_word(language, _DISPOSITIONS, row), rejected, row["note"] or ""]


def _of_complaint(language: Language, row: Row, some: str | None, _: str | None) -> list[str]:
    return [_word(language, _SEVERITIES, row), some or "", row["note"] or ""]


def _of_step(language: Language, row: Row, _: str | None, __: str | None) -> list[str]:
    return [_word(language, STEPS, row)]


def _of_dispute(_: Language, row: Row, __: str | None, ___: str | None) -> list[str]:
    return [row["word"], row["note"] or ""]


def _of_dispute_answer(language: Language, row: Row, _: str | None, __: str | None) -> list[str]:
    return [_word(language, _DISPUTES, row), row["note"] or ""]


_DETAILS: Final[Mapping[str, Callable[[Language, Row, str | None, str | None], list[str]]]] = {
    "placed": _of_order,
    "changed": _of_order,
    "confirmed": _of_answer,
    "cancelled": _of_cancelling,
    "despatched": _of_goods,
    "received": _of_goods,
    "reversed": _of_reversal,
    "returned": _of_goods,
    "inspected": _of_inspection,
    "complained": _of_complaint,
    "answered": _of_step,
    "closed": lambda *_: [],
    "disputed": _of_dispute,
    "dispute_answered": _of_dispute_answer,
}


def _effect(language: Language, row: Row, line: Line) -> tuple[str, bool | None]:
    """Return what an event does to the figures, and whether it does anything."""
    if not row["stands"]:
        return language.text("replaced by what was sent later"), False
    if not row["named"]:
        return language.text("sent again without this line"), False
    if row["kind"] in _ORDER_EVENTS:
        return _of_order_event(language, row, line)
    if row["kind"] == "received":
        return _of_receipt(language, row, line)
    if row["kind"] in ("disputed", "dispute_answered"):
        return language.text("moves no figure by itself"), None
    return "", None


def _of_order_event(language: Language, row: Row, line: Line) -> tuple[str, bool | None]:
    states = line.states
    events = (
        [] if line.fold is None else [(source, name) for _, source, name in line.fold["events"]]
    )
    key = (row["source"], row["event_id"])
    if key not in events:
        return language.text("no order of this line is known"), False
    place = events.index(key)
    now = states[place]
    if place == 0:
        if now.out == "retroactive":
            return language.text("not judged: the day asked for had passed already"), False
        return language.text("sets the due date: %(day)s", day=language.day(now.due)), True
    before = states[place - 1]
    changes = _changes(language, row, before, now)
    if changes:
        return "; ".join(changes), True
    return _why_not(language, row, before, line), False


def _changes(language: Language, row: Row, before: State, now: State) -> list[str]:
    found = []
    if now.cancelled_by and not before.cancelled_by:
        out = mark("takes the line out of the figures")
        stays = mark("the line stays in the figures, with what was received")
        said = out if now.cancelled_by == "buyer" else stays
        return [language.text(said)]
    if now.out == "rejected" and before.out != "rejected":
        found.append(language.text("takes the line out of the delivery figures"))
    elif row["kind"] == "confirmed" and (now.due_source, now.due_id) == (
        row["source"], row["event_id"],
    ):  # fmt: skip
        found.append(language.text("sets the due date: %(day)s", day=language.day(now.due)))
    if row["kind"] not in ("placed", "changed") or now.revision == before.revision:
        return found
    if now.quantity != before.quantity:
        shown = quantity(language, now.quantity, now.uom)
        found.append(language.text("quantity now %(quantity)s", quantity=shown))
    elif row["first"] > now.quantity:
        found.append(language.text("short notice: the higher quantity does not count"))
    if now.due != before.due:
        found.append(language.text("sets the due date: %(day)s", day=language.day(now.due)))
    if row["day"] != now.requested:
        found.append(language.text("short notice: the earlier date does not count"))
    return found or [language.text("quantity and date stay as they were")]


def _why_not(language: Language, row: Row, before: State, line: Line) -> str:
    if before.cancelled_by:
        return language.text("the line was cancelled before")
    late = line.policy.tolerances_for(line.buyer_id, before.item_no).late_days
    day = row["happened_at"].astimezone(ZoneInfo(line.policy.zone)).date()
    if day > before.due + timedelta(days=late) and before.out != "rejected":
        return language.text(_AFTER_DUE)
    if row["kind"] == "confirmed" and before.confirmed:
        return language.text("only the first answer counts")
    return language.text("changes nothing")


def _of_receipt(language: Language, row: Row, line: Line) -> tuple[str, bool | None]:
    last = line.last
    if last is None:
        return language.text("no order line of this number is known"), False
    if last.out:
        return language.text("not judged: the line is out of the delivery figures"), False
    tolerances = line.policy.tolerances_for(line.buyer_id, last.item_no)
    day = row["happened_at"].astimezone(ZoneInfo(line.policy.zone)).date()
    days = (day - last.due).days
    if days > tolerances.late_days:
        return language.texts("%(count)s day late", "%(count)s days late", days), True
    if -days > tolerances.early_days:
        return language.texts(
            "%(count)s day before it was due: too early",
            "%(count)s days before it was due: too early",
            -days,
        ), True
    return language.text("in time"), True
