"""Random choices and working time of the simulated world.

All randomness comes from `dice`, which is seeded by what it decides. So the orders of a day are the
same whatever else was simulated before them, and a longer history contains the shorter one.
"""

from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Final

SITE: Final = timezone(timedelta(hours=7))
"""Waktu Indonesia Barat: all four clusters and all buyers are on Java. It has no summer time."""

_OPENS: Final = time(7, 30)
_CLOSES: Final = time(16, 30)
_SUNDAY: Final = 6


def dice(*what: object) -> Random:
    """Return the generator that decides one thing, in the same state for the same arguments."""
    return Random("/".join(str(part) for part in what))  # noqa: S311 - a simulation, no secret


def chance(rng: Random, probability: float) -> bool:
    """Decide whether something of this probability happens."""
    return rng.random() < probability


def is_workday(day: date) -> bool:
    """Whether the plants work: Monday to Saturday."""
    return day.weekday() != _SUNDAY


def on_workday(day: date) -> date:
    """Return the day, or the Monday after it if it is a Sunday."""
    return day if is_workday(day) else day + timedelta(days=1)


def by_workday(day: date) -> date:
    """Return the day, or the Saturday before it if it is a Sunday."""
    return day if is_workday(day) else day - timedelta(days=1)


def workdays_after(day: date, count: int) -> date:
    """Return the `count`th working day after a day."""
    for _ in range(count):
        day = on_workday(day + timedelta(days=1))
    return day


def moment(day: date, rng: Random, opens: int = 8, closes: int = 16) -> datetime:
    """Return a random second of a day between two full hours."""
    seconds = rng.randrange(opens * 3600, closes * 3600)
    return datetime.combine(day, time(0), SITE) + timedelta(seconds=seconds)


def start_of(day: date) -> datetime:
    """Return the instant at which a day begins at the site."""
    return datetime.combine(day, time(0), SITE)


def in_working_time(at: datetime) -> datetime:
    """Return the instant itself if the plants work then, else one soon after they open again."""
    at = at.astimezone(SITE).replace(microsecond=0)
    if is_workday(at.date()) and _OPENS <= at.time() <= _CLOSES:
        return at
    day = at.date() if at.time() < _OPENS else at.date() + timedelta(days=1)
    # What waited overnight is not all entered in the same second of the morning.
    queue = timedelta(minutes=at.hour + at.minute, seconds=at.second)
    return datetime.combine(on_workday(day), _OPENS, SITE) + queue


def hours_later(at: datetime, rng: Random, least: int, most: int) -> datetime:
    """Return a random instant `least` to `most` hours later, moved into working time."""
    return in_working_time(at + timedelta(seconds=rng.randint(least * 3600, most * 3600)))


def minutes_later(at: datetime, rng: Random, least: int, most: int) -> datetime:
    """Return a random instant `least` to `most` minutes later, moved into working time."""
    return in_working_time(at + timedelta(seconds=rng.randint(least * 60, most * 60)))


def days_later(at: datetime, rng: Random, least: int, most: int) -> datetime:
    """Return a random instant on a working day, `least` (at least 1) to `most` days later."""
    day = on_workday(at.astimezone(SITE).date() + timedelta(days=rng.randint(max(least, 1), most)))
    return moment(day, rng)
