"""The JSON API of groups: all suppliers together, each cluster, and the members of one cluster."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from schemas.catalogue import Role
from schemas.fields import Spelled
from services.access.keys import Principal
from services.assessment.figure_store import Selection
from services.assessment.programme_figures import Filter, Programme
from services.http.principal import Asking, require_role
from services.http.service import Problem
from services.http.state import with_state
from services.scorecards.group_answers import CLUSTER_ANSWER, CLUSTERS_ANSWER, PROGRAMME_ANSWER
from services.scorecards.scorecard_api import (
    FiguresQuery,
    Page,
    Scorecards,
    Serving,
    exact_answer,
    selection_for,
)

router = APIRouter(tags=["programme"])

_REGION = Field(default="", description="a province or a regency; default any")
_SECTOR = Field(default="", description="default any")


class GroupQuery(FiguresQuery):
    """The query parameters of every figure of a group."""

    buyer_id: Spelled | None = Field(
        default=None,
        min_length=1,
        description="this buyer's suppliers, with figures from its orders only; "
        "default all buyers that the key may see",
    )
    top: Annotated[int, Field(ge=0, le=100)] = Field(
        default=5, description="how many suppliers to list with the highest and the lowest score"
    )


class ProgrammeQuery(GroupQuery):
    """The query parameters of the figures of all suppliers together."""

    region: str = _REGION
    sector: str = _SECTOR
    cluster: str = Field(default="", description="default any")


class ClusterQuery(GroupQuery, Page):
    """The query parameters of one cluster and its members."""


class ClustersQuery(GroupQuery, Page):
    """The query parameters of the list of clusters."""

    region: str = _REGION
    sector: str = _SECTOR


@router.get("/v1/programme", summary="All suppliers together", responses=PROGRAMME_ANSWER)
async def all_together(
    scorecards: Serving, principal: Asking, asked: Annotated[ProgrammeQuery, Query()]
) -> Response:
    """Return the figures of all suppliers together, their grades, and whose grade moved.

    A figure of the group is the sum of numerators over the sum of denominators. `lead` and
    `lag` rank only suppliers that have a grade: a provisional score is not fit for ranking.
    `moved` has each supplier whose published grade differs from that of the month end before,
    with the figure whose points in the score changed most since then.
    """
    selection = _selection(scorecards, principal, asked)
    wanted = Filter(asked.region, asked.sector, asked.cluster)
    programme = Programme(scorecards.reader)
    return await exact_answer(lambda: programme.summary(selection, wanted, asked.top))


@router.get("/v1/clusters", summary="Suppliers by cluster", responses=CLUSTERS_ANSWER)
async def clusters(
    scorecards: Serving, principal: Asking, asked: Annotated[ClustersQuery, Query()]
) -> Response:
    """Return the figures of each cluster by name; suppliers without a cluster last, as null."""
    selection = _selection(scorecards, principal, asked)
    wanted = Filter(asked.region, asked.sector)
    programme = Programme(scorecards.reader)
    return await exact_answer(
        lambda: programme.clusters(selection, wanted, asked.top, asked.limit, asked.offset)
    )


# A cluster may have a slash in its name.
@router.get(
    "/v1/clusters/{cluster:path}", summary="One cluster and its members", responses=CLUSTER_ANSWER
)
async def one_cluster(
    scorecards: Serving, principal: Asking, cluster: str, asked: Annotated[ClusterQuery, Query()]
) -> Response:
    """Return the figures of a cluster and, page by page, the summary of each member."""
    selection = _selection(scorecards, principal, asked)
    programme = Programme(scorecards.reader)

    def listed() -> dict[str, Any]:
        found = programme.cluster(selection, cluster, asked.top, asked.limit, asked.offset)
        if found is None:
            among = "of suppliers you buy from" if selection.buyers else "known here"
            raise Problem(404, f"no cluster {cluster[:64]!r} among those {among}")
        return found

    return await exact_answer(listed)


def routes(scorecards: Scorecards) -> APIRouter:
    """Return the routes `/v1/programme` and `/v1/clusters`."""
    return with_state(router, scorecards)


def _selection(scorecards: Scorecards, principal: Principal, asked: GroupQuery) -> Selection:
    """Return the figures that a request selects. Raises Problem if its key may not see them."""
    require_role(principal, Role.PROGRAMME, Role.BUYER)
    return selection_for(scorecards.reader, principal, asked, [])
