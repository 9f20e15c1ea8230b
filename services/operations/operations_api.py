"""The HTTP routes of operations: reconciliation, settlement, refusals, rebuild, backtest."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from schemas.catalogue import Role
from schemas.validation import MAX_EVENT_BYTES, NotParseable, Rejected
from services.access.keys import KeyStore, Principal
from services.http.answers import Outcome
from services.http.bodies import body_of
from services.http.principal import Asking, require_role
from services.http.reads import read
from services.http.service import Problem
from services.http.state import with_state
from services.kafka.safety import Safety
from services.kafka.topics import BrokerUnavailable
from services.operations.answers import (
    Dismissed,
    JsonLines,
    RebuildFinished,
    RebuildProgress,
    ReconciliationAnswer,
    Refusals,
    RefusalWithValue,
    WorkFailed,
)
from services.operations.backtest_api import add_backtest
from services.operations.long_work import LongWork, Row
from services.operations.reconciliation import Reconciliation, reconcile
from services.operations.rejected import RejectedEvents
from services.operations.settlement_api import add_settlement
from services.readiness.rules import DEFAULT_RULES, Rules
from services.runtime.turns import Turns
from services.store.client import ClickHouse, ReadTooLarge, StoreUnavailable
from services.store.migrate import Placement
from services.store.rebuild import rebuild

_THREADS: Final = 3
"""Threads for long work: a rebuild, a backtest (one of each at a time), and reconciliations."""

_RETRY = {"Retry-After": "5"}
_EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_MOST_REPLAYED: Final = 4 * MAX_EVENT_BYTES
"""Bytes of a repaired event as sent, with its white space. What is published is smaller."""

_REBUILD_LINES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "JSON, one object per line: progress, then the end or the failure.",
        "model": RebuildProgress | RebuildFinished | WorkFailed,
    }
}

Result = TypeVar("Result")
router = APIRouter(tags=["operations"])


@dataclass(frozen=True, slots=True)
class Operations:
    """What the routes of operations need.

    `bootstrap`: the broker. `zone`: the time zone of the receiving sites, which decides on which
    day an event counts. `safety` makes replayed events safe.
    """

    keys: KeyStore
    clickhouse: ClickHouse
    bootstrap: str
    zone: str
    safety: Safety
    placement: Placement
    rules: Rules = DEFAULT_RULES
    slow: Turns = field(default_factory=lambda: Turns(_THREADS, "operations"))
    """Threads of their own: long work must not hold up the sink or readers."""

    count_for_sender: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Counting reads every record, so only one count at a time runs for all senders together."""

    rebuilding: threading.Lock = field(default_factory=threading.Lock)
    """Held while a rebuild runs."""

    @property
    def rejected_events(self) -> RejectedEvents:
        """The refused records in the store."""
        return RejectedEvents(self.clickhouse)


async def _operations(request: Request) -> Operations:
    state: Operations = request.state.service
    return state


Serving = Annotated[Operations, Depends(_operations)]
"""What the application holds that serves a request."""


def routes(operations: Operations) -> APIRouter:
    """Return the routes of operations, for `cli.compose`."""
    served = with_state(router, operations)
    add_settlement(served, operations.keys, operations.clickhouse, operations.zone)
    add_backtest(served, operations.keys, operations.clickhouse, operations.slow)
    return served


@router.get("/v1/reconciliation", responses={200: {"model": ReconciliationAnswer}})
async def reconciliation(
    operations: Serving,
    principal: Asking,
    since: Annotated[
        datetime | None,
        Query(description="count only what was accepted since this time; default: all"),
    ] = None,
    wait_seconds: Annotated[float, Query(ge=0, le=300)] = 10.0,
) -> Response:
    """Count, by sender and day, what was accepted, stored and rejected; list what is missing.

    A sender's key counts its own records only, a key of the programme counts all. Unresolved
    conflicts are listed too. Events may still be on their way, so the count is repeated until
    nothing is missing or `wait_seconds` have passed.
    """
    sender = None if principal.role is Role.PROGRAMME else principal.partner
    if since is not None and since.tzinfo is None:
        raise Problem(400, "since: must have an offset, e.g. 2026-11-01T00:00:00+07:00")
    if since is not None and not _EARLIEST <= since <= _LATEST:
        raise Problem(400, f"since: must lie from {_EARLIEST.date()} to {_LATEST.date()}")
    turn = nullcontext() if sender is None else operations.count_for_sender
    result = await _settled(operations, since, wait_seconds, sender, turn)
    return JSONResponse(result.as_json())


async def _settled(
    operations: Operations,
    since: datetime | None,
    wait_seconds: float,
    sender: str | None,
    turn: AbstractAsyncContextManager[None],
) -> Reconciliation:
    deadline = asyncio.get_running_loop().time() + wait_seconds
    while True:
        try:
            async with turn:
                result = await operations.slow.run(
                    "reconciliation",
                    lambda: reconcile(
                        operations.clickhouse,
                        operations.bootstrap,
                        zone=operations.zone,
                        since=since,
                        sender=sender,
                    ),
                )
        except (BrokerUnavailable, StoreUnavailable) as error:
            raise Problem(503, f"the records could not be counted: {error}", _RETRY) from None
        if not result.missing or asyncio.get_running_loop().time() > deadline:
            return result
        await asyncio.sleep(1)


@router.get("/v1/rejected", responses={200: {"model": Refusals}})
async def page(
    operations: Serving,
    principal: Asking,
    replayed: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """List the refused records: a sender's own, or all of them with a key of the programme."""
    events, senders = operations.rejected_events, _senders(principal)
    found = await _blocking(
        lambda: events.page(senders, replayed=replayed, limit=limit, offset=offset)
    )
    return JSONResponse(found)


@router.get("/v1/rejected/{rejected_id}", responses={200: {"model": RefusalWithValue}})
async def one(operations: Serving, principal: Asking, rejected_id: str) -> Response:
    """Return one refused record, with its original value."""
    events = operations.rejected_events
    return JSONResponse(await _one(events, rejected_id, _senders(principal)))


@router.post(
    "/v1/rejected/{rejected_id}/replay",
    status_code=202,
    responses={
        202: {"model": Outcome},
        422: {"model": Outcome, "description": "The event is not valid, and was not sent in."},
    },
)
async def replay(
    operations: Serving, principal: Asking, request: Request, rejected_id: str
) -> Response:
    """Send a refused record in again. The body is the repaired event; empty: the original."""
    events = operations.rejected_events
    row = await _one(events, rejected_id, _senders(principal))
    body = await body_of(request, _MOST_REPLAYED, "send one event")
    roles = _roles(principal, operations.keys, str(row["sender"]))
    try:
        outcome = await events.replay(row, body or None, operations.safety, roles)
    except NotParseable as error:
        raise Problem(400, str(error)) from None
    except BrokerUnavailable:
        raise Problem(
            503, "the event could not be confirmed as stored; try again", _RETRY
        ) from None
    if isinstance(outcome, Rejected):
        errors = [fault.as_json() for fault in outcome.faults]
        rejected = [{"index": 0, "id": outcome.id, "errors": errors}]
        return JSONResponse({"accepted": 0, "rejected": rejected}, status_code=422)
    await _blocking(lambda: events.mark_resolved(rejected_id))
    return JSONResponse({"accepted": 1, "rejected": []}, status_code=202)


@router.post("/v1/rejected/{rejected_id}/dismiss", responses={200: {"model": Dismissed}})
async def dismiss(operations: Serving, principal: Asking, rejected_id: str) -> Response:
    """Take a refusal off the list without sending anything in, as what is stored is right."""
    events = operations.rejected_events
    await _one(events, rejected_id, _senders(principal))
    await _blocking(lambda: events.mark_resolved(rejected_id))
    return JSONResponse({"dismissed": rejected_id})


@router.post("/v1/rebuild", response_class=JsonLines, responses=_REBUILD_LINES)
async def rebuild_all(operations: Serving, principal: Asking) -> Response:
    """Rebuild all derived tables from the ledger; streams progress as lines of JSON.

    A rebuild goes on to its end if the client disconnects.
    """
    require_role(principal, Role.PROGRAMME)

    def run(tell: Callable[[Row], None]) -> Row:
        def progress(table: str, done: int, total: int) -> None:
            tell({"table": table, "done": done, "total": total})

        placement, rules = operations.placement, operations.rules
        return {"tables": rebuild(operations.clickhouse, placement, progress, rules)}

    return LongWork("rebuild", run, operations.rebuilding).stream(operations.slow)


async def _one(events: RejectedEvents, rejected_id: str, senders: list[str]) -> dict[str, Any]:
    row = await _blocking(lambda: events.one(rejected_id, senders))
    if row is None:
        raise Problem(404, "no rejected event has this id; 'rantai rejected list' shows them")
    return row


def _senders(principal: Principal) -> list[str]:
    return [] if principal.role is Role.PROGRAMME else [principal.partner]


async def _blocking(work: Callable[[], Result]) -> Result:
    """Run a query in the readers' threads. Raises Problem 422 (too large) or 503 (no store)."""
    try:
        return await read(work)
    except ReadTooLarge as error:
        raise Problem(422, str(error)) from None
    except StoreUnavailable:
        raise Problem(503, "the store does not answer just now; try again", _RETRY) from None


def _roles(principal: Principal, keys: KeyStore, sender: str) -> tuple[Role, ...]:
    """Return the roles in which a replay is sent.

    A sender replays in the role of its key. The programme replays in the roles of the sender's
    keys, or as buyer and supplier if the sender holds no valid key.
    """
    if principal.role is not Role.PROGRAMME:
        return (principal.role,)
    return keys.partners().get(sender) or (Role.BUYER, Role.SUPPLIER)
