"""The JSON API of groups: all suppliers together, each cluster, and the members of one cluster."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from schemas.catalogue import Role
from schemas.fields import Spelled
from services.assessment.figure_store import Selection
from services.assessment.programme_figures import Filter, Programme
from services.http.principal import principal_of, require_role
from services.http.service import Problem
from services.scorecards.scorecard_api import (
    FiguresQuery,
    Page,
    Scorecards,
    exact_answer,
    selection_for,
)

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


def routes(scorecards: Scorecards) -> APIRouter:
    """Return the routes `/v1/programme` and `/v1/clusters`."""
    router = APIRouter(tags=["programme"])
    programme = Programme(scorecards.reader)

    @router.get("/v1/programme", summary="All suppliers together", responses=_SUMMARY)
    async def all_together(request: Request, asked: Annotated[ProgrammeQuery, Query()]) -> Response:
        """Return the figures of all suppliers together, their grades, and whose grade moved.

        A figure of the group is the sum of numerators over the sum of denominators. `lead` and
        `lag` rank only suppliers that have a grade: a provisional score is not fit for ranking.
        `moved` has each supplier whose published grade differs from that of the month end before,
        with the figure whose points in the score changed most since then.
        """
        selection = _selection(scorecards, request, asked)
        wanted = Filter(asked.region, asked.sector, asked.cluster)
        return await exact_answer(lambda: programme.summary(selection, wanted, asked.top))

    @router.get("/v1/clusters", summary="Suppliers by cluster", responses=_CLUSTERS)
    async def clusters(request: Request, asked: Annotated[ClustersQuery, Query()]) -> Response:
        """Return the figures of each cluster by name; suppliers without a cluster last, as null."""
        selection = _selection(scorecards, request, asked)
        wanted = Filter(asked.region, asked.sector)
        return await exact_answer(
            lambda: programme.clusters(selection, wanted, asked.top, asked.limit, asked.offset)
        )

    # A cluster may have a slash in its name.
    @router.get(
        "/v1/clusters/{cluster:path}", summary="One cluster and its members", responses=_CLUSTER
    )
    async def one_cluster(
        request: Request, cluster: str, asked: Annotated[ClusterQuery, Query()]
    ) -> Response:
        """Return the figures of a cluster and, page by page, the summary of each member."""
        selection = _selection(scorecards, request, asked)

        def listed() -> dict[str, Any]:
            found = programme.cluster(selection, cluster, asked.top, asked.limit, asked.offset)
            if found is None:
                among = "of suppliers you buy from" if selection.buyers else "known here"
                raise Problem(404, f"no cluster {cluster[:64]!r} among those {among}")
            return found

        return await exact_answer(listed)

    return router


def _selection(scorecards: Scorecards, request: Request, asked: GroupQuery) -> Selection:
    """Return the figures that a request selects. Raises Problem if its key may not see them."""
    principal = principal_of(request, scorecards.keys)
    require_role(principal, Role.PROGRAMME, Role.BUYER)
    return selection_for(scorecards.reader, principal, asked, [])


# No value in these examples is null: OpenAPI would leave it out.
_HEADING: Final[dict[str, Any]] = {
    "as_of": "2026-11-01",
    "window": {"from": "2026-05-05", "to": "2026-11-01"},
    "buyer_id": "AHM",
    "policy_version": "2026-11-01",
    "computed_at": "2026-11-01T01:02:03Z",
}
_ANYWHERE: Final = {"region": "Jawa Tengah", "sector": "logam"}
_STANDS: Final = {
    "supplier_id": "IKM-CPR-01",
    "name": "CV Cor Ceper",
    "score": 87.25,
    "provisional": False,
    "grade": "B",
    "published": "B",
}
_FIGURES: Final[dict[str, Any]] = {
    "suppliers": 1,
    "kpis": {
        "otif": {"value": 0.9, "numerator": 9, "denominator": 10, "ci95": [0.596, 0.982]},
        "mean_days_late": {"value": 0.5, "numerator": 150, "denominator": 300},
        "line_stops": {"value": 0},
    },
    "grades": {
        "published": {"A": 0, "B": 1, "C": 0, "D": 0, "none": 0},
        "at_as_of": {"A": 0, "B": 1, "C": 0, "D": 0, "insufficient": 0},
    },
    "stages": [
        {
            "assessor": "YDBA",
            "stages": {"Pemula": 0, "Madya": 0, "Pra-Mandiri": 1, "Mandiri": 0},
        }
    ],
    "moved": {
        "since": "2026-10-01",
        "suppliers": [
            {
                "supplier_id": "IKM-CPR-01",
                "name": "CV Cor Ceper",
                "from": "C",
                "to": "B",
                "gates": [],
                "figure": {"kpi": "otif", "from": 9.0, "to": 12.0, "change": 3.0},
            }
        ],
    },
    "lead": [_STANDS],
    "lag": [_STANDS],
}
_PAGE: Final = {"total": 2, "next_offset": 1}
_MEMBER: Final = {
    **_STANDS,
    "province": "Jawa Tengah",
    "regency": "Klaten",
    "sector": "logam",
    "weakest_pillar": "delivery",
    "matured_lines": 10,
}


def _example(*parts: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    whole = {key: value for part in parts for key, value in part.items()}
    return {200: {"content": {"application/json": {"example": whole}}}}


_SUMMARY: Final = _example(_HEADING, _ANYWHERE, {"cluster": "Ceper"}, _FIGURES)
_CLUSTERS: Final = _example(
    _HEADING, _ANYWHERE, _PAGE, {"clusters": [{"cluster": "Ceper", **_FIGURES}]}
)
_CLUSTER: Final = _example(_HEADING, {"cluster": "Ceper"}, _FIGURES, _PAGE, {"members": [_MEMBER]})
