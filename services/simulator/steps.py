"""A step of a story, and the event that tells it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from schemas.catalogue import Role
from services.simulator.worktime import SITE


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """A CloudEvent, ready for `json.dumps`, and who sends it in which role."""

    sender: str
    role: Role
    event: dict[str, Any]

    @property
    def time(self) -> datetime:
        """When it happened in the sender's system."""
        return datetime.fromisoformat(self.event["time"])


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One thing that happens: when, by whom, and the document, with real dates and decimals.

    `not_before` bounds how early it may be told when a story is told faster than it happens: goods
    that come late must not come on the day they were due.
    """

    at: datetime
    sender: str
    role: Role
    kind: str
    data: dict[str, Any]
    not_before: datetime | None = None

    def as_event(self, event_id: str) -> SimulatedEvent:
        """Tell the step at the time when it happened."""
        return self._told(event_id, self.at)

    def as_event_now(self, event_id: str, now: datetime) -> SimulatedEvent:
        """Tell the step as if it happened now; what it expects keeps its distance from now."""
        return self._told(event_id, now.astimezone(SITE))

    def _told(self, event_id: str, at: datetime) -> SimulatedEvent:
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
    """Write a decimal so that JSON keeps every digit: a whole number, or a decimal string."""
    return int(value) if value == value.to_integral_value() else format(value.normalize(), "f")


def _instant(value: datetime, happened: datetime, told: datetime) -> str:
    if told == happened:
        return value.isoformat()
    # A truck that arrived "twenty minutes ago" would have come before the despatch notice that
    # was told a second ago, so what had happened by then happens now.
    return (told if value <= happened else told + (value - happened)).isoformat()
