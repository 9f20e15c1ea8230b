"""Makes the data of events from filled-in forms. Pure.

For each form, a function takes what was typed and what the form is about. It returns the data, or
notes in `typed` what is wrong with which field and returns None. Times are aware; `today` is the
day at the sites.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.fields import plain
from schemas.units import UNIT_ALIASES
from services.assessment.awaited import AwaitedLine, OpenComplaint
from services.text.language import mark
from services.web.forms import typed_fields
from services.web.forms.typed_fields import Typed

CONFIRMED: Final = "id.rantai.order.confirmed.v1"
DESPATCHED: Final = "id.rantai.delivery.despatched.v1"
ANSWERED: Final = "id.rantai.quality.complaint_answered.v1"
CAPACITY: Final = "id.rantai.partner.capacity_declared.v1"
DISPUTED: Final = "id.rantai.line.disputed.v1"
DISPUTE_ANSWERED: Final = "id.rantai.line.dispute_answered.v1"

UNITS: Final = tuple(sorted(set(UNIT_ALIASES.values()) - {"MMT", "CMT", "GRM"}))
"""The units in which a capacity may be declared."""

STATUSES: Final = ("accepted", "changed", "rejected")
ANSWERS: Final = ("corrected", "upheld")
NOON: Final = time(12)
_FURTHEST: Final = timedelta(days=3 * 365)
_YEAR: Final = timedelta(days=366)

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FormLine:
    """An order line in a form. `place`: the number of its row, a suffix of its fields' names."""

    place: str
    line: AwaitedLine


def source_of(partner: str) -> str:
    """Return the `source` of the events that a partner sends from these pages."""
    return f"/erp/{partner}/rantai"


def event(event_type: str, data: Data, source: str, number: str, at: datetime) -> dict[str, Any]:
    """Return a CloudEvent for the gateway's intake. `number`: the form's, which becomes the id."""
    return {
        "specversion": "1.0",
        "id": number,
        "source": source,
        "type": event_type,
        "time": at.astimezone(UTC).isoformat(),
        "data": data,
    }


def hidden_value(names: Sequence[str]) -> str:
    """Return the value of a hidden field that names a line or item; `names_in` reads it."""
    return json.dumps(list(names), ensure_ascii=False)


def named_lines(typed: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the (order, line) in the hidden fields of a form's rows, by the row's number."""
    found = {}
    for name, text in typed.items():
        prefix, _, place = name.partition("-")
        pair = typed_fields.names_in(text) if prefix == "line" else None
        if pair is not None and len(pair) == 2 and place.isascii() and place.isdigit():
            found[place] = (pair[0], pair[1])
    return found


def rows(typed: Typed, lines: Sequence[AwaitedLine]) -> list[FormLine]:
    """Return the rows of a form whose lines are among `lines`.

    An answered row whose line is not among them is noted as a fault of the form as a whole.
    """
    known = {line.key: line for line in lines}
    found: dict[tuple[str, str], FormLine] = {}
    named = named_lines(typed.fields)
    for place in sorted(named, key=lambda place: (len(place), place)):
        line = known.get(named[place])
        if line is not None:
            # A tampered form may name a line twice: only the first row counts.
            found.setdefault(line.key, FormLine(place, line))
        elif _answered(typed, place):
            typed.fault(
                "",
                mark("Order %(order)s line %(line)s is not open here any more."),
                order=named[place][0],
                line=named[place][1],
            )
    return list(found.values())


def _answered(typed: Typed, place: str) -> bool:
    return any(typed.fields.get(f"{name}-{place}") for name in ("answer", "quantity", "date"))


def confirmation(
    typed: Typed, supplier_id: str, found: Sequence[FormLine], today: date
) -> Data | None:
    """Return the supplier's answers to lines of one order. `found`: from `rows`."""
    lines = [line for row in found if (line := _confirmed(typed, row, today)) is not None]
    if not typed.faults and not lines:
        place = f"answer-{found[0].place}" if found else ""
        typed.fault(place, mark("Choose an answer for one line at least."))
    if typed.faults:
        return None
    about = found[0].line
    return {**_parties(about, supplier_id), "order_no": about.order_no, "lines": lines}


def _confirmed(typed: Typed, row: FormLine, today: date) -> Data | None:
    answer, on, amount = (f"{name}-{row.place}" for name in ("answer", "date", "quantity"))
    chosen = typed.take(answer, typed_fields.optional(typed_fields.one_of(STATUSES)))
    day = typed.take(on, typed_fields.optional(typed_fields.day(today, today + _FURTHEST)))
    quantity = typed.take(amount, typed_fields.optional(typed_fields.quantity))
    if any(name in typed.faults for name in (answer, on, amount)):
        return None
    proposed = day not in (None, row.line.requested) or quantity not in (None, row.line.ordered)
    if proposed and chosen != "changed":
        typed.fault(
            answer, mark("You wrote another day or quantity: choose “Other day or quantity”.")
        )
    elif chosen == "changed" and not proposed:
        typed.fault(on, mark("Write the day that you can keep, or the quantity that you can make."))
    elif chosen == "accepted" and row.line.requested < today:
        typed.fault(answer, mark("The day asked for has passed: write the day that you can keep."))
    if chosen is None or typed.faults.keys() & {answer, on}:
        return None
    line: Data = {"line_no": row.line.line_no, "status": chosen}
    if chosen == "changed":
        line |= {"confirmed_date": day.isoformat()} if day else {}
        line |= {"confirmed_quantity": plain(quantity)} if quantity else {}
    return line


def despatch(
    typed: Typed, supplier_id: str, found: Sequence[FormLine], today: date, zone: str
) -> Data | None:
    """Return a despatch advice of the lines for which a quantity was typed."""
    sent = [
        {**_line_of(row.line), "quantity": plain(quantity)}
        for row in found
        if (quantity := typed.take(f"quantity-{row.place}", _sent_quantity)) is not None
    ]
    number = typed.take("despatch_no", typed_fields.number)
    expected = _expected(typed, today, zone)
    vehicle = typed.take("vehicle", typed_fields.optional(typed_fields.number))
    if not typed.faults and not sent:
        place = f"quantity-{found[0].place}" if found else ""
        typed.fault(place, mark("Write the quantity of one line at least."))
    if typed.faults:
        return None
    data = {**_parties(found[0].line, supplier_id), "despatch_no": number, "lines": sent}
    data |= {"expected_at": expected.isoformat()} if expected else {}
    return data | ({"vehicle": vehicle} if vehicle else {})


def _sent_quantity(text: str) -> Decimal | None:
    return (typed_fields.quantity_or_none(text) or None) if text else None


def _expected(typed: Typed, today: date, zone: str) -> datetime | None:
    day = typed.take("expected_on", typed_fields.optional(typed_fields.day(today, today + _YEAR)))
    at = typed.take("expected_time", typed_fields.optional(typed_fields.clock))
    if at is not None and day is None:
        typed.fault("expected_on", mark("Write the day too."))
    return None if day is None else _at(day, at or NOON, zone)


def complaint_answer(
    typed: Typed, supplier_id: str, complaint: OpenComplaint, now: datetime, zone: str
) -> Data | None:
    """Return the supplier's notice that a complaint step is done. `now`: the time of sending."""
    today = now.astimezone(ZoneInfo(zone)).date()
    undone = [step.name for step in complaint.undone]
    step = typed.take("step", typed_fields.one_of(undone))
    day = typed.take(
        "answered_on", typed_fields.day(complaint.opened_on, max(today, complaint.opened_on))
    )
    if typed.faults or day is None:
        return None
    # A step that was done today was done by now, while noon may be yet to come.
    at = now if day >= today else _at(day, NOON, zone)
    return {
        "buyer_id": complaint.buyer_id,
        "supplier_id": supplier_id,
        "complaint_no": complaint.complaint_no,
        "step": step,
        "answered_at": at.isoformat(),
    }


def capacity(typed: Typed, supplier_id: str, today: date) -> Data | None:
    """Return a declaration of what a process can make in a month, for all buyers together."""
    process = typed.take("process", typed_fields.number)
    valid_from = typed.take("valid_from", typed_fields.day(today - _YEAR, today + _FURTHEST))
    quantity = typed.take("quantity_per_month", typed_fields.quantity_or_none)
    uom = typed.take("uom", typed_fields.optional(typed_fields.one_of(UNITS)))
    others = typed.take("others", typed_fields.numbers) or []
    items = list(dict.fromkeys([*_chosen_items(typed), *others]))
    if not items and "others" not in typed.faults:
        typed.fault("others", mark("Choose or write one item at least that this process makes."))
    if len(items) > typed_fields.MOST_ITEMS:
        typed.fault("others", mark("At most %(most)s."), most=typed_fields.MOST_ITEMS)
    if typed.faults or valid_from is None or quantity is None:
        return None
    data: Data = {
        "supplier_id": supplier_id,
        "process": process,
        "valid_from": valid_from.isoformat(),
        "quantity_per_month": plain(quantity),
        "items": items,
    }
    return data | ({"uom": uom} if uom else {})


def _chosen_items(typed: Typed) -> Iterator[str]:
    for name, text in typed.fields.items():
        if name.startswith("item-"):
            yield from typed_fields.names_in(text) or []


def dispute(typed: Typed, supplier_id: str, line: AwaitedLine) -> Data | None:
    """Return the supplier's dispute of a line."""
    reason = typed.take("reason", typed_fields.words)
    evidence = typed.take("evidence", typed_fields.optional(typed_fields.address))
    if typed.faults:
        return None
    data = {**_parties(line, supplier_id), **_line_of(line), "reason": reason}
    return data | ({"evidence": evidence} if evidence else {})


def dispute_answer(
    typed: Typed, buyer_id: str, supplier_id: str, line: tuple[str, str]
) -> Data | None:
    """Return the buyer's answer to a dispute. `line`: order and line number."""
    answer = typed.take("answer", typed_fields.one_of(ANSWERS))
    note = typed.take("note", typed_fields.optional(typed_fields.words))
    if answer == "upheld" and note is None:
        typed.fault("note", mark("Say why: the supplier reads it beside the line."))
    if typed.faults:
        return None
    data = {
        "buyer_id": buyer_id,
        "supplier_id": supplier_id,
        "order_no": line[0],
        "line_no": line[1],
        "answer": answer,
    }
    return data | ({"note": note} if note else {})


def field_of(pointer: str) -> str:
    """Return the field that a fault of the intake is about; "" for the form as a whole.

    `pointer`: a JSON pointer into the event.
    """
    # No field for pointers into `lines`: a line's place in the document is not its row in the form.
    name = pointer.removeprefix("/data/")
    return _FIELDS.get(name, "")


_FIELDS: Final = {
    **{name: name for name in ("despatch_no", "vehicle", "process", "valid_from", "reason")},
    **{name: name for name in ("quantity_per_month", "uom", "evidence", "note", "step", "answer")},
    "expected_at": "expected_on",
    "answered_at": "answered_on",
    "items": "others",
}


def _parties(line: AwaitedLine, supplier_id: str) -> Data:
    return {"buyer_id": line.buyer_id, "supplier_id": supplier_id}


def _line_of(line: AwaitedLine) -> Data:
    return {"order_no": line.order_no, "line_no": line.line_no}


def _at(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone))
