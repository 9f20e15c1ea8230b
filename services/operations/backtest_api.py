"""`POST /v1/backtest`: what another policy would move, asked of the process that has the store."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.catalogue import Role
from schemas.messages import message_of
from services.access.keys import KeyStore
from services.http.bodies import body_of
from services.http.principal import principal_of, require_role
from services.http.reads import read
from services.http.service import Problem
from services.operations.backtest import BacktestError, OnProgress, backtest
from services.readiness.grading import FROZEN
from services.readiness.policy import Policy, PolicyError
from services.runtime.turns import Turns
from services.store.client import ClickHouse

MOST_MONTHS: Final = 240
EARLIEST: Final = date(1990, 1, 1)
LATEST: Final = date(2200, 1, 1)
_MOST_BYTES: Final = 1024 * 1024
"""Of both policies together, a hundred times the packaged one: TOML takes 1 s a megabyte."""


class BacktestBody(BaseModel):
    """The body: two policies as TOML, and over which dates they are compared.

    In the place of the old one the word `frozen` may stand: evaluations as they were frozen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    old: Annotated[str, Field(alias="from")]
    new: Annotated[str, Field(alias="to")]
    as_of: Annotated[date, Field(ge=EARLIEST, le=LATEST)]
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)] = 24


@dataclass(slots=True)
class Work:
    """A backtest under way in a thread, and what it tells of itself."""

    clickhouse: ClickHouse
    old: Policy | None
    new: Policy
    asked: BacktestBody
    busy: threading.Lock
    """Held by whoever started it; given back when the thread is done, whoever still listens."""
    threads: Turns
    stopped: threading.Event = field(default_factory=threading.Event)
    told: asyncio.Queue[dict[str, Any] | None] = field(default_factory=asyncio.Queue)
    running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the thread: it ends and gives `busy` back whether or not anybody reads `lines`."""
        loop = asyncio.get_running_loop()
        self.running = asyncio.create_task(self.threads.run("backtest", lambda: self._run(loop)))

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield its progress, then its result, as lines of JSON."""
        try:
            while (row := await self.told.get()) is not None:
                yield json.dumps(row).encode() + b"\n"
        finally:
            # The caller may have hung up: what was folded for it is to be dropped soon.
            self.stopped.set()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        def put(row: dict[str, Any] | None) -> None:
            # Without its loop the server is gone, and with it whoever listened.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self.told.put_nowait, row)

        def tell(stage: str, done: int, total: int) -> None:
            if self.stopped.is_set():
                raise BacktestError("nobody waits for it any more")
            put({"stage": stage, "done": done, "total": total})

        try:
            put({"finished": True, "result": self._result(tell)})
        except Exception as error:
            put({"finished": False, "error": str(error)[:500]})
        finally:
            self.busy.release()
            put(None)

    def _result(self, tell: OnProgress) -> dict[str, Any]:
        as_of, months = self.asked.as_of, self.asked.months
        return backtest(self.clickhouse, self.old, self.new, as_of, months=months, progress=tell)


def add_backtest(router: APIRouter, keys: KeyStore, clickhouse: ClickHouse, threads: Turns) -> None:
    """Add the route of backtests, which run in these threads."""
    busy = threading.Lock()

    @router.post("/v1/backtest")
    async def run(request: Request) -> Response:
        """Say whom another policy would move, over the stored history; tells progress by lines.

        The body is JSON: `from` and `to` (policies as TOML; `from` also the word `frozen`, for
        evaluations as they were frozen), `as_of`, and `months` (24).
        """
        require_role(principal_of(request, keys), Role.PROGRAMME)
        body = await body_of(request, _MOST_BYTES, "it is two policies")
        asked = _asked(body)
        old, new = await read(lambda: _policies(asked))
        if not busy.acquire(blocking=False):
            raise Problem(409, "a backtest is running already")
        work = Work(clickhouse, old, new, asked, busy, threads)
        work.start()
        return StreamingResponse(work.lines(), media_type="application/x-ndjson")


def _asked(body: bytes) -> BacktestBody:
    """Read the body. Raises Problem 400."""
    try:
        return BacktestBody.model_validate_json(body)
    except ValidationError as error:
        rows = [
            f"{'.'.join(map(str, row['loc']))}: {message_of(row)}"
            if row["loc"]
            else "the body must be a JSON object"
            for row in error.errors(include_url=False)
        ]
        raise Problem(400, "; ".join(rows)) from None


def _policies(asked: BacktestBody) -> tuple[Policy | None, Policy]:
    """Read both policies; None: what was frozen. Raises Problem 422."""
    try:
        old = None if asked.old == FROZEN else Policy.load_text(asked.old, "'from'")
        return old, Policy.load_text(asked.new, "'to'")
    except PolicyError as error:
        raise Problem(422, str(error)) from None
