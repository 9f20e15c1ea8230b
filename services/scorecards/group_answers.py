"""Models and examples of the answers about groups, for the OpenAPI document."""

from datetime import date, datetime
from typing import Any, Final

from pydantic import Field

from services.http.answers import Answer
from services.readiness.policy_parts import GateName, Letter
from services.scorecards.answers import KPIS, GroupFigures, Heading, PartOfList


class GradeCounts(Answer):
    """The number of suppliers by grade."""

    published: dict[str, int] = Field(description="suppliers by published grade, A to D, or none")
    at_as_of: dict[str, int] = Field(description="suppliers by grade of the day, or insufficient")


class StageCounts(Answer):
    """The number of suppliers by stage in one assessor's opinion."""

    assessor: str = Field(description="partner id of the assessor")
    stages: dict[str, int] = Field(description="suppliers by stage, lowest stage first")


class PointsMoved(Answer):
    """The figure whose points in the score changed most."""

    kpi: str = Field(description="key of the figure")
    before: float = Field(alias="from", description="points it added to the score before")
    to: float = Field(description="points it adds to the score now")
    change: float = Field(description="`to` less `from`, in points")


class Move(Answer):
    """A supplier whose published grade differs from that of the month end before."""

    supplier_id: str = Field(description="partner id of the supplier")
    name: str | None = Field(description="its name; null: not registered")
    before: Letter | None = Field(alias="from", description="published grade before; null: none")
    to: Letter | None = Field(description="published grade now; null: none")
    gates: list[GateName] = Field(description="gates in force now")
    figure: PointsMoved | None = Field(description="the figure that moved most; null: none moved")


class Moves(Answer):
    """The suppliers whose published grade moved."""

    since: date = Field(description="the month end that they are compared with")
    suppliers: list[Move] = Field(description="the suppliers")


class Member(Answer):
    """How a supplier of a group stands."""

    supplier_id: str = Field(description="partner id of the supplier")
    name: str | None = Field(description="its name; null: not registered")
    score: float | None = Field(description="points, 0 to 100, unrounded; null: no figure counts")
    provisional: bool = Field(description="whether there is too little data for a grade")
    grade: Letter | None = Field(description="grade of the day; null: too little data")
    published: Letter | None = Field(description="published grade; null: none yet")


class ClusterMember(Member):
    """How a member of a cluster stands, with its place."""

    province: str | None = Field(description="province of its site; null: unknown")
    regency: str | None = Field(description="regency or city of its site; null: unknown")
    sector: str | None = Field(description="sector of industry; null: unknown")
    weakest_pillar: str | None = Field(description="pillar with the fewest points; null: no score")
    matured_lines: int = Field(description="number of order lines that matured in the window")


class Group(Answer):
    """The figures of several suppliers together: sums of numerators over sums of denominators."""

    suppliers: int = Field(description="number of suppliers in the group")
    kpis: GroupFigures = Field(description=KPIS)
    grades: GradeCounts = Field(description="suppliers by grade")
    stages: list[StageCounts] = Field(description="suppliers by stage, one entry per assessor")
    moved: Moves = Field(description="suppliers whose published grade moved")
    lead: list[Member] = Field(description="suppliers with a grade and the highest scores")
    lag: list[Member] = Field(description="suppliers with a grade and the lowest scores")


class GroupHeading(Heading):
    """Which figures an answer about groups has."""

    policy_version: str = Field(description="version of the policy that judged")
    computed_at: datetime = Field(description="when the figures were computed, UTC")


class Anywhere(Answer):
    """The place and sector that were asked for."""

    region: str | None = Field(description="province or regency; null: any")
    sector: str | None = Field(description="sector of industry; null: any")


class ProgrammeFigures(GroupHeading, Anywhere, Group):
    """The figures of all suppliers together, or of those that were asked for."""

    cluster: str | None = Field(description="cluster that was asked for; null: any")


class ClusterOfMany(Group):
    """The figures of one of several clusters."""

    cluster: str | None = Field(description="name of the cluster; null: suppliers without one")


class Clusters(GroupHeading, Anywhere, PartOfList):
    """A part of the list of clusters."""

    clusters: list[ClusterOfMany] = Field(description="clusters by name, suppliers without last")


class ClusterFigures(GroupHeading, Group, PartOfList):
    """The figures of a cluster, with a part of the list of its members."""

    cluster: str = Field(description="name of the cluster")
    members: list[ClusterMember] = Field(description="members, by partner id")


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


def _example(model: type[Answer], *parts: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route: the model of its answer, and an example made of parts."""
    whole = {key: value for part in parts for key, value in part.items()}
    return {200: {"model": model, "content": {"application/json": {"example": whole}}}}


PROGRAMME_ANSWER: Final = _example(
    ProgrammeFigures, _HEADING, _ANYWHERE, {"cluster": "Ceper"}, _FIGURES
)
CLUSTERS_ANSWER: Final = _example(
    Clusters, _HEADING, _ANYWHERE, _PAGE, {"clusters": [{"cluster": "Ceper", **_FIGURES}]}
)
CLUSTER_ANSWER: Final = _example(
    ClusterFigures, _HEADING, {"cluster": "Ceper"}, _FIGURES, _PAGE, {"members": [_MEMBER]}
)
