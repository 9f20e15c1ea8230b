"""The JSON API of suppliers: scorecards, explanations, evaluations and order lines, by role."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.catalogue import Role
from schemas.fields import Spelled
from services.access.keys import KeyStore, Principal
from services.assessment.evaluations import EvaluationStore
from services.assessment.explanation import EXPLAINED
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.restated_evaluations import evaluations
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.standings import exact_json
from services.http.principal import Asking
from services.http.reads import read
from services.http.service import Problem
from services.http.state import with_state
from services.scorecards.answers import Evaluations, Explanation, OrderLines, Scorecard, Suppliers
from services.store.client import ReadTooLarge, StoreUnavailable

EARLIEST: Final = date(1900, 1, 2)
LATEST: Final = date(2200, 1, 1)
"""The first and the last day that a request may ask about."""

Result = TypeVar("Result")
router = APIRouter(tags=["scorecards"])


class FiguresQuery(BaseModel):
    """The query parameters of figures: the day, the window before it, and the buyer."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[date, Field(ge=EARLIEST, le=LATEST)] | None = Field(
        default=None, description="how things stood when this day began; default today"
    )
    window_days: Annotated[int, Field(ge=1, le=36500)] = Field(
        default=WINDOW_DAYS, description="length of the window before as_of, in days"
    )
    buyer_id: Spelled | None = Field(
        default=None,
        description="figures from this buyer's orders only; default all buyers that the key may "
        "see",
    )


class Page(BaseModel):
    """The query parameters of a part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=10_000)] = 500
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0


class SuppliersQuery(Page):
    """The query parameters of the list of suppliers."""

    cluster: str = ""


class LinesQuery(FiguresQuery, Page):
    """The query parameters of order lines.

    `status` absent: the lines that are judged in the window, and those that are open or rejected.
    """

    status: Literal["late", "open", "overdue", "short", "rejected", "any"] | None = None


class EvaluationsQuery(BaseModel):
    """The query parameter of evaluations: how many month ends, newest first."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=240)] = 24


def _a_figure(kpi: str) -> str:
    if kpi not in EXPLAINED:
        raise ValueError(f"must be one of {', '.join(EXPLAINED)}")
    return kpi


class ExplainQuery(FiguresQuery):
    """The query parameters of an explanation: those of figures, and which figure."""

    kpi: Annotated[str, AfterValidator(_a_figure)] = Field(
        description="the figure's key in the scorecard's `kpis`",
        json_schema_extra={"enum": list(EXPLAINED)},
    )


@dataclass(frozen=True, slots=True)
class Scorecards:
    """What the routes of this package need."""

    keys: KeyStore
    reader: ScorecardReader


async def _scorecards(request: Request) -> Scorecards:
    state: Scorecards = request.state.service
    return state


Serving = Annotated[Scorecards, Depends(_scorecards)]
"""What the application holds that serves a request."""


async def exact_answer(work: Callable[[], Any]) -> Response:
    """Run a query and answer its result as JSON with exact decimals: 12.5, never "12.5".

    If the work returns bytes, they are JSON already. The JSON is written in the query's turn:
    writing a long one on the event loop would delay all other requests. Raises as `run_query` does,
    and what the work raises.
    """

    def written() -> bytes:
        found = work()
        return found if isinstance(found, bytes) else exact_json(found)

    return Response(await run_query(written), media_type="application/json")


@router.get("/v1/suppliers", responses={200: {"model": Suppliers}})
async def suppliers(
    scorecards: Serving, principal: Asking, asked: Annotated[SuppliersQuery, Query()]
) -> Response:
    """List suppliers: to a buyer its own, to a supplier itself, to the programme all."""
    buyers, own = _own(principal)

    def listed() -> dict[str, Any]:
        total, found = scorecards.reader.suppliers(
            buyers=buyers,
            suppliers=own,
            cluster=asked.cluster,
            limit=asked.limit,
            offset=asked.offset,
        )
        end = asked.offset + len(found)
        return {
            "total": total,
            "next_offset": end if end < total else None,
            "suppliers": [asdict(one) for one in found],
        }

    return await exact_answer(listed)


@router.get("/v1/suppliers/{supplier_id}/scorecard", responses={200: {"model": Scorecard}})
async def scorecard(
    scorecards: Serving,
    principal: Asking,
    supplier_id: Spelled,
    asked: Annotated[FiguresQuery, Query()],
) -> Response:
    """Return the scorecard of a supplier over the window before a day."""
    reader = scorecards.reader
    selection = await _selection(reader, principal, supplier_id, asked)
    return await exact_answer(lambda: reader.scorecard(supplier_id, selection))


@router.get(
    "/v1/suppliers/{supplier_id}/scorecard/explain", responses={200: {"model": Explanation}}
)
async def explanation(
    scorecards: Serving,
    principal: Asking,
    supplier_id: Spelled,
    asked: Annotated[ExplainQuery, Query()],
) -> Response:
    """Return every line or document that a figure is made of, what it adds, and why.

    The parts' numerators and denominators, or values, add up to the figure's.
    """
    reader = scorecards.reader
    selection = await _selection(reader, principal, supplier_id, asked)
    return await exact_answer(lambda: reader.explain(supplier_id, selection, asked.kpi))


@router.get("/v1/suppliers/{supplier_id}/evaluations", responses={200: {"model": Evaluations}})
async def frozen(
    scorecards: Serving,
    principal: Asking,
    supplier_id: Spelled,
    asked: Annotated[EvaluationsQuery, Query()],
) -> Response:
    """Return the scorecards frozen at month ends, newest first, with what was restated since.

    They cover the orders of all buyers, so only the supplier and the programme may see them.
    """
    if principal.role is Role.BUYER:
        raise Problem(403, "evaluations cover all buyers; a buyer's key sees its own orders only")
    reader = scorecards.reader
    await _may_see(reader, principal, supplier_id)
    store = EvaluationStore(reader.store.clickhouse)
    return await exact_answer(lambda: evaluations(reader, store, supplier_id, asked.limit))


@router.get("/v1/suppliers/{supplier_id}/lines", responses={200: {"model": OrderLines}})
async def lines(
    scorecards: Serving,
    principal: Asking,
    supplier_id: Spelled,
    asked: Annotated[LinesQuery, Query()],
) -> Response:
    """Return the order lines behind the figures, with the events behind each line."""
    reader = scorecards.reader
    selection = await _selection(reader, principal, supplier_id, asked)
    return await exact_answer(
        lambda: reader.lines(supplier_id, selection, asked.status or "", asked.limit, asked.offset)
    )


def routes(scorecards: Scorecards) -> APIRouter:
    """Return the routes under /v1/suppliers."""
    return with_state(router, scorecards)


READ_TOO_LARGE: Final = 422
"""Status of a read that needs more memory than one read may take; repeating it fails again."""


async def run_query(work: Callable[[], Result]) -> Result:
    """Run a query when its reader's turn comes.

    Raises Problem 503 if the store is unavailable, 422 if the query needs too much memory.
    """
    try:
        return await read(work)
    except ReadTooLarge as error:
        raise Problem(READ_TOO_LARGE, str(error)) from None
    except StoreUnavailable:
        raise Problem(
            503, "the store does not answer just now; try again", {"Retry-After": "5"}
        ) from None


def _own(principal: Principal) -> tuple[list[str], list[str]]:
    """Return the buyers and the suppliers that a principal may see; empty = all."""
    buyers = [principal.partner] if principal.role is Role.BUYER else []
    suppliers = [principal.partner] if principal.role is Role.SUPPLIER else []
    return buyers, suppliers


async def _selection(
    reader: ScorecardReader, principal: Principal, supplier_id: str, asked: FiguresQuery
) -> Selection:
    """Return the figures that a request selects. Raises Problem if its key may not see them."""
    await _may_see(reader, principal, supplier_id)
    return selection_for(reader, principal, asked, [supplier_id])


def selection_for(
    reader: ScorecardReader, principal: Principal, asked: FiguresQuery, suppliers: Sequence[str]
) -> Selection:
    """Return the selection of figures that a request describes, limited to what its key may see.

    A buyer's key selects figures from its own orders. `suppliers`: empty = all. Raises Problem 403
    for another buyer's figures, 400 if the window would begin too early.
    """
    buyer = asked.buyer_id
    if principal.role is Role.BUYER:
        if buyer not in (None, principal.partner):
            raise Problem(403, "a buyer's key sees figures from its own orders only")
        buyer = principal.partner
    day = asked.as_of or reader.today()
    if day.toordinal() - asked.window_days < EARLIEST.toordinal():
        raise Problem(400, f"window_days: the window would begin before {EARLIEST}")
    return Selection(day, asked.window_days, suppliers, [] if buyer is None else [buyer])


async def _may_see(reader: ScorecardReader, principal: Principal, supplier_id: str) -> None:
    if principal.role is Role.SUPPLIER:
        if supplier_id != principal.partner:
            raise Problem(403, "a supplier's key sees that supplier only")
        return
    buyers, _ = _own(principal)
    if not await run_query(lambda: reader.knows(supplier_id, buyers)):
        # A buyer must not learn whether another buyer has this supplier.
        among = "you buy from" if principal.role is Role.BUYER else "known here"
        raise Problem(404, f"no supplier {supplier_id[:64]!r} among those {among}")
