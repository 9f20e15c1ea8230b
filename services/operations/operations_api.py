"""The HTTP routes of operations: reconciliation, settlement, refusals, rebuild, backtest."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from schemas.catalogue import Role
from schemas.validation import MAX_EVENT_BYTES, NotParseable, Rejected
from services.access.keys import KeyStore, Principal
from services.http.bodies import body_of
from services.http.principal import principal_of, require_role
from services.http.reads import read
from services.http.service import Problem
from services.kafka.safety import Safety
from services.kafka.topics import BrokerUnavailable
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

Result = TypeVar("Result")


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


def routes(operations: Operations) -> APIRouter:
    """Return the routes of operations, for `cli.compose`."""
    router = APIRouter(tags=["operations"])
    _reconciliation(router, operations)
    add_settlement(router, operations.keys, operations.clickhouse, operations.zone)
    _rejected(router, operations)
    _rebuild(router, operations)
    add_backtest(router, operations.keys, operations.clickhouse, operations.slow)
    return router


def _reconciliation(router: APIRouter, operations: Operations) -> None:
    # Counting reads every record, so only one count at a time runs for all senders together.
    for_senders = asyncio.Semaphore(1)

    @router.get("/v1/reconciliation")
    async def reconciliation(
        request: Request,
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
        principal = principal_of(request, operations.keys)
        sender = None if principal.role is Role.PROGRAMME else principal.partner
        if since is not None and since.tzinfo is None:
            raise Problem(400, "since: must have an offset, e.g. 2026-11-01T00:00:00+07:00")
        if since is not None and not _EARLIEST <= since <= _LATEST:
            raise Problem(400, f"since: must lie from {_EARLIEST.date()} to {_LATEST.date()}")
        turn = nullcontext() if sender is None else for_senders
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


def _rejected(router: APIRouter, operations: Operations) -> None:
    events = RejectedEvents(operations.clickhouse)

    @router.get("/v1/rejected")
    async def page(
        request: Request,
        replayed: bool = False,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    ) -> Response:
        """List the refused records: a sender's own, or all of them with a key of the programme."""
        senders = _senders(principal_of(request, operations.keys))
        found = await _blocking(
            lambda: events.page(senders, replayed=replayed, limit=limit, offset=offset)
        )
        return JSONResponse(found)

    @router.get("/v1/rejected/{rejected_id}")
    async def one(request: Request, rejected_id: str) -> Response:
        """Return one refused record, with its original value."""
        senders = _senders(principal_of(request, operations.keys))
        return JSONResponse(await _one(events, rejected_id, senders))

    @router.post("/v1/rejected/{rejected_id}/replay")
    async def replay(request: Request, rejected_id: str) -> Response:
        """Send a refused record in again. The body is the repaired event; empty: the original."""
        principal = principal_of(request, operations.keys)
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

    @router.post("/v1/rejected/{rejected_id}/dismiss")
    async def dismiss(request: Request, rejected_id: str) -> Response:
        """Take a refusal off the list without sending anything in, as what is stored is right."""
        await _one(events, rejected_id, _senders(principal_of(request, operations.keys)))
        await _blocking(lambda: events.mark_resolved(rejected_id))
        return JSONResponse({"dismissed": rejected_id})


def _rebuild(router: APIRouter, operations: Operations) -> None:
    busy = threading.Lock()

    def run(tell: Callable[[Row], None]) -> Row:
        def progress(table: str, done: int, total: int) -> None:
            tell({"table": table, "done": done, "total": total})

        placement, rules = operations.placement, operations.rules
        return {"tables": rebuild(operations.clickhouse, placement, progress, rules)}

    @router.post("/v1/rebuild")
    async def rebuild_all(request: Request) -> Response:
        """Rebuild all derived tables from the ledger; streams progress as lines of JSON.

        A rebuild goes on to its end if the client disconnects.
        """
        require_role(principal_of(request, operations.keys), Role.PROGRAMME)
        return LongWork("rebuild", run, busy).stream(operations.slow)


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
