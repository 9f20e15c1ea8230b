"""The pages behind a signed link: a supplier's scorecard, and the overview of many suppliers.

Rendered here, without a script: an old phone on a weak signal gets one document and one style
sheet that it keeps.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from schemas.catalogue import Role
from services.access.links import LINK_SECONDS, LinkHolder, LinkRefused, Links
from services.scorecards import asking, overview, standing, standing_words, wording
from services.scorecards.api import blocking
from services.scorecards.asking import Unreadable, View
from services.scorecards.reading import Reader, Supplier
from services.scorecards.trend import trend
from services.telemetry.http import Problem
from services.warehouse.evaluations import EvaluationStore
from services.warehouse.figures import Selection

MOST_LINES: Final = 50
"""Lines of one list: three full lists of ordinary lines stay under 60 KB with everything else."""

_REFUSALS: Final = {
    "link": "Tautan ini tidak bisa dibuka",
    "query": "Pilihan ini tidak bisa dibaca",
    "store": "Data sedang tidak bisa dibaca",
}
_PERCENT: Final = re.compile(r"\(?[0-9][0-9.,]* %\)?")
_STYLE: Final = (files("services.scorecards") / "static" / "scorecard.css").read_bytes()
_STYLE_VERSION: Final = hashlib.sha256(_STYLE).hexdigest()[:12]
_HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.scorecards", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = f"/static/scorecard.css?v={_STYLE_VERSION}"
    environment.filters.update(day=wording.day, number=wording.number, unbroken=_unbroken)
    return environment


def _unbroken(text: str) -> Markup:
    """Keep a number and its percent sign on one line; the text itself stays as it is."""
    # Everything is escaped before the one tag is put in.
    return Markup(_PERCENT.sub(r'<span class="nb">\g<0></span>', str(escape(text))))  # noqa: S704


_TEMPLATES: Final = _environment()


def routes(reader: Reader, links: Links) -> APIRouter:
    """Return the routes of the pages and of their style sheet."""
    router = APIRouter(include_in_schema=False)
    store = EvaluationStore(reader.store.warehouse)

    @router.get("/s/{token}")
    async def supplier_page(request: Request, token: str) -> Response:
        """Show a supplier how it stands, what to do, and the figures and lines behind that."""

        async def make() -> Response:
            holder = _holder(links, token, Role.SUPPLIER)
            view = asking.read(request.query_params, reader.today())
            return _html("supplier.html", await _scorecard(reader, store, holder.partner, view))

        return await _answer(request, make)

    @router.get("/p/{token}")
    async def overview_page(request: Request, token: str) -> Response:
        """Show the programme every supplier by cluster, or a buyer those it buys from."""

        async def make() -> Response:
            holder = _holder(links, token, Role.PROGRAMME, Role.BUYER)
            view = asking.read(request.query_params, reader.today())
            return _html("overview.html", await overview.context(reader, links, holder, view))

        return await _answer(request, make)

    @router.get("/static/scorecard.css")
    async def style(v: str = "") -> Response:
        """Send the style sheet; an address with its own version may be kept for a year."""
        # While two versions run side by side, one must not be kept under the other's address.
        kept = "public, max-age=31536000, immutable" if v == _STYLE_VERSION else "max-age=60"
        headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
        return Response(_STYLE, media_type="text/css", headers=headers)

    return router


async def _answer(request: Request, make: Callable[[], Awaitable[Response]]) -> Response:
    """Return a page, or one that says in plain words why there is none and what to do."""
    try:
        return await make()
    except LinkRefused:
        return _refused("link", 403, days=LINK_SECONDS // 86_400)
    except Unreadable as error:
        return _refused("query", 400, what=str(error), again=request.url.path)
    except Problem as problem:
        return _refused("store", problem.status, problem.headers)


def _refused(
    reason: str, status: int, headers: Mapping[str, str] | None = None, **more: str | int
) -> Response:
    context = {"reason": reason, "title": _REFUSALS[reason], **more}
    return _html("refused.html", context, status, headers)


def _html(
    template: str,
    context: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    text = _TEMPLATES.get_template(template).render(context)
    return Response(
        text, status, {**_HEADERS, **(headers or {})}, media_type="text/html; charset=utf-8"
    )


def _holder(links: Links, token: str, *roles: Role) -> LinkHolder:
    holder = links.read(token)
    if holder.role not in roles:
        raise LinkRefused("this link opens another page; open it again from the message")
    return holder


async def _scorecard(
    reader: Reader, store: EvaluationStore, supplier_id: str, view: View
) -> dict[str, Any]:
    """Read everything that a supplier's page shows."""
    supplier = await blocking(lambda: _who(reader, supplier_id))
    if view.buyer_id is not None and view.buyer_id not in supplier.buyers:
        raise Unreadable("Pembeli itu tidak ada di antara pembeli Anda.")
    selection = view.selection([supplier_id], [view.buyer_id] if view.buyer_id else [])
    stands, months, newest, names, (late, overdue, rejected) = await asyncio.gather(
        standing.read(reader, store, selection),
        blocking(lambda: reader.monthly_figures(selection)),
        blocking(lambda: reader.newest(selection)),
        blocking(lambda: reader.names(supplier.buyers)),
        asyncio.gather(
            *(_lines(reader, selection, status) for status in ("late", "overdue", "rejected"))
        ),
    )
    figures = {key: standing_words.figure(stands.card, key) for key in wording.TITLES}
    otif = figures["otif"]
    return {
        **asking.heading(view, reader, newest),
        **stands.in_words(reader.policy, names),
        "supplier": supplier,
        "names": names,
        "titles": wording.TITLES,
        "said": {key: wording.say(key, figures[key]) for key in wording.TITLES},
        "meanings": wording.meanings(reader.policy),
        "any_data": newest is not None,
        "months": trend(months, view.as_of),
        "late": _in_words(late, reader, view, names),
        "overdue": _in_words(overdue, reader, view, names, awaited=True),
        "rejected": _in_words(rejected, reader, view, names),
        # A line misses its mark by coming late, or too early, or by being too much.
        "otherwise_missed": max(0, int(otif.denominator - otif.numerator) - late["total"]),
        "most_lines": MOST_LINES,
    }


def _who(reader: Reader, supplier_id: str) -> Supplier:
    _, found = reader.suppliers(suppliers=[supplier_id], limit=1)
    return found[0] if found else Supplier(supplier_id, None, None, None, None, None, ())


async def _lines(reader: Reader, selection: Selection, status: str) -> dict[str, Any]:
    supplier_id = selection.suppliers[0]
    return await blocking(lambda: reader.lines(supplier_id, selection, status, MOST_LINES, 0))


def _in_words(
    found: dict[str, Any],
    reader: Reader,
    view: View,
    names: Mapping[str, str],
    *,
    awaited: bool = False,
) -> dict[str, Any]:
    rows = [
        wording.line(row, view.as_of, reader.policy, names, awaited=awaited)
        for row in found["lines"]
    ]
    return {"total": found["total"], "rows": rows}
