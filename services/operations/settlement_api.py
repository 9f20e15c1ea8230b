"""`POST /v1/settlement`: tells a sender what became of events that were answered 202."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.http.bodies import body_of
from services.http.principal import Asking
from services.http.reads import read
from services.http.service import Problem
from services.http.state import with_state
from services.operations.answers import SettlementAnswer
from services.operations.settlement import MAX_EVENTS, SettlementRequest, parse_request, settlement
from services.store.client import ClickHouse, ReadTooLarge, StoreUnavailable

router = APIRouter(tags=["operations"])

_MOST_BYTES: Final = 4 * 1024 * 1024
_RETRY: Final = {"Retry-After": "5"}


@dataclass(frozen=True, slots=True)
class Settlements:
    """What the route of settlement needs.

    `zone`: the time zone of the receiving sites, which is part of the answer.
    """

    keys: KeyStore
    clickhouse: ClickHouse
    zone: str


async def _settlements(request: Request) -> Settlements:
    state: Settlements = request.state.service
    return state


@router.post("/v1/settlement", responses={200: {"model": SettlementAnswer}})
async def settled(
    settlements: Annotated[Settlements, Depends(_settlements)], principal: Asking, request: Request
) -> Response:
    """Return what became of the sender's own events: stored, refused, in conflict, or pending.

    The body is `{"events": [{"source", "id", "content"}], "since"}`. `content` is the digest of
    type, time and data, as `schemas.validation.content_digest` computes it. Refusals from
    before `since` are ignored. The answer identifies events by their index in the request.
    """
    body = await body_of(request, _MOST_BYTES, f"ask about at most {MAX_EVENTS} events at once")
    try:
        question = parse_request(body)
    except ValueError as error:
        raise Problem(400, str(error)) from None
    if principal.role is not Role.PROGRAMME:
        _check_own(question, principal.partner)
    try:
        answer = await read(lambda: settlement(settlements.clickhouse, question))
    except ReadTooLarge as error:
        raise Problem(422, str(error)) from None
    except StoreUnavailable:
        raise Problem(503, "the store does not answer just now; try again", _RETRY) from None
    return JSONResponse({**answer, "zone": settlements.zone})


def add_settlement(to: APIRouter, keys: KeyStore, clickhouse: ClickHouse, zone: str) -> None:
    """Add the route of settlement to the router `to`. `zone`: as in `Settlements`."""
    to.include_router(with_state(router, Settlements(keys, clickhouse, zone)))


def _check_own(question: SettlementRequest, partner: str) -> None:
    for at, one in enumerate(question.events):
        if one.sender != partner:
            raise Problem(
                403, f"/events/{at}/source: is not a source of {partner}, the partner of your key"
            )
