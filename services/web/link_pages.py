"""The page on which buyers and the programme make and revoke links for suppliers.

A link made by a buyer shows only that buyer's orders and is read-only, because whoever makes a link
can open it too: a buyer must neither see what others order nor confirm in its supplier's name. The
address of a link is shown once, when it is made: the list says which links exist, not how to open
them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.access.links import LinkHolder, LinkRecord, LinkRefusal, Rights
from services.access.sessions import Visitor
from services.assessment.scorecard_reader import Supplier
from services.scorecards.scorecard_api import run_query
from services.text.language import mark
from services.web.buyer import buyer_page
from services.web.lists import ListPage, ListQuery, page_of
from services.web.page_query import View, read
from services.web.programme import programme_pages
from services.web.site import PageRefused, Site, Visit, answer, see_other

PATH: Final = "/links"
DAYS: Final = (7, 30, 90, 180, 365)
_USUAL_DAYS: Final = 90
_MAKE: Final = "make-link"
_MOST_OPTIONS: Final = 200
"""With more suppliers, the form asks for an id: a longer list would outweigh the page."""

_STATES: Final = {
    None: mark("valid"),
    LinkRefusal.EXPIRED: mark("expired"),
    LinkRefusal.REVOKED: mark("taken back"),
}
_RIGHTS: Final = {Rights.ACT: mark("look and send"), Rights.READ: mark("look only")}


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link in words. `token`: of the form that revokes it; '' if the link is not valid."""

    link_id: str
    supplier: str
    rights: str
    made: str
    until: str
    state: str
    token: str


def routes(site: Site) -> APIRouter:
    """Return the routes of links."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def links(request: Request) -> Response:
        """Show the form for a new link, and the links that were made."""
        return await answer(site, request, _page)

    @router.post(PATH)
    async def make(request: Request) -> Response:
        """Make a link, and show its address this one time."""
        return await answer(site, request, _make)

    @router.post(PATH + "/{link_id}/revoke")
    async def revoke(request: Request, link_id: str) -> Response:
        """Revoke a link."""
        return await answer(site, request, lambda visit: _revoke(visit, link_id))

    return router


async def _make(visit: Visit) -> Response:
    _require_maker(visit)
    form = await visit.forms.read(visit.request, visit.visitor, _MAKE)
    supplier, days = form.fields.get("supplier", ""), form.fields.get("days", "")
    rights = form.fields.get("rights", "")
    if rights not in _rights(visit.visitor) or days not in {str(one) for one in DAYS}:
        raise PageRefused("form_stale")
    own = _only_buyer(visit.visitor)
    if not await run_query(lambda: visit.reader.knows(supplier, [own] if own else [])):
        what = visit.language.text("There is no supplier %(supplier)s here.", supplier=supplier)
        raise PageRefused("not_taken", what=what, again=PATH)
    holder = LinkHolder(Role.SUPPLIER, supplier, Rights(rights), own)
    links, visitor = visit.links, visit.visitor
    async with visit.forms.taking(form):
        token = await run_query(
            lambda: links.create(holder, int(days), visitor.partner, visitor.link)
        )
        visit.forms.done(form)
    return await _page(visit, f"{visit.site.base_url.rstrip('/')}/s/{token}", supplier)


async def _revoke(visit: Visit, link_id: str) -> Response:
    _require_maker(visit)
    form = await visit.forms.read(visit.request, visit.visitor, _revoke_purpose(link_id))
    links = visit.links
    mine = await run_query(lambda: _made_by(visit.visitor, links.records()))
    if link_id not in {one.link_id for one in mine}:
        raise PageRefused("not_known")
    await run_query(lambda: links.revoke(link_id))
    visit.forms.done(form)
    return see_other(PATH)


async def _page(visit: Visit, made: str = "", made_for: str = "") -> Response:
    _require_maker(visit)
    reader, language, own = visit.reader, visit.language, _only_buyer(visit.visitor)
    view = read(visit.query, reader.today())
    (total, suppliers), records = await asyncio.gather(
        run_query(lambda: reader.suppliers(buyers=[own] if own else [], limit=_MOST_OPTIONS)),
        run_query(lambda: _made_by(visit.visitor, visit.links.records())),
    )
    shown = page_of(records[::-1], view.page)
    wanted = sorted({one.partner for one in shown.rows} | ({made_for} if made_for else set()))
    names = await run_query(lambda: reader.names(wanted)) if wanted else {}
    whose = names.get(made_for, made_for)
    text = language.text("Your page at Rantai: %(address)s", address=made)
    return await visit.page(
        "links.html",
        lambda: {
            "ways": _ways(visit),
            "choice": ListQuery(PATH, View(reader.today()), {}),
            "for_buyer": own is not None,
            "token": visit.form_token(_MAKE),
            "suppliers": _options(suppliers) if total <= _MOST_OPTIONS else None,
            "chosen": visit.query.get("supplier", ""),
            "rights": _rights_in_words(visit),
            "days": DAYS,
            "usual_days": _USUAL_DAYS,
            "made": made,
            "made_for": whose,
            "share": f"https://wa.me/?text={quote(text, safe='')}" if made else "",
            "links": ListPage(
                [_row(visit, one, names) for one in shown.rows], shown.total, shown.page
            ),
        },
    )


def _require_maker(visit: Visit) -> None:
    visit.require(Role.BUYER, Role.PROGRAMME)
    visit.require_acting()


def _only_buyer(visitor: Visitor) -> str | None:
    """Return the only buyer whose orders this visitor's links show; None: those of all."""
    return visitor.orders_of


def _rights(visitor: Visitor) -> list[Rights]:
    """Return the rights that this visitor's links may have."""
    return list(_RIGHTS) if _only_buyer(visitor) is None else [Rights.READ]


def _rights_in_words(visit: Visit) -> list[tuple[str, str]]:
    words = ((one, _RIGHTS[one]) for one in _rights(visit.visitor))
    return [(one.value, visit.language.text(said)) for one, said in words]


def _made_by(visitor: Visitor, records: Sequence[LinkRecord]) -> list[LinkRecord]:
    """Return the links that the visitor's partner made in the visitor's role, oldest first."""
    return [
        one
        for one in records
        if one.role is Role.SUPPLIER
        and one.made_by == visitor.partner
        and one.buyer == _only_buyer(visitor)
    ]


def _revoke_purpose(link_id: str) -> str:
    return f"take-back-{link_id}"


def _row(visit: Visit, one: LinkRecord, names: dict[str, str]) -> LinkRow:
    language = visit.language
    state, rights = _STATES.get(one.refusal), _RIGHTS[one.rights]
    return LinkRow(
        link_id=one.link_id,
        supplier=names.get(one.partner, one.partner),
        rights=language.text(rights),
        made=_moment(visit, one.created_at),
        until=_moment(visit, one.expires_at),
        state="" if state is None else language.text(state),
        token=visit.form_token(_revoke_purpose(one.link_id)) if one.refusal is None else "",
    )


def _moment(visit: Visit, text: str) -> str:
    return visit.language.moment(datetime.fromisoformat(text), visit.policy.zone)


def _options(suppliers: Sequence[Supplier]) -> list[tuple[str, str]]:
    named = [(one.supplier_id, one.name or one.supplier_id) for one in suppliers]
    return sorted(named, key=lambda one: one[1].casefold())


def _ways(visit: Visit) -> Any:
    if visit.visitor.role is Role.BUYER:
        return buyer_page.ways(visit, PATH)
    return programme_pages.ways(visit, PATH)
