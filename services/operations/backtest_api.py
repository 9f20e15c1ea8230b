"""`POST /v1/backtest`: runs a backtest in the process that has the store, and streams progress."""

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
"""For both policies, a hundred times the packaged one: parsing TOML takes 1 s a megabyte."""


class BacktestBody(BaseModel):
    """The request body: two policies as TOML, and the dates at which they are compared.

    `from` may also be the word `frozen`: the new policy is then compared with frozen evaluations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    old: Annotated[str, Field(alias="from")]
    new: Annotated[str, Field(alias="to")]
    as_of: Annotated[date, Field(ge=EARLIEST, le=LATEST)]
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)] = 24


@dataclass(slots=True)
class Work:
    """A backtest that runs in a thread, and the queue of its progress.

    `stopped` is set once nobody reads the progress any more: the backtest then ends early. `told`:
    rows of progress, at last the result, then None.
    """

    clickhouse: ClickHouse
    old: Policy | None
    new: Policy
    asked: BacktestBody
    busy: threading.Lock
    """Acquired by the request; the thread releases it at its end, even if nobody reads `lines`."""
    threads: Turns
    stopped: threading.Event = field(default_factory=threading.Event)
    told: asyncio.Queue[dict[str, Any] | None] = field(default_factory=asyncio.Queue)
    running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the thread. It ends and releases `busy` even if nobody reads `lines`."""
        loop = asyncio.get_running_loop()
        self.running = asyncio.create_task(self.threads.run("backtest", lambda: self._run(loop)))

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the progress, then the result or the error, as lines of JSON."""
        try:
            while (row := await self.told.get()) is not None:
                yield json.dumps(row).encode() + b"\n"
        finally:
            # The client may have disconnected: end the backtest, which drops its trial facts.
            self.stopped.set()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        def put(row: dict[str, Any] | None) -> None:
            # The loop is closed if the server has stopped: nobody reads the row then.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self.told.put_nowait, row)

        def tell(stage: str, done: int, total: int) -> None:
            if self.stopped.is_set():
                raise BacktestError("the client disconnected")
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
    """Add the route of backtests to `router`. They run in `threads`, one at a time."""
    busy = threading.Lock()

    @router.post("/v1/backtest")
    async def run(request: Request) -> Response:
        """Return which suppliers another policy would move; streams progress as lines of JSON.

        The body is JSON: `from` and `to` are policies as TOML, `as_of` is a date, and `months`
        (default 24) is how many month ends before it are compared too. With `frozen` as `from`,
        `to` is compared with frozen evaluations.
        """
        require_role(principal_of(request, keys), Role.PROGRAMME)
        body = await body_of(request, _MOST_BYTES, "send only the two policies and the dates")
        parsed = _parsed(body)
        old, new = await read(lambda: _policies(parsed))
        if not busy.acquire(blocking=False):
            raise Problem(409, "a backtest is running already")
        work = Work(clickhouse, old, new, parsed, busy, threads)
        work.start()
        return StreamingResponse(work.lines(), media_type="application/x-ndjson")


def _parsed(body: bytes) -> BacktestBody:
    """Parse the body. Raises Problem 400."""
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


def _policies(parsed: BacktestBody) -> tuple[Policy | None, Policy]:
    """Parse both policies; the first is None for frozen evaluations. Raises Problem 422."""
    try:
        old = None if parsed.old == FROZEN else Policy.load_text(parsed.old, "'from'")
        return old, Policy.load_text(parsed.new, "'to'")
    except PolicyError as error:
        raise Problem(422, str(error)) from None
