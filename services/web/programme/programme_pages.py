"""The programme's pages: all clusters, one cluster, and lists of suppliers across clusters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.assessment.programme_figures import Filter, Member, Programme
from services.assessment.scorecard_reader import Supplier
from services.readiness.month_ends import month_end_before
from services.scorecards.scorecard_api import run_query
from services.text import line_words
from services.text.language import Language, mark
from services.web import page_query, table_files
from services.web.lists import ListPage, ListQuery, NavLink, Sorting, nav_links, page_of
from services.web.page_query import View
from services.web.programme import programme_tables, programme_words
from services.web.programme.programme_words import MEMBER_KEYS, grade_direction, needs_coaching
from services.web.site import PageRefused, Site, Visit, answer

PATH: Final = "/programme"
QUALITY_PATH: Final = "/programme/data-quality"
_ALL: Final = 2**31
_FIRST: Final = "score"
_TOP: Final = 5
"""How many suppliers of each list a group's page shows; it links to the whole list."""

SHOWS: Final[Mapping[str, tuple[str, Callable[[Member], bool]]]] = {
    "": (mark("Suppliers"), lambda _: True),
    "rose": (mark("Whose grade rose"), lambda one: grade_direction(one) == "up"),
    "fell": (mark("Whose grade fell"), lambda one: grade_direction(one) == "down"),
    "coaching": (mark("Who needs coaching"), needs_coaching),
}
"""Lists of suppliers, by `show` in the address: title, and whether a supplier is on the list."""


@dataclass(frozen=True, slots=True)
class _PageQuery:
    """What a page of the programme shows. `options`: the values to choose from, by filter."""

    view: View
    wanted: Filter
    options: Mapping[str, Sequence[str]]
    members: Sequence[Member]

    def own(self, *, cluster: bool = False) -> dict[str, str]:
        """Return the filters as parameters of an address; the cluster only if `cluster`."""
        named = {"region": self.wanted.region, "sector": self.wanted.sector}
        return named | ({"cluster": self.wanted.cluster} if cluster else {})


def routes(site: Site) -> APIRouter:
    """Return the routes of the programme's pages."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def programme(request: Request) -> Response:
        """Show the programme all clusters."""
        return await answer(site, request, page)

    @router.get(PATH + "/suppliers")
    async def suppliers(request: Request) -> Response:
        """Show all suppliers, or those whose grade rose or fell, or that need coaching."""
        return await answer(site, request, _suppliers_page)

    @router.get(PATH + "/without-cluster")
    async def without(request: Request) -> Response:
        """Show the suppliers that belong to no cluster."""
        return await answer(site, request, lambda visit: _cluster_page(visit, None))

    # The names of clusters may contain slashes.
    @router.get(PATH + "/clusters/{cluster:path}")
    async def cluster(request: Request, cluster: str) -> Response:
        """Show one cluster and its members."""
        return await answer(site, request, lambda visit: _cluster_page(visit, cluster))

    return router


def ways(visit: Visit, here: str) -> list[NavLink]:
    """Return the navigation links between the programme's pages. `here`: the shown page's path."""
    text = visit.language.text
    found = [
        (PATH, text("Clusters")),
        (PATH + "/suppliers", text("Suppliers")),
        (PATH + "/coaching", text("Coaching")),
        (QUALITY_PATH, text("Data quality")),
    ]
    if visit.may_act:
        found.append(("/links", text("Links")))
    return nav_links(found, here)


def cluster_address(name: str | None, view: View) -> str:
    """Return the address of a cluster's page with the same day and window."""
    path = "/without-cluster" if name is None else f"/clusters/{quote(name, safe='')}"
    return f"{PATH}{path}{view.with_changes(page=1)}"


def choice_of(asked: "_PageQuery", wanted: Filter) -> ListQuery:
    """Return the query of the list of suppliers that a filter selects."""
    own = {"region": wanted.region, "sector": wanted.sector, "cluster": wanted.cluster}
    return ListQuery(PATH + "/suppliers", asked.view, own)


async def page(visit: Visit) -> Response:
    """Return the page of all clusters, or one of its tables as a file.

    Raises PageRefused, Unreadable.
    """
    visit.require(Role.PROGRAMME)
    wanted = table_files.table_asked_for(visit)
    if wanted is not None and wanted.key not in ("suppliers", "clusters"):
        raise table_files.no_such_table(wanted)
    query = await _read_query(visit)
    groups = _by_cluster(query.members)
    if wanted is not None:
        make = programme_tables.clusters if wanted.key == "clusters" else programme_tables.members
        table = await run_query(lambda: make(visit, query.view, query.members, groups))
        return await table_files.answer(visit, wanted, table)
    language, view = visit.language, query.view
    choice = ListQuery(PATH, view, query.own())
    names = page_of(list(groups), view.page)
    newest = await _newest(visit, view)

    def rows() -> list[Any]:
        return [
            programme_words.cluster_row(language, name, groups[name], cluster_address(name, view))
            for name in names.rows
        ]

    return await visit.page(
        "programme.html",
        lambda: {
            **_group_context(visit, query, newest),
            "ways": ways(visit, PATH),
            "choice": choice,
            "asked": query,
            "moved": choice_of(query, query.wanted),
            "clusters": ListPage(rows(), names.total, names.page),
        },
    )


async def _cluster_page(visit: Visit, cluster: str | None) -> Response:
    visit.require(Role.PROGRAMME)
    sorting = Sorting.read(visit.query, MEMBER_KEYS, _FIRST)
    wanted = table_files.table_asked_for(visit)
    if wanted is not None and wanted.key != "suppliers":
        raise table_files.no_such_table(wanted)
    query = await _read_query(visit, lambda one: (one.cluster or None) == (cluster or None))
    if not query.members:
        raise PageRefused("not_known")
    ordered = sorting.sorted(query.members)
    if wanted is not None:
        table = await run_query(lambda: programme_tables.members(visit, query.view, ordered, {}))
        return await table_files.answer(visit, wanted, table)
    language, view = visit.language, query.view
    path = cluster_address(cluster or None, view).split("?", 1)[0]
    choice = ListQuery(path, view, sorting.own)
    newest = await _newest(visit, view)
    return await visit.page(
        "programme_cluster.html",
        lambda: {
            **_group_context(visit, query, newest),
            "ways": ways(visit, ""),
            "choice": choice,
            "title": cluster or language.text("Without a cluster"),
            # The list of suppliers has no filter for those without a cluster.
            "moved": choice_of(query, Filter(cluster=cluster)) if cluster else None,
            "headings": sorting.headings(language, choice),
            "members": _rows(language, ordered, view),
        },
    )


async def _suppliers_page(visit: Visit) -> Response:
    visit.require(Role.PROGRAMME)
    params = visit.query
    sorting = Sorting.read(params, MEMBER_KEYS, _FIRST)
    show = params.get("show", "")
    if show not in SHOWS:
        raise PageRefused("not_known")
    wanted = table_files.table_asked_for(visit)
    if wanted is not None and wanted.key != "suppliers":
        raise table_files.no_such_table(wanted)
    query = await _read_query(visit)
    title, takes = SHOWS[show]
    ordered = sorting.sorted(one for one in query.members if takes(one))
    if wanted is not None:
        table = await run_query(lambda: programme_tables.members(visit, query.view, ordered, {}))
        return await table_files.answer(visit, wanted, table)
    language, view, reader = visit.language, query.view, visit.reader
    own = {**query.own(cluster=True), "show": show}
    choice = ListQuery(PATH + "/suppliers", view, {**own, **sorting.own})
    newest = await _newest(visit, view)
    return await visit.page(
        "programme_suppliers.html",
        lambda: {
            **page_query.heading(language, view, reader, newest),
            "ways": ways(visit, PATH + "/suppliers"),
            "choice": choice,
            "title": language.text(title),
            "shows": [(name, language.text(words)) for name, (words, _) in SHOWS.items()],
            "show": show,
            "asked": query,
            "headings": sorting.headings(language, choice),
            "members": _rows(language, ordered, view),
            "since": month_end_before(view.as_of),
        },
    )


async def _read_query(visit: Visit, takes: Callable[[Supplier], bool] | None = None) -> _PageQuery:
    """Read which suppliers a page is about, and their standings.

    `takes`: selects the suppliers instead of the filters in the address.
    """
    reader, params = visit.reader, visit.query
    view = replace(page_query.read(params, reader.today()), buyer_id=None)
    wanted = Filter(*(params.get(name, "") for name in ("region", "sector", "cluster")))
    _, suppliers = await run_query(lambda: reader.suppliers(limit=_ALL))
    chosen = [one for one in suppliers if (wanted.takes(one) if takes is None else takes(one))]
    programme, selection = Programme(reader), view.selection([], [])
    members = await run_query(lambda: programme.members(selection, chosen)) if chosen else []
    options = {
        "region": _sorted_names(name for one in suppliers for name in (one.province, one.regency)),
        "sector": _sorted_names(one.sector for one in suppliers),
        "cluster": _sorted_names(one.cluster for one in suppliers),
    }
    return _PageQuery(view, wanted, options, members)


def _sorted_names(names: Iterable[str | None]) -> list[str]:
    return sorted({name for name in names if name}, key=str.casefold)


def _by_cluster(members: Iterable[Member]) -> dict[str | None, list[Member]]:
    """Return members by cluster, sorted by its name; those without a cluster come last."""
    found: dict[str | None, list[Member]] = {}
    for one in members:
        found.setdefault(one.supplier.cluster or None, []).append(one)
    names = sorted(found, key=lambda name: (name is None, (name or "").casefold(), name or ""))
    return {name: found[name] for name in names}


async def _newest(visit: Visit, view: View) -> datetime | None:
    return await run_query(lambda: visit.reader.newest(view.selection([], [])))


def _group_context(visit: Visit, query: _PageQuery, newest: datetime | None) -> dict[str, Any]:
    """Return the template's values about a group: all suppliers, or those of one cluster."""
    reader, language, view = visit.reader, visit.language, query.view
    members = query.members
    together = programme_words.figures(members)
    lists = {name: [one for one in members if takes(one)] for name, (_, takes) in SHOWS.items()}
    first = Sorting(MEMBER_KEYS, _FIRST, "asc")
    return {
        **page_query.heading(language, view, reader, newest),
        "total": len(members),
        "grades": programme_words.grades(language, members),
        "stages": programme_words.stages(language, members),
        "titles": {key: language.text(title) for key, title in line_words.TITLES.items()},
        "said": {
            key: line_words.figure_in_words(language, key, together[key])
            for key in line_words.TITLES
        },
        "since": month_end_before(view.as_of),
        "counts": {name: len(found) for name, found in lists.items()},
        "firsts": {
            name: [
                programme_words.member_row(language, one, _address(one, view))
                for one in first.sorted(found)[:_TOP]
            ]
            for name, found in lists.items()
            if name
        },
        "coaching": programme_words.coaching(language, members),
        "mixed_units": language.text(line_words.MIXED_UNITS),
    }


def _rows(language: Language, ordered: Sequence[Member], view: View) -> ListPage[Any]:
    shown = page_of(ordered, view.page)
    rows = [programme_words.member_row(language, one, _address(one, view)) for one in shown.rows]
    return ListPage(rows, shown.total, shown.page)


def _address(member: Member, view: View) -> str:
    return f"/suppliers/{member.supplier.supplier_id}{view.with_changes(page=1)}"
