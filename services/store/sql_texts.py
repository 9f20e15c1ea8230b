"""SQL texts that the API's queries and the store's views share.

A query embeds such a text as a subquery, because the store plans that in half the time that it
takes for a view of the same text. The views are created from the same files.
"""

from collections.abc import Iterable
from datetime import date
from string import Template
from typing import Final

from services.store.sql_files import sql

ALL_FAMILIES: Final = "1"
GRADE_FAMILIES: Final = (
    "part_family IN ('due', 'requested', 'received', 'inspected', 'complained', 'asked', "
    "'answered', 'receipt', 'step', 'undone')"
)
"""Condition: the families that a grade is computed from."""

REQUESTED_FAMILIES: Final = (
    "(empty({families:Array(String)}) OR part_family IN {families:Array(String)})"
)


def counted_parts(families: str = ALL_FAMILIES) -> str:
    """Return the SELECT of the parts that count; `families` is a condition on the part."""
    return Template(sql("counted_parts")).substitute(families=families)


def spans(days: Iterable[date], window_days: int) -> list[tuple[date, int]]:
    """Return the parameter `spans` of `counted_parts`: each date with the days of its window."""
    return [(day, window_days) for day in days]


def shared(name: str, **texts: str) -> str:
    """Return a query with the shared texts that it names as `$name` filled in.

    `texts` fills the placeholders inside those texts and the query's own.
    """
    inside = {one: Template(sql(one)).safe_substitute(texts).rstrip() for one in _SHARED}
    return Template(sql(name)).substitute(inside | texts)


def view_texts(tolerance: str) -> dict[str, str]:
    """Return the shared texts for the views, by placeholder.

    `tolerance` is the SQL expression of a line's index into the tolerance arrays.
    """
    return {
        "counted_parts": counted_parts(REQUESTED_FAMILIES),
        **{
            one: Template(sql(one)).safe_substitute(tolerance=tolerance).rstrip() for one in _SHARED
        },
    }


_SHARED: Final = ("order_lines_at", "suppliers_of_buyers", "fresh_standings")
