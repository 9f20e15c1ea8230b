"""A supplier's page: how it stands, what to do, and the figures and lines behind that."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.scorecards.api import blocking
from services.scorecards.reading import Reader
from services.scorecards.web import (
    asking,
    standing,
    standing_words,
    supplier_tables,
    tables,
    wording,
)
from services.scorecards.web.asking import Unreadable, View
from services.scorecards.web.language import Language, mark
from services.scorecards.web.trend import trend
from services.scorecards.web.visiting import Site, Visit, answer
from services.warehouse.figures import Selection

MOST_LINES: Final = 50
"""Lines of one list: three full lists of ordinary lines stay light with everything else."""


def routes(site: Site) -> APIRouter:
    """Return the route of a supplier's page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/suppliers/{supplier_id}")
    async def supplier_page(request: Request, supplier_id: str) -> Response:
        """Show how a supplier stands: to itself, to its buyers, to the programme."""
        return await answer(site, request, lambda visit: page(visit, supplier_id))

    return router


async def first_page(visit: Visit) -> Response:
    """Return the page of the supplier who visits."""
    return await page(visit, visit.visitor.partner)


async def page(visit: Visit, supplier_id: str) -> Response:
    """Return a supplier's page."""
    reader = visit.site.reader
    view = asking.read(visit.request.query_params, reader.today())
    selection = await visit.selection(view, supplier_id)
    if (wanted := tables.asked(visit)) is not None:
        return await supplier_tables.answer(visit, wanted, selection)
    return visit.page("supplier.html", await _scorecard(visit, view, selection))


async def _scorecard(visit: Visit, view: View, selection: Selection) -> dict[str, Any]:
    """Read everything that a supplier's page shows."""
    reader, language = visit.site.reader, visit.language
    # Who else buys here is nobody's business who sees the orders of one buyer alone.
    own = [buyer] if (buyer := visit.visitor.orders_of) else []
    supplier = await blocking(lambda: reader.supplier(selection.suppliers[0], own))
    if not own and view.buyer_id is not None and view.buyer_id not in supplier.buyers:
        raise Unreadable(mark("That buyer is not among the buyers here."))
    stands, months, newest, names, (late, overdue, rejected) = await asyncio.gather(
        standing.read(reader, visit.site.evaluations, selection, frozen=not own),
        blocking(lambda: reader.monthly_figures(selection)),
        blocking(lambda: reader.newest(selection)),
        blocking(lambda: reader.names(supplier.buyers)),
        asyncio.gather(
            *(_lines(reader, selection, status) for status in ("late", "overdue", "rejected"))
        ),
    )
    figures = {key: standing_words.figure(stands.card, key) for key in wording.TITLES}
    otif = figures["otif"]
    if own:
        view = replace(view, buyer_id=own[0])
    return {
        **asking.heading(language, view, reader, newest),
        **stands.in_words(language, reader.policy, names),
        "supplier": supplier,
        "page": f"/suppliers/{supplier.supplier_id}{view.but()}",
        "names": names,
        "titles": {key: language.text(title) for key, title in wording.TITLES.items()},
        "said": {key: wording.say(language, key, figures[key]) for key in wording.TITLES},
        "meanings": wording.meanings(language, reader.policy),
        "any_data": newest is not None,
        "months": trend(language, months, view.as_of),
        "late": _in_words(language, late, reader, view, names),
        "overdue": _in_words(language, overdue, reader, view, names, awaited=True),
        "rejected": _in_words(language, rejected, reader, view, names),
        # A line misses its mark by coming late, or too early, or by being too much.
        "otherwise_missed": max(0, int(otif.denominator - otif.numerator) - late["total"]),
        "most_lines": MOST_LINES,
    }


async def _lines(reader: Reader, selection: Selection, status: str) -> dict[str, Any]:
    supplier_id = selection.suppliers[0]
    return await blocking(lambda: reader.lines(supplier_id, selection, status, MOST_LINES, 0))


def _in_words(  # noqa: PLR0913 - what a line is told by
    language: Language,
    found: dict[str, Any],
    reader: Reader,
    view: View,
    names: Mapping[str, str],
    *,
    awaited: bool = False,
) -> dict[str, Any]:
    rows = [
        wording.line(language, row, view.as_of, reader.policy, names, awaited=awaited)
        for row in found["lines"]
    ]
    return {"total": found["total"], "rows": rows}
