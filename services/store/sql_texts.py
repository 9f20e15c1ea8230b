"""Texts that are one for the queries of the API and for the views that others read.

A query has such a text inside it: the store plans that in half the time it takes for a view of the
same words. The views are made of the same files.
"""

from collections.abc import Iterable
from datetime import date
from string import Template
from typing import Final

from services.store.sql_files import sql

ALL_FAMILIES: Final = "1"
GRADED: Final = (
    "part_family IN ('due', 'requested', 'received', 'inspected', 'complained', 'asked', "
    "'answered', 'receipt', 'step', 'undone')"
)
"""The families that a grade is made of."""

ASKED_FOR: Final = "(empty({families:Array(String)}) OR part_family IN {families:Array(String)})"


def counted_parts(families: str = ALL_FAMILIES) -> str:
    """Return the SELECT of the parts that count, of families that a condition names."""
    return Template(sql("counted_parts")).substitute(families=families)


def spans(days: Iterable[date], window_days: int) -> list[tuple[date, int]]:
    """Return the parameter `spans` of such a query: dates, each with the days of its window."""
    return [(day, window_days) for day in days]


def shared(name: str, **texts: str) -> str:
    """Return a query with the texts that it shares with a view put into it."""
    inside = {one: Template(sql(one)).safe_substitute(texts).rstrip() for one in _SHARED}
    return Template(sql(name)).substitute(inside | texts)


def of_views(tolerance: str) -> dict[str, str]:
    """Return those texts as the views have them. `tolerance`: the place of a line's tolerances."""
    return {
        "counted_parts": counted_parts(ASKED_FOR),
        **{
            one: Template(sql(one)).safe_substitute(tolerance=tolerance).rstrip() for one in _SHARED
        },
    }


_SHARED: Final = ("order_lines_at", "suppliers_of_buyers", "fresh_standings")
