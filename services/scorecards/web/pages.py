"""Every page of the site, put together."""

from fastapi import APIRouter

from schemas.catalogue import Role
from services.scorecards.web import (
    actions,
    deliveries,
    entry,
    figure_lines,
    line_story,
    overview,
    papers,
    supplier,
    verify,
)
from services.scorecards.web.visiting import Make, Site


def routes(site: Site) -> list[APIRouter]:
    """Return the routes of all pages."""
    first_pages: dict[Role, Make] = {
        Role.SUPPLIER: supplier.first_page,
        Role.BUYER: lambda visit: overview.page(visit, Role.BUYER),
        Role.PROGRAMME: lambda visit: overview.page(visit, Role.PROGRAMME),
    }
    return [
        entry.routes(site, first_pages),
        supplier.routes(site),
        figure_lines.routes(site),
        line_story.routes(site),
        deliveries.routes(site),
        overview.routes(site),
        papers.routes(site),
        verify.routes(site),
        actions.routes(site),
    ]
