"""A buyer's items: the list of ordered items, and all suppliers of one item side by side."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from schemas.fields import Spelled
from schemas.spelling import one_spelling
from services.assessment.figure_store import grouped_by
from services.readiness.figures import Figure
from services.readiness.sums import FigureSums
from services.scorecards.scorecard_api import run_query
from services.text import line_words
from services.text.language import Language, mark
from services.web import page_query, table_files
from services.web.buyer import buyer_words
from services.web.buyer.buyer_page import BuyerPages, buyers_view, supplier_address, ways
from services.web.kpi_words import ratio_cells, ratio_columns
from services.web.lists import ListPage, ListQuery, Sorting, SortKey, page_of, read_page
from services.web.page_query import View
from services.web.site import Site, Visit, answer
from services.web.table_files import Kind, Table, TableColumn, TableRow

PATH: Final = "/buyer/items"
_LONGEST_SEARCH: Final = 64


@dataclass(frozen=True, slots=True)
class ItemSupplier:
    """A supplier of an item, and its standing by that item alone.

    `lines`: its matured lines. `awaited`: the quantity still to come, due within the horizon.
    """

    supplier_id: str
    name: str
    figures: Mapping[str, Figure]
    lines: int
    overdue: int
    awaited: Fraction


def _exact(key: str) -> Any:
    return lambda one: one.figures[key].exact


_KEYS: Final[Mapping[str, SortKey[ItemSupplier]]] = {
    "name": SortKey(mark("Supplier"), lambda one: one.name.casefold(), ascending_first=True),
    "otif": SortKey(line_words.TITLES["otif"], _exact("otif")),
    "mean_days_late": SortKey(
        line_words.TITLES["mean_days_late"], _exact("mean_days_late"), ascending_first=True
    ),
    "ppm": SortKey(line_words.TITLES["ppm"], _exact("ppm"), ascending_first=True),
    "lot_acceptance": SortKey(line_words.TITLES["lot_acceptance"], _exact("lot_acceptance")),
    "lines": SortKey(mark("Lines fallen due"), lambda one: one.lines),
    "overdue": SortKey(mark("Lines overdue"), lambda one: one.overdue),
    "awaited": SortKey(mark("Quantity awaited"), lambda one: one.awaited),
}
"""The columns by which an item's suppliers can be sorted.

When a column is first chosen, the best suppliers come first: the buyer chooses among them.
"""


def routes(site: Site, pages: BuyerPages) -> APIRouter:
    """Return the routes of a buyer's items."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def items(request: Request) -> Response:
        """Show a buyer the items that it orders."""
        return await answer(site, request, lambda visit: _items_page(visit, pages))

    # Item numbers may contain slashes.
    @router.get(PATH + "/{item_no:path}")
    async def item(request: Request, item_no: Spelled) -> Response:
        """Show a buyer all suppliers of one item."""
        return await answer(site, request, lambda visit: _item_page(visit, pages, item_no))

    return router


def item_address(item_no: str, view: View) -> str:
    """Return the address of an item's page with the same day and window."""
    return f"{PATH}/{quote(item_no, safe='')}{view.with_changes(page=1)}"


async def _items_page(visit: Visit, pages: BuyerPages) -> Response:
    visit.require(Role.BUYER)
    view, buyer = buyers_view(visit), visit.visitor.partner
    search = one_spelling(visit.query.get("q", ""))[:_LONGEST_SEARCH]
    wanted = table_files.table_asked_for(visit)

    def read(limit: int, offset: int) -> Sequence[dict[str, Any]]:
        return pages.lists.items(buyer, view.as_of, search, limit, offset)

    if wanted is not None:
        if wanted.key != "items":
            raise table_files.no_such_table(wanted)
        rows = await run_query(lambda: read(table_files.MOST_ROWS, 0))
        table_files.require_rows(rows[0]["total"] if rows else 0)
        return await table_files.answer(visit, wanted, _items_table(visit, view, rows))
    found = await run_query(lambda: read_page(read, view.page))
    return await visit.page(
        "buyer_items.html",
        lambda: {
            "ways": ways(visit, PATH),
            "choice": ListQuery(PATH, view, {"q": search}),
            "search": search,
            "items": found,
            "address": lambda item_no: item_address(item_no, view),
        },
    )


async def _item_page(visit: Visit, pages: BuyerPages, item_no: str) -> Response:
    visit.require(Role.BUYER)
    view, language, buyer = buyers_view(visit), visit.language, visit.visitor.partner
    reader = visit.reader
    selection = view.selection([], [buyer])
    sorting = Sorting.read(visit.query, _KEYS, "otif")
    rows, (_, suppliers), newest = await asyncio.gather(
        run_query(lambda: reader.store.item_sums(selection, item_no)),
        run_query(lambda: reader.suppliers(buyers=[buyer], limit=2**31)),
        run_query(lambda: reader.newest(selection)),
    )
    names = {one.supplier_id: one.name or one.supplier_id for one in suppliers}
    # Sorted by id first, so that suppliers with equal values always appear in the same order.
    found = [
        _supplier(supplier_id, names, FigureSums.of(view.as_of, of))
        for supplier_id, of in sorted(grouped_by(rows, "supplier_id").items())
    ]
    ordered = sorting.sorted(found)
    wanted = table_files.table_asked_for(visit)
    if wanted is not None:
        if wanted.key != "suppliers":
            raise table_files.no_such_table(wanted)
        return await table_files.answer(visit, wanted, _item_table(visit, view, item_no, ordered))
    choice = ListQuery(f"{PATH}/{quote(item_no, safe='')}", view, sorting.own)
    shown = page_of(ordered, view.page)
    return await visit.page(
        "buyer_item.html",
        lambda: {
            **page_query.heading(language, view, reader, newest),
            "ways": ways(visit, PATH),
            "choice": choice,
            "item_no": item_no,
            "horizon": reader.policy.capacity.horizon_days,
            "headings": sorting.headings(language, choice),
            "mixed_units": language.text(line_words.MIXED_UNITS),
            "suppliers": ListPage(
                [_supplier_words(language, one, view) for one in shown.rows],
                shown.total,
                shown.page,
            ),
        },
    )


def _supplier(supplier_id: str, names: Mapping[str, str], sums: FigureSums) -> ItemSupplier:
    return ItemSupplier(
        supplier_id,
        names.get(supplier_id, supplier_id),
        sums.ratios(),
        sums.matured_lines,
        sums.count("overdue"),
        sums.sum("backlog", "a"),
    )


def _supplier_words(language: Language, one: ItemSupplier, view: View) -> dict[str, Any]:
    return {
        "name": one.name,
        "supplier_id": one.supplier_id,
        "address": supplier_address(one.supplier_id, view),
        "said": buyer_words.figure_words(language, one.figures),
        "lines": language.number(one.lines),
        "overdue": language.number(one.overdue),
        "awaited": language.number(one.awaited),
    }


def _items_table(visit: Visit, view: View, rows: Sequence[Any]) -> Table:
    language = visit.language
    columns = [
        TableColumn(language.text("Item")),
        TableColumn(language.text("Description")),
        TableColumn(language.text("Suppliers"), Kind.COUNT),
        TableColumn(language.text("Order lines"), Kind.COUNT),
        TableColumn(language.text("Last ordered"), Kind.DATE),
    ]
    names = ("item_no", "description", "suppliers", "lines", "last_ordered_on")
    cells: list[TableRow] = [[row[name] for name in names] for row in rows]
    title = language.text("Items")
    return Table("items", title, columns, cells, visit.visitor.partner, view.as_of)


def _item_table(visit: Visit, view: View, item_no: str, found: Sequence[ItemSupplier]) -> Table:
    language = visit.language
    columns = [
        TableColumn(language.text("Item")),
        TableColumn(language.text("Supplier's id")),
        TableColumn(language.text("Supplier")),
        TableColumn(language.text("Lines overdue"), Kind.COUNT),
        TableColumn(language.text("Quantity awaited"), Kind.QUANTITY),
        *ratio_columns(language),
    ]
    rows: list[TableRow] = [
        [
            item_no,
            one.supplier_id,
            one.name,
            one.overdue,
            one.awaited,
            *ratio_cells(one.figures),
        ]
        for one in found
    ]
    title = language.text("Suppliers of %(item)s", item=item_no)
    return Table("suppliers", title, columns, rows, visit.visitor.partner, view.as_of)
