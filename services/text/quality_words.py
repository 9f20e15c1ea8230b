"""Puts findings of data quality into words: what is wrong, why it matters, what to send. Pure.

The JSON API uses the same sentences, in English.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from services.readiness.row import Row
from services.text import line_words
from services.text.language import Language, mark


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of a kind of finding.

    `message`: what is wrong, filled in with the facts of one finding; `why`: why it matters;
    `remedy`: what to send or do.
    """

    title: str
    message: str
    why: str
    remedy: str


WORDS: Final[Mapping[str, Words]] = {
    "conflict": Words(
        mark("Sent again with other content"),
        mark("The id of this event had been stored with other content, which stands."),
        mark("What was sent is not stored: no figure has it."),
        mark("Send it under a new id; if it was sent by mistake, dismiss the record."),
    ),
    "refused": Words(
        mark("Refused and not dealt with"),
        mark("This record was refused (%(reason)s) at %(pointer)s."),
        mark("What was sent is not stored: no figure has it."),
        mark("Repair the record and replay it, or dismiss it."),
    ),
    "silent_sender": Words(
        mark("Senders that fell silent"),
        mark(
            "Nothing came since %(last_on)s, %(days)s days ago; in the four weeks before it sent "
            "on %(sent_days)s days."
        ),
        mark("While receipts are not sent, order lines look late that are not."),
        mark("Look whether the export runs and its key is valid, then send what is missing."),
    ),
    "number_reused": Words(
        mark("Numbers used again"),
        mark(
            "The number was used on %(first_on)s and again on %(last_on)s for other lines: the "
            "later document replaced the earlier one, and what it said of %(lines)s is lost."
        ),
        mark("Goods of the earlier document count as never received, sent or inspected."),
        mark("Send the earlier document again under a number of its own, with the year in it."),
    ),
    "future_instant": Words(
        mark("Times in the future"),
        mark("%(name)s says %(future_on)s, and it was stored on %(stored_on)s already."),
        mark("A document dated in the future counts too late, or outlasts each correction."),
        mark(
            "Send the document again with the right date; where `time` itself is wrong, under a "
            "new number, and reverse or cancel this one."
        ),
    ),
    "unit_conflict": Words(
        mark("Units that do not convert"),
        mark("%(quantity)s is in %(uom)s, and the order line is in %(unit)s."),
        mark("The line of the document, or the version of the order, counts in nothing."),
        mark("Send the document again with the quantity in the order line's unit."),
    ),
    "unit_missing": Words(
        mark("Order lines without a unit"),
        mark("The document is in %(uom)s, and no version of the order line names a unit."),
        mark("Quantities are compared as they stand, whatever they are of."),
        mark("Send the order with the unit of the line, as a change."),
    ),
    "orphan_receipt": Words(
        mark("Receipts without an order"),
        mark("%(quantity)s came on %(received_on)s for an order line that nobody sent."),
        mark("The goods count for no order line: the line they are of looks late or short."),
        mark("Send the order, or the receipt again with the right order and line number."),
    ),
    "order_split": Words(
        mark("One order with several suppliers"),
        mark("The order number is in force with %(suppliers)s."),
        mark("The lines of the wrong supplier fall overdue and are held against it."),
        mark("Cancel the order with the supplier that does not have it, by the buyer."),
    ),
    "receipt_far": Words(
        mark("Receipts far from their order"),
        mark(
            "Received on %(received_on)s, %(days)s days from the due date; the order asks for "
            "%(requested_on)s."
        ),
        mark("A mistyped year makes the line very late, or early and so not on time."),
        mark("Send the receipt again with the right date and order number."),
    ),
    "inspection_over": Words(
        mark("More rejected than received"),
        mark(
            "%(rejected)s of receipt %(receipt)s are rejected, of which %(received)s are left: "
            "%(over)s too many."
        ),
        mark("No more than what was received counts as rejected; the rest is left out."),
        mark("Send the inspection again with what it rejects beyond the others of its receipt."),
    ),
    "inspection_unknown": Words(
        mark("Inspections of receipts that are not known"),
        mark("It names receipt %(receipt)s, which has no such line, and rejects %(rejected)s."),
        mark("What it rejects counts without a limit."),
        mark("Send the receipt, or the inspection again with the right receipt and line."),
    ),
    "overdue_long": Words(
        mark("Overdue and never closed"),
        mark("%(missing)s of %(quantity)s missing since %(due_on)s, %(days)s days overdue."),
        mark("Each day adds to the lateness, and the line stays overdue for ever."),
        mark(
            "Send the receipts that are missing; if nothing more is expected, cancel the line by "
            "the buyer."
        ),
    ),
    "confirmation_slip": Words(
        mark("Confirmed dates that can't be meant"),
        mark("Confirmed on %(sent_on)s for %(confirmed_on)s; the order asks for %(requested_on)s."),
        mark("The date that was asked for counts in its place."),
        mark("Agree on a date, and send it as a change of the order's requested date."),
    ),
    "complaint_apart": Words(
        mark("Complaints that count nowhere"),
        mark("It names no order of this supplier that is known, and the supplier never answered."),
        mark("It moves no figure and holds no grade."),
        mark("Send the complaint again with the order it is about."),
    ),
    "retroactive": Words(
        mark("Orders written afterwards"),
        mark("Ordered on %(ordered_on)s for %(requested_on)s."),
        mark("The line is out of every delivery figure, whatever the supplier did."),
        mark("Send orders before their goods are asked for; this one can't be put right."),
    ),
}
"""By kind of finding: the keys are `KINDS` of `services.assessment.data_quality`."""

_GOODS_FIRST: Final = mark("Ordered on %(ordered_on)s; its goods came on %(received_on)s already.")
_SOMEWHERE: Final = mark("This record was refused (%(reason)s).")
_DOCUMENTS: Final = {
    "order": mark("Order %(number)s"),
    "confirmation": mark("Confirmation of order %(number)s"),
    "despatch": mark("Despatch advice %(number)s"),
    "receipt": mark("Receipt %(number)s"),
    "reversal": mark("Reversal of receipt %(number)s"),
    "return": mark("Return %(number)s"),
    "inspection": mark("Inspection %(number)s"),
    "complaint": mark("Complaint %(number)s"),
    "answer": mark("Answer to complaint %(number)s"),
    "closing": mark("Closing of complaint %(number)s"),
    "event": mark("Event %(number)s"),
    "record": mark("Record %(number)s"),
    "sender": mark("Sender %(number)s"),
}
_COUNTS: Final = frozenset({"days", "sent_days"})
_QUANTITIES: Final = frozenset({"quantity", "missing", "rejected", "received", "over"})


def message(language: Language, kind: str, row: Row) -> str:
    """Return what is wrong in one finding. `row`: one of a `FindingPage`."""
    facts = row["facts"]
    said = WORDS[kind].message
    if kind == "retroactive" and facts["received_on"] < facts["ordered_on"]:
        said = _GOODS_FIRST
    if kind == "refused" and not facts["pointer"]:
        said = _SOMEWHERE
    return language.text(said, **{name: _value(language, name, facts) for name in facts})


def document(language: Language, row: Row) -> str:
    """Return the name of a finding's document, with its order line if it has one."""
    called = _DOCUMENTS[row["document"]]
    name = language.text(called, number=row["number"] or row["order_no"])
    if not row["order_no"] or not row["line_no"]:
        return name
    line = line_words.order_line(language, row["order_no"], row["line_no"])
    if row["number"]:
        return f"{name}, {line}"
    return language.text(called, number=line)


def _value(language: Language, name: str, facts: Mapping[str, str]) -> str:
    text = facts[name]
    if name.endswith("_on"):
        return language.day(date.fromisoformat(text))
    if name in _COUNTS:
        return language.number(int(text))
    if name in _QUANTITIES:
        # Where `uom` is a fact of its own, the sentence names the unit beside the quantity.
        unit = "" if "uom" in facts else facts.get("unit", "")
        return line_words.quantity(language, Decimal(text), unit)
    if name in {"uom", "unit"}:
        return line_words.unit(language, text)
    return text
