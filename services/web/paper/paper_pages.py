"""The routes of papers: a supplier's scorecard as PDF, and each evaluation as it was frozen.

A scorecard says what the supplier's page says, and whoever may see the page may have it. An
evaluation covers the orders of all buyers, so only the supplier and the programme may have it.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import simplejson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from schemas.fields import Spelled
from services.assessment.evaluations import Evaluation, EvaluationStore, HighWater, frozen_json
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.restated_evaluations import restated
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.supplier_reader import SupplierReader
from services.readiness.rules import EDITION
from services.scorecards.scorecard_api import run_query
from services.text.language import mark
from services.web import page_query, table_files
from services.web.page_query import Unreadable
from services.web.paper import paper_words
from services.web.paper.issued import Codes, Issued, cut_off, digest_of
from services.web.paper.paper_words import PaperFacts
from services.web.site import PageRefused, Site, Visit, answer
from services.web.supplier import standing_card

MOST_LINES: Final = 300
"""The lines of an annex: ten pages. The supplier's page offers all lines as a file."""

_TYPE: Final = "application/pdf"


def routes(site: Site) -> APIRouter:
    """Return the routes of the papers."""
    router = APIRouter(include_in_schema=False)
    codes = Codes(site.links.secret)

    @router.get("/suppliers/{supplier_id}/scorecard.pdf")
    async def scorecard(request: Request, supplier_id: Spelled) -> Response:
        """Return a supplier's scorecard as PDF; the query is that of the supplier's page."""
        return await answer(site, request, lambda visit: _scorecard(visit, codes, supplier_id))

    @router.get("/suppliers/{supplier_id}/evaluations/{as_of}.pdf")
    async def evaluation(request: Request, supplier_id: Spelled, as_of: str) -> Response:
        """Return the frozen evaluation of a month end as PDF."""
        return await answer(
            site, request, lambda visit: _evaluation(visit, codes, supplier_id, as_of)
        )

    return router


async def _scorecard(visit: Visit, codes: Codes, supplier_id: str) -> Response:
    reader, store = visit.reader, visit.site.evaluations
    view = page_query.read(visit.query, reader.today())
    selection = await visit.selection(view, supplier_id)
    # Before the figures are read, so that the paper names no event as included that is not.
    inputs = await run_query(store.high_water)
    card, sums, about = await asyncio.gather(
        run_query(lambda: standing_card.card(reader, selection)),
        run_query(lambda: SupplierReader(reader).sums(selection)),
        _about(reader, selection),
    )
    asked = None if visit.visitor.orders_of else view.buyer_id
    if asked is not None and asked not in about["supplier"].buyers:
        raise Unreadable(mark("That buyer is not among the buyers here."))
    issued = code_contents(selection, card, {**card, "edition": EDITION}, inputs)
    return await _file(
        visit, codes, PaperFacts(issued, card, sums.matured_months, **about), "scorecard"
    )


async def _evaluation(visit: Visit, codes: Codes, supplier_id: str, day: str) -> Response:
    visit.require(Role.SUPPLIER, Role.PROGRAMME)
    if visit.visitor.orders_of is not None:
        raise PageRefused("not_yours")
    reader, store = visit.reader, visit.site.evaluations
    view = page_query.read({"as_of": day}, reader.today())
    selection = await visit.selection(view, supplier_id)
    found = await run_query(lambda: frozen_at(reader, store, supplier_id, view.as_of))
    if found is None:
        raise PageRefused("not_known")
    now, about = await asyncio.gather(
        run_query(lambda: restated_today(reader, supplier_id, found)), _about(reader, selection)
    )
    said = {
        "policy_version": found.policy_version,
        "edition": found.edition,
        "computed_at": found.frozen_at.isoformat(),
    }
    issued = code_contents(selection, found.scorecard, said, found.inputs, frozen=True)
    told = PaperFacts(issued, found.scorecard, 0, **about, restated=now is not None)
    return await _file(visit, codes, told, "evaluation")


def code_contents(
    selection: Selection,
    card: Mapping[str, Any],
    made: Mapping[str, Any],
    inputs: HighWater,
    *,
    frozen: bool = False,
) -> Issued:
    """Return what the code of a paper holds. `made`: `policy_version`, `edition`, `computed_at`."""
    grade, score = card["grade"], card["score"]
    return Issued(
        supplier_id=selection.suppliers[0],
        as_of=selection.as_of,
        window_days=selection.window_days,
        buyer_id=selection.buyers[0] if selection.buyers else None,
        frozen=frozen,
        letter=None if grade["insufficient"] else grade["published"],
        insufficient=grade["insufficient"],
        score=cut_off(score["value"]),
        provisional=score["provisional"],
        policy_version=made["policy_version"],
        edition=made["edition"],
        inputs=inputs,
        computed_at=datetime.fromisoformat(made["computed_at"]).astimezone(UTC),
        digest=digest_of(card),
    )


def frozen_at(
    reader: ScorecardReader, store: EvaluationStore, supplier_id: str, as_of: date
) -> Evaluation | None:
    """Return the frozen evaluation of a supplier and month end, if there is one. Blocks."""
    today = reader.today()
    since = (today.year - as_of.year) * 12 + today.month - as_of.month
    found = store.frozen(supplier_id, max(0, since) + 2)
    return next((one for one in found if one.as_of == as_of), None)


def restated_today(
    reader: ScorecardReader, supplier_id: str, one: Evaluation
) -> dict[str, Any] | None:
    """Return how an evaluation would differ today; see `restated`. Blocks."""
    asked = Selection(one.as_of, WINDOW_DAYS, [supplier_id])
    ((_, _, assessed),) = reader.assessor.assessed_at(asked, {supplier_id: [one.as_of]})
    today = simplejson.loads(frozen_json(assessed), use_decimal=True)
    return restated(one, today, reader.policy.version)


async def _about(reader: ScorecardReader, selection: Selection) -> dict[str, Any]:
    """Return fields of `PaperFacts`: the supplier, its lines, and the names of its buyers."""
    supplier_id = selection.suppliers[0]
    supplier, found = await asyncio.gather(
        run_query(lambda: reader.supplier(supplier_id)),
        run_query(lambda: reader.lines(supplier_id, selection, "", MOST_LINES, 0)),
    )
    names = await run_query(lambda: reader.names(supplier.buyers))
    return {
        "supplier": supplier,
        "names": names,
        "lines": found["lines"],
        "lines_total": found["total"],
    }


async def _file(visit: Visit, codes: Codes, told: PaperFacts, kind: str) -> Response:
    # Imported on first use: a process that makes no paper need not hold the library in memory.
    from services.web.paper.pdf import pdf  # noqa: PLC0415

    issued, site = told.issued, visit.site
    address = f"{site.base_url}/verify/{codes.code(issued)}"
    paper = paper_words.paper(visit.language, told, site.reader.policy, address)
    content = await run_query(lambda: pdf(paper))
    whose = [issued.supplier_id, *([issued.buyer_id] if issued.buyer_id else [])]
    name = table_files.file_name([*whose, kind, issued.as_of.isoformat()], "pdf")
    return table_files.attachment(visit, content, _TYPE, name)
