"""What can't have happened yet: instants and days of a document that lie ahead of the present.

A mistyped year would win over every correction for ever: the version of a document that was said
last stands. Only what comes in is judged, at the moment of its acceptance; what was accepted once
stays accepted, whoever reads it again.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

from schemas.catalogue import CATALOGUE
from schemas.envelope import Event
from schemas.fields import Happened, utc_text

AHEAD: Final = timedelta(hours=24)
"""For clocks that are wrong, and offsets that were left out and filled in."""

_FIRST_ZONE: Final = timezone(timedelta(hours=14))
"""Where a day begins first."""

HAPPENED: Final = {
    name: tuple(
        field
        for field, about in row.data.model_fields.items()
        if any(isinstance(mark, Happened) for mark in about.metadata)
    )
    for name, row in CATALOGUE.items()
}
"""By event type, the fields of its data that tell when something happened."""


def ahead(event: Event[Any, Any], now: datetime) -> list[tuple[str, str]]:
    """Return a JSON pointer and a message for each moment of an event that lies too far ahead.

    `now`: the moment of acceptance, aware. Called for every event that comes in.
    """
    latest = now.astimezone(UTC) + AHEAD
    # An offset moves a day by one at most; to compare with offsets takes far longer.
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
        f"lies more than 24 hours ahead (it is {present} now) and can't have happened; "
        "correct the year, or the sender's clock, and send it again"
    )


def _day(last: date) -> str:
    return (
        f"lies ahead and can't have happened; the last day that is taken now is {last}. "
        "Correct it and send it again"
    )
