"""A buyer's lists: overdue lines, lines due next, and open complaints with the steps to do."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.scorecards.scorecard_api import run_query
from services.text.language import Language, mark
from services.web import page_query, table_files
from services.web.buyer import buyer_words
from services.web.buyer.buyer_page import (
    BuyerPages,
    buyers_view,
    supplier_address,
    waiting_ways,
    ways,
)
from services.web.buyer.buyer_words import ComplaintWords
from services.web.lists import ListPage, ListQuery, page_of, read_page
from services.web.page_query import View
from services.web.site import Site, Visit, answer
from services.web.table_files import Kind, Table, TableColumn, TableRow

DUE_DAYS: Final = 14
"""How many days ahead the list of lines due next reaches."""


@dataclass(frozen=True, slots=True)
class _AwaitedList:
    """A list of awaited lines. `nothing`: the sentence shown if the list is empty."""

    key: str
    overdue: bool
    title: str
    about: str
    nothing: str


_AWAITED_LISTS: Final = (
    _AwaitedList(
        "overdue",
        True,
        mark("Lines overdue"),
        mark(
            "Past their due date and not complete yet, the longest overdue first. What was sent "
            "back is missing again."
        ),
        mark("No line is overdue."),
    ),
    _AwaitedList(
        "due",
        False,
        mark("Due next"),
        mark("Not complete yet and due within %(days)s days, the first due first."),
        mark("No line is due within %(days)s days."),
    ),
)


def routes(site: Site, pages: BuyerPages) -> APIRouter:
    """Return the routes of a buyer's lists."""
    router = APIRouter(include_in_schema=False)

    def add_route(one: _AwaitedList) -> None:
        @router.get(f"/buyer/{one.key}")
        async def awaited(request: Request) -> Response:
            """Show a buyer its overdue lines, or those due next."""
            return await answer(site, request, lambda visit: _awaited_page(visit, pages, one))

    for one in _AWAITED_LISTS:
        add_route(one)

    @router.get("/buyer/complaints")
    async def complaints(request: Request) -> Response:
        """Show a buyer its open complaints and the steps to do."""
        return await answer(site, request, lambda visit: _complaints_page(visit, pages))

    return router


async def _awaited_page(visit: Visit, pages: BuyerPages, one: _AwaitedList) -> Response:
    visit.require(Role.BUYER)
    view, language = buyers_view(visit), visit.language
    reader, buyer = visit.reader, visit.visitor.partner
    wanted = table_files.table_asked_for(visit)

    def read(limit: int, offset: int) -> Sequence[dict[str, Any]]:
        return pages.lists.awaited(
            buyer, view.as_of, DUE_DAYS, overdue=one.overdue, limit=limit, offset=offset
        )

    if wanted is not None:
        if wanted.key != one.key:
            raise table_files.no_such_table(wanted)
        rows = await run_query(lambda: read(table_files.MOST_ROWS, 0))
        table_files.require_rows(rows[0]["total"] if rows else 0)
        names = await _names(visit, rows)
        return await table_files.answer(
            visit, wanted, _awaited_table(visit, one, view, rows, names)
        )
    found, newest = await asyncio.gather(
        run_query(lambda: read_page(read, view.page)),
        run_query(lambda: reader.newest(view.selection([], [buyer]))),
    )
    names = await _names(visit, found.rows)
    shown = [
        buyer_words.awaited_row(
            language,
            row,
            view.as_of,
            names,
            supplier_address(row["supplier_id"], view),
            overdue=one.overdue,
        )
        for row in found.rows
    ]
    return await visit.page(
        "buyer_awaited.html",
        lambda: {
            **page_query.heading(language, view, reader, newest),
            "ways": ways(visit, ""),
            "waiting": waiting_ways(visit, f"/buyer/{one.key}"),
            "choice": ListQuery(f"/buyer/{one.key}", view, {}),
            "key": one.key,
            "title": language.text(one.title),
            "about": language.text(one.about, days=language.number(DUE_DAYS)),
            "nothing": language.text(one.nothing, days=language.number(DUE_DAYS)),
            "lines": ListPage(shown, found.total, found.page),
        },
    )


async def _complaints_page(visit: Visit, pages: BuyerPages) -> Response:
    visit.require(Role.BUYER)
    view, language = buyers_view(visit), visit.language
    reader, buyer = visit.reader, visit.visitor.partner
    wanted = table_files.table_asked_for(visit)
    rows, newest = await asyncio.gather(
        run_query(lambda: pages.lists.complaints(buyer, view.as_of)),
        run_query(lambda: reader.newest(view.selection([], [buyer]))),
    )
    found = buyer_words.complaints(rows, reader.policy)
    if wanted is not None:
        if wanted.key != "complaints":
            raise table_files.no_such_table(wanted)
        names = await _names(visit, rows)
        return await table_files.answer(visit, wanted, _complaint_table(visit, view, found, names))
    shown = page_of(found, view.page)
    names = await _names(visit, [one.row for one in shown.rows])
    in_words = partial(buyer_words.complaint_row, language, as_of=view.as_of, names=names)
    answers = reader.policy.complaints
    return await visit.page(
        "buyer_complaints.html",
        lambda: {
            **page_query.heading(language, view, reader, newest),
            "ways": ways(visit, ""),
            "waiting": waiting_ways(visit, "/buyer/complaints"),
            "choice": ListQuery("/buyer/complaints", view, {}),
            "overdue_steps": sum(one.overdue(view.as_of) for one in found if one.row["counts"]),
            "uncounted": sum(not one.row["counts"] for one in found),
            "answers": answers,
            "complaints": ListPage(
                [
                    in_words(one, address=supplier_address(one.row["supplier_id"], view))
                    for one in shown.rows
                ],
                shown.total,
                shown.page,
            ),
        },
    )


async def _names(visit: Visit, rows: Iterable[Any]) -> dict[str, str]:
    wanted = sorted({row["supplier_id"] for row in rows})
    return await run_query(lambda: visit.reader.names(wanted)) if wanted else {}


def _awaited_table(
    visit: Visit, one: _AwaitedList, view: View, rows: Sequence[Any], names: dict[str, str]
) -> Table:
    language = visit.language
    columns = [
        *_supplier_columns(language),
        TableColumn(language.text("Order")),
        TableColumn(language.text("Line")),
        TableColumn(language.text("Item")),
        TableColumn(language.text("Unit")),
        TableColumn(language.text("Ordered"), Kind.QUANTITY),
        TableColumn(language.text("Received"), Kind.QUANTITY),
        TableColumn(language.text("Sent back"), Kind.QUANTITY),
        TableColumn(language.text("Missing"), Kind.QUANTITY),
        TableColumn(language.text("Due"), Kind.DATE),
        TableColumn(language.text("Days late"), Kind.COUNT),
        TableColumn(language.text("Confirmed")),
    ]
    cells: list[TableRow] = [
        [
            row["supplier_id"],
            names.get(row["supplier_id"]),
            row["order_no"],
            row["line_no"],
            row["item_no"],
            row["uom"],
            row["ordered"],
            row["received"],
            row["returned"],
            buyer_words.missing(row),
            row["due_date"],
            (view.as_of - row["due_date"]).days,
            language.text("yes") if row["confirmed"] else language.text("no"),
        ]
        for row in rows
    ]
    title = language.text(one.title)
    return Table(one.key, title, columns, cells, visit.visitor.partner, view.as_of)


def _complaint_table(
    visit: Visit, view: View, found: Sequence[ComplaintWords], names: dict[str, str]
) -> Table:
    language = visit.language
    columns = [
        *_supplier_columns(language),
        TableColumn(language.text("Complaint")),
        TableColumn(language.text("Severity")),
        TableColumn(language.text("Opened"), Kind.DATE),
        TableColumn(language.text("Order")),
        TableColumn(language.text("Line")),
        TableColumn(language.text("Item")),
        TableColumn(language.text("Quantity"), Kind.QUANTITY),
        TableColumn(language.text("Step to do")),
        TableColumn(language.text("Due"), Kind.DATE),
        TableColumn(language.text("Days late"), Kind.COUNT),
    ]
    rows: list[TableRow] = [
        [
            one.row["supplier_id"],
            names.get(one.row["supplier_id"]),
            one.row["complaint_no"],
            buyer_words.severity(language, one.row),
            one.row["opened_on"],
            one.row["order_no"],
            one.row["line_no"],
            one.row["item_no"],
            one.row["quantity"],
            buyer_words.step_name(language, step),
            step.due,
            (view.as_of - step.due).days,
        ]
        for one in found
        for step in one.steps
    ]
    title = language.text("Open complaints")
    return Table("complaints", title, columns, rows, visit.visitor.partner, view.as_of)


def _supplier_columns(language: Language) -> list[TableColumn]:
    return [TableColumn(language.text("Supplier's id")), TableColumn(language.text("Supplier"))]
