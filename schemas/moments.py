"""Refuse documents that report something as having happened in the future.

A mistyped year would override every correction for ever, because the version of a document with
the latest time stands. Only incoming events are judged, when they are accepted; an event that was
accepted once stays accepted when it is read again.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

from schemas.catalogue import CATALOGUE
from schemas.envelope import Event
from schemas.fields import Happened, utc_text

MAX_AHEAD: Final = timedelta(hours=24)
"""How far ahead a time may lie. Allows for clocks that are wrong, and for offsets that a sender
left out and somebody filled in."""

_FIRST_ZONE: Final = timezone(timedelta(hours=14))
"""The time zone in which a day begins first."""

HAPPENED: Final = {
    name: tuple(
        field
        for field, about in row.data.model_fields.items()
        if any(isinstance(mark, Happened) for mark in about.metadata)
    )
    for name, row in CATALOGUE.items()
}
"""By event type, the fields of its data that say when something happened."""


def future_faults(event: Event[Any, Any], now: datetime) -> list[tuple[str, str]]:
    """Return a JSON pointer and a message for each time or date of an event too far ahead.

    `now`: when the event is accepted, timezone-aware. Called for every incoming event.
    """
    latest = now.astimezone(UTC) + MAX_AHEAD
    # Comparing with offsets takes far longer. An offset moves a date by one day at most, so a date
    # two days before `latest` needs no such comparison.
    past = latest.toordinal() - 2
    found = []
    if event.time.toordinal() > past and event.time > latest:
        found.append(("/time", _instant(now)))
    for name in HAPPENED[event.type]:
        value: date = getattr(event.data, name)
        if value.toordinal() <= past:
            continue
        if isinstance(value, datetime):
            if value > latest:
                found.append((f"/data/{name}", _instant(now)))
        elif value > (last := latest.astimezone(_FIRST_ZONE).date()):
            found.append((f"/data/{name}", _day(last)))
    return found


def _instant(now: datetime) -> str:
    present = utc_text(now.astimezone(UTC).replace(microsecond=0))
    return (
        f"lies more than 24 hours in the future (it is {present} now) and can't have happened; "
        "correct the year, or the sender's clock, and send it again"
    )


def _day(last: date) -> str:
    return (
        f"lies in the future and can't have happened; the latest day accepted now is {last}. "
        "Correct it and send it again"
    )
