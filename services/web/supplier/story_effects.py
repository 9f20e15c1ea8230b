"""What each event of an order line's story does to the figures, or why it does nothing. Pure.

The effect of an order event is read from the fold of the line, so that page and figures can't
disagree. The effect of goods and inspections is computed by the same rules as their facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from services.readiness.row import Row
from services.text.language import Language, mark
from services.text.line_words import quantity
from services.web.supplier.story_line import EventKey, LineState, StoryLine, amount, converted

Effect = tuple[str, bool | None]
"""An event's effect in words, and whether it has any; None for an event that never can."""

_ORDER_EVENTS: Final = ("placed", "changed", "left_out", "confirmed", "cancelled")
_NO_EFFECT_BECAUSE: Final = {
    "same": mark("asks for the same again: changes nothing"),
    "belated": mark("came after the due date: kept, but judges nothing"),
    "before_itself": mark("asks for a date before its own: does not bring the line back"),
    "unit_conflict": mark("its unit does not convert into that of the line: counts in nothing"),
}
"""Why an order event has no effect, by the `effect` that the fold gives it."""

_CONFLICT: Final = _NO_EFFECT_BECAUSE["unit_conflict"]


@dataclass(frozen=True, slots=True)
class LineStory:
    """An order line and its events: rows of line_story.sql, in their order."""

    line: StoryLine
    events: Sequence[Row]

    def receipts(self, number: str) -> list[Row]:
        """Return the versions of a goods receipt, each of which replaces the one before it."""
        found = [one for one in self.events if (one["kind"], one["number"]) == ("received", number)]
        return sorted(found, key=_version_order)


def effect(language: Language, row: Row, story: LineStory) -> Effect:
    """Return what an event does to the figures, and whether it does anything."""
    if not (row["stands"] and row["named"]):
        return _of_version(language, row, story), False
    if row["kind"] in _ORDER_EVENTS:
        return _of_order(language, row, story.line)
    if row["kind"] in _OF_GOODS:
        if amount(row, story.line.uom) is None:
            return language.text(_CONFLICT), False
        return _OF_GOODS[row["kind"]](language, row, story)
    if row["kind"] in ("disputed", "dispute_answered"):
        return language.text("moves no figure by itself"), None
    return "", None


def _of_version(language: Language, row: Row, story: LineStory) -> str:
    """Return why a version of a document does not count for the line."""
    if row["stands"]:
        return language.text("sent again without this line")
    when = _moment(language, row["standing_at"], story)
    return language.text("replaced by the version of %(when)s", when=when)


def _of_order(language: Language, row: Row, line: StoryLine) -> Effect:
    keys, states = line.keys, line.states
    key = (row["source"], row["event_id"])
    if key not in keys:
        return language.text("no order of this line is known"), False
    place = keys.index(key)
    now = states[place]
    if states[-1].out == "retroactive":
        return _retroactive(language, line, first=place == 0), False
    if place == 0:
        return language.text("sets the due date: %(day)s", day=language.day(now.due)), True
    before = states[place - 1]
    if now.effect in ("counts", "short_notice"):
        return "; ".join(_changes(language, row, before, now, states[-1])), True
    if now.effect in _NO_EFFECT_BECAUSE:
        why = _NO_EFFECT_BECAUSE[now.effect]
        return language.text(why), False
    return _no_effect(language, row, before), False


def _retroactive(language: Language, line: StoryLine, *, first: bool) -> str:
    """Return why a retroactive line is not judged."""
    if not first:
        return language.text("not judged: the line is out of the delivery figures")
    fold = line.fold or {}
    if fold["first_requested"] < fold["first_day"]:
        return language.text("not judged: the day asked for had passed already")
    return language.text("not judged: goods had come before the order was written")


def _changes(
    language: Language, row: Row, before: LineState, now: LineState, last: LineState
) -> list[str]:
    if row["kind"] == "cancelled":
        return [_of_cancelling(language, row, before, last)]
    if row["kind"] == "confirmed":
        return _of_answer(language, row, now)
    if now.quantity == 0:
        return [language.text("calls the line off: nothing is asked for any more")]
    found = []
    if before.out in ("rejected", "zero"):
        found.append(language.text("brings the line back"))
    if now.quantity != before.quantity:
        shown = quantity(language, now.quantity, now.uom)
        found.append(language.text("quantity now %(quantity)s", quantity=shown))
    if now.effect == "short_notice" and _asks_for_more(row, now):
        found.append(language.text("short notice: the higher quantity does not count"))
    if now.due != before.due:
        found.append(language.text("sets the due date: %(day)s", day=language.day(now.due)))
    if now.effect == "short_notice" and row["day"] != now.requested:
        found.append(language.text("short notice: the earlier date does not count"))
    return found or [language.text("quantity and date stay as they were")]


def _asks_for_more(row: Row, now: LineState) -> bool:
    asked = amount(row, now.uom)
    return asked is not None and asked > now.quantity


def _of_cancelling(language: Language, row: Row, before: LineState, last: LineState) -> str:
    if row["word"] != "buyer":
        return language.text("the line stays in the figures, with what was received")
    if last.out == "cancelled":
        return language.text("takes the line out of the figures: nothing had come")
    shown = quantity(language, last.quantity, last.uom)
    if last.quantity == before.quantity:
        return language.text(
            "calls off what is still open: nothing was, the quantity stays %(quantity)s",
            quantity=shown,
        )
    return language.text(
        "calls off what is still open: the quantity is now what had come, %(quantity)s",
        quantity=shown,
    )


def _of_answer(language: Language, row: Row, now: LineState) -> list[str]:
    if now.out == "rejected":
        return [language.text("takes the line out of the delivery figures")]
    found = [language.text("sets the due date: %(day)s", day=language.day(now.due))]
    if row["day"] is None:
        found.append(language.text("no date is given, so the day asked for counts"))
    elif row["day"] != now.due:
        found.append(language.text("the date given is a slip of the pen: the day asked for counts"))
    return found


def _no_effect(language: Language, row: Row, before: LineState) -> str:
    if before.cancelled_by:
        return language.text("the line was cancelled before")
    if row["kind"] == "confirmed" and before.confirmed:
        return language.text("only the first answer counts")
    if row["kind"] in ("placed", "changed", "left_out"):
        return language.text("an older version than the one in force: changes nothing")
    return language.text("changes nothing")


def _of_receipt(language: Language, row: Row, story: LineStory) -> Effect:
    line, last = story.line, story.line.last
    if last is None:
        return language.text("no order line of this number is known"), False
    if not _left_of_receipt(story, row):
        return language.text("nothing is left of it after corrections: it never was"), False
    if last.out:
        return language.text("not judged: the line is out of the delivery figures"), False
    tolerances = line.policy.tolerances_for(line.buyer_id, last.item_no)
    days = (_day(row["happened_at"], story) - last.due).days
    if days > tolerances.late_days:
        return language.texts("%(count)s day late", "%(count)s days late", days), True
    if -days > tolerances.early_days:
        return language.texts(
            "%(count)s day before it was due: too early",
            "%(count)s days before it was due: too early",
            -days,
        ), True
    return language.text("in time"), True


def _of_reversal(language: Language, row: Row, story: LineStory) -> Effect:
    versions = story.receipts(row["number"])
    standing = next((one for one in versions if one["stands"]), None)
    if standing is None:
        return language.text("no goods receipt of this number is known"), False
    if not standing["named"]:
        return language.text("the goods receipt does not name this line any more"), False
    since = max(row["time"], min(one["time"] for one in versions))
    if since < standing["time"]:
        # The reversal applies to the version in force at its time, which was replaced later.
        old = [one for one in versions if one["time"] <= since][-1]
        return language.text(
            "takes only from the version of %(old)s, which that of %(when)s replaced",
            old=_moment(language, old["time"], story),
            when=_moment(language, standing["time"], story),
        ), False
    if not _taken_by_reversals(story, standing).get((row["source"], row["event_id"])):
        return language.text("nothing was left that it could take back"), False
    return "", None


def _taken_by_reversals(story: LineStory, standing: Row) -> dict[EventKey, Fraction]:
    """Return the quantity that each reversal takes off the standing receipt, in the line's unit."""
    first = min(one["time"] for one in story.receipts(standing["number"]))
    left = amount(standing, story.line.uom) or Fraction(0)
    found: dict[EventKey, Fraction] = {}
    for row in sorted(story.events, key=_version_order):
        if (row["kind"], row["number"]) != ("reversed", standing["number"]):
            continue
        if max(row["time"], first) < standing["time"]:
            continue
        # A reversal without quantities takes all that is left.
        asked = amount(row, story.line.uom) if row["amounts"] else left
        some = min(left, asked or Fraction(0))
        found[row["source"], row["event_id"]] = some
        left -= some
    return found


def _left_of_receipt(story: LineStory, standing: Row) -> Fraction:
    whole = amount(standing, story.line.uom) or Fraction(0)
    return whole - sum(_taken_by_reversals(story, standing).values(), Fraction(0))


def _of_inspection(language: Language, row: Row, _: LineStory) -> Effect:
    if not row["amounts"][0][0]:
        return language.text("of a quantity of 0: it never was"), False
    return "", None


_OF_GOODS: Final = {
    "received": _of_receipt,
    "reversed": _of_reversal,
    "returned": lambda *_: ("", None),
    "inspected": _of_inspection,
}


def inspected_before(story: LineStory, before: date) -> tuple[Fraction, Fraction, bool]:
    """Return the quantities inspected and rejected before a day, in the line's unit.

    The third value tells whether any lot was not accepted at once.
    """
    whole = rejected = Fraction(0)
    refused = False
    for row in story.events:
        if row["kind"] != "inspected" or not (row["stands"] and row["named"]):
            continue
        ((lot, uom),) = row["amounts"]
        some = converted(lot, uom, story.line.uom)
        bad = converted(row["second"], uom, story.line.uom)
        if not some or bad is None or _day(row["happened_at"], story) >= before:
            continue
        whole, rejected = whole + some, rejected + bad
        refused = refused or row["word"] != "accepted" or bad > 0
    return whole, rejected, refused


def _version_order(row: Row) -> tuple[datetime, str, str]:
    return row["time"], row["event_id"], row["source"]


def _moment(language: Language, when: datetime, story: LineStory) -> str:
    return language.moment(when, story.line.policy.zone)


def _day(when: datetime, story: LineStory) -> date:
    return when.astimezone(ZoneInfo(story.line.policy.zone)).date()
