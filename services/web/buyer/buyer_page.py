"""A buyer's first page: its suppliers by its own orders, and counts of what needs attention."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.assessment.awaited import FormReader
from services.assessment.buyer_lists import BuyerLists
from services.assessment.buyer_standings import BuyerStandings, pooled
from services.scorecards.scorecard_api import run_query
from services.text import line_words
from services.text.language import Language
from services.web import page_query, table_files
from services.web.buyer import buyer_words
from services.web.buyer.buyer_words import SUPPLIER_KEYS, OwnSupplier
from services.web.kpi_words import ratio_cells, ratio_columns
from services.web.lists import ListPage, ListQuery, NavLink, Sorting, nav_links, page_of
from services.web.page_query import View
from services.web.site import Site, Visit, answer
from services.web.table_files import Kind, Table, TableColumn, TableRow

PATH: Final = "/buyer"
QUALITY_PATH: Final = "/buyer/data-quality"
_ALL: Final = 2**31
_FIRST: Final = "overdue"


@dataclass(frozen=True, slots=True)
class BuyerPages:
    """The readers behind a buyer's pages, and its first page."""

    buying: BuyerStandings
    lists: BuyerLists
    awaiting: FormReader

    @classmethod
    def of(cls, site: Site) -> "BuyerPages":
        """Return the readers for a site's store."""
        store = site.reader.store
        return cls(
            BuyerStandings(site.reader),
            BuyerLists(store),
            FormReader(store.clickhouse, store.rules),
        )

    async def page(self, visit: Visit) -> Response:
        """Return the table of a buyer's suppliers, as a page or a file.

        Raises PageRefused, Unreadable.
        """
        visit.require(Role.BUYER)
        view = buyers_view(visit)
        sorting = Sorting.read(visit.query, SUPPLIER_KEYS, _FIRST)
        wanted = table_files.table_asked_for(visit)
        if wanted is not None and wanted.key != "suppliers":
            raise table_files.no_such_table(wanted)
        found = await self._suppliers(visit, view)
        ordered = sorting.sorted(found)
        if wanted is not None:
            return await table_files.answer(visit, wanted, _table(visit, view, ordered))
        choice = ListQuery(PATH, view, sorting.own)
        return await self._page(visit, choice, sorting, ordered)

    async def _suppliers(self, visit: Visit, view: View) -> list[OwnSupplier]:
        reader, buyer = visit.reader, visit.visitor.partner
        standings, (_, suppliers) = await asyncio.gather(
            run_query(lambda: self.buying.standings(buyer, view.as_of, view.window_days)),
            run_query(lambda: reader.suppliers(buyers=[buyer], limit=_ALL)),
        )
        nothing = self.buying.nothing(view.as_of)
        return [OwnSupplier(one, standings.get(one.supplier_id, nothing)) for one in suppliers]

    async def _page(
        self,
        visit: Visit,
        choice: ListQuery,
        sorting: Sorting[OwnSupplier],
        found: Sequence[OwnSupplier],
    ) -> Response:
        reader, language, buyer = visit.reader, visit.language, visit.visitor.partner
        view = choice.view
        names, disputes, newest = await asyncio.gather(
            run_query(lambda: reader.names([buyer])),
            # The disputes open at present, whatever the day: the list that this count links to is
            # for answering them.
            run_query(lambda: self.awaiting.disputes([buyer], limit=1)),
            run_query(lambda: reader.newest(view.selection([], [buyer]))),
        )
        shown = page_of(found, view.page)
        standings = [one.standing for one in found]
        return await visit.page(
            "buyer.html",
            lambda: {
                **page_query.heading(language, view, reader, newest),
                "ways": ways(visit, PATH),
                "choice": choice,
                "title": language.text("Suppliers of %(buyer)s", buyer=names.get(buyer, buyer)),
                "overdue": sum(one.overdue_lines for one in standings),
                "complaints": sum(one.open_complaints for one in standings),
                "disputes": disputes[0],
                "headings": sorting.headings(language, choice),
                "suppliers": ListPage(
                    [_row(language, one, view) for one in shown.rows], shown.total, shown.page
                ),
                "together": buyer_words.figure_words(language, pooled(standings)),
                "mixed_units": language.text(line_words.MIXED_UNITS),
            },
        )


def routes(site: Site, pages: BuyerPages) -> APIRouter:
    """Return the route of a buyer's first page."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def buyer(request: Request) -> Response:
        """Show a buyer its suppliers."""
        return await answer(site, request, pages.page)

    return router


def buyers_view(visit: Visit) -> View:
    """Return a buyer's view: a `buyer_id` in the address is ignored, only own orders are shown.

    Raises Unreadable.
    """
    view = page_query.read(visit.query, visit.today)
    return replace(view, buyer_id=None)


def ways(visit: Visit, here: str) -> list[NavLink]:
    """Return the navigation links between a buyer's pages. `here`: the shown page's path."""
    text = visit.language.text
    found = [
        (PATH, text("Suppliers")),
        ("/buyer/items", text("Items")),
        (QUALITY_PATH, text("Data quality")),
    ]
    if visit.may_act:
        found.append(("/links", text("Links")))
    return nav_links(found, here)


def waiting_ways(visit: Visit, here: str) -> list[NavLink]:
    """Return the navigation links between a buyer's lists of what needs attention."""
    text = visit.language.text
    found = [
        ("/buyer/overdue", text("Lines overdue")),
        ("/buyer/due", text("Due next")),
        ("/buyer/complaints", text("Open complaints")),
        ("/buyer/disputes", text("Disputes")),
    ]
    return nav_links(found, here)


def supplier_address(supplier_id: str, view: View) -> str:
    """Return the address of a supplier's page with the same day and window."""
    return f"/suppliers/{supplier_id}{view.with_changes(page=1)}"


def _row(language: Language, one: OwnSupplier, view: View) -> buyer_words.SupplierRow:
    address = supplier_address(one.supplier.supplier_id, view)
    return buyer_words.supplier_row(language, one, address)


def _table(visit: Visit, view: View, found: Sequence[OwnSupplier]) -> Table:
    language = visit.language
    columns = [
        TableColumn(language.text("Supplier's id")),
        TableColumn(language.text("Name")),
        TableColumn(language.text("Cluster")),
        TableColumn(language.text("Regency")),
        TableColumn(language.text("Score"), Kind.NUMBER),
        TableColumn(language.text("Provisional")),
        TableColumn(language.text("Lines overdue"), Kind.COUNT),
        TableColumn(language.text("Open complaints"), Kind.COUNT),
        *ratio_columns(language),
    ]
    rows: list[TableRow] = [
        [
            one.supplier.supplier_id,
            one.supplier.name,
            one.supplier.cluster,
            one.supplier.regency,
            one.standing.score,
            language.text("yes") if one.standing.provisional else language.text("no"),
            one.standing.overdue_lines,
            one.standing.open_complaints,
            *ratio_cells(one.standing.figures),
        ]
        for one in found
    ]
    title = language.text("Suppliers")
    return Table("suppliers", title, columns, rows, visit.visitor.partner, view.as_of)
