"""Bounds requests that read: identifies the reader, and gives it places and turns at the store.

Reading blocks, and is done by a few threads of its own. A reader is a key, the link of a visitor,
or the client's address where a request has neither. Each reader has a bounded number of requests
under way, and takes turns at the threads with the other readers.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.access.keys import KeyStore
from services.access.links import LinkRefused, Links
from services.access.record_file import RecordFileError
from services.access.sessions import SESSION_COOKIE, Sessions
from services.http.service import Problem
from services.runtime.turns import NoPlace, Places, Turns
from services.telemetry.metrics import READS_REFUSED, READS_WAITED

Result = TypeVar("Result")
RETRY_SECONDS: Final = 2
_HELD_SECONDS: Final = (0.5, 1.5)
"""The least and most seconds by which a refusal is delayed. A client that retries at once would
otherwise be answered without end; the random spread keeps clients that were refused together from
returning together."""

_CLIENT_GONE: Final = 499
_FREE: Final = frozenset({("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/v1/events")})
"""Requests that are not reads: they need no reader's thread, or have limits of their own."""


class ClientDisconnected(Exception):
    """The client disconnected: nobody waits for the answer. `ReadsMiddleware` catches it."""


class ReaderIdentity:
    """Identifies the reader of a request: by a valid key, a link or session, or the address."""

    def __init__(self, keys: KeyStore, links: Links) -> None:
        self._keys, self._links = keys, links
        self._sessions = Sessions(keys, links)

    def __call__(self, request: Request) -> str:
        """Return the reader of a request: `key:<id>`, `link:<id>` or `address:<address>`.

        While the file of keys or links can't be read, it is the address; the handler then answers
        the request with 503.
        """
        with suppress(RecordFileError):
            return self._identified(request) or by_address(request)
        return by_address(request)

    def _identified(self, request: Request) -> str | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            principal = self._keys.authenticate(key.strip())
            return None if principal is None else f"key:{principal.key_id}"
        _, opened, token, *_ = (*request.url.path.split("/"), "", "")
        if opened in ("s", "p"):
            with suppress(LinkRefused):
                return f"link:{self._links.open(token).link_id}"
        return self._sessions.credential_of(request.cookies.get(SESSION_COOKIE))


def by_address(request: Request) -> str:
    """Return the client's address as the reader, for a process without keys and links."""
    return f"address:{request.client.host if request.client else ''}"


def refuse_by_problem(_: Request, problem: Problem) -> Response:
    """Refuse a request as the JSON API does: with a problem document."""
    return problem.response()


@dataclass(frozen=True, slots=True)
class Reads:
    """What bounds reading in one process.

    `who` identifies the reader of a request; `refuse` makes the answer for one without a place.
    """

    turns: Turns = field(default_factory=lambda: Turns(2, "reader", READS_WAITED.observe))
    places: Places = field(default_factory=lambda: Places(16, 256))
    who: Callable[[Request], str] = by_address
    refuse: Callable[[Request, Problem], Response] = refuse_by_problem


class ReadRequest:
    """One request that reads, and the turns that it waits for. `who`: its reader."""

    def __init__(self, turns: Turns, who: str) -> None:
        self._turns, self._who = turns, who
        self._gone = False
        self._waiting: set[asyncio.Task[object]] = set()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run work when the reader's turn comes.

        Raises ClientDisconnected, and what the work raises.
        """
        if self._gone:
            raise ClientDisconnected
        task = asyncio.ensure_future(self._turns.run(self._who, work))
        self._waiting.add(task)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._waiting.discard(task)
        if task.cancelled() and self._gone:
            raise ClientDisconnected
        return task.result()

    def give_up(self) -> None:
        """Cancel the turns that this request waits for: its client is gone."""
        self._gone = True
        for task in self._waiting:
            task.cancel()


_NOW: ContextVar[ReadRequest | None] = ContextVar("reading", default=None)
_OUTSIDE: Final = Turns(2, "reader")
"""For reads that are not part of a request behind the middleware."""


async def read(work: Callable[[], Result]) -> Result:
    """Run blocking work for the current request, off the event loop, when its turn comes.

    Called by the handlers behind `ReadsMiddleware`. Raises what the work raises, and
    ClientDisconnected if the client disconnects meanwhile.
    """
    reading = _NOW.get()
    return await (_OUTSIDE.run("", work) if reading is None else reading.run(work))


class ReadsMiddleware:
    """Gives each request that reads a place and turns; answers 429 if there is no place.

    Installed innermost, so that a refusal is timed, logged and compressed like any other answer.
    """

    def __init__(self, app: ASGIApp, reads: Reads) -> None:
        self._app, self._reads = app, reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it (ASGI)."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) in _FREE:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        who = self._reads.who(request)
        try:
            with self._reads.places.held(who):
                await self._answer(ReadRequest(self._reads.turns, who), scope, receive, send)
        except NoPlace as full:
            kind = who.partition(":")[0] if full.own else "all"
            READS_REFUSED.labels(kind).inc()
            await asyncio.sleep(random.uniform(*_HELD_SECONDS))  # noqa: S311
            await self._reads.refuse(request, _problem(kind, full))(scope, receive, send)

    async def _answer(
        self, reading: ReadRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        token = _NOW.set(reading)
        try:
            if scope["method"] in ("GET", "HEAD"):
                await self._while_connected(reading, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except ClientDisconnected:
            await Response(status_code=_CLIENT_GONE)(scope, receive, send)
        finally:
            _NOW.reset(token)

    async def _while_connected(
        self, reading: ReadRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer the request; cancel the turns it waits for if the client disconnects."""
        # The body of a GET is ignored: after its first part, only the disconnect matters.
        first: list[Message] = [{**await receive(), "more_body": False}]
        disconnected = asyncio.create_task(_disconnect_of(receive, reading))

        async def replayed() -> Message:
            return first.pop() if first else await asyncio.shield(disconnected)

        try:
            await self._app(scope, replayed, send)
        finally:
            disconnected.cancel()


async def _disconnect_of(receive: Receive, reading: ReadRequest) -> Message:
    """Wait for the client to disconnect, cancel the request's turns, and return the message."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            reading.give_up()
            return message


def _problem(kind: str, full: NoPlace) -> Problem:
    whose = "of all readers" if kind == "all" else f"of this {kind}"
    return Problem(
        429,
        f"{full.most} requests {whose} are under way; wait for answers before sending more",
        {"Retry-After": str(RETRY_SECONDS)},
    )
