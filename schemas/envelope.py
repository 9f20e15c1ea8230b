"""The envelope of incoming events: CloudEvents 1.0 as Rantai accepts them."""

import re
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from schemas.fields import Document, Instant

SOURCE_PATTERN: Final = (
    r"^(?:[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9._~:@!$&'()*+,;=%\[\]-]+)?"
    r"/erp/([A-Za-z0-9._-]{1,64})"
    r"(?:[/?#](?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$"
)
_SOURCE = re.compile(SOURCE_PATTERN)
_EXTENSION_NAME = re.compile(r"[a-z0-9]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

TypeName = TypeVar("TypeName", bound=str)
Data = TypeVar("Data", bound=Document)


def sender_of(source: str) -> str:
    """Return the partner id in a source: `AHM` for `/erp/AHM/sap-prd`.

    Raises ValueError if the source is not a URI reference of that form.
    """
    match = _SOURCE.fullmatch(source)
    if match is None:
        raise ValueError("must be a URI reference /erp/<partner id>/..., e.g. /erp/AHM/sap-prd")
    return match[1]


def _source_names_a_sender(value: str) -> str:
    sender_of(value)
    return value


def valid_traceparent(traceparent: str | None) -> str | None:
    """Return a W3C traceparent unchanged, or None if it is absent or malformed."""
    lawful = traceparent is not None and _TRACEPARENT.fullmatch(traceparent)
    return traceparent if lawful else None


def trace_id(traceparent: str | None) -> str | None:
    """Return the trace id (32 hex digits) of a W3C traceparent, or None if absent or malformed."""
    lawful = valid_traceparent(traceparent)
    return lawful and lawful[3:35]


def _without_control_characters(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters (line break, tab, NUL)")
    return value


def _extension_name(name: str) -> str:
    if not _EXTENSION_NAME.fullmatch(name):
        raise ValueError("is not an attribute of an event; check its spelling (a-z and 0-9 only)")
    return name


def _extension_value(value: Any) -> Any:
    if isinstance(value, str):
        return _without_control_characters(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**31) <= value < 2**31:
        return value
    raise ValueError("must be a string, a boolean or a 32-bit integer (CloudEvents extension)")


_NO_CONTROL_CHARACTERS: Final = Field(
    json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"}
)
EventId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    AfterValidator(_without_control_characters),
    _NO_CONTROL_CHARACTERS,
]
Attribute = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(_without_control_characters),
    _NO_CONTROL_CHARACTERS,
]
"""A string attribute as CloudEvents defines it: not empty, without control characters."""

ExtensionName = Annotated[str, AfterValidator(_extension_name)]
ExtensionValue = Annotated[
    Any,
    AfterValidator(_extension_value),
    WithJsonSchema(
        {
            "type": ["string", "boolean", "integer", "null"],
            "minimum": -(2**31),
            "maximum": 2**31 - 1,
        }
    ),
]


class Event(BaseModel, Generic[TypeName, Data]):
    """One business document in its envelope.

    Any other attributes are CloudEvents extensions, which are passed on through Kafka. Null means
    absent.
    """

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        json_schema_extra={"propertyNames": {"pattern": "^[a-z0-9]{1,64}$"}},
    )
    __pydantic_extra__: dict[ExtensionName, ExtensionValue] = Field(init=False)

    specversion: Literal["1.0"]
    id: EventId = Field(description="together with source it identifies the event, forever")
    source: Annotated[
        str,
        StringConstraints(max_length=512),
        AfterValidator(_source_names_a_sender),
        Field(json_schema_extra={"pattern": SOURCE_PATTERN}),
    ] = Field(description="URI reference /erp/<partner id>/...: a source of the sender's own")
    type: TypeName
    time: Instant
    subject: Attribute | None = Field(default=None, description="free; not empty")
    datacontenttype: (
        Annotated[str, StringConstraints(pattern=r"^application/([a-z0-9.+-]+\+)?json(\s*;.*)?$")]
        | None
    ) = Field(default=None, description="application/json, or absent")
    dataschema: Attribute | None = Field(default=None, description="free; not empty")
    traceparent: Annotated[str, AfterValidator(_without_control_characters)] | None = Field(
        default=None, description="W3C trace context, carried through"
    )
    data: Data

    @property
    def sender(self) -> str:
        """The partner id in the source."""
        return sender_of(self.source)

    @property
    def extensions(self) -> dict[str, Any]:
        """The CloudEvents extension attributes that are set, by name."""
        extra = self.__pydantic_extra__ or {}
        return {name: value for name, value in extra.items() if value is not None}
