"""The page of an order line's story: its events, and what each of them does to the figures."""

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
from services.assessment.supplier_reader import SupplierReader
from services.readiness.row import Row
from services.readiness.sums import in_unit
from services.scorecards.scorecard_api import run_query
from services.text import line_words
from services.web import page_query
from services.web.forms import form_pages
from services.web.site import PageRefused, Site, Visit, answer
from services.web.supplier import story_words
from services.web.supplier.line_at import line_at
from services.web.supplier.story_effects import LineStory, inspected_before
from services.web.supplier.story_line import StoryLine
from services.web.supplier.supplier_page import SupplierQuery, read_query


def routes(site: Site) -> APIRouter:
    """Return the route of the page of a line's story."""
    router = APIRouter(include_in_schema=False)

    @router.get("/suppliers/{supplier_id}/line")
    async def story_page(request: Request, supplier_id: Spelled) -> Response:
        """Show the story of an order line, named by `buyer`, `order` and `line`."""
        return await answer(site, request, lambda visit: page(visit, supplier_id))

    return router


async def page(visit: Visit, supplier_id: str) -> Response:
    """Return the page of a line's story.

    Raises PageRefused if there is no such line or the visitor may not see it, and Unreadable.
    """
    query = await read_query(visit, supplier_id)
    params = visit.query
    buyer, order, number = (
        one_spelling(params.get(name, "")) for name in ("buyer", "order", "line")
    )
    if visit.visitor.orders_of not in (None, buyer):
        # As for a line that does not exist: a visitor must not learn whether another buyer has it.
        raise PageRefused("not_known")
    reader = visit.reader
    reading = SupplierReader(reader)
    key = (buyer, order, number)
    events, folds, newest = await asyncio.gather(
        run_query(lambda: reading.told(supplier_id, key)),
        run_query(lambda: reading.folds(supplier_id, [key])),
        run_query(lambda: reader.newest(query.selection)),
    )
    # The cancellation of a whole order applies to any line number, also one that never existed.
    if key not in folds and all(row["kind"] == "cancelled" for row in events):
        raise PageRefused("not_known")
    line = StoryLine(
        fold=folds.get(key),
        supplier_id=supplier_id,
        buyer_id=buyer,
        names={supplier_id: query.profile.supplier.name or supplier_id, **query.profile.names},
        as_of=query.view.as_of,
        policy=reader.policy,
    )
    named = _line_for_forms(line, key, events)
    return await visit.page(
        "line.html",
        lambda: {
            **page_query.heading(visit.language, query.view, reader, newest),
            **query.heading,
            **_context(visit, query, line, events),
            "line": named,
            "actions": form_pages.line_actions(visit, named),
        },
    )


def _line_for_forms(
    line: StoryLine, key: tuple[str, str, str], events: Sequence[Row]
) -> dict[str, Any]:
    """Return what the forms about a line need to know about it.

    Without an order, `ordered` and `due_date` are None. `status`: a list with one word: open,
    complete, cancelled, declined, retroactive, or unknown without an order.
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
        "dispute_open": _dispute_open(events),
    }


def _context(
    visit: Visit, query: SupplierQuery, line: StoryLine, events: Sequence[Row]
) -> dict[str, Any]:
    language, policy = visit.language, visit.policy
    stands, as_of = None, query.view.as_of
    if line.fold is not None:
        stands = line_at(line.fold, as_of, policy)
        if stands is None:
            # A line that was ordered today counts in no figure yet, but the page shows it.
            as_of = date.max
            stands = line_at(line.fold, as_of, policy)
    words = None
    if stands is not None:
        row = {**_as_row(stands), **_quality(LineStory(line, events), as_of)}
        words = line_words.line(language, row, query.view.as_of, policy, query.profile.names)
    return {
        "stands": words,
        "wanted": "" if stands is None else language.day(stands["requested_date"]),
        "due": "" if stands is None else language.day(stands["due_date"]),
        "due_by": story_words.due_by(language, events, line, stands),
        "story": story_words.story_entries(language, events, line),
        "buyer_name": query.profile.names.get(line.buyer_id, line.buyer_id),
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
    """Return a line's inspections, complaints and dispute, as known when a day began.

    The dispute is the present one, whatever the day: the form on the page answers that one.
    """
    whole, rejected, refused = inspected_before(story, as_of)
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
        "dispute_open": _dispute_open(story.events),
    }


def _dispute_open(events: Sequence[Row]) -> bool:
    raised = [row["time"] for row in events if row["kind"] == "disputed"]
    answered = [row["time"] for row in events if row["kind"] == "dispute_answered"]
    # An answer closes every dispute that is not later than it.
    return bool(raised) and (not answered or max(raised) > max(answered))
