"""Requests that read: who asks, how many may be under way, and whose turn it is at the store.

Reading is work for a few threads of its own. Who asks (a key, the link of a visitor, the address of
whoever shows neither) has a bounded number of requests under way, and takes turns with the others.
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
from services.access.sessions import SESSION_COOKIE, Sessions
from services.http.service import Problem
from services.runtime.turns import NoPlace, Places, Turns
from services.telemetry.metrics import READS_REFUSED, READS_WAITED

Result = TypeVar("Result")
RETRY_SECONDS: Final = 2
_HELD_SECONDS: Final = (0.5, 1.5)
"""For which a refusal is held back, least and most: who asks again at once would else be answered
without end, and those who are refused together would come back together."""

_CLIENT_GONE: Final = 499
_FREE: Final = frozenset({("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/v1/events")})
"""What is no reading: it needs no thread of ours, or has limits of its own."""


class AskerGone(Exception):
    """The client hung up: nobody waits for the answer. `ReadsMiddleware` takes it."""


class Askers:
    """Tells who asks: by a valid key, the link of a page, or the address of who shows neither."""

    def __init__(self, keys: KeyStore, links: Links) -> None:
        self._keys, self._links = keys, links
        self._sessions = Sessions(keys, links)

    def __call__(self, request: Request) -> str:
        """Return who asks, as `key:<id>`, `link:<id>` or `address:<address>`."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            principal = self._keys.authenticate(key.strip())
            return by_address(request) if principal is None else f"key:{principal.key_id}"
        _, opened, token, *_ = (*request.url.path.split("/"), "", "")
        if opened in ("s", "p"):
            with suppress(LinkRefused):
                return f"link:{self._links.open(token).link_id}"
        return self._sessions.came_by(request.cookies.get(SESSION_COOKIE)) or by_address(request)


def by_address(request: Request) -> str:
    """Return who asks where a process knows neither keys nor links."""
    return f"address:{request.client.host if request.client else ''}"


def refuse_by_problem(_: Request, problem: Problem) -> Response:
    """Answer as the JSON interface does."""
    return problem.response()


@dataclass(frozen=True, slots=True)
class Reads:
    """What bounds reading in one process."""

    turns: Turns = field(default_factory=lambda: Turns(2, "reader", READS_WAITED.observe))
    places: Places = field(default_factory=lambda: Places(16, 256))
    who: Callable[[Request], str] = by_address
    refuse: Callable[[Request, Problem], Response] = refuse_by_problem


class ReadRequest:
    """One request that reads."""

    def __init__(self, turns: Turns, who: str) -> None:
        self._turns, self._who = turns, who
        self._gone = False
        self._waiting: set[asyncio.Task[object]] = set()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run work when this asker's turn has come. Raises AskerGone, and what the work raises."""
        if self._gone:
            raise AskerGone
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
            raise AskerGone
        return task.result()

    def give_up(self) -> None:
        """Give up the turns that this request waits for: its client is gone."""
        self._gone = True
        for task in self._waiting:
            task.cancel()


_NOW: ContextVar[ReadRequest | None] = ContextVar("reading", default=None)
_OUTSIDE: Final = Turns(2, "reader")
"""For what reads and answers no request behind the middleware."""


async def read(work: Callable[[], Result]) -> Result:
    """Run blocking work for the request at hand, off the event loop, when its turn has come.

    Called by whatever answers a request behind `ReadsMiddleware`. Raises what the work raises, and
    AskerGone where the client hung up meanwhile.
    """
    reading = _NOW.get()
    return await (_OUTSIDE.run("", work) if reading is None else reading.run(work))


class ReadsMiddleware:
    """Gives each request that reads a place and turns; answers 429 where there is no place.

    Innermost, so that a refusal is timed, logged and compressed as any other answer.
    """

    def __init__(self, app: ASGIApp, reads: Reads) -> None:
        self._app, self._reads = app, reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
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
                await self._while_there(reading, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except AskerGone:
            await Response(status_code=_CLIENT_GONE)(scope, receive, send)
        finally:
            _NOW.reset(token)

    async def _while_there(
        self, reading: ReadRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer, and give up what is waited for when the client hangs up."""
        # Nothing is read of a GET's body: what comes after its first part tells of the end alone.
        first: list[Message] = [{**await receive(), "more_body": False}]
        hung_up = asyncio.create_task(_end_of(receive, reading))

        async def replayed() -> Message:
            return first.pop() if first else await asyncio.shield(hung_up)

        try:
            await self._app(scope, replayed, send)
        finally:
            hung_up.cancel()


async def _end_of(receive: Receive, reading: ReadRequest) -> Message:
    """Return the message that the client hung up."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            reading.give_up()
            return message


def _problem(kind: str, full: NoPlace) -> Problem:
    whose = "of all readers" if kind == "all" else f"of this {kind}"
    return Problem(
        429,
        f"{full.most} requests {whose} are under way; wait for answers before asking on",
        {"Retry-After": str(RETRY_SECONDS)},
    )
