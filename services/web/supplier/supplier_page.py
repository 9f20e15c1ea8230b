"""A supplier's page: its standing, what to do this week, and every figure behind them."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.fields import Spelled
from services.assessment.figure_store import Selection
from services.assessment.supplier_reader import Profile, SupplierReader, SupplierSums
from services.scorecards.scorecard_api import run_query
from services.text import figure_words
from services.text.language import mark
from services.text.standing_words import month_ends
from services.web import addresses, page_query, table_files
from services.web.forms import form_pages
from services.web.page_query import Unreadable, View
from services.web.site import Site, Visit, answer
from services.web.supplier import certificates, standing_card, supplier_tables, trend, workload
from services.web.supplier.standing_card import StandingCard


@dataclass(frozen=True, slots=True)
class SupplierQuery:
    """The supplier, day and orders that a page shows, limited to what the visitor may see."""

    view: View
    selection: Selection
    profile: Profile
    alone: bool
    """Whether the visitor may see the orders of only one buyer."""

    @property
    def supplier_id(self) -> str:
        """The supplier whose page it is."""
        return self.selection.suppliers[0]

    @property
    def heading(self) -> dict[str, Any]:
        """The template's values for the heading of every page of a supplier."""
        return {
            "supplier": self.profile.supplier,
            "names": self.profile.names,
            "alone": self.alone,
            "buyers": () if self.alone else self.profile.supplier.buyers,
            "address": addresses.supplier(self.supplier_id, self.view),
        }


def routes(site: Site) -> APIRouter:
    """Return the route of a supplier's page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/suppliers/{supplier_id}")
    async def supplier_page(request: Request, supplier_id: Spelled) -> Response:
        """Show a supplier's standing to itself, its buyers and the programme."""
        return await answer(site, request, lambda visit: page(visit, supplier_id))

    return router


async def first_page(visit: Visit) -> Response:
    """Return the visiting supplier's own page."""
    return await page(visit, visit.visitor.partner)


async def page(visit: Visit, supplier_id: str) -> Response:
    """Return a supplier's page, or one of its tables if the address asks for a file.

    Raises PageRefused, Unreadable.
    """
    reader = visit.reader
    reading = SupplierReader(reader)
    view, selection = await read_view(visit, supplier_id)
    if (wanted := table_files.table_asked_for(visit)) is not None:
        return await supplier_tables.answer(visit, wanted, selection)
    profile, stands, sums, newest = await asyncio.gather(
        run_query(lambda: reading.profile(supplier_id, selection)),
        standing_card.read(
            reader, visit.site.evaluations, selection, with_frozen=_of_all_buyers(visit, view)
        ),
        run_query(lambda: reading.sums(selection)),
        run_query(lambda: reader.newest(selection)),
    )
    query = _with_known_buyer(
        SupplierQuery(view, selection, profile, visit.visitor.orders_of is not None)
    )
    return await visit.page(
        "supplier.html",
        lambda: {
            **page_query.heading(visit.language, view, reader, newest),
            **query.heading,
            **_standing_context(visit, query, stands, sums),
            "actions": form_pages.supplier_actions(visit, supplier_id),
            "any_data": newest is not None,
        },
    )


async def read_query(visit: Visit, supplier_id: str) -> SupplierQuery:
    """Read a request for a supplier's page. Raises PageRefused, Unreadable."""
    view, selection = await read_view(visit, supplier_id)
    reading = SupplierReader(visit.reader)
    profile = await run_query(lambda: reading.profile(supplier_id, selection))
    return _with_known_buyer(
        SupplierQuery(view, selection, profile, visit.visitor.orders_of is not None)
    )


async def read_view(visit: Visit, supplier_id: str) -> tuple[View, Selection]:
    """Return the requested view and what the visitor may see of it.

    Raises PageRefused, Unreadable.
    """
    view = page_query.read(visit.query, visit.today)
    if visit.visitor.orders_of is not None:
        # The visitor's rights decide whose orders are shown, whatever the address says.
        view = replace(view, buyer_id=visit.visitor.orders_of)
    return view, await visit.selection(view, supplier_id)


def _with_known_buyer(query: SupplierQuery) -> SupplierQuery:
    if not query.alone and query.view.buyer_id not in (None, *query.profile.supplier.buyers):
        raise Unreadable(mark("That buyer is not among the buyers here."))
    return query


def _of_all_buyers(visit: Visit, view: View) -> bool:
    return visit.visitor.orders_of is None and view.buyer_id is None


def _standing_context(
    visit: Visit, query: SupplierQuery, stands: StandingCard, sums: SupplierSums
) -> dict[str, Any]:
    language, policy = visit.language, visit.policy
    months = trend.trend(language, sums.months, query.view.as_of)
    return {
        **stands.in_words(language, policy, query.profile.names, sums.matured_months),
        "groups": figure_words.all_figures(language, stands.card, policy),
        "months": months,
        "drawn": trend.otif_chart(language, months),
        "told_months": trend.chart_words(months),
        "told_scores": "; ".join(
            f"{one.name}: {one.score}, {one.grade}" for one in month_ends(language, stands.frozen)
        ),
        "told_small": trend.small_chart_words(language, stands.frozen, stands.card),
        "scores": trend.score_chart(language, stands.frozen, policy),
        "small": trend.small_score_chart(stands.frozen, stands.card),
        "small_months": trend.small_otif_chart(months),
        "ahead": workload.ahead(
            stands.card["kpis"]["overdue_lines"]["value"], sums.awaited, query.view.as_of
        ),
        "certificates": certificates.certificate_words(
            language, query.profile.certificates, query.view.as_of
        ),
        "figure_address": lambda key: addresses.figure(query.supplier_id, key, query.view),
        "deliveries_address": addresses.deliveries(query.supplier_id, query.view),
    }
