"""Computes month ends: a month end is the first day of a month as T.

Published grades move at month ends, and evaluations are frozen.
"""

from datetime import date, timedelta


def month_ends(first: date, as_of: date) -> list[date]:
    """Return the month ends after `first`, up to and including `as_of`."""
    return [_first_of(month) for month in range(_month(first) + 1, _month(as_of) + 1)]


def last_month_ends(count: int, as_of: date) -> list[date]:
    """Return the last `count` month ends up to and including `as_of`."""
    last = _month(as_of)
    return [_first_of(month) for month in range(last - count + 1, last + 1)]


def month_end_before(day: date) -> date:
    """Return the last month end before a day."""
    return (day - timedelta(days=1)).replace(day=1)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
