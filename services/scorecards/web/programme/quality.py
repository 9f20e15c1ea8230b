"""The programme's page of data quality: what looks wrong in the data of all buyers, or of one."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.scorecards.web import asking, quality_page
from services.scorecards.web.programme.pages import QUALITY_PATH, ways
from services.scorecards.web.visiting import Site, Visit, answer


def routes(site: Site) -> APIRouter:
    """Return the route of the programme's data quality."""
    router = APIRouter(include_in_schema=False)

    @router.get(QUALITY_PATH)
    async def data_quality(request: Request) -> Response:
        """Show the programme what looks wrong in the data."""
        return await answer(site, request, _page)

    return router


async def _page(visit: Visit) -> Response:
    visit.require(Role.PROGRAMME)
    view = asking.read(visit.request.query_params, visit.site.reader.today())
    buyers = [view.buyer_id] if view.buyer_id else []
    return await quality_page.page(visit, QUALITY_PATH, ways(visit, QUALITY_PATH), view, buyers)
