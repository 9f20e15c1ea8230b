"""The programme's page of data quality: the findings in the data of all buyers, or of one."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.web import page_query, quality_page
from services.web.programme.programme_pages import QUALITY_PATH, ways
from services.web.site import Site, Visit, answer


def routes(site: Site) -> APIRouter:
    """Return the route of the programme's page of data quality."""
    router = APIRouter(include_in_schema=False)

    @router.get(QUALITY_PATH)
    async def data_quality(request: Request) -> Response:
        """Show the programme the findings in the data of all buyers."""
        return await answer(site, request, _page)

    return router


async def _page(visit: Visit) -> Response:
    visit.require(Role.PROGRAMME)
    view = page_query.read(visit.query, visit.today)
    buyers = [view.buyer_id] if view.buyer_id else []
    return await quality_page.page(visit, QUALITY_PATH, ways(visit, QUALITY_PATH), view, buyers)
