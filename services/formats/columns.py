"""The `[columns.<name>]` tables of a mapping: where a value comes from and how it is read.

Every value has a name of the mapping's own (`[columns.requested_date]`), by which the events refer
to it. `kind` says how the cell is read:

| kind | value |
| --- | --- |
| `text` (also without `kind`) | the text, without spaces around it |
| `code` | a document, line or item number: 1 to 64 printable characters |
| `identifier` | a partner's id: 1 to 64 of `A-Z a-z 0-9 . _ -` |
| `decimal`, `integer` | an exact number |
| `date` | a business date |
| `time` | an instant; a date alone becomes one by `at`, in the zone of the site |

Or it is chosen from other values: `first_of`, `earliest_of`, `latest_of`.
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
    """Base of every table of a mapping: an unknown setting is an error that names the known."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _settings_are_known(cls, value: Any) -> Any:
        if isinstance(value, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = [name for name in value if name not in known]
            if unknown:
                raise ValueError(
                    f"unknown setting {unknown[0]!r}; here may stand: {', '.join(known)}"
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
        raise ValueError("has a brace without its partner; a value is named as {order_no}")
    if not _PLACEHOLDER.search(value):
        raise ValueError("names no value; write for instance 'order/{order_no}'")
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
    """Put values into a template so that two different sets of values never give the same text.

    The character behind a value is its end; where the value itself has that character it is
    percent-encoded (`A/1` and `2` in `{a}/{b}` give `A%2F1/2`). The last value stands as it is.
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
    """What every value read from a cell has.

    from: the column's name in the file.
    no_value: words that mean "nothing here" (upper and lower case alike), with those of [defaults].
    default: taken where the cell is empty or has such a word, and read as the cell would be.
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

    template: in place of 'from', other values joined: "{asn}/{line_no}".
    values: what the file says = what the event says: { OK = "accepted", NG = "rejected" }.
    unlisted: what to do with a text that 'values' does not list: "reject" it or "keep" it.
    strip_zeros: drop leading zeros, as SAP pads its numbers (0000100234).
    literal: take a code as it stands even where it looks like what a spreadsheet makes of codes
    (1-Mar, 10.0, 4.5E+09, #N/A; see `debris`), which is refused else.
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
            raise ValueError("has both 'from' and 'template'; leave one")
        if self.unlisted == "keep" and self.values is None:
            raise ValueError("'unlisted' says what to do beside 'values', and there are none")
        return self


class CodeColumn(TextColumn):
    """A document, line or item number.

    shorten: cut what is longer than 64 characters, and mark it with a digest of the whole, so that
    the same long text always gives the same number and another one another.
    """

    kind: Literal["code"]  # type: ignore[assignment]
    shorten: bool = False


class IdentifierColumn(TextColumn):
    """A partner's id.

    slug: make an id of a name ("Orgenics, Ltd" becomes Orgenics-Ltd-1b5f2c9e): other characters
    become a hyphen, and where any was lost, a digest of the name keeps two names apart.
    """

    kind: Literal["identifier"]  # type: ignore[assignment]
    slug: bool = False


class DecimalColumn(_CellColumn):
    """An exact number.

    decimal, thousands: the separators (of [defaults] where absent); "" = there is none.
    remove: texts to drop before reading: ["Rp", "%"].
    absolute: drop the sign (a return that the ERP writes as a negative quantity).
    places: round half up to so many decimals; without it nothing is ever rounded.
    """

    kind: Literal["decimal"]
    decimal: Annotated[str, Field(max_length=1)] | None = None
    thousands: Annotated[str, Field(max_length=1)] | None = None
    remove: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    absolute: bool = False
    places: Annotated[int, Field(ge=0, le=6)] | None = None


class IntegerColumn(DecimalColumn):
    """A whole number, such as the revision of an order; read as a decimal is."""

    kind: Literal["integer"]  # type: ignore[assignment]


class DateColumn(_CellColumn):
    """A business date.

    formats: those accepted, such as ["DD-MMM-YY", "M/D/YYYY"] (of [defaults] where absent).
    century_from: two-digit years are those from here on: 1970 reads 69 as 2069, 70 as 1970.
    zone: where a text has an offset, the date is that of the clock in this zone (that of the site
    where absent). A time of day without an offset, other than midnight, is the ERP's clock in
    [defaults] zone, and the date that of the site then. A date alone is taken as it stands.
    """

    kind: Literal["date"]
    formats: DateFormats | None = None
    century_from: Annotated[int, Field(ge=1900, le=2200)] = 1970
    zone: Zone | None = None


class TimeColumn(DateColumn):
    """An instant. As a date, and:

    at: the time of day of a text that has none, in the zone of the site: 12:00 where neither this
    nor [defaults] says.
    zone: the zone of a time of day that has no offset.
    """

    kind: Literal["time"]  # type: ignore[assignment]
    at: ClockTime | None = None


class FirstOf(MappingTable):
    """The first of these values that there is: first_of = ["confirmed", "requested"]."""

    first_of: Annotated[tuple[ValueName, ...], Field(min_length=2)]


class EarliestOf(MappingTable):
    """The earliest of these dates or times, of those that there are."""

    earliest_of: Annotated[tuple[ValueName, ...], Field(min_length=2)]


class LatestOf(MappingTable):
    """The latest of these dates or times, of those that there are."""

    latest_of: Annotated[tuple[ValueName, ...], Field(min_length=2)]


CellColumn = TextColumn | CodeColumn | IdentifierColumn | DecimalColumn | IntegerColumn | DateColumn
"""TimeColumn is a DateColumn."""
Choice = FirstOf | EarliestOf | LatestOf


def candidates(choice: Choice) -> tuple[str, ...]:
    """Return the names that a choice chooses from."""
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
