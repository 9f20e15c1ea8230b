"""The page of data quality, shared by buyers and the programme: findings by kind.

Without `kind` in the address it shows the newest few findings of each kind; with it, all findings
of that kind, page by page or as a file.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fastapi.responses import Response

from services.assessment.data_quality import FIGURES, KINDS, DataQuality, FindingPage, Scope
from services.assessment.figure_store import Rows
from services.scorecards.scorecard_api import run_query
from services.text import quality_words
from services.text.figure_words import TITLES
from services.text.language import Language, mark
from services.web import addresses, page_query, table_files
from services.web.lists import ROWS, ListQuery, NavLink, page_within
from services.web.lists import ListPage as Shown
from services.web.page_query import Unreadable, View
from services.web.site import Visit
from services.web.table_files import Kind, Table, TableColumn, TableRow

_FEW: Final = 5
"""Findings of each kind on the overview; the whole list is one link away."""

_PUT_RIGHT: Final = 20
"""Findings listed of those that were put right: the latest."""


@dataclass(frozen=True, slots=True)
class FindingWords:
    """A finding in words. `address`: of its order line's page; '' if it names no order line.

    `gone`: the day on which it was put right; '' if it still stands.
    """

    document: str
    address: str
    supplier: str
    buyer: str
    message: str
    since: str
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of a kind in words. `address`: of the list of all of them.

    `figures`: the names of the figures that such findings may distort.
    """

    title: str
    total: int
    why: str
    remedy: str
    figures: str
    address: str
    findings: Sequence[FindingWords]


async def page(
    visit: Visit, path: str, ways: Sequence[NavLink], view: View, buyers: Sequence[str]
) -> Response:
    """Return the findings in the data of these buyers, as a page or a file. Raises Unreadable.

    `buyers`: empty for all. `path`, `ways`: the page's address and navigation links.
    """
    reader, language = visit.reader, visit.language
    quality, scope = DataQuality(reader.store), Scope(view.as_of, buyers)
    kind = visit.query.get("kind", "")
    if kind and kind not in KINDS:
        raise Unreadable(mark("There is no such kind of finding."))
    wanted = table_files.table_asked_for(visit)
    if wanted is not None:
        if wanted.key != "findings" or not kind:
            raise table_files.no_such_table(wanted)
        one = await run_query(lambda: quality.of_kind(kind, scope, table_files.MOST_ROWS))
        table_files.require_rows(one.total)
        return await table_files.answer(visit, wanted, _table(visit, view, one))

    kinds = [kind] if kind else KINDS
    # Each kind in a turn of its own: all take a few seconds, and no other reader should wait that
    # long.
    read = await asyncio.gather(
        *(run_query(partial(_part, quality, each, scope, kind, view.page)) for each in kinds)
    )
    parts = [one for one in read if one.total]
    put_right = await run_query(lambda: quality.put_right(kinds, scope, _PUT_RIGHT))
    rows = [row for one in parts for row in one.rows] + list(put_right.rows)
    names, newest = await asyncio.gather(
        run_query(lambda: reader.names(_partners(rows))),
        run_query(lambda: reader.newest(view.selection([], list(buyers)))),
    )
    choice = ListQuery(path, view, {"kind": kind})
    total = sum(one.total for one in parts)
    in_words = partial(_group, language, path, view, names)
    return await visit.page(
        "data_quality.html",
        lambda: {
            **page_query.heading(language, view, reader, newest),
            "ways": ways,
            "choice": choice,
            "everything": path + view.with_changes(page=1),
            "kind": kind,
            "own": bool(buyers),
            "total": total,
            "groups": [in_words(one) for one in parts],
            "put_right": put_right,
            "gone": [_finding(language, names, row["kind"], row) for row in put_right.rows],
            "shown": Shown(parts, total, page_within(view.page, total)) if kind else None,
        },
    )


def _partners(rows: Rows) -> list[str]:
    return sorted({row[name] for row in rows for name in ("supplier_id", "buyer_id")} - {""})


def _part(quality: DataQuality, each: str, scope: Scope, kind: str, page: int) -> FindingPage:
    """Return the newest few findings of kind `each`; if `kind` is asked for, a page of its list."""
    if not kind:
        return quality.of_kind(each, scope, _FEW)
    one = quality.of_kind(kind, scope, ROWS, (page - 1) * ROWS)
    last = page_within(page, one.total)
    # A page past the end, from an old link, shows the last one.
    return one if last == page else quality.of_kind(kind, scope, ROWS, (last - 1) * ROWS)


def _group(
    language: Language, path: str, view: View, names: Mapping[str, str], one: FindingPage
) -> Group:
    words = quality_words.WORDS[one.kind]
    return Group(
        title=language.text(words.title),
        total=one.total,
        why=language.text(words.why),
        remedy=language.text(words.remedy),
        figures=", ".join(language.text(TITLES[key]) for key in FIGURES[one.kind]),
        address=ListQuery(path, view, {"kind": one.kind}).address,
        findings=[_finding(language, names, one.kind, row) for row in one.rows],
    )


def _finding(
    language: Language, names: Mapping[str, str], kind: str, row: Mapping[str, Any]
) -> FindingWords:
    supplier, buyer = row["supplier_id"], row["buyer_id"]
    has_page = supplier and buyer and row["order_no"] and row["line_no"]
    return FindingWords(
        document=quality_words.document(language, row),
        address=addresses.line(supplier, buyer, row["order_no"], row["line_no"])
        if has_page
        else "",
        supplier=names.get(supplier, supplier),
        buyer=names.get(buyer, buyer),
        message=quality_words.message(language, kind, row),
        since=language.day(row["since"]),
        gone=language.day(row["gone_on"]) if "gone_on" in row else "",
    )


def _table(visit: Visit, view: View, one: FindingPage) -> Table:
    language = visit.language
    columns = [
        TableColumn(language.text("Buyer's id")),
        TableColumn(language.text("Supplier's id")),
        TableColumn(language.text("Document")),
        TableColumn(language.text("Order")),
        TableColumn(language.text("Line")),
        TableColumn(language.text("Since"), Kind.DATE),
        TableColumn(language.text("What looks wrong")),
        TableColumn(language.text("Events")),
    ]
    rows: list[TableRow] = [
        [
            row["buyer_id"] or None,
            row["supplier_id"] or None,
            quality_words.document(language, row),
            row["order_no"] or None,
            row["line_no"] or None,
            row["since"],
            quality_words.message(language, one.kind, row),
            ", ".join(f"{source} {name}" for source, name in row["events"]),
        ]
        for row in one.rows
    ]
    title = language.text(quality_words.WORDS[one.kind].title)
    return Table("findings", title, columns, rows, visit.visitor.partner, view.as_of)
