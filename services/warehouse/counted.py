"""Queries over the parts of figures that count at a date: their one text, put into each of them."""

from collections.abc import Iterable
from datetime import date
from string import Template
from typing import Final

from services.warehouse.client import sql

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
