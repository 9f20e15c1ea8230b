"""Functions that write small events of buyer B1 and supplier S1, for cases written by hand.

A day is `03-20` or, with a time, `03-20T23:00`: in 2026, in Jakarta, at 10:00 if no time is given.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

Event = dict[str, Any]
Document = dict[str, Any]
IDS: Iterator[int] = count()


def at(day: str) -> str:
    """Return the instant of a day, with offset."""
    return f"2026-{day if 'T' in day else day + 'T10:00'}:00+07:00"


def event(name: str, day: str, /, id: str | None = None, **data: Any) -> Event:
    """Return an event of the buyer. `day` may also be a full timestamp with offset."""
    parties = {"buyer_id": "B1", "supplier_id": "S1"}
    return {
        "specversion": "1.0",
        "id": id or f"e{next(IDS):06d}",
        "source": f"/erp/{data.get('buyer_id', 'B1')}/sap",
        "type": f"id.rantai.{name}.v1",
        "time": at(day) if len(day) < 15 else day,
        "data": parties | data,
    }


def order(day: str, quantity: int | str, wanted: str, line: str = "10", **more: Any) -> Event:
    """Return an event that places line 10 of order P, or changes it if `revision` is given.

    `wanted`: the requested date in 2026. `uom` and `unit_price` go into the line, all else into
    the document.
    """
    stated: Document = {"line_no": line, "item_no": "I", "quantity": quantity}
    stated |= {name: more.pop(name) for name in ("uom", "unit_price") if name in more}
    stated["requested_date"] = f"2026-{wanted}"
    name = "order.changed" if "revision" in more else "order.placed"
    return event(name, day, **{"order_no": "P", "lines": [stated]} | more)


def confirm(day: str, status: str, on: str | None = None) -> Event:
    """Return a confirmation of line 10 of order P; `on`: the confirmed date in 2026."""
    answer = {"line_no": "10", "status": status}
    if on:
        answer["confirmed_date"] = f"2026-{on}"
    return event("order.confirmed", day, order_no="P", lines=[answer])


def cancel(day: str, by: str, **more: Any) -> Event:
    """Return a cancellation of order P, or of some lines of it: `lines=[...]`."""
    return event("order.cancelled", day, order_no="P", by=by, **more)


def goods(*quantities: int | str, line: str = "10") -> list[dict[str, Any]]:
    """Return one document line for each quantity, all of the same line of order P."""
    return [{"order_no": "P", "line_no": line, "quantity": quantity} for quantity in quantities]


def receive(day: str, *quantities: int | str, no: str = "", sent: str = "", **more: Any) -> Event:
    """Return a receipt of line 10 of order P with one line for each quantity.

    `day`: when the goods arrived. `no`: a new number by default. `sent`: the event's own time, by
    default that of the arrival.
    """
    number = no or f"R{next(IDS)}"
    document: Document = {
        "receipt_no": number,
        "received_at": at(day),
        "lines": goods(*quantities),
    } | more
    return event("delivery.received", sent or day, **document)


def reverse(day: str, no: str, *quantities: int | str) -> Event:
    """Return a reversal of a receipt: of quantities of line 10, or of all if none is given."""
    document: Document = {"receipt_no": no}
    if quantities:
        document["lines"] = goods(*quantities)
    return event("delivery.reversed", day, **document)


def send_back(day: str, quantity: int, no: str = "RT1", sent: str = "") -> Event:
    """Return a return of a quantity of line 10. `sent`: the event's own time."""
    document: Document = {"return_no": no, "returned_at": at(day), "lines": goods(quantity)}
    return event("delivery.returned", sent or day, **document)


def inspect(day: str, rejected: int, result: str, no: str = "Q1", sent: str = "") -> Event:
    """Return an inspection of 50 of line 10. `result`: the disposition."""
    document: Document = {
        "inspection_no": no,
        "inspected_at": at(day),
        "order_no": "P",
        "line_no": "10",
    }
    document |= {"quantity_inspected": 50, "quantity_rejected": rejected, "disposition": result}
    return event("quality.inspected", sent or day, **document)


def complain(day: str, no: str, **more: Any) -> Event:
    """Return a minor complaint about order P."""
    document: Document = {"complaint_no": no, "opened_at": at(day), "severity": "minor"}
    document |= {"order_no": "P"} | more
    return event("quality.complaint_opened", day, **document)


def despatch(day: str, no: str, **more: Any) -> Event:
    """Return a despatch advice for line 10."""
    document: Document = {"despatch_no": no, "lines": goods(1)} | more
    return event("delivery.despatched", day, **document)


def answer(day: str, no: str, step: str, sent: str = "", **more: Any) -> Event:
    """Return the answer to a step of a complaint."""
    document: Document = {"complaint_no": no, "step": step, "answered_at": at(day)} | more
    return event("quality.complaint_answered", sent or day, **document)


def close(day: str, no: str, sent: str = "", **more: Any) -> Event:
    """Return the closing of a complaint."""
    document: Document = {"complaint_no": no, "closed_at": at(day)} | more
    return event("quality.complaint_closed", sent or day, **document)


def about(name: str, day: str, /, **data: Any) -> Event:
    """Return an event about the supplier that names no buyer, unless `buyer_id` is given."""
    written = event(f"partner.{name}", day, **data)
    if "buyer_id" not in data:
        del written["data"]["buyer_id"]
    return written


def capacity(day: str, process: str, month: int | str, *items: str, **more: Any) -> Event:
    """Return a declaration of the quantity of `items` that a process can make in a month.

    It is valid from its own day on.
    """
    document: Document = {"process": process, "valid_from": f"2026-{day}"}
    document["quantity_per_month"] = month
    if items:
        document["items"] = list(items)
    return about("capacity_declared", day, **document | more)


def assess(day: str, marks: tuple[int | str, int | str, int | str], **more: Any) -> Event:
    """Return an assessment by YDBA with the marks of produksi, pemasaran and keuangan."""
    pillars = dict(zip(("produksi", "pemasaran", "keuangan"), marks, strict=True))
    stated: Document = {"assessor": "YDBA", "assessed_on": f"2026-{day}", "pillars": pillars}
    return about("assessed", day, **stated | more)


def certify(valid_from: str, valid_to: str | None = None, kind: str = "NIB", **more: Any) -> Event:
    """Return a certificate. `valid_from` and `valid_to` are dates with their year."""
    stated: Document = {"certificate": kind, "valid_from": valid_from}
    if valid_to:
        stated["valid_to"] = valid_to
    return about("certified", "01-05", **stated | more)


def values(*given: object) -> tuple[object, ...]:
    """Return the values as a tuple of objects, to compare several of different types at once."""
    return given
