"""Models of answers that several services give, and the base of all models of answers.

The models document answers in the OpenAPI document. Handlers write their answers themselves, so
that decimals stay exact; the tests compare the answers with the models.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _open(schema: dict[str, Any]) -> None:
    schema.pop("additionalProperties", None)


class Answer(BaseModel):
    """The base of the models of answers.

    A model refuses fields that it does not name. The OpenAPI document does not promise this to
    clients: a later version may add fields to an answer.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_open)


class Fault(Answer):
    """One thing that is wrong with an event."""

    pointer: str = Field(description="JSON pointer (RFC 6901) to the part of the event")
    message: str = Field(description="what is wrong with that part")


class RejectedEvent(Answer):
    """An event of a request that was not accepted."""

    index: int = Field(description="position of the event in the request, from 0")
    id: str | None = Field(description="id of the event; null if it has none that is usable")
    errors: list[Fault] = Field(description="what is wrong with the event")


class Outcome(Answer):
    """What became of the events of a request."""

    accepted: int = Field(description="number of events that are safely stored")
    rejected: list[RejectedEvent] = Field(description="the other events, in order of the request")
