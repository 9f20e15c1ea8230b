"""The `[columns.<name>]` tables of a mapping: where a value comes from and how it is read.

Every value has a name that the mapping chooses (`[columns.requested_date]`), by which the events
refer to it. `kind` says how the cell is read:

| kind | value |
| --- | --- |
| `text` (also without `kind`) | the text, without spaces around it |
| `code` | a document, line or item number: 1 to 64 printable characters |
| `identifier` | a partner's id: 1 to 64 of `A-Z a-z 0-9 . _ -` |
| `decimal`, `integer` | an exact number |
| `date` | a business date |
| `time` | an instant; a date without a time of day gets the time `at`, in the zone of the site |

A value can also be chosen from other values: `first_of`, `earliest_of`, `latest_of`.
"""

import re
from datetime import time
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from services.formats.dates import compiled, zone_named

VALUE_NAME: Final = r"[a-z][a-z0-9_]*"
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


class MappingTable(BaseModel):
    """Base of every table of a mapping: the error for an unknown setting lists the known ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _settings_are_known(cls, value: Any) -> Any:
        if isinstance(value, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = [name for name in value if name not in known]
            if unknown:
                raise ValueError(
                    f"unknown setting {unknown[0]!r}; this table may have: {', '.join(known)}"
                )
        return value


def _format_is_lawful(value: str) -> str:
    compiled(value)
    return value


def _zone_is_known(value: str) -> str:
    zone_named(value)
    return value


def _encoding_is_known(value: str) -> str:
    try:
        "".encode(value)
    except LookupError:
        raise ValueError(
            f"unknown encoding {value!r}; write utf-8, cp1252, utf-16 or the like"
        ) from None
    return value


def _template_is_lawful(value: str) -> str:
    rest = _PLACEHOLDER.sub("", value)
    if "{" in rest or "}" in rest:
        raise ValueError("has a brace without its partner; write a value as {order_no}")
    if not _PLACEHOLDER.search(value):
        raise ValueError("names no value; write for example 'order/{order_no}'")
    if "}{" in value:
        raise ValueError("has two values side by side; put a character such as / between them")
    return value


DateFormats = Annotated[
    tuple[Annotated[str, AfterValidator(_format_is_lawful)], ...], Field(min_length=1)
]
Zone = Annotated[str, AfterValidator(_zone_is_known)]
Encoding = Annotated[str, AfterValidator(_encoding_is_known)]
Template = Annotated[str, AfterValidator(_template_is_lawful)]
ValueName = Annotated[str, Field(pattern=f"^{VALUE_NAME}$")]
ClockTime = Annotated[time, Field(description="time of day as hh:mm")]


def placeholders(template: str) -> tuple[str, ...]:
    """Return the names of the values in a template, in order."""
    return tuple(_PLACEHOLDER.findall(template))


def filled(template: str, values: dict[str, str]) -> str:
    """Fill a template in such a way that different values never give the same text.

    The character after a value marks its end; where the value itself has that character, it is
    percent-encoded (`A/1` and `2` in `{a}/{b}` give `A%2F1/2`). The last value is not encoded.
    """
    parts = _PLACEHOLDER.split(template)
    text = [parts[0]]
    for position in range(1, len(parts), 2):
        value, literal = values[parts[position]], parts[position + 1]
        if position + 2 < len(parts):
            value = value.replace("%", "%25").replace(literal[0], f"%{ord(literal[0]):02X}")
        text += [value, literal]
    return "".join(text)


class _CellColumn(MappingTable):
    """Settings of every value that is read from a cell.

    from: the column's name in the file.
    no_value: words that mean "nothing here", besides those of [defaults]; case does not count.
    default: the text to read instead if the cell is empty or has such a word.
    """

    source: str | None = Field(default=None, alias="from")
    no_value: tuple[str, ...] = ()
    default: str | None = None

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> "_CellColumn":
        if self.source is None and getattr(self, "template", None) is None:
            raise ValueError("needs 'from': the column of the file to read")
        return self


class TextColumn(_CellColumn):
    """Text.

    template: instead of 'from', other values joined: "{asn}/{line_no}".
    values: text in the file = text in the event: { OK = "accepted", NG = "rejected" }.
    unlisted: what to do with a text that 'values' does not list: "reject" it or "keep" it.
    strip_zeros: drop leading zeros, with which SAP pads its numbers (0000100234).
    literal: accept a code as it is even if it looks like what a spreadsheet makes of codes
    (1-Mar, 10.0, 4.5E+09, #N/A; see `debris`); otherwise such a code is refused.
    """

    kind: Literal["text"] = "text"
    template: Template | None = None
    values: dict[str, str] | None = None
    unlisted: Literal["reject", "keep"] = "reject"
    strip_zeros: bool = False
    literal: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> "TextColumn":
        if self.source is not None and self.template is not None:
            raise ValueError("has both 'from' and 'template'; remove one")
        if self.unlisted == "keep" and self.values is None:
            raise ValueError("has 'unlisted' without 'values'; add 'values', or remove 'unlisted'")
        return self


class CodeColumn(TextColumn):
    """A document, line or item number.

    shorten: cut a text of more than 64 characters and append a digest of the whole text, so that
    the same long text always gives the same number, and different texts give different numbers.
    """

    kind: Literal["code"]  # type: ignore[assignment]
    shorten: bool = False


class IdentifierColumn(TextColumn):
    """A partner's id.

    slug: make an id from a name ("Orgenics, Ltd" becomes Orgenics-Ltd-1b5f2c9e): characters that an
    id can't have become a hyphen, and if there are any, a digest keeps similar names apart.
    """

    kind: Literal["identifier"]  # type: ignore[assignment]
    slug: bool = False


class DecimalColumn(_CellColumn):
    """An exact number.

    decimal, thousands: the separators (those of [defaults] if absent); "" = there is none.
    remove: texts to delete before reading: ["Rp", "%"].
    absolute: drop the sign (of a return that the ERP writes as a negative quantity).
    places: round half up to this many decimals; without it nothing is ever rounded.
    """

    kind: Literal["decimal"]
    decimal: Annotated[str, Field(max_length=1)] | None = None
    thousands: Annotated[str, Field(max_length=1)] | None = None
    remove: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    absolute: bool = False
    places: Annotated[int, Field(ge=0, le=6)] | None = None


class IntegerColumn(DecimalColumn):
    """A whole number, such as the revision of an order; read like a decimal."""

    kind: Literal["integer"]  # type: ignore[assignment]


class DateColumn(_CellColumn):
    """A business date.

    formats: those accepted, such as ["DD-MMM-YY", "M/D/YYYY"] (those of [defaults] if absent).
    century_from: the first year that two digits can mean: with 1970, 69 is 2069 and 70 is 1970.
    zone: the zone in which to take the date of a text that has an offset (the site's if absent).
    A time of day without an offset, other than midnight, is taken as the ERP's clock in the zone
    of [defaults], and gives the date at the site. A date alone is never moved.
    """

    kind: Literal["date"]
    formats: DateFormats | None = None
    century_from: Annotated[int, Field(ge=1900, le=2200)] = 1970
    zone: Zone | None = None


class TimeColumn(DateColumn):
    """An instant. It has the settings of a date, with these meanings of its own.

    at: the time of day for a text that has none, in the zone of the site (that of [defaults] if
    absent, which is 12:00 unless set).
    zone: the zone of a time of day that has no offset (that of [defaults] if absent).
    """

    kind: Literal["time"]  # type: ignore[assignment]
    at: ClockTime | None = None


class FirstOf(MappingTable):
    """The first of these values that is present: first_of = ["confirmed", "requested"]."""

    first_of: Annotated[tuple[ValueName, ...], Field(min_length=2)]


class EarliestOf(MappingTable):
    """The earliest of these dates or times; absent ones are ignored."""

    earliest_of: Annotated[tuple[ValueName, ...], Field(min_length=2)]


class LatestOf(MappingTable):
    """The latest of these dates or times; absent ones are ignored."""

    latest_of: Annotated[tuple[ValueName, ...], Field(min_length=2)]


CellColumn = TextColumn | CodeColumn | IdentifierColumn | DecimalColumn | IntegerColumn | DateColumn
"""Any column that is read from a cell. TimeColumn is included, as a subclass of DateColumn."""
Choice = FirstOf | EarliestOf | LatestOf


def candidates(choice: Choice) -> tuple[str, ...]:
    """Return the names of the values that a choice chooses from."""
    if isinstance(choice, FirstOf):
        return choice.first_of
    return choice.earliest_of if isinstance(choice, EarliestOf) else choice.latest_of


def _kind_of(value: Any) -> str:
    if not isinstance(value, dict):
        return "text"
    for choice in ("first_of", "earliest_of", "latest_of"):
        if choice in value:
            return choice
    return str(value.get("kind", "text"))


KIND_TAGS: Final = (
    "text", "code", "identifier", "decimal", "integer", "date", "time",
    "first_of", "earliest_of", "latest_of",
)  # fmt: skip

Column = Annotated[
    Annotated[TextColumn, Tag("text")]
    | Annotated[CodeColumn, Tag("code")]
    | Annotated[IdentifierColumn, Tag("identifier")]
    | Annotated[DecimalColumn, Tag("decimal")]
    | Annotated[IntegerColumn, Tag("integer")]
    | Annotated[DateColumn, Tag("date")]
    | Annotated[TimeColumn, Tag("time")]
    | Annotated[FirstOf, Tag("first_of")]
    | Annotated[EarliestOf, Tag("earliest_of")]
    | Annotated[LatestOf, Tag("latest_of")],
    Discriminator(_kind_of),
]
