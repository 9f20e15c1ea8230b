"""The forms about order lines: answer an order, announce a delivery, dispute a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.catalogue import Role
from services.assessment.awaited import AwaitedLine, LineChoice
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.scorecards.scorecard_api import run_query
from services.text.language import mark
from services.web.forms import form_events, typed_fields
from services.web.forms.desk import Desk, Offer
from services.web.forms.form_events import FormLine
from services.web.forms.typed_fields import Typed

MOST_ROWS: Final = 40
"""Most lines in one form: it must stay within the size of a request, and manageable."""

_MOST_READ: Final = 5000
_CHOSEN: Final = ("buyer", "order", "line")


class ConfirmForm:
    """The supplier confirms lines of an order, proposes another day or quantity, or declines."""

    name = "confirm"
    role = Role.SUPPLIER
    event_type = form_events.CONFIRMED
    title = mark("Answer an order")
    labels: Mapping[str, str] = {
        "answer": mark("Your answer"),
        "date": mark("Day on which you can deliver"),
        "quantity": mark("Quantity that you can make"),
    }

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Offer lines of the order that the address names; without an order, orders to choose.

        Of its awaited lines, offer the one that is named, else the unanswered ones, else all.
        """
        query = {name: desk.asked(name) for name in _CHOSEN if desk.asked(name)}
        if "buyer" not in query or "order" not in query:
            if typed is not None:
                return Offer()
            return Offer(context=await _orders_to_choose(desk, query.get("order", "")))
        total, lines = await _lines(desk, "awaited", query["buyer"], orders=[query["order"]])
        if typed is not None:
            rows = form_events.rows(typed, lines)
            total = len(rows)
        else:
            if "line" in query:
                lines = [line for line in lines if line.line_no == query["line"]]
            elif any(line.unanswered for line in lines):
                lines = [line for line in lines if line.unanswered]
            total, rows = len(lines), _form_lines(lines)
        names = await desk.names([query["buyer"]])
        return Offer(
            subject=query["order"] if rows else None,
            rows=rows,
            query=query,
            context={
                **query,
                "gone": not rows,
                "total": total,
                "names": names,
                "today": desk.today,
            },
        )

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of an order.confirmed event."""
        if typed.fields.get("all"):
            _accept_the_rest(typed, offer.rows, desk.today)
        return form_events.confirmation(typed, desk.supplier_id, offer.rows, desk.today)


class DespatchForm:
    """The supplier announces a delivery: lines of one buyer in one despatch advice."""

    name = "despatch"
    role = Role.SUPPLIER
    event_type = form_events.DESPATCHED
    title = mark("Announce a delivery")
    labels: Mapping[str, str] = {
        "despatch_no": mark("Number of the delivery note"),
        "replace": mark("Replace the earlier announcement"),
        "expected_on": mark("Arrives on"),
        "expected_time": mark("Arrives at"),
        "vehicle": mark("Vehicle"),
        "quantity": mark("Quantity in this delivery"),
    }

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Offer the awaited lines of one buyer; if several buyers await goods, buyers to choose."""
        query = {name: desk.asked(name) for name in _CHOSEN if desk.asked(name)}
        if typed is not None:
            if "buyer" not in query:
                return Offer()
            orders = sorted({order for order, _ in form_events.named_lines(typed.fields).values()})
            # A line may have been booked complete meanwhile: its goods are on the way all the same.
            if orders:
                total, lines = await _lines(desk, "any", query["buyer"], orders=orders)
            else:
                total, lines = 0, []
            rows = form_events.rows(typed, lines)
        else:
            buyers = [query["buyer"]] if "buyer" in query else []
            orders = [query["order"]] if "order" in query else []
            total, lines = await _lines(desk, "awaited", *buyers, orders=orders)
            found = sorted({line.buyer_id for line in lines})
            if len(found) != 1:
                return Offer(context=await _buyers_to_choose(desk, lines))
            query["buyer"] = found[0]
            rows = _form_lines(sorted(lines, key=lambda line: line.line_no != query.get("line")))
        names = await desk.names([query["buyer"]])
        return Offer(
            subject=query["buyer"] if rows else None,
            rows=rows,
            query=query,
            defaults=_still_to_send(rows, query.get("line")),
            context={"order": "", **query, "total": total, "names": names},
        )

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of a delivery.despatched event."""
        data = form_events.despatch(typed, desk.supplier_id, offer.rows, desk.today, desk.zone)
        if data is None or typed.fields.get("replace"):
            return data
        number, buyer = data["despatch_no"], data["buyer_id"]
        before = await run_query(
            lambda: desk.awaiting.despatched_at(desk.supplier_id, buyer, number)
        )
        if before is None:
            return data
        typed.fault(
            "replace",
            mark(
                "A delivery of this number was announced on %(day)s. Write the number of this one, "
                "or tick here that this announcement replaces the earlier one."
            ),
            day=before.astimezone(ZoneInfo(desk.zone)).date(),
        )
        return None


class DisputeForm:
    """The supplier disputes what the buyer's system says about a line."""

    name = "dispute"
    role = Role.SUPPLIER
    event_type = form_events.DISPUTED
    title = mark("Dispute a line")
    labels: Mapping[str, str] = {
        "reason": mark("What is wrong, and how it was"),
        "evidence": mark("Address of a photo or document (if you have one)"),
    }

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Offer the line that the address names; without one, lines to choose.

        These are the lines of the order that is named, or else those judged late.
        """
        query = {name: desk.asked(name) for name in _CHOSEN if desk.asked(name)}
        if len(query) < len(_CHOSEN):
            return Offer(context=await _lines_to_choose(desk, query.get("order", "")))
        _, lines = await _lines(desk, "any", query["buyer"], orders=[query["order"]])
        line = next((line for line in lines if line.line_no == query["line"]), None)
        names = await desk.names([query["buyer"]])
        _, disputes = await run_query(
            lambda: desk.awaiting.disputes([query["buyer"]], [desk.supplier_id], [query["order"]])
        )
        before = next((one for one in disputes if one.line_no == query["line"]), None)
        return Offer(
            subject=line,
            query=query,
            context={**query, "line": line, "names": names, "before": before},
        )

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of a line.disputed event."""
        return form_events.dispute(typed, desk.supplier_id, offer.subject)


@dataclass(frozen=True, slots=True)
class OrderToAnswer:
    """An order to choose. `lines`: how many lines are offered; `first`: that which is due first."""

    buyer_id: str
    order_no: str
    lines: int
    first: AwaitedLine


async def _orders_to_choose(desk: Desk, order: str) -> dict[str, Any]:
    wanted: LineChoice = "awaited" if order else "unanswered"
    total, lines = await _lines(desk, wanted, orders=[order] if order else [])
    found: dict[tuple[str, str], list[AwaitedLine]] = {}
    for line in lines:
        found.setdefault((line.buyer_id, line.order_no), []).append(line)
    orders = [OrderToAnswer(*key, len(of), of[0]) for key, of in found.items()][:MOST_ROWS]
    names = await desk.names([one.buyer_id for one in orders])
    return {"orders": orders, "total": total, "order": order, "names": names, "gone": False}


async def _buyers_to_choose(desk: Desk, lines: Sequence[AwaitedLine]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.buyer_id] = counts.get(line.buyer_id, 0) + 1
    return {"buyers": counts, "names": await desk.names(list(counts))}


async def _lines_to_choose(desk: Desk, order: str) -> dict[str, Any]:
    if order:
        total, lines = await _lines(desk, "any", orders=[order])
        found = [(one.buyer_id, one.order_no, one.line_no, one.due) for one in lines[:MOST_ROWS]]
    else:
        reader = desk.visit.reader
        selection = Selection(desk.tomorrow, WINDOW_DAYS, [desk.supplier_id])
        late = await run_query(
            lambda: reader.lines(desk.supplier_id, selection, "late", MOST_ROWS, 0)
        )
        total = late["total"]
        found = [
            (row["buyer_id"], row["order_no"], row["line_no"], date.fromisoformat(row["due_date"]))
            for row in late["lines"]
        ]
    names = await desk.names(sorted({row[0] for row in found}))
    return {"lines": found, "total": total, "order": order, "names": names}


async def _lines(
    desk: Desk, wanted: LineChoice, *buyers: str, orders: Sequence[str] = ()
) -> tuple[int, list[AwaitedLine]]:
    return await run_query(
        lambda: desk.awaiting.lines(
            desk.tomorrow,
            desk.supplier_id,
            buyers,
            wanted=wanted,
            orders=orders,
            limit=_MOST_READ,
        )
    )


def _form_lines(lines: Sequence[AwaitedLine]) -> list[FormLine]:
    return [FormLine(str(place), line) for place, line in enumerate(lines[:MOST_ROWS])]


def _still_to_send(rows: Sequence[FormLine], line_no: str | None) -> dict[str, str]:
    """Return the first value of the quantity field of a line: what is still to be despatched."""
    return {
        f"quantity-{row.place}": typed_fields.written(rest)
        for row in rows
        if row.line.line_no == line_no and (rest := row.line.missing - row.line.on_the_way) > 0
    }


def _accept_the_rest(typed: Typed, rows: Sequence[FormLine], today: date) -> None:
    """Fill in that unanswered lines are accepted, unless their date has passed."""
    answers = {
        f"answer-{row.place}": "accepted"
        for row in rows
        if row.line.unanswered and row.line.requested >= today
    }
    typed.fields = {**answers, **{name: text for name, text in typed.fields.items() if text}}
