"""The page behind a figure: its lines and documents, and why each of them counts as it does."""

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
from services.assessment.supplier_reader import LineKey, SupplierReader
from services.readiness.contributions import Contribution
from services.readiness.figures import Figure
from services.scorecards.scorecard_api import run_query
from services.text import figure_words, line_words
from services.text.language import Language, mark
from services.text.standing_words import Card
from services.web import addresses, page_query
from services.web.site import PageRefused, Site, Visit, answer
from services.web.supplier import reasons
from services.web.supplier.line_at import line_at
from services.web.supplier.supplier_page import SupplierQuery, read_query

ROWS: Final = 25
"""How many rows a page shows."""

ORDERS: Final = {
    "": mark("Counted against first"),
    "against": mark("Only what counts against"),
    "date": mark("By date, the newest first"),
}
"""The selections and orders of rows, by the value of `show` in the address."""

Part = tuple[dict[str, Any], Contribution]


@dataclass(frozen=True, slots=True)
class PartWords:
    """A line or document behind a figure, in words.

    `address`: of the story of its order line, None if it names no line. `against`: whether it
    counts against the supplier.
    """

    what: str
    address: str | None
    day: str
    why: str
    counts: str
    against: bool
    buyer: str


def routes(site: Site) -> APIRouter:
    """Return the route of the page behind a figure."""
    router = APIRouter(include_in_schema=False)

    @router.get("/suppliers/{supplier_id}/figures/{kpi}")
    async def figure_page(request: Request, supplier_id: Spelled, kpi: str) -> Response:
        """Show the lines and documents that a figure is made of."""
        return await answer(site, request, lambda visit: page(visit, supplier_id, kpi))

    return router


async def page(visit: Visit, supplier_id: str, kpi: str) -> Response:
    """Return one page of the parts of a figure.

    Raises PageRefused if there is no such figure or the visitor may not see it, and Unreadable.
    """
    if kpi not in figure_words.TITLES:
        raise PageRefused("not_known")
    if kpi == "buyer_concentration" and visit.visitor.orders_of is not None:
        raise PageRefused("not_yours")
    query = await read_query(visit, supplier_id)
    reader = visit.reader
    order = visit.query.get("show", "")
    order = order if order in ORDERS else ""
    card, newest = await asyncio.gather(
        run_query(lambda: reader.scorecard(supplier_id, query.selection)),
        run_query(lambda: reader.newest(query.selection)),
    )
    shown: Card = json.loads(card, parse_float=Decimal)
    words = figure_words.figure_in_words(visit.language, shown, reader.policy, kpi)
    found = await run_query(lambda: _parts_context(visit, query, kpi, order))
    return await visit.page(
        "figure.html",
        lambda: {
            **page_query.heading(visit.language, query.view, reader, newest),
            **query.heading,
            "figure": words,
            "meaning": figure_words.meaning(visit.language, reader.policy, kpi),
            "order": order,
            "orders": [
                (name, visit.language.text(title), _address(query, kpi, name, 1))
                for name, title in ORDERS.items()
            ],
            **found,
        },
    )


def _parts_context(visit: Visit, query: SupplierQuery, kpi: str, order: str) -> dict[str, Any]:
    store, language = visit.reader.store, visit.language
    if kpi == "buyer_concentration":
        return {**_no_parts(), "shares": _shares(language, query, store)}
    parts = parts_of(store, query.selection, kpi)
    policy = visit.policy
    bad = [reasons.against(kpi, adds, policy) for _, adds in parts]
    # Newest first. The stable sort below keeps that order within its two groups.
    ranked = sorted(zip(parts, bad, strict=True), key=lambda one: one[0][0]["day"], reverse=True)
    if order == "":
        ranked.sort(key=lambda one: not one[1])
    chosen = [part for part, is_bad in ranked if order != "against" or is_bad]
    last = max(1, -(-len(chosen) // ROWS))
    number = min(query.view.page, last)
    shown_parts = chosen[(number - 1) * ROWS : number * ROWS]
    return {
        "shares": [],
        "rows": _part_words(visit, query, kpi, shown_parts),
        "total": len(chosen),
        "every": len(parts),
        "against": sum(bad),
        "sums": _sums(language, kpi, parts),
        "page": number,
        "pages": last,
        "before": _address(query, kpi, order, number - 1) if number > 1 else "",
        "after": _address(query, kpi, order, number + 1) if number < last else "",
    }


def _no_parts() -> dict[str, Any]:
    return {
        "rows": [], "total": 0, "every": 0, "against": 0, "sums": "", "page": 1, "pages": 1,
        "before": "", "after": "",
    }  # fmt: skip


def _address(query: SupplierQuery, kpi: str, order: str, number: int) -> str:
    base = addresses.figure(query.supplier_id, kpi, query.view)
    more = [f"show={order}"] * bool(order) + [f"page={number}"] * (number > 1)
    if not more:
        return base
    return base + ("&" if "?" in base else "?") + "&".join(more)


def _sums(language: Language, kpi: str, parts: Sequence[Part]) -> str:
    """Return the sum of all parts in words; it equals the figure's own numbers."""
    if not parts:
        return ""
    if parts[0][1].numerator is None:
        if kpi in ("confirmation_hours_median",) or kpi.startswith("lead_time"):
            return ""
        value = sum((adds.value or Decimal(0) for _, adds in parts), Decimal(0))
        return language.text("All of them add up to %(sum)s.", sum=language.number(value))
    whole = Figure(
        Fraction(sum((adds.numerator or Decimal(0) for _, adds in parts), Decimal(0))),
        Fraction(sum((adds.denominator or Decimal(0) for _, adds in parts), Decimal(0))),
    )
    if whole.denominator == 0:
        return ""
    return language.text(
        "All of them add up to %(sum)s.",
        sum=reasons.ratio(language, kpi, whole.numerator, whole.denominator),
    )


def _part_words(
    visit: Visit, query: SupplierQuery, kpi: str, shown_parts: Sequence[Part]
) -> list[PartWords]:
    reading, policy = SupplierReader(visit.reader), visit.policy
    keys = [_key(part) for part, _ in shown_parts if part["family"] in reasons.OF_A_LINE]
    folds = reading.folds(query.supplier_id, keys)
    as_of = query.view.as_of
    lines = {key: line_at(fold, as_of, policy) for key, fold in folds.items()}
    numbers = [part["number"] for part, _ in shown_parts if part["kind"] != "line"]
    named = reading.lines_of(query.supplier_id, query.selection, numbers)
    return [
        PartWords(
            what=_title(visit.language, part),
            address=_story_address(query, part, named),
            day=visit.language.day(part["day"]),
            why=reasons.reason(
                visit.language,
                reasons.CountedPart(kpi, part, adds, lines.get(_key(part)), as_of),
                policy,
            ),
            counts=reasons.contribution_words(visit.language, kpi, adds),
            against=reasons.against(kpi, adds, policy),
            buyer=query.profile.names.get(part["buyer_id"], part["buyer_id"]),
        )
        for part, adds in shown_parts
    ]


def _key(part: Mapping[str, Any]) -> LineKey:
    return part["buyer_id"], part["number"], part["line_no"]


def _title(language: Language, part: Mapping[str, Any]) -> str:
    if part["kind"] == "line":
        return line_words.order_line(language, part["number"], part["line_no"])
    message = _KINDS[part["kind"]]
    return language.text(message, number=part["number"])


_KINDS: Final = {
    "inspection": mark("Inspection %(number)s"),
    "receipt": mark("Goods receipt %(number)s"),
    "complaint": mark("Complaint %(number)s"),
}


def _story_address(
    query: SupplierQuery,
    part: Mapping[str, Any],
    named: Mapping[tuple[str, str, str], Sequence[tuple[str, str]]],
) -> str | None:
    buyer = part["buyer_id"]
    if part["kind"] == "line":
        return addresses.line(query.supplier_id, buyer, part["number"], part["line_no"])
    lines = named.get((part["kind"], buyer, part["number"]), ())
    return addresses.line(query.supplier_id, buyer, *lines[0]) if lines else None


def _shares(language: Language, query: SupplierQuery, store: Any) -> list[tuple[str, str]]:
    found = shares_of_buyers(store, query.selection)
    found.sort(key=lambda one: -one["share"])
    names = query.profile.names
    return [
        (names.get(one["buyer_id"], one["buyer_id"]), language.percent(Fraction(one["share"])))
        for one in found
    ]
