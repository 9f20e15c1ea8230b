"""`POST /v1/backtest`: runs a backtest in the process that has the store, and streams progress."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.catalogue import Role
from schemas.messages import message_of
from services.access.keys import KeyStore
from services.http.bodies import body_of
from services.http.principal import Asking, require_role
from services.http.reads import read
from services.http.service import Problem
from services.http.state import with_state
from services.operations.answers import BacktestFinished, BacktestProgress, JsonLines, WorkFailed
from services.operations.backtest import BacktestError, backtest
from services.operations.long_work import LongWork, Row
from services.readiness.grading import FROZEN
from services.readiness.policy import Policy, PolicyError
from services.runtime.turns import Turns
from services.store.client import ClickHouse

router = APIRouter(tags=["operations"])

MOST_MONTHS: Final = 240
EARLIEST: Final = date(1990, 1, 1)
LATEST: Final = date(2200, 1, 1)
_MOST_BYTES: Final = 1024 * 1024
"""For both policies, a hundred times the packaged one: parsing TOML takes 1 s a megabyte."""

_LINES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "JSON, one object per line: progress, then the result or the failure.",
        "model": BacktestProgress | BacktestFinished | WorkFailed,
    }
}


class BacktestBody(BaseModel):
    """The request body: two policies as TOML, and the dates at which they are compared.

    `from` may also be the word `frozen`: the new policy is then compared with frozen evaluations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    old: Annotated[str, Field(alias="from")]
    new: Annotated[str, Field(alias="to")]
    as_of: Annotated[date, Field(ge=EARLIEST, le=LATEST)]
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)] = 24


@dataclass(frozen=True, slots=True)
class Backtests:
    """What the route of backtests needs. They run in `threads`; `busy` is held while one runs."""

    keys: KeyStore
    clickhouse: ClickHouse
    threads: Turns
    busy: threading.Lock = field(default_factory=threading.Lock)


async def _backtests(request: Request) -> Backtests:
    state: Backtests = request.state.service
    return state


@router.post("/v1/backtest", response_class=JsonLines, responses=_LINES)
async def run_backtest(
    backtests: Annotated[Backtests, Depends(_backtests)], principal: Asking, request: Request
) -> Response:
    """Return which suppliers another policy would move; streams progress as lines of JSON.

    The body is JSON: `from` and `to` are policies as TOML, `as_of` is a date, and `months`
    (default 24) is how many month ends before it are compared too. With `frozen` as `from`,
    `to` is compared with frozen evaluations.
    """
    require_role(principal, Role.PROGRAMME)
    body = await body_of(request, _MOST_BYTES, "send only the two policies and the dates")
    parsed = _parsed(body)
    old, new = await read(lambda: _policies(parsed))
    work = LongWork("backtest", lambda tell: {"result": compare(tell)}, backtests.busy)

    def compare(tell: Callable[[Row], None]) -> dict[str, Any]:
        def progress(stage: str, done: int, total: int) -> None:
            if work.abandoned.is_set():
                # Ended in good order, which drops the facts of the policies on trial.
                raise BacktestError("the client disconnected")
            tell({"stage": stage, "done": done, "total": total})

        as_of, months = parsed.as_of, parsed.months
        return backtest(backtests.clickhouse, old, new, as_of, months=months, progress=progress)

    return work.stream(backtests.threads)


def add_backtest(to: APIRouter, keys: KeyStore, clickhouse: ClickHouse, threads: Turns) -> None:
    """Add the route of backtests to the router `to`. They run in `threads`, one at a time."""
    to.include_router(with_state(router, Backtests(keys, clickhouse, threads)))


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
