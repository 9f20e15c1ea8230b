"""A supplier's deliveries: orders by week against its capacity, and a month's calendar."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.fields import Spelled
from services.assessment.supplier_reader import WEEKS, DeliveryDay, SupplierReader
from services.scorecards.scorecard_api import EARLIEST, LATEST, run_query
from services.text import line_words
from services.text.language import Language, mark
from services.web import addresses, charts, page_query
from services.web.charts import BarChart
from services.web.page_query import Unreadable
from services.web.site import Site, Visit, answer
from services.web.supplier.supplier_page import read_query
from services.web.supplier.workload import Week, Workload, workloads

_MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class WeekWords:
    """A week's orders in words. `share`: of the week's capacity; `over`: they exceed it."""

    name: str
    lines: str
    quantity: str
    share: str
    over: bool


@dataclass(frozen=True, slots=True)
class ProcessWords:
    """The weeks of a process: as a bar chart, as a table, and as one `text` for screen readers."""

    title: str
    capacity: str
    drawn: BarChart
    text: str
    weeks: tuple[WeekWords, ...]
    any_lines: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar. `number`: None outside the month. `marks`: (sign, count, words)."""

    number: int | None
    today: bool
    marks: tuple[tuple[str, str, str], ...]


def routes(site: Site) -> APIRouter:
    """Return the route of a supplier's deliveries page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/suppliers/{supplier_id}/deliveries")
    async def deliveries_page(request: Request, supplier_id: Spelled) -> Response:
        """Show which orders are to be delivered, and what was delivered."""
        return await answer(site, request, lambda visit: page(visit, supplier_id))

    return router


async def page(visit: Visit, supplier_id: str) -> Response:
    """Return the page of a supplier's deliveries.

    `month` in the address chooses the month of the calendar. Raises PageRefused, Unreadable.
    """
    query = await read_query(visit, supplier_id)
    reader, language, as_of = visit.reader, visit.language, query.view.as_of
    reading = SupplierReader(reader)
    first = _month(visit.query.get("month", ""), as_of)
    after = _next(first)
    sums, days, newest = await asyncio.gather(
        run_query(lambda: reading.sums(query.selection)),
        run_query(lambda: reading.delivery_days(query.selection, first, after)),
        run_query(lambda: reader.newest(query.selection)),
    )
    loads = workloads(sums.awaited, query.profile.capacities, as_of)
    base = addresses.deliveries(supplier_id, query.view)
    return await visit.page(
        "deliveries.html",
        lambda: {
            **page_query.heading(language, query.view, reader, newest),
            **query.heading,
            "processes": [_process(language, one) for one in loads],
            "any_awaited": bool(sums.awaited),
            "month": language.month(first.strftime("%Y-%m")),
            "weekdays": _weekdays(language),
            "calendar": _calendar(language, first, days, as_of),
            "totals": _totals(language, days),
            "earlier": _to_month(base, first - timedelta(days=1)),
            "later": _to_month(base, after),
        },
    )


def _month(text: str, as_of: date) -> date:
    if not text:
        return as_of.replace(day=1)
    try:
        found = date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found <= LATEST:
        raise Unreadable(
            mark("A month must be written year-month, as in %(example)s."),
            example=as_of.strftime("%Y-%m"),
        )
    return found


def _next(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _to_month(base: str, day: date) -> str:
    return base + ("&" if "?" in base else "?") + f"month={day:%Y-%m}#calendar"


def _process(language: Language, one: Workload) -> ProcessWords:
    limit = None if one.a_week is None else float(one.a_week)
    words = tuple(_week(language, week, one) for week in one.weeks)
    title = one.process or language.text("Items without a declared capacity")
    capacity = ""
    if one.a_week is not None:
        shown = line_words.quantity(language, _rounded(one.a_week), one.uom)
        capacity = language.text("about %(quantity)s a week", quantity=shown)
    elif one.process is not None:
        capacity = language.text("its capacity is declared in another unit")
    values = [
        (float(week.quantity), _label_below(language, place, week), "")
        for place, week in enumerate(one.weeks)
    ]
    return ProcessWords(
        title,
        capacity,
        charts.bars(values, limit),
        "; ".join(f"{week.name}: {week.quantity}" + _share_of(week) for week in words),
        words,
        any(week.lines for week in one.weeks),
    )


def _share_of(week: WeekWords) -> str:
    return f" ({week.share})" if week.share else ""


def _rounded(value: Fraction) -> int:
    # A week's capacity is worked out from a declared month: decimals would be false precision.
    return round(value)


def _label_below(language: Language, place: int, week: Week) -> str:
    if place == 0:
        return language.text("before")
    # Only every other week has its first day below it, and the last one has none: the chart has
    # no room for more.
    return "" if week.first is None or place % 2 or place == WEEKS else f"{week.first:%d/%m}"


def _week(language: Language, week: Week, one: Workload) -> WeekWords:
    name = language.text("Still to come from before")
    if week.first is not None:
        name = language.text(
            "%(first)s to %(last)s",
            first=language.day_of_year(week.first),
            last=language.day_of_year(week.last),
        )
    share, over = "", False
    if one.a_week:
        part = Fraction(week.quantity) / one.a_week
        share, over = language.percent(part), part > 1
    return WeekWords(
        name,
        language.number(week.lines),
        line_words.quantity(language, week.quantity, one.uom),
        share if week.quantity else "",
        over,
    )


_SIGNS: Final = {"due": "○", "in_time": "●", "late": "▲", "early": "▽"}
"""The sign of each kind of calendar entry; they differ in shape, so that colour is not needed."""


def _in_words(language: Language, what: str, count: int) -> str:
    if what == "due":
        return language.texts("%(count)s line due", "%(count)s lines due", count)
    number = language.number(count)
    if what == "in_time":
        return language.text("%(count)s received in time", count=number)
    if what == "late":
        return language.text("%(count)s received late", count=number)
    return language.text("%(count)s received too early", count=number)


def _calendar(
    language: Language, first: date, days: Sequence[DeliveryDay], as_of: date
) -> list[list[Day]]:
    """Return the weeks of a month, each with seven days from Monday on."""
    by_day: dict[date, dict[str, int]] = {}
    for one in days:
        by_day.setdefault(one.day, {})[one.what] = one.number
    start = first - timedelta(days=first.weekday())
    until = _next(first)
    weeks = []
    while start < until:
        week = [start + timedelta(days=place) for place in range(7)]
        weeks.append(
            [
                Day(
                    day.day if first <= day < until else None,
                    day == as_of,
                    _marks(language, by_day.get(day, {})),
                )
                for day in week
            ]
        )
        start += timedelta(days=7)
    return weeks


def _marks(language: Language, found: Mapping[str, int]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (sign, language.number(found[what]), _in_words(language, what, found[what]))
        for what, sign in _SIGNS.items()
        if what in found
    )


def _totals(language: Language, days: Sequence[DeliveryDay]) -> list[tuple[str, str]]:
    """Return the legend: each sign, and what it means with its count over the month."""
    sums = dict.fromkeys(_SIGNS, 0)
    for one in days:
        sums[one.what] += one.number
    return [(sign, _in_words(language, what, sums[what])) for what, sign in _SIGNS.items()]


def _weekdays(language: Language) -> list[tuple[str, str]]:
    """Return the names of the days from Monday on: abbreviated and in full."""
    names = language.locale.days["format"]
    return [(names["abbreviated"][day], names["wide"][day]) for day in range(7)]
