"""The effects of coaching: coached suppliers before and after it, beside uncoached ones."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.assessment.coaching_effects import EFFECT_DAYS, CoachingEffect, coaching_effects
from services.scorecards.scorecard_api import EARLIEST, run_query
from services.text.language import Language, mark
from services.web import page_query, table_files
from services.web.lists import ListPage, ListQuery, page_of
from services.web.page_query import Unreadable, View
from services.web.programme import coaching_words, programme_pages
from services.web.site import Site, Visit, answer
from services.web.table_files import Kind, Table, TableCell, TableColumn, TableRow

PATH: Final = "/programme/coaching"
SINCE_DAYS: Final = 365
"""The page shows coachings from this many days before its day."""

_FIRST: Final = "otif"
_PHASES: Final = ("before", "after", "uncoached_before", "uncoached_after")


def routes(site: Site) -> APIRouter:
    """Return the route of the page on the effects of coaching."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def coaching(request: Request) -> Response:
        """Show the programme the effects of coaching."""
        return await answer(site, request, page)

    return router


async def page(visit: Visit) -> Response:
    """Return the effects of coaching on one figure as a page, or on all figures as a file.

    Raises PageRefused, Unreadable.
    """
    visit.require(Role.PROGRAMME)
    query, reader, language = visit.query, visit.reader, visit.language
    view = replace(page_query.read(query, reader.today()), buyer_id=None)
    key, cluster = query.get("figure", "") or _FIRST, query.get("cluster", "")
    if key not in coaching_words.SHOWN:
        raise Unreadable(mark("There is no such figure."))
    wanted = table_files.table_asked_for(visit)
    if wanted is not None and wanted.key != "coaching":
        raise table_files.no_such_table(wanted)
    since = max(EARLIEST, view.as_of - timedelta(days=SINCE_DAYS))
    effects, newest, (_, suppliers) = await asyncio.gather(
        run_query(
            lambda: coaching_effects(
                reader.store, since, view.as_of, clusters=[cluster] if cluster else []
            )
        ),
        run_query(lambda: reader.newest(view.selection([], []))),
        run_query(lambda: reader.suppliers(limit=2**31)),
    )
    names = {one.supplier_id: one.name or one.supplier_id for one in suppliers}
    if wanted is not None:
        return await table_files.answer(visit, wanted, _table(visit, view, effects, names))
    clusters = sorted({one.cluster for one in suppliers if one.cluster}, key=str.casefold)
    least = reader.policy.grade.min_lines
    shown = page_of(effects, view.page)
    rows = [
        coaching_words.row(
            language,
            one,
            key,
            names.get(one.supplier_id, one.supplier_id),
            f"/suppliers/{one.supplier_id}{view.with_changes(page=1)}",
            least,
        )
        for one in shown.rows
    ]
    # With fewer days after it, a coaching would be compared with 90 whole days before it.
    complete = [one for one in effects if one.after_days == EFFECT_DAYS]
    together = coaching_words.pooled(complete)
    return await visit.page(
        "coaching.html",
        lambda: {
            **page_query.heading(language, view, reader, newest),
            "ways": programme_pages.ways(visit, PATH),
            "choice": ListQuery(PATH, view, {"figure": key, "cluster": cluster}),
            "since": since,
            "effect_days": EFFECT_DAYS,
            "least": least,
            "key": key,
            "titles": {name: language.text(title) for name, title in coaching_words.SHOWN.items()},
            "clusters": clusters,
            "cluster": cluster,
            "over": len(complete),
            "together": coaching_words.pooled_words(language, key, together, least)
            if complete
            else None,
            "effects": ListPage(rows, shown.total, shown.page),
        },
    )


def _table(
    visit: Visit, view: View, effects: Sequence[CoachingEffect], names: Mapping[str, str]
) -> Table:
    """Return numerators and denominators before and after, of coached and uncoached suppliers."""
    language = visit.language
    columns = [
        TableColumn(language.text("Supplier's id")),
        TableColumn(language.text("Supplier")),
        TableColumn(language.text("Cluster")),
        TableColumn(language.text("Coached on"), Kind.DATE),
        TableColumn(language.text("Topic")),
        TableColumn(language.text("Coach")),
        TableColumn(language.text("Coachings"), Kind.COUNT),
        TableColumn(language.text("Days after it"), Kind.COUNT),
        TableColumn(language.text("Suppliers not coached"), Kind.COUNT),
        TableColumn(language.text("Figure")),
        *_phase_columns(language),
    ]
    rows: list[TableRow] = [
        [
            one.supplier_id,
            names.get(one.supplier_id),
            one.cluster or None,
            one.held_on,
            one.topic,
            one.coach,
            one.sessions,
            one.after_days,
            one.uncoached,
            language.text(title),
            *_phase_cells(one, key),
        ]
        for one in effects
        for key, title in coaching_words.SHOWN.items()
    ]
    title = language.text("What coaching did")
    return Table("coaching", title, columns, rows, visit.visitor.partner, view.as_of)


def _phase_columns(language: Language) -> list[TableColumn]:
    phases = (
        language.text("before"),
        language.text("after"),
        language.text("not coached, before"),
        language.text("not coached, after"),
    )
    return [
        TableColumn(
            language.text("Numerator, %(phase)s", phase=phase)
            if page_of == "numerator"
            else language.text("Denominator, %(phase)s", phase=phase),
            Kind.QUANTITY,
        )
        for phase in phases
        for page_of in ("numerator", "denominator")
    ]


def _phase_cells(one: CoachingEffect, key: str) -> list[TableCell]:
    found = [getattr(one.figures[key], phase) for phase in _PHASES]
    return [cell for figure in found for cell in (figure.numerator, figure.denominator)]
