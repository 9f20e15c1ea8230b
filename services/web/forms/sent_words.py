"""Events that were sent from a page, in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from services.text.language import Language, mark
from services.text.line_words import order_line, quantity
from services.web.forms import form_events
from services.web.forms.desk import line_address
from services.web.forms.other_forms import STEPS
from services.web.forms.sending import Sent

MOST_LINES: Final = 20
"""How many lines of one document are shown."""


@dataclass(frozen=True, slots=True)
class SentWords:
    """A sent event in words.

    `with_whom`: the name of the other partner. `lines`: for each order line the address of its page
    and what the event says about it. `more`: how many lines are left out, "" if none. `state`:
    whether the figures count the event, in words; `counted`: the same as a flag.
    """

    id: str
    when: str
    what: str
    with_whom: str
    lines: Sequence[tuple[str, str]]
    more: str
    state: str
    counted: bool


_Line = tuple[str, str, str]
"""Order number, line number, and what the event says about the line."""


def sent_words(language: Language, sent: Sent, names: Mapping[str, str], zone: str) -> SentWords:
    """Return a sent event in words. `names`: of partners, by id. `zone`: for its time."""
    what, lines = _WORDS_OF_TYPE.get(sent.type, _other_document)(language, sent.data)
    supplier, buyer = sent.data.get("supplier_id", ""), sent.data.get("buyer_id", "")
    partner = _other_partner(sent, supplier, buyer)
    return SentWords(
        id=sent.id,
        when=language.moment(sent.at, zone),
        what=what,
        with_whom=names.get(partner, partner),
        lines=[
            (
                line_address(supplier, buyer, order, line),
                order_line(language, order, line) + (f": {words}" if words else ""),
            )
            for order, line, words in lines[:MOST_LINES]
        ],
        more=language.texts("and %(count)s more", "and %(count)s more", len(lines) - MOST_LINES)
        if len(lines) > MOST_LINES
        else "",
        state=language.text(_COUNTED if sent.counted else _SENT),
        counted=sent.counted,
    )


def partners(sent: Iterable[Sent]) -> list[str]:
    """Return the ids of all suppliers and buyers that these events name."""
    found = {one.data.get(key, "") for one in sent for key in ("supplier_id", "buyer_id")}
    return sorted(found - {""})


_SENT: Final = mark("Sent, not counted yet")
_COUNTED: Final = mark("Counted")


def _other_partner(sent: Sent, supplier: str, buyer: str) -> str:
    """Return the other partner: the supplier if the buyer sent the event, else the buyer."""
    return supplier if sent.type == form_events.DISPUTE_ANSWERED else buyer


def _confirmed(language: Language, data: Mapping[str, Any]) -> tuple[str, list[_Line]]:
    def say(line: Mapping[str, Any]) -> str:
        if line["status"] == "changed":
            day, amount = line.get("confirmed_date"), line.get("confirmed_quantity")
            parts = [
                language.day(date.fromisoformat(day)) if day else "",
                quantity(language, Decimal(amount)) if amount else "",
            ]
            return language.text(
                "you proposed %(what)s", what=", ".join(part for part in parts if part)
            )
        words = _STATUSES[line["status"]]
        return language.text(words)

    lines = [(data["order_no"], line["line_no"], say(line)) for line in data["lines"]]
    return language.text("Answer to order %(order)s", order=data["order_no"]), lines


_STATUSES: Final = {"accepted": mark("accepted as asked"), "rejected": mark("declined")}


def _despatched(language: Language, data: Mapping[str, Any]) -> tuple[str, list[_Line]]:
    lines = [
        (line["order_no"], line["line_no"], quantity(language, Decimal(line["quantity"])))
        for line in data["lines"]
    ]
    number, expected = data["despatch_no"], data.get("expected_at")
    if not expected:
        return language.text("Delivery %(number)s", number=number), lines
    day = language.day(datetime.fromisoformat(expected).date())
    return language.text("Delivery %(number)s, arrives %(day)s", number=number, day=day), lines


def _answered(language: Language, data: Mapping[str, Any]) -> tuple[str, list[_Line]]:
    number, step = data["complaint_no"], STEPS[data["step"]]
    done = language.text(step)
    return language.text("Complaint %(number)s: %(step)s", number=number, step=done), []


def _capacity(language: Language, data: Mapping[str, Any]) -> tuple[str, list[_Line]]:
    amount = quantity(language, Decimal(data["quantity_per_month"]), data.get("uom"))
    return language.text(
        "Capacity of %(process)s: %(amount)s a month from %(day)s",
        process=data["process"],
        amount=amount,
        day=language.day(date.fromisoformat(data["valid_from"])),
    ), []


def _disputed(language: Language, data: Mapping[str, Any]) -> tuple[str, list[_Line]]:
    line = (data["order_no"], data["line_no"], data["reason"])
    return language.text("Line disputed"), [line]


def _dispute_answered(language: Language, data: Mapping[str, Any]) -> tuple[str, list[_Line]]:
    answer, note = _DISPUTE_ANSWERS[data["answer"]], data.get("note")
    said = language.text(answer)
    words = f"{said}: {note}" if note else said
    return language.text("Dispute answered"), [(data["order_no"], data["line_no"], words)]


_DISPUTE_ANSWERS: Final = {
    "corrected": mark("the data is corrected"),
    "upheld": mark("the data stays as it is"),
}


def _other_document(language: Language, data: Mapping[str, Any]) -> tuple[str, list[_Line]]:
    return language.text("Another document"), []


_WORDS_OF_TYPE: Final[
    Mapping[str, Callable[[Language, Mapping[str, Any]], tuple[str, list[_Line]]]]
] = {
    form_events.CONFIRMED: _confirmed,
    form_events.DESPATCHED: _despatched,
    form_events.ANSWERED: _answered,
    form_events.CAPACITY: _capacity,
    form_events.DISPUTED: _disputed,
    form_events.DISPUTE_ANSWERED: _dispute_answered,
}
