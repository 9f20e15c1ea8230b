"""The gateway's HTTP interface: `POST /v1/events` and the catalogue of what it takes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from schemas.catalogue import CATALOGUE
from schemas.validation import NotParseable, Sender
from services.access.http import principal_of
from services.access.keys import KeyStore
from services.bus.safety import Safety
from services.bus.topics import BrokerUnavailable
from services.gateway.cloudevents import Limits, TooLarge, UnsupportedMediaType, events_of
from services.gateway.intake import take
from services.gateway.openapi import EVENTS_OPERATION
from services.telemetry.http import Problem

_DRAIN_BYTES: Final = 512 * 1024 * 1024
_DRAIN_SECONDS: Final = 60
_INLINE_BYTES: Final = 64 * 1024
RETRY_SECONDS: Final = 5


class Gateway:
    """What the routes need: keys, limits, and how events become safe."""

    def __init__(
        self, keys: KeyStore, safety: Safety, limits: Limits, requests_per_key: int
    ) -> None:
        self.keys, self.safety, self.limits = keys, safety, limits
        self._requests_per_key = requests_per_key
        self._under_way: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, key_id: str) -> AsyncIterator[None]:
        """Hold one of the key's places. Raises Problem 429 where all are taken."""
        if self._under_way[key_id] >= self._requests_per_key:
            raise Problem(
                429,
                f"more than {self._requests_per_key} requests of this key are under way; "
                "wait for answers before sending on",
                {"Retry-After": "1"},
            )
        self._under_way[key_id] += 1
        try:
            yield
        finally:
            self._under_way[key_id] -= 1
            if not self._under_way[key_id]:
                del self._under_way[key_id]


def routes(gateway: Gateway) -> APIRouter:
    """Return the gateway's routes."""
    router = APIRouter(tags=["events"])

    @router.post("/v1/events", openapi_extra=EVENTS_OPERATION, status_code=202)
    async def post_events(request: Request) -> Response:
        """Take CloudEvents: one, a batch, one a line, or one in headers and body."""
        principal = principal_of(request, gateway.keys)
        async with gateway.turn(principal.key_id):
            body = await _body(request, gateway.limits.body_bytes)
            try:
                # A large body takes long to parse and to validate, and a small one may unpack to
                # a large one; others should not wait for it.
                large = len(body) > _INLINE_BYTES or "content-encoding" in request.headers
                if large:
                    events = await asyncio.to_thread(
                        events_of, request.headers, body, gateway.limits
                    )
                else:
                    events = events_of(request.headers, body, gateway.limits)
                outcome = await take(
                    events,
                    Sender(principal.partner, (principal.role,)),
                    gateway.safety,
                    request.headers.get("traceparent"),
                    inline=not large,
                )
            except NotParseable as error:
                raise Problem(400, str(error)) from None
            except TooLarge as error:
                raise Problem(413, str(error)) from None
            except UnsupportedMediaType as error:
                raise Problem(415, str(error)) from None
            except BrokerUnavailable:
                raise Problem(
                    503,
                    "the events could not be made safe just now; nothing is claimed. Send them "
                    "again: what has arrived is counted once",
                    {"Retry-After": str(RETRY_SECONDS)},
                ) from None
        return JSONResponse(outcome.as_json(), status_code=outcome.status)

    @router.get("/v1/catalogue")
    async def catalogue() -> dict[str, Any]:
        """List the event types with their topics; the schemas of each are under its name."""
        return {
            "types": [
                {"type": row.name, "topic": row.topic, "about": row.data.__doc__}
                for row in CATALOGUE.values()
            ]
        }

    @router.get("/v1/catalogue/{event_type}")
    async def schema(event_type: str) -> dict[str, Any]:
        """Return the JSON Schema of an event type's data."""
        row = CATALOGUE.get(event_type)
        if row is None:
            raise Problem(404, f"{event_type} is not an event type; see /v1/catalogue")
        return row.data.model_json_schema()

    return router


async def _body(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size <= limit:
                    parts.append(part)
                else:
                    # Read on without keeping: a client that is still sending would see its
                    # connection reset instead of the answer.
                    parts.clear()
                if size > _DRAIN_BYTES:
                    break
    except ClientDisconnect:
        # Nobody reads this answer; log and metrics shall not tell of a fault of ours.
        raise Problem(400, "the client went away before the body was complete") from None
    except TimeoutError:
        raise Problem(408, f"the body took longer than {_DRAIN_SECONDS} s") from None
    if size > limit:
        raise Problem(413, f"the body is larger than {limit} bytes; send several requests")
    return b"".join(parts)
