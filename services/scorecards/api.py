"""The scorecards' HTTP interface: figures, lines and suppliers as JSON, each role its own view."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeVar

import simplejson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.access.http import principal_of
from services.access.keys import KeyStore, Principal
from services.scorecards.reading import Reader, Supplier
from services.telemetry.http import Problem
from services.warehouse.client import StoreUnavailable
from services.warehouse.figures import Selection

EARLIEST: Final = date(1900, 1, 2)
LATEST: Final = date(2200, 1, 1)
Result = TypeVar("Result")
AsOf = Annotated[
    date | None, Query(description="how things stood when this day began; default today")
]
WindowDays = Annotated[int, Query(ge=1, le=36500, description="days before as_of")]
BuyerId = Annotated[str | None, Query(description="figures from this buyer's orders only")]
Limit = Annotated[int, Query(ge=1, le=10_000)]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Status = Literal["late", "open", "overdue", "short", "rejected", "any"]


@dataclass(frozen=True, slots=True)
class Scorecards:
    """What the routes need."""

    keys: KeyStore
    reader: Reader


class ExactJson(Response):
    """JSON whose decimals are written as numbers, digit by digit: 12.5, never "12.5"."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the text of a value."""
        text: str = simplejson.dumps(content, use_decimal=True, ensure_ascii=False)
        return text.encode()


def routes(scorecards: Scorecards) -> APIRouter:
    """Return the routes under /v1/suppliers."""
    router = APIRouter(tags=["scorecards"])
    reader = scorecards.reader

    @router.get("/v1/suppliers")
    async def suppliers(
        request: Request, cluster: str = "", limit: Limit = 200, offset: Offset = 0
    ) -> Response:
        """List suppliers: a buyer's own, a supplier itself, all for the programme."""
        principal = principal_of(request, scorecards.keys)
        total, found = await _blocking(
            lambda: reader.suppliers(**_own(principal), cluster=cluster, limit=limit, offset=offset)
        )
        more = offset + len(found) < total
        rows = [_supplier(one, principal) for one in found]
        following = offset + len(found) if more else None
        return ExactJson({"total": total, "next_offset": following, "suppliers": rows})

    @router.get("/v1/suppliers/{supplier_id}/scorecard")
    async def scorecard(
        request: Request,
        supplier_id: str,
        as_of: AsOf = None,
        window_days: WindowDays = 180,
        buyer_id: BuyerId = None,
    ) -> Response:
        """Return the figures of a supplier over the window before a day."""
        principal = principal_of(request, scorecards.keys)
        await _may_see(reader, principal, supplier_id)
        selection = _selection(reader, principal, supplier_id, as_of, window_days, buyer_id)
        return ExactJson(await _blocking(lambda: reader.scorecard(supplier_id, selection)))

    @router.get("/v1/suppliers/{supplier_id}/lines")
    async def lines(
        request: Request,
        supplier_id: str,
        status: Status | None = None,
        as_of: AsOf = None,
        window_days: WindowDays = 180,
        buyer_id: BuyerId = None,
        limit: Limit = 500,
        offset: Offset = 0,
    ) -> Response:
        """Return the order lines behind the figures, with the events behind each line."""
        principal = principal_of(request, scorecards.keys)
        await _may_see(reader, principal, supplier_id)
        selection = _selection(reader, principal, supplier_id, as_of, window_days, buyer_id)
        return ExactJson(
            await _blocking(
                lambda: reader.lines(supplier_id, selection, status or "", limit, offset)
            )
        )

    return router


async def _blocking(work: Callable[[], Result]) -> Result:
    try:
        return await asyncio.to_thread(work)
    except StoreUnavailable:
        raise Problem(
            503, "the store does not answer just now; try again", {"Retry-After": "5"}
        ) from None


def _own(principal: Principal) -> dict[str, list[str]]:
    if principal.role is Role.BUYER:
        return {"buyers": [principal.partner]}
    if principal.role is Role.SUPPLIER:
        return {"suppliers": [principal.partner]}
    return {}


async def _may_see(reader: Reader, principal: Principal, supplier_id: str) -> None:
    """Raise Problem 403 or 404 where a principal may not see a supplier, or there is none."""
    if principal.role is Role.SUPPLIER:
        if supplier_id != principal.partner:
            raise Problem(403, "a supplier's key sees that supplier alone")
        return
    own = _own(principal)
    total, _ = await _blocking(lambda: reader.suppliers(**own, suppliers=[supplier_id]))
    if not total:
        # Whether another buyer has such a supplier is nobody's business.
        among = "you buy from" if principal.role is Role.BUYER else "known here"
        raise Problem(404, f"no supplier {supplier_id[:64]!r} among those {among}")


def _selection(
    reader: Reader,
    principal: Principal,
    supplier_id: str,
    as_of: date | None,
    window_days: int,
    buyer_id: str | None,
) -> Selection:
    if principal.role is Role.BUYER:
        if buyer_id not in (None, principal.partner):
            raise Problem(403, "a buyer's key sees figures from its own orders only")
        buyer_id = principal.partner
    day = as_of or reader.today()
    if not EARLIEST <= day <= LATEST:
        raise Problem(400, f"as_of: must be a date from {EARLIEST} to {LATEST}")
    if day.toordinal() - window_days < EARLIEST.toordinal():
        raise Problem(400, f"window_days: the window would begin before {EARLIEST}")
    return Selection(day, window_days, [supplier_id], [] if buyer_id is None else [buyer_id])


def _supplier(supplier: Supplier, principal: Principal) -> dict[str, Any]:
    shown = asdict(supplier)
    if principal.role is Role.BUYER:
        shown["buyers"] = [principal.partner]
    return shown
