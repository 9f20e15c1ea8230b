"""`POST /v1/settlement`: what became of events that were answered 202, for whoever sent them."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.http.bodies import body_of
from services.http.principal import principal_of
from services.http.reads import read
from services.http.service import Problem
from services.operations.settlement import MOST_ASKED, SettlementQuestion, question_of, settlement
from services.store.client import ClickHouse, ReadTooLarge, StoreUnavailable

_MOST_BYTES: Final = 4 * 1024 * 1024
_RETRY: Final = {"Retry-After": "5"}


def add_settlement(router: APIRouter, keys: KeyStore, clickhouse: ClickHouse, zone: str) -> None:
    """Add the route. `zone`: of the receiving sites, which it tells as well."""

    @router.post("/v1/settlement")
    async def settled(request: Request) -> Response:
        """Say what became of events of one's own: stored, refused, in conflict, or not known yet.

        The body is `{"events": [{"source", "id", "content"}], "since"}`: `content` is the digest of
        type, time and data as `schemas.validation.content_digest` makes it; of refusals those from
        `since` on count. The answer names events by their place in the question.
        """
        principal = principal_of(request, keys)
        body = await body_of(request, _MOST_BYTES, f"ask for at most {MOST_ASKED} events at once")
        try:
            question = question_of(body)
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


def _check_own(question: SettlementQuestion, partner: str) -> None:
    for at, one in enumerate(question.events):
        if one.sender != partner:
            raise Problem(403, f"/events/{at}/source: is not of {partner}, whose key this is")
