"""The overview: suppliers by cluster, for the programme, or a buyer's own for the buyer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.readiness.figures import Figure
from services.scorecards.api import blocking
from services.scorecards.reading import Facts, Supplier
from services.scorecards.web import asking, overview_tables, tables, wording
from services.scorecards.web.asking import View
from services.scorecards.web.language import Language, mark
from services.scorecards.web.visiting import Site, Visit, answer

ROWS: Final = 25
"""Rows of one part of a list, so that a page stays light."""

_ALL: Final = 2**31
_EVERYONE: Final = mark("All suppliers")
SHOWN: Final = ("otif", "mean_days_late", "ppm", "lot_acceptance")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """A part of a list, and where it stands in the whole."""

    rows: Sequence[Row]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many parts there are; a list without rows has one."""
        return max(1, -(-self.total // ROWS))


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A cluster with the figures of its suppliers taken together; no name = without a cluster."""

    name: str | None
    suppliers: int
    said: dict[str, wording.Said]


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """A supplier with its figures, and the address of its page."""

    supplier: Supplier
    said: dict[str, wording.Said]
    address: str


def routes(site: Site) -> APIRouter:
    """Return the routes of both overviews."""
    router = APIRouter(include_in_schema=False)

    @router.get("/buyer")
    async def buyer(request: Request) -> Response:
        """Show a buyer those it buys from."""
        return await answer(site, request, lambda visit: page(visit, Role.BUYER))

    @router.get("/programme")
    async def programme(request: Request) -> Response:
        """Show the programme every supplier by cluster."""
        return await answer(site, request, lambda visit: page(visit, Role.PROGRAMME))

    return router


async def page(visit: Visit, role: Role) -> Response:
    """Return the overview of a role."""
    visit.require(role)
    view = asking.read(visit.request.query_params, visit.site.reader.today())
    if (wanted := tables.asked(visit)) is not None:
        return await overview_tables.answer(visit, wanted, view)
    return visit.page("overview.html", await _context(visit, view))


async def _context(visit: Visit, view: View) -> dict[str, Any]:
    reader, holder, language = visit.site.reader, visit.visitor, visit.language
    # Whose orders count is the visitor's to say, never the address's.
    view = replace(view, buyer_id=None)
    buyers = [holder.partner] if holder.role is Role.BUYER else []
    selection = view.selection([], buyers)
    facts, (_, suppliers), newest, names = await asyncio.gather(
        blocking(lambda: reader.facts(selection)),
        blocking(lambda: reader.suppliers(buyers=buyers, limit=_ALL)),
        blocking(lambda: reader.newest(selection)),
        blocking(lambda: reader.names([holder.partner])),
    )
    chosen = [one for one in suppliers if view.cluster in ("", one.cluster)]
    part = _part(chosen, view.page)
    return {
        "title": language.text(
            "Suppliers of %(buyer)s", buyer=names.get(holder.partner, holder.partner)
        )
        if buyers
        else language.text(_EVERYONE),
        "page": ("/buyer" if buyers else "/programme") + view.but(page=1, cluster_page=1),
        "for_buyer": bool(buyers),
        "mixed_units": language.text(wording.MIXED_UNITS),
        "titles": {key: language.text(title) for key, title in wording.TITLES.items()},
        "clusters": _part(_clusters(language, facts, suppliers), view.cluster_page),
        "everyone": _said(language, facts.figures(one.supplier_id for one in chosen)),
        "suppliers": Part(
            [_row(language, facts, one, view) for one in part.rows], part.total, part.page
        ),
        **asking.heading(language, view, reader, newest),
    }


def _clusters(language: Language, facts: Facts, suppliers: Sequence[Supplier]) -> list[ClusterRow]:
    members: dict[str, list[str]] = {}
    for one in suppliers:
        members.setdefault(one.cluster or "", []).append(one.supplier_id)
    # Those without a cluster come last.
    return [
        ClusterRow(name or None, len(members[name]), _said(language, facts.figures(members[name])))
        for name in sorted(members, key=lambda name: (name == "", name.casefold()))
    ]


def _row(language: Language, facts: Facts, supplier: Supplier, view: View) -> SupplierRow:
    address = f"/suppliers/{supplier.supplier_id}{view.but(cluster='', page=1, cluster_page=1)}"
    said = _said(language, facts.figures([supplier.supplier_id]))
    return SupplierRow(supplier, said, address)


def _said(language: Language, figures: dict[str, Figure]) -> dict[str, wording.Said]:
    return {key: wording.say(language, key, figures[key]) for key in SHOWN}


def _part(rows: Sequence[Row], page: int) -> Part[Row]:
    # A page past the end, from an old link, shows the last one.
    last = max(1, -(-len(rows) // ROWS))
    page = min(page, last)
    return Part(rows[(page - 1) * ROWS : page * ROWS], len(rows), page)
