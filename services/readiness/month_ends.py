"""Month ends: the first of each month, at which grades are published and evaluations frozen."""

from datetime import date, timedelta


def month_ends(first: date, as_of: date) -> list[date]:
    """Return the first of every month after a day, up to and with a date."""
    return [_first_of(month) for month in range(_month(first) + 1, _month(as_of) + 1)]


def last_month_ends(count: int, as_of: date) -> list[date]:
    """Return the last `count` firsts of a month, up to and with a date."""
    last = _month(as_of)
    return [_first_of(month) for month in range(last - count + 1, last + 1)]


def month_end_before(day: date) -> date:
    """Return the last first of a month before a day."""
    return (day - timedelta(days=1)).replace(day=1)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
