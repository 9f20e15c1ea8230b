"""A step of a story, and the event that reports it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from schemas.catalogue import Role
from services.simulator.worktime import SITE


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """A CloudEvent, ready for `json.dumps`, with the partner that sends it and its role."""

    sender: str
    role: Role
    event: dict[str, Any]

    @property
    def time(self) -> datetime:
        """The `time` of the event: when it happened in the sender's system."""
        return datetime.fromisoformat(self.event["time"])


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One thing that happens: when, by whom, and its document, with `date` and `Decimal` values.

    `kind`: the event type without prefix and version. `not_before`: the earliest time at which a
    live run, which plays stories faster than they happen, may send the step: goods that come late
    must not come on the day they were due.
    """

    at: datetime
    sender: str
    role: Role
    kind: str
    data: dict[str, Any]
    not_before: datetime | None = None

    def as_event(self, event_id: str) -> SimulatedEvent:
        """Return the event of the step, at the time when it happened."""
        return self._event(event_id, self.at)

    def as_event_now(self, event_id: str, now: datetime) -> SimulatedEvent:
        """Return the event of the step as if it happened now.

        Times after the step, such as an expected arrival, move along and keep their distance; dates
        stay as they are.
        """
        return self._event(event_id, now.astimezone(SITE))

    def _event(self, event_id: str, at: datetime) -> SimulatedEvent:
        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: plain(each) for key, each in value.items() if each is not None}
            if isinstance(value, list | tuple):
                return [plain(each) for each in value]
            if isinstance(value, datetime):
                return _instant(value, self.at, at)
            if isinstance(value, date):
                return value.isoformat()
            return exact(value) if isinstance(value, Decimal) else value

        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/erp/{self.sender}/sim",
            "type": f"id.rantai.{self.kind}.v1",
            "time": at.isoformat(),
            "datacontenttype": "application/json",
            "data": plain(self.data),
        }
        return SimulatedEvent(self.sender, self.role, event)


def exact(value: Decimal) -> int | str:
    """Return a decimal so that JSON keeps every digit: a whole number, or a decimal string."""
    return int(value) if value == value.to_integral_value() else format(value.normalize(), "f")


def _instant(value: datetime, happened: datetime, sent: datetime) -> str:
    if sent == happened:
        return value.isoformat()
    # In a live run, a truck that arrived "twenty minutes ago" would have come before the despatch
    # notice that was sent a second ago. So whatever had happened by the time of the step happens
    # at the time it is sent.
    return (sent if value <= happened else sent + (value - happened)).isoformat()
