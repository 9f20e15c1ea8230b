"""`GET /v1/data-quality`: the findings of data quality as JSON."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.catalogue import Role
from schemas.fields import Spelled
from services.access.keys import Principal
from services.assessment.data_quality import (
    FIGURES,
    KINDS,
    DataQuality,
    FindingPage,
    PutRight,
    Scope,
)
from services.http.principal import Asking, require_role
from services.http.service import Problem
from services.http.state import with_state
from services.scorecards.quality_answers import QUALITY_ANSWER
from services.scorecards.scorecard_api import (
    EARLIEST,
    LATEST,
    Scorecards,
    Serving,
    exact_answer,
    run_query,
)
from services.text import quality_words
from services.text.language import ENGLISH, LANGUAGES

router = APIRouter(tags=["data quality"])

_PUT_RIGHT: Final = 100
"""The most findings listed under `put_right`."""


def _a_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"must be one of {', '.join(KINDS)}")
    return kind


class QualityQuery(BaseModel):
    """The query parameters of the findings."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[date, Field(ge=EARLIEST, le=LATEST)] | None = Field(
        default=None,
        description="findings that began by this day, with ages counted up to it; default today",
    )
    buyer_id: Spelled | None = Field(
        default=None,
        description="findings in this buyer's data; default all buyers that the key may see",
    )
    supplier_id: Spelled | None = Field(
        default=None, description="findings about this supplier; default any"
    )
    kind: Annotated[str, AfterValidator(_a_kind)] | None = Field(
        default=None,
        description="findings and counts of this kind only; default any",
        json_schema_extra={"enum": list(KINDS)},
    )
    limit: Annotated[int, Field(ge=1, le=10_000)] = 500
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0


@router.get("/v1/data-quality", summary="What looks wrong", responses=QUALITY_ANSWER)
async def findings(
    scorecards: Serving, principal: Asking, asked: Annotated[QualityQuery, Query()]
) -> Response:
    """Return what was accepted or refused and looks wrong, with what to send to put it right.

    A buyer sees findings in its own data; the programme in the data of all. Findings come from
    the events known at present: one that was put right is missing at every `as_of`. They are
    ordered by kind, and in each kind those that began last come first. `put_right`: findings
    that were put right in the last 90 days, the newest 100, each as it was when noted.
    """
    buyer = _buyer(principal, asked)
    scope = Scope(
        asked.as_of or scorecards.reader.today(),
        [] if buyer is None else [buyer],
        [] if asked.supplier_id is None else [asked.supplier_id],
    )
    kinds = KINDS if asked.kind is None else (asked.kind,)
    quality = DataQuality(scorecards.reader.store)
    reading = quality.parts(kinds, scope, asked.limit, asked.offset)
    parts = [await run_query(lambda: next(reading)) for _ in kinds]
    right = await run_query(lambda: quality.put_right(kinds, scope, _PUT_RIGHT))
    return await exact_answer(lambda: _written(scope, asked.offset, parts, right))


def routes(scorecards: Scorecards) -> APIRouter:
    """Return the route `/v1/data-quality`."""
    return with_state(router, scorecards)


def _written(
    scope: Scope, offset: int, parts: Sequence[FindingPage], right: PutRight
) -> dict[str, Any]:
    """Return the answer: the findings of a page by kind, and those that were put right."""
    found = [finding(one.kind, row) for one in parts for row in one.rows]
    total, end = sum(one.total for one in parts), offset + len(found)
    return {
        "as_of": scope.as_of.isoformat(),
        "buyer_id": next(iter(scope.buyers), None),
        "supplier_id": next(iter(scope.suppliers), None),
        "total": total,
        "next_offset": end if found and end < total else None,
        "counts": {one.kind: one.total for one in parts},
        "findings": found,
        "put_right": {
            "since": right.first.isoformat(),
            "total": right.total,
            "findings": [
                {**finding(row["kind"], row), "put_right_on": row["gone_on"].isoformat()}
                for row in right.rows
            ],
        },
    }


def finding(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding as the JSON API gives it. `row`: of a `FindingPage` or `PutRight`."""
    language, words = LANGUAGES[ENGLISH], quality_words.WORDS[kind]
    named = {name: row[name] for name in ("number", "order_no", "line_no") if row[name]}
    return {
        "kind": kind,
        "buyer_id": row["buyer_id"] or None,
        "supplier_id": row["supplier_id"] or None,
        "document": {"type": row["document"], **named},
        "since": row["since"].isoformat(),
        "figures": list(FIGURES[kind]),
        "message": f"{quality_words.message(language, kind, row)} {words.why}",
        "remedy": words.remedy,
        "events": [{"source": source, "id": name} for source, name in row["events"]],
    }


def _buyer(principal: Principal, asked: QualityQuery) -> str | None:
    """Return the buyer whose data is requested; None = all buyers. Raises Problem 403."""
    require_role(principal, Role.PROGRAMME, Role.BUYER)
    if principal.role is not Role.BUYER:
        return asked.buyer_id
    if asked.buyer_id not in (None, principal.partner):
        raise Problem(403, "a buyer's key sees findings in its own data only")
    return principal.partner
