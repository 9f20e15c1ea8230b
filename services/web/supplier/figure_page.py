"""What is behind a figure: the lines and documents it is made of, and why each of them counts."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.fields import Spelled
from services.assessment.explanation import parts_of, shares_of_buyers
from services.assessment.supplier_reader import LineKey, SupplierReading
from services.readiness.contributions import Contribution
from services.readiness.figures import Figure
from services.scorecards.scorecard_api import blocking
from services.text import figure_words, line_words
from services.text.language import Language, mark
from services.text.standing_words import Card
from services.web import addresses, page_query
from services.web.site import PageRefused, Site, Visit, answer
from services.web.supplier import reasons
from services.web.supplier.line_at import line_at
from services.web.supplier.supplier_page import SupplierQuery, asked_for

ROWS: Final = 25
"""Rows of one page."""

ORDERS: Final = {
    "": mark("Counted against first"),
    "against": mark("Only what counts against"),
    "date": mark("By date, the newest first"),
}
"""How the rows are shown, by the word in the address."""

Part = tuple[dict[str, Any], Contribution]


@dataclass(frozen=True, slots=True)
class PartWords:
    """A line or document behind a figure. `address`: of the story of its order line, if one."""

    what: str
    address: str | None
    day: str
    why: str
    counts: str
    against: bool
    buyer: str


def routes(site: Site) -> APIRouter:
    """Return the route of what is behind a figure."""
    router = APIRouter(include_in_schema=False)

    @router.get("/suppliers/{supplier_id}/figures/{kpi}")
    async def figure_page(request: Request, supplier_id: Spelled, kpi: str) -> Response:
        """Show what a figure is made of."""
        return await answer(site, request, lambda visit: page(visit, supplier_id, kpi))

    return router


async def page(visit: Visit, supplier_id: str, kpi: str) -> Response:
    """Return what a figure is made of, a part of it at a time."""
    if kpi not in figure_words.TITLES:
        raise PageRefused("not_known")
    if kpi == "buyer_concentration" and visit.visitor.orders_of is not None:
        raise PageRefused("not_yours")
    asked = await asked_for(visit, supplier_id)
    reader = visit.site.reader
    order = visit.request.query_params.get("show", "")
    order = order if order in ORDERS else ""
    card, newest = await asyncio.gather(
        blocking(lambda: reader.scorecard(supplier_id, asked.selection)),
        blocking(lambda: reader.newest(asked.selection)),
    )
    shown: Card = json.loads(card, parse_float=Decimal)
    words = figure_words.tell(visit.language, shown, reader.policy, kpi)
    found = await blocking(lambda: _found(visit, asked, kpi, order))
    return await visit.page(
        "figure.html",
        lambda: {
            **page_query.heading(visit.language, asked.view, reader, newest),
            **asked.heading,
            "figure": words,
            "meaning": figure_words.meaning(visit.language, reader.policy, kpi),
            "order": order,
            "orders": [
                (name, visit.language.text(title), _address(asked, kpi, name, 1))
                for name, title in ORDERS.items()
            ],
            **found,
        },
    )


def _found(visit: Visit, asked: SupplierQuery, kpi: str, order: str) -> dict[str, Any]:
    store, language = visit.site.reader.store, visit.language
    if kpi == "buyer_concentration":
        return {**_nothing(), "shares": _shares(language, asked, store)}
    every = parts_of(store, asked.selection, kpi)
    policy = visit.site.reader.policy
    bad = [reasons.against(kpi, adds, policy) for _, adds in every]
    # The newest first; a stable sort keeps that within those that count against.
    ranked = sorted(zip(every, bad, strict=True), key=lambda one: one[0][0]["day"], reverse=True)
    if order == "":
        ranked.sort(key=lambda one: not one[1])
    chosen = [part for part, is_bad in ranked if order != "against" or is_bad]
    last = max(1, -(-len(chosen) // ROWS))
    number = min(asked.view.page, last)
    some = chosen[(number - 1) * ROWS : number * ROWS]
    return {
        "shares": [],
        "rows": _told(visit, asked, kpi, some),
        "total": len(chosen),
        "every": len(every),
        "against": sum(bad),
        "sums": _sums(language, kpi, every),
        "page": number,
        "pages": last,
        "before": _address(asked, kpi, order, number - 1) if number > 1 else "",
        "after": _address(asked, kpi, order, number + 1) if number < last else "",
    }


def _nothing() -> dict[str, Any]:
    return {
        "rows": [], "total": 0, "every": 0, "against": 0, "sums": "", "page": 1, "pages": 1,
        "before": "", "after": "",
    }  # fmt: skip


def _address(asked: SupplierQuery, kpi: str, order: str, number: int) -> str:
    base = addresses.figure(asked.supplier_id, kpi, asked.view)
    more = [f"show={order}"] * bool(order) + [f"page={number}"] * (number > 1)
    if not more:
        return base
    return base + ("&" if "?" in base else "?") + "&".join(more)


def _sums(language: Language, kpi: str, every: Sequence[Part]) -> str:
    """Return the sums of what the parts add: they are the figure's own."""
    if not every:
        return ""
    if every[0][1].numerator is None:
        if kpi in ("confirmation_hours_median",) or kpi.startswith("lead_time"):
            return ""
        value = sum((adds.value or Decimal(0) for _, adds in every), Decimal(0))
        return language.text("All of them add up to %(sum)s.", sum=language.number(value))
    whole = Figure(
        Fraction(sum((adds.numerator or Decimal(0) for _, adds in every), Decimal(0))),
        Fraction(sum((adds.denominator or Decimal(0) for _, adds in every), Decimal(0))),
    )
    if whole.denominator == 0:
        return ""
    return language.text(
        "All of them add up to %(sum)s.",
        sum=reasons.ratio(language, kpi, whole.numerator, whole.denominator),
    )


def _told(visit: Visit, asked: SupplierQuery, kpi: str, some: Sequence[Part]) -> list[PartWords]:
    reading, policy = SupplierReading(visit.site.reader), visit.site.reader.policy
    keys = [_key(part) for part, _ in some if part["family"] in reasons.OF_A_LINE]
    folds = reading.folds(asked.supplier_id, keys)
    as_of = asked.view.as_of
    lines = {key: line_at(fold, as_of, policy) for key, fold in folds.items()}
    numbers = [part["number"] for part, _ in some if part["kind"] != "line"]
    named = reading.lines_of(asked.supplier_id, asked.selection, numbers)
    return [
        PartWords(
            what=_what(visit.language, part),
            address=_story(asked, part, named),
            day=visit.language.day(part["day"]),
            why=reasons.reason(
                visit.language,
                reasons.Counted(kpi, part, adds, lines.get(_key(part)), as_of),
                policy,
            ),
            counts=reasons.adds_up(visit.language, kpi, adds),
            against=reasons.against(kpi, adds, policy),
            buyer=asked.profile.names.get(part["buyer_id"], part["buyer_id"]),
        )
        for part, adds in some
    ]


def _key(part: Mapping[str, Any]) -> LineKey:
    return part["buyer_id"], part["number"], part["line_no"]


def _what(language: Language, part: Mapping[str, Any]) -> str:
    if part["kind"] == "line":
        return line_words.order_line(language, part["number"], part["line_no"])
    message = _KINDS[part["kind"]]
    return language.text(message, number=part["number"])


_KINDS: Final = {
    "inspection": mark("Inspection %(number)s"),
    "receipt": mark("Goods receipt %(number)s"),
    "complaint": mark("Complaint %(number)s"),
}


def _story(
    asked: SupplierQuery,
    part: Mapping[str, Any],
    named: Mapping[tuple[str, str, str], Sequence[tuple[str, str]]],
) -> str | None:
    buyer = part["buyer_id"]
    if part["kind"] == "line":
        return addresses.line(asked.supplier_id, buyer, part["number"], part["line_no"])
    lines = named.get((part["kind"], buyer, part["number"]), ())
    return addresses.line(asked.supplier_id, buyer, *lines[0]) if lines else None


def _shares(language: Language, asked: SupplierQuery, store: Any) -> list[tuple[str, str]]:
    found = shares_of_buyers(store, asked.selection)
    found.sort(key=lambda one: -one["share"])
    names = asked.profile.names
    return [
        (names.get(one["buyer_id"], one["buyer_id"]), language.percent(Fraction(one["share"])))
        for one in found
    ]
