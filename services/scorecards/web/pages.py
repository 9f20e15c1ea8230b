"""Every page of the site, put together."""

from fastapi import APIRouter

from schemas.catalogue import Role
from services.scorecards.web import entry, link_pages, papers, verify
from services.scorecards.web.actions import pages as actions
from services.scorecards.web.buyer import items as buyer_items
from services.scorecards.web.buyer import pages as buyer
from services.scorecards.web.buyer import quality as buyer_quality
from services.scorecards.web.buyer import waiting as buyer_waiting
from services.scorecards.web.programme import coaching as coaching_pages
from services.scorecards.web.programme import pages as programme_pages
from services.scorecards.web.programme import quality as programme_quality
from services.scorecards.web.supplier import deliveries, figure_lines, line_story
from services.scorecards.web.supplier import pages as supplier
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
        buyer_quality.routes(site),
        programme_pages.routes(site),
        coaching_pages.routes(site),
        programme_quality.routes(site),
        link_pages.routes(site),
        papers.routes(site),
        verify.routes(site),
        actions.routes(site),
    ]
