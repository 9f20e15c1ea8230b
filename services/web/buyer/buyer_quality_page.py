"""A buyer's page of data quality: the findings in its own data."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.web import quality_page
from services.web.buyer.buyer_page import QUALITY_PATH, buyers_view, ways
from services.web.site import Site, Visit, answer


def routes(site: Site) -> APIRouter:
    """Return the route of a buyer's page of data quality."""
    router = APIRouter(include_in_schema=False)

    @router.get(QUALITY_PATH)
    async def data_quality(request: Request) -> Response:
        """Show a buyer the findings in its own data."""
        return await answer(site, request, _page)

    return router


async def _page(visit: Visit) -> Response:
    visit.require(Role.BUYER)
    here = ways(visit, QUALITY_PATH)
    return await quality_page.page(
        visit, QUALITY_PATH, here, buyers_view(visit), [visit.visitor.partner]
    )
