"""The story of an order line: what anybody said of it, and what of that judges."""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.fields import Spelled
from schemas.spelling import one_spelling
from services.assessment.supplier_reader import SupplierReading
from services.readiness.row import Row
from services.readiness.sums import in_unit
from services.scorecards.scorecard_api import blocking
from services.text import line_words
from services.web import page_query
from services.web.forms import form_pages
from services.web.site import PageRefused, Site, Visit, answer
from services.web.supplier import story_words
from services.web.supplier.line_at import line_at
from services.web.supplier.story_effects import LineStory, inspected
from services.web.supplier.story_line import StoryLine
from services.web.supplier.supplier_page import SupplierQuery, asked_for


def routes(site: Site) -> APIRouter:
    """Return the route of a line's story."""
    router = APIRouter(include_in_schema=False)

    @router.get("/suppliers/{supplier_id}/line")
    async def story_page(request: Request, supplier_id: Spelled) -> Response:
        """Show the story of an order line, named by `buyer`, `order` and `line`."""
        return await answer(site, request, lambda visit: page(visit, supplier_id))

    return router


async def page(visit: Visit, supplier_id: str) -> Response:
    """Return the story of a line. Raises Refused where it is none of the visitor's."""
    asked = await asked_for(visit, supplier_id)
    query = visit.request.query_params
    buyer, order, number = (
        one_spelling(query.get(name, "")) for name in ("buyer", "order", "line")
    )
    if visit.visitor.orders_of not in (None, buyer):
        # Whether another buyer has such a line is nobody's business.
        raise PageRefused("not_known")
    reader = visit.site.reader
    reading = SupplierReading(reader)
    key = (buyer, order, number)
    events, folds, newest = await asyncio.gather(
        blocking(lambda: reading.told(supplier_id, key)),
        blocking(lambda: reading.folds(supplier_id, [key])),
        blocking(lambda: reader.newest(asked.selection)),
    )
    # An order that is cancelled whole names every line, also those that never were.
    if key not in folds and all(row["kind"] == "cancelled" for row in events):
        raise PageRefused("not_known")
    line = StoryLine(
        fold=folds.get(key),
        supplier_id=supplier_id,
        buyer_id=buyer,
        names={supplier_id: asked.profile.supplier.name or supplier_id, **asked.profile.names},
        as_of=asked.view.as_of,
        policy=reader.policy,
    )
    named = _named(line, key, events)
    return await visit.page(
        "line.html",
        lambda: {
            **page_query.heading(visit.language, asked.view, reader, newest),
            **asked.heading,
            **_context(visit, asked, line, events),
            "line": named,
            "actions": form_pages.line_actions(visit, named),
        },
    )


def _named(line: StoryLine, key: tuple[str, str, str], events: Sequence[Row]) -> dict[str, Any]:
    """Return what forms about a line need to know of it; a line without an order has no dates.

    `status`: one word in a list: open, complete, cancelled, declined, retroactive, or unknown where
    there is no order.
    """
    buyer, order, number = key
    last = line.last
    status = "unknown"
    if last is not None and line.fold is not None:
        received = sum((one[2] for one in line.fold["receipts"]), Decimal(0))
        status = "open" if in_unit(received, last.uom) < last.quantity else "complete"
        if last.out:
            status = {"rejected": "declined", "zero": "cancelled"}.get(last.out, last.out)
        if last.cancelled_by:
            status = "cancelled"
    return {
        "supplier_id": line.supplier_id,
        "buyer_id": buyer,
        "order_no": order,
        "line_no": number,
        "status": [status],
        "ordered": None if last is None else last.quantity,
        "due_date": None if last is None else last.due,
        "dispute_open": _disputed(events),
    }


def _context(
    visit: Visit, asked: SupplierQuery, line: StoryLine, events: Sequence[Row]
) -> dict[str, Any]:
    language, policy = visit.language, visit.site.reader.policy
    stands, as_of = None, asked.view.as_of
    if line.fold is not None:
        stands = line_at(line.fold, as_of, policy)
        if stands is None:
            # A line that was ordered today is in no figure yet, but it is there.
            as_of = date.max
            stands = line_at(line.fold, as_of, policy)
    words = None
    if stands is not None:
        row = {**_as_row(stands), **_quality(LineStory(line, events), as_of)}
        words = line_words.line(language, row, asked.view.as_of, policy, asked.profile.names)
    return {
        "stands": words,
        "wanted": "" if stands is None else language.day(stands["requested_date"]),
        "due": "" if stands is None else language.day(stands["due_date"]),
        "due_by": story_words.due_by(language, events, line, stands),
        "story": story_words.told(language, events, line),
        "buyer_name": asked.profile.names.get(line.buyer_id, line.buyer_id),
    }


def _as_row(stands: Row) -> dict[str, Any]:
    return {
        **stands,
        "due_date": stands["due_date"].isoformat(),
        "receipts": [
            {"received_on": on.isoformat(), "quantity": some, "receipt_no": number}
            for on, some, number in stands["receipts"]
        ],
    }


def _quality(story: LineStory, as_of: date) -> dict[str, Any]:
    """Return what is said of a line beside its quantities, as known when a day began.

    The dispute is that of now: the form beside it answers the one that is open now.
    """
    whole, rejected, refused = inspected(story, as_of)
    return {
        "quantity_inspected": whole,
        "quantity_rejected": rejected,
        "status": ["rejected"] if refused else [],
        "complaints": sum(
            row["kind"] == "complained"
            and bool(row["stands"] and row["named"])
            and row["happened_at"].astimezone(ZoneInfo(story.line.policy.zone)).date() < as_of
            for row in story.events
        ),
        "dispute_open": _disputed(story.events),
    }


def _disputed(events: Sequence[Row]) -> bool:
    asked = [row["time"] for row in events if row["kind"] == "disputed"]
    answered = [row["time"] for row in events if row["kind"] == "dispute_answered"]
    # An answer that is later than it closes a dispute.
    return bool(asked) and (not answered or max(asked) > max(answered))
