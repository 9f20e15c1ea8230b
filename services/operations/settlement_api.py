"""`POST /v1/settlement`: tells a sender what became of events that were answered 202."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.http.bodies import body_of
from services.http.principal import principal_of
from services.http.reads import read
from services.http.service import Problem
from services.operations.settlement import MAX_EVENTS, SettlementRequest, parse_request, settlement
from services.store.client import ClickHouse, ReadTooLarge, StoreUnavailable

_MOST_BYTES: Final = 4 * 1024 * 1024
_RETRY: Final = {"Retry-After": "5"}


def add_settlement(router: APIRouter, keys: KeyStore, clickhouse: ClickHouse, zone: str) -> None:
    """Add the route of settlement to `router`.

    `zone`: the time zone of the receiving sites, which is part of the answer.
    """

    @router.post("/v1/settlement")
    async def settled(request: Request) -> Response:
        """Return what became of the sender's own events: stored, refused, in conflict, or pending.

        The body is `{"events": [{"source", "id", "content"}], "since"}`. `content` is the digest of
        type, time and data, as `schemas.validation.content_digest` computes it. Refusals from
        before `since` are ignored. The answer identifies events by their index in the request.
        """
        principal = principal_of(request, keys)
        body = await body_of(request, _MOST_BYTES, f"ask about at most {MAX_EVENTS} events at once")
        try:
            question = parse_request(body)
        except ValueError as error:
            raise Problem(400, str(error)) from None
        if principal.role is not Role.PROGRAMME:
            _check_own(question, principal.partner)
        try:
            answer = await read(lambda: settlement(clickhouse, question))
        except ReadTooLarge as error:
            raise Problem(422, str(error)) from None
        except StoreUnavailable:
            raise Problem(503, "the store does not answer just now; try again", _RETRY) from None
        return JSONResponse({**answer, "zone": zone})


def _check_own(question: SettlementRequest, partner: str) -> None:
    for at, one in enumerate(question.events):
        if one.sender != partner:
            raise Problem(
                403, f"/events/{at}/source: is not a source of {partner}, the partner of your key"
            )
