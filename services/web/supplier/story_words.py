"""The story of an order line in words: who said what and when, and what it changes. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from services.readiness.row import Row
from services.text.language import Language, mark
from services.text.line_words import quantity
from services.web.next_step_words import STEPS
from services.web.supplier.story_effects import LineStory, effect
from services.web.supplier.story_line import StoryLine

_KINDS: Final = {
    "placed": mark("Ordered"),
    "changed": mark("Order changed"),
    "left_out": mark("Order sent again without this line"),
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


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One event of the story, in words.

    `effect`: what it does to the figures. `counts`: whether it has an effect, None for an event
    that never can. `when`: when it happened. `stored`: when it was accepted here, "" if not known.
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


def story_entries(language: Language, events: Sequence[Row], line: StoryLine) -> list[StoryEntry]:
    """Return the story in the order of `events`, which are rows from `SupplierReader.told`."""
    story = LineStory(line, events)
    return [_entry(language, row, story) for row in events]


def sender_name(language: Language, source: str, line: StoryLine) -> str:
    """Return the name and role of the sender behind an event's source: `PT Cakra (buyer)`."""
    partner = _partner(source)
    name = line.names.get(partner, partner)
    if partner == line.buyer_id:
        return language.text("%(name)s (buyer)", name=name)
    if partner == line.supplier_id:
        return language.text("%(name)s (supplier)", name=name)
    return name or source


def due_by(language: Language, events: Sequence[Row], line: StoryLine, stands: Row | None) -> str:
    """Return which event set the due date, who sent it and when; "" if there is no order.

    `stands`: the line from `line_at`, whose due date is meant.
    """
    if stands is None:
        return ""
    for row in events:
        if (row["source"], row["event_id"]) == stands["due_set_by"]:
            return language.text(
                "set by: %(what)s, %(who)s, %(when)s",
                what=event_title(language, row),
                who=sender_name(language, row["source"], line),
                when=language.day(row["happened_at"].astimezone(ZoneInfo(line.policy.zone))),
            )
    return ""


def _entry(language: Language, row: Row, story: LineStory) -> StoryEntry:
    line = story.line
    zone = line.policy.zone
    does, counts = effect(language, row, story)
    happened, stored = row["happened_at"], row["accepted_at"]
    day = happened.astimezone(ZoneInfo(zone)).date()
    if counts and day >= line.as_of:
        later = language.day(day + timedelta(days=1))
        does += language.text(" (counts from %(day)s on)", day=later)
    return StoryEntry(
        kind=row["kind"],
        what=event_title(language, row),
        details=tuple(_details(language, row, line)),
        effect=does,
        counts=counts,
        who=sender_name(language, row["source"], line),
        when=language.moment(happened, zone),
        stored="" if stored is None else language.moment(stored, zone),
        source=row["source"],
        id=row["event_id"],
    )


def _details(language: Language, row: Row, line: StoryLine) -> list[str]:
    some = _amounts(language, row, line)
    day = None if row["day"] is None else language.day(row["day"])
    found = _DETAILS[row["kind"]](language, row, some, day)
    if _entered_by_the_buyer(row, line):
        found.append(language.text("entered by the buyer for the supplier"))
    return [one for one in found if one]


def _amounts(language: Language, row: Row, line: StoryLine) -> str | None:
    """Return the quantities of an event, summed by unit; one without a unit is in the line's."""
    by_unit: dict[str, Decimal] = {}
    for some, uom in row["amounts"]:
        unit = uom or line.uom
        by_unit[unit] = by_unit.get(unit, Decimal(0)) + some
    return " + ".join(quantity(language, some, unit) for unit, some in by_unit.items()) or None


def _entered_by_the_buyer(row: Row, line: StoryLine) -> bool:
    """Return whether the buyer sent an event that is properly the supplier's."""
    of_supplier = row["kind"] == "confirmed" or (
        row["kind"] == "cancelled" and row["word"] == "supplier"
    )
    return of_supplier and _partner(row["source"]) == line.buyer_id


def _partner(source: str) -> str:
    return [*source.split("/"), "", "", ""][2]


def event_title(language: Language, row: Row) -> str:
    """Return the title of an event, such as `Inspected, inspection INS-7`."""
    message = _KINDS[row["kind"]]
    return language.text(message, number=row["number"])


def _word(language: Language, words: Mapping[str, str], row: Row) -> str:
    # A word added by a later version of the contract is shown untranslated.
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
    "left_out": lambda *_: [],
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
