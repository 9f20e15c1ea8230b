"""The forms about complaint steps, capacity and, for the buyer, disputes."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.catalogue import Role
from services.scorecards.scorecard_api import run_query
from services.text.language import mark
from services.web.forms import form_events, typed_fields
from services.web.forms.desk import Desk, Offer
from services.web.forms.typed_fields import Typed

STEPS: Final = {
    "containment": mark("the goods are secured (containment)"),
    "corrective_action": mark("the cause is put right (corrective action)"),
}
SEVERITIES: Final = {
    "minor": mark("minor"),
    "major": mark("major"),
    "line_stop": mark("stopped the buyer's line"),
    "safety": mark("endangers safety"),
}
ANSWERS: Final = {
    "corrected": mark("The supplier is right; our data is corrected"),
    "upheld": mark("Our data is right and stays as it is"),
}


class ComplaintAnswerForm:
    """The supplier tells that a step of a complaint is done."""

    name = "answer"
    role = Role.SUPPLIER
    event_type = form_events.ANSWERED
    title = mark("Answer a complaint")
    labels: Mapping[str, str] = {
        "step": mark("What is done"),
        "answered_on": mark("Done on"),
    }

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Offer the complaint that the address names; without one, complaints to choose."""
        query = {name: desk.asked(name) for name in ("buyer", "complaint") if desk.asked(name)}
        chosen = len(query) == 2
        buyers, numbers = ([query["buyer"]], [query["complaint"]]) if chosen else ([], [])
        found = await run_query(
            lambda: desk.awaiting.complaints(desk.tomorrow, desk.supplier_id, buyers, numbers)
        )
        waiting = [one for one in found if one.undone]
        complaint = waiting[0] if chosen and waiting else None
        step = desk.asked("step")
        names = await desk.names([one.buyer_id for one in waiting])
        return Offer(
            subject=complaint,
            query=query if complaint else {},
            defaults={"answered_on": desk.today.isoformat(), "step": step},
            context={
                "complaint": complaint,
                "complaints": [] if chosen else waiting,
                "gone": chosen and not waiting,
                "names": names,
                "steps": STEPS,
                "severities": SEVERITIES,
                "today": desk.today,
            },
        )

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of a quality.complaint_answered event."""
        return form_events.complaint_answer(
            typed, desk.supplier_id, offer.subject, desk.now, desk.zone
        )


class CapacityForm:
    """The supplier declares what a process can make in a month."""

    name = "capacity"
    role = Role.SUPPLIER
    event_type = form_events.CAPACITY
    title = mark("Declare capacity")
    labels: Mapping[str, str] = {
        "process": mark("Process"),
        "quantity_per_month": mark("Quantity a month"),
        "uom": mark("Unit"),
        "valid_from": mark("From the day"),
        "item": mark("Items that it makes"),
        "others": mark("Other items, one a line"),
    }

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Offer earlier declarations to change, and the items that were ordered lately."""
        declared = await run_query(lambda: desk.awaiting.capacities(desk.supplier_id))
        items = await run_query(lambda: desk.awaiting.items(desk.supplier_id, desk.today))
        before = next((one for one in declared if one.process == desk.asked("process")), None)
        defaults = {"valid_from": desk.today.isoformat()}
        if before is not None:
            items = list(dict.fromkeys([*before.items, *items]))
            defaults |= {
                "process": before.process,
                "quantity_per_month": typed_fields.written(before.quantity_per_month),
                "uom": before.uom or "",
            }
            defaults |= {
                f"item-{place}": form_events.hidden_value([item])
                for place, item in enumerate(items)
                if item in before.items
            }
        return Offer(
            subject=desk.supplier_id,
            defaults=defaults,
            context={
                "declared": declared,
                "items": [
                    (f"item-{n}", item, form_events.hidden_value([item]))
                    for n, item in enumerate(items)
                ],
                "units": form_events.UNITS,
            },
        )

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of a partner.capacity_declared event."""
        return form_events.capacity(typed, desk.supplier_id, desk.today)


class DisputeAnswerForm:
    """The buyer answers a supplier's dispute."""

    name = "dispute-answer"
    role = Role.BUYER
    event_type = form_events.DISPUTE_ANSWERED
    title = mark("Answer a dispute")
    labels: Mapping[str, str] = {"answer": mark("Your answer"), "note": mark("Note")}

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Offer the open dispute of the line that the address names."""
        query = {name: desk.asked(name) for name in ("order", "line") if desk.asked(name)}
        buyer = desk.visit.visitor.partner
        found = None
        if len(query) == 2:
            _, disputes = await run_query(
                lambda: desk.awaiting.disputes([buyer], [desk.supplier_id], [query["order"]])
            )
            found = next((one for one in disputes if one.line_no == query["line"]), None)
        names = await desk.names([desk.supplier_id])
        return Offer(
            subject=found,
            query=query,
            context={"dispute": found, "names": names, "answers": ANSWERS},
        )

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of a line.dispute_answered event."""
        dispute = offer.subject
        line = (dispute.order_no, dispute.line_no)
        return form_events.dispute_answer(typed, dispute.buyer_id, dispute.supplier_id, line)
