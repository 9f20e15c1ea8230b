"""The gateway's HTTP interface: `POST /v1/events` and the catalogue of event types."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from schemas.catalogue import CATALOGUE
from schemas.units import UNIT_ALIASES
from schemas.validation import NotParseable, Sender
from services.access.keys import KeyStore, Principal
from services.gateway.answers import EventSchema, EventTypes
from services.gateway.decoding import Decoder, NoRoom
from services.gateway.intake import IntakeOutcome, publish_accepted
from services.gateway.openapi import EVENTS_OPERATION
from services.gateway.unpacking import TooLarge, UnsupportedMediaType
from services.http.answers import Outcome
from services.http.bodies import body_of
from services.http.principal import Asking
from services.http.service import Problem
from services.http.state import with_state
from services.kafka.safety import Safety
from services.kafka.topics import BrokerUnavailable
from services.telemetry.metrics import BODIES_REFUSED

router = APIRouter(tags=["events"])

RETRY_SECONDS: Final = 5
_FULL_SECONDS: Final = 2


class Gateway:
    """What the routes need: the keys, the decoder of bodies, and what makes events safe.

    `requests_per_key`: how many requests one key may have under way at once.
    """

    def __init__(
        self, keys: KeyStore, safety: Safety, decoder: Decoder, requests_per_key: int
    ) -> None:
        self.keys, self.safety, self.decoder = keys, safety, decoder
        self._requests_per_key = requests_per_key
        self._under_way: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, key_id: str) -> AsyncIterator[None]:
        """Hold one of the key's places. Raises Problem 429 if all are taken."""
        if self._under_way[key_id] >= self._requests_per_key:
            raise Problem(
                429,
                f"more than {self._requests_per_key} requests of this key are under way; "
                "wait for answers before sending more",
                {"Retry-After": "1"},
            )
        self._under_way[key_id] += 1
        try:
            yield
        finally:
            self._under_way[key_id] -= 1
            if not self._under_way[key_id]:
                del self._under_way[key_id]


async def _gateway(request: Request) -> Gateway:
    state: Gateway = request.state.service
    return state


Serving = Annotated[Gateway, Depends(_gateway)]
"""What the application holds that serves a request."""


@router.post(
    "/v1/events",
    status_code=202,
    responses={status: {"model": Outcome} for status in (202, 403, 422)},
    openapi_extra=EVENTS_OPERATION,
)
async def post_events(gateway: Serving, principal: Asking, request: Request) -> Response:
    """Accept CloudEvents: one, a batch, one per line, or one in headers and body."""
    async with gateway.turn(principal.key_id):
        try:
            outcome = await _receive(gateway, request, principal)
        except NoRoom as full:
            raise _no_room(full) from None
        except NotParseable as error:
            raise Problem(400, str(error)) from None
        except TooLarge as error:
            raise Problem(413, str(error)) from None
        except UnsupportedMediaType as error:
            raise Problem(415, str(error)) from None
        except BrokerUnavailable:
            raise Problem(
                503,
                "the events could not be confirmed as stored; send them again, duplicates are "
                "ignored",
                {"Retry-After": str(RETRY_SECONDS)},
            ) from None
    return JSONResponse(outcome.as_json(), status_code=outcome.status)


@router.get("/v1/catalogue", responses={200: {"model": EventTypes}})
async def catalogue() -> Response:
    """List the event types with their topics, and the words for units with their codes.

    The JSON Schema of a type is at `/v1/catalogue/<type>`.
    """
    types = [
        {"type": row.name, "topic": row.topic, "about": row.data.__doc__}
        for row in CATALOGUE.values()
    ]
    return JSONResponse({"types": types, "units": dict(UNIT_ALIASES)})


@router.get("/v1/catalogue/{event_type}", responses={200: {"model": EventSchema}})
async def schema(event_type: str) -> Response:
    """Return the JSON Schema of an event type's data."""
    row = CATALOGUE.get(event_type)
    if row is None:
        raise Problem(404, f"{event_type} is not an event type; see /v1/catalogue")
    return JSONResponse(row.data.model_json_schema())


def routes(gateway: Gateway) -> APIRouter:
    """Return the gateway's routes."""
    return with_state(router, gateway)


async def _receive(gateway: Gateway, request: Request, principal: Principal) -> IntakeOutcome:
    """Read and validate the events of a request, and make the accepted ones safe."""
    decoder, sender = gateway.decoder, Sender(principal.partner, (principal.role,))
    most = decoder.limits.body_bytes
    length = request.headers.get("content-length", "")
    declared = min(int(length), most) if length.isdecimal() and len(length) < 20 else 0
    with decoder.room.held(principal.key_id) as held:

        def grown(size: int) -> None:
            # Reserve the declared length at once: then some of many concurrent bodies find room. If
            # each reserved only as it grew, they would take room from one another and none would
            # be read to its end.
            held.at_least(max(size, declared))

        body = await body_of(request, most, "send several requests", grown)
        judged = await decoder.judged(request.headers, body, sender, principal.key_id, held)
        return await publish_accepted(
            judged, sender, gateway.safety, request.headers.get("traceparent")
        )


def _no_room(full: NoRoom) -> Problem:
    whose = "key" if full.own else "all"
    BODIES_REFUSED.labels(whose).inc()
    of_whom = "this key" if full.own else "all keys"
    return Problem(
        429,
        f"bodies of {of_whom} under way have more than {full.most} bytes together; "
        "wait for answers before sending more",
        {"Retry-After": str(_FULL_SECONDS)},
    )
