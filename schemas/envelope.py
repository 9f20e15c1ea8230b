"""The envelope: CloudEvents 1.0 as Rantai takes them."""

import re
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas.fields import Document, Instant, Text

SOURCE_PATTERN: Final = (
    r"^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+)?/erp/([A-Za-z0-9._-]{1,64})(?:[/?#][!-~]*)?$"
)
_SOURCE = re.compile(SOURCE_PATTERN)
_EXTENSION_NAME = re.compile(r"[a-z0-9]{1,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

TypeName = TypeVar("TypeName", bound=str)
Data = TypeVar("Data", bound=Document)


def sender_of(source: str) -> str:
    """Return the partner id in a source: `AHM` of `/erp/AHM/sap-prd`. ValueError if there is none."""
    match = _SOURCE.match(source)
    if match is None:
        raise ValueError("must be a URI reference /erp/<partner id>/..., e.g. /erp/AHM/sap-prd")
    return match[1]


def _source_names_a_sender(value: str) -> str:
    sender_of(value)
    return value


def trace_id(traceparent: str | None) -> str | None:
    """Return the 32 hex digits of a W3C traceparent, or None where it is absent or malformed."""
    if traceparent is None or not _TRACEPARENT.fullmatch(traceparent):
        return None
    return traceparent[3:35]


class Event(BaseModel, Generic[TypeName, Data]):
    """One business document in its envelope.

    Further attributes are CloudEvents extensions: carried through Kafka, judged by their name alone.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: Literal["1.0"]
    id: Annotated[Text, StringConstraints(min_length=1, max_length=512)]
    source: Annotated[
        str,
        StringConstraints(max_length=512),
        AfterValidator(_source_names_a_sender),
        Field(json_schema_extra={"pattern": SOURCE_PATTERN}),
    ]
    type: TypeName
    time: Instant
    subject: Text | None = None
    datacontenttype: Annotated[
        str, StringConstraints(pattern=r"^application/([a-z0-9.+-]+\+)?json(\s*;.*)?$")
    ] = "application/json"
    traceparent: Text | None = None
    data: Data

    @model_validator(mode="after")
    def _extensions_are_lawful(self) -> "Event[TypeName, Data]":
        for name, value in (self.__pydantic_extra__ or {}).items():
            if not _EXTENSION_NAME.fullmatch(name):
                raise ValueError(f"unknown attribute {name!r}")
            if not isinstance(value, (str, bool, int)):
                raise ValueError(f"extension attribute {name!r} must be a string, boolean or integer")
        return self

    @property
    def sender(self) -> str:
        """The partner id in the source."""
        return sender_of(self.source)

    @property
    def extensions(self) -> dict[str, Any]:
        """The CloudEvents extension attributes, by name."""
        return self.__pydantic_extra__ or {}
