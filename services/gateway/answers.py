"""Models of the gateway's answers about event types, for the OpenAPI document."""

from typing import Any

from pydantic import Field, RootModel

from services.http.answers import Answer


class EventType(Answer):
    """A type of event."""

    type: str = Field(description="the CloudEvents type")
    topic: str = Field(description="the topic of its events")
    about: str = Field(description="what its events are about, in English")


class EventTypes(Answer):
    """The types of event, and the words for units."""

    types: list[EventType] = Field(description="the types of event")
    units: dict[str, str] = Field(description="code of the unit by each word for it, in capitals")


class EventSchema(RootModel[dict[str, Any]]):
    """A JSON Schema (draft 2020-12) of the `data` of a type of event."""
