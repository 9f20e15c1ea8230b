"""Collects the routes of all pages."""

from fastapi import APIRouter

from schemas.catalogue import Role
from services.web import link_pages, sign_in
from services.web.buyer import buyer_page, buyer_quality_page, items_page, waiting_page
from services.web.forms import form_pages
from services.web.paper import paper_pages, verify_page
from services.web.programme import coaching_page, programme_pages, programme_quality_page
from services.web.site import PageMaker, Site
from services.web.supplier import deliveries_page, figure_page, line_page, supplier_page


def routes(site: Site) -> list[APIRouter]:
    """Return the routers of all pages."""
    buyers = buyer_page.BuyerPages.of(site)
    first_pages: dict[Role, PageMaker] = {
        Role.SUPPLIER: supplier_page.first_page,
        Role.BUYER: buyers.page,
        Role.PROGRAMME: programme_pages.page,
    }
    return [
        sign_in.routes(site, first_pages),
        supplier_page.routes(site),
        figure_page.routes(site),
        line_page.routes(site),
        deliveries_page.routes(site),
        buyer_page.routes(site, buyers),
        waiting_page.routes(site, buyers),
        items_page.routes(site, buyers),
        buyer_quality_page.routes(site),
        programme_pages.routes(site),
        coaching_page.routes(site),
        programme_quality_page.routes(site),
        link_pages.routes(site),
        paper_pages.routes(site),
        verify_page.routes(site),
        form_pages.routes(site),
    ]
