"""Every page of the site, put together."""

from fastapi import APIRouter

from schemas.catalogue import Role
from services.scorecards.web import (
    actions,
    buyer,
    buyer_items,
    buyer_waiting,
    coaching_pages,
    deliveries,
    entry,
    figure_lines,
    line_story,
    link_pages,
    papers,
    programme_pages,
    supplier,
    verify,
)
from services.scorecards.web.visiting import Make, Site


def routes(site: Site) -> list[APIRouter]:
    """Return the routes of all pages."""
    buyers = buyer.BuyerPages.of(site)
    first_pages: dict[Role, Make] = {
        Role.SUPPLIER: supplier.first_page,
        Role.BUYER: buyers.page,
        Role.PROGRAMME: programme_pages.page,
    }
    return [
        entry.routes(site, first_pages),
        supplier.routes(site),
        figure_lines.routes(site),
        line_story.routes(site),
        deliveries.routes(site),
        buyer.routes(site, buyers),
        buyer_waiting.routes(site, buyers),
        buyer_items.routes(site, buyers),
        programme_pages.routes(site),
        coaching_pages.routes(site),
        link_pages.routes(site),
        papers.routes(site),
        verify.routes(site),
        actions.routes(site),
    ]
