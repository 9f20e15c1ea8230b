"""The field types of all events: identifiers, quantities, dates, times, units.

Each is an annotated type with its rule in one place, so that an error names the rule and not the
line of code. All numbers are exact decimals; floats are never used.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from schemas.currencies import CURRENCIES
from schemas.spelling import identifier, number, one_spelling
from schemas.units import LONGEST_WORD, unit_of

EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2299, 12, 31)
"""The store's dates and times span 1900 to 2299; a date outside is a typing error."""

# [0-9] and not \d, which matches the digits of every script.
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# The same rules for the JSON Schema, as far as a pattern can express them.
_MONTH_AND_DAY: Final = "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_IN_RANGE: Final = f"(19|2[0-2])[0-9]{{2}}-{_MONTH_AND_DAY}"
_DATE_PATTERN: Final = f"^{_IN_RANGE}$"
_OPEN_END_PATTERN: Final = f"^(19|[2-9][0-9])[0-9]{{2}}-{_MONTH_AND_DAY}$"
_HOUR_AND_MINUTE: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME_PATTERN: Final = (
    rf"^{_IN_RANGE}[Tt]{_HOUR_AND_MINUTE}:[0-5][0-9](\.[0-9]{{1,9}})?"
    rf"([Zz]|[+-]{_HOUR_AND_MINUTE})$"
)


def utc_text(moment: datetime) -> str:
    """Return a time as RFC 3339 text in UTC, ending in Z. `moment` must be timezone-aware."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _reject_non_decimal(value: Any) -> Any:
    """Accept exact numbers only: an integer, a Decimal, or a plain decimal string."""
    if isinstance(value, (bool, float)):
        raise ValueError("must be a number or a decimal string")
    if isinstance(value, int) and abs(value) >= 10**18:
        raise ValueError("must have at most 18 digits")
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise ValueError('must be a number or a decimal string such as "12.5"')
        return Decimal(value)
    return value


def plain(value: Decimal) -> str:
    """Return a decimal as text without exponent and without trailing zeros: `1200`, `0.5`.

    A number has only one such text, so that the same document sent in another notation does not
    look like a conflict.
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def _date_in_range(value: date) -> date:
    if not EARLIEST <= value <= LATEST:
        raise ValueError("must be a date from 1900-01-01 to 2299-12-31")
    return value


def _not_before_earliest(value: date) -> date:
    if value < EARLIEST:
        raise ValueError("must not be before 1900-01-01")
    return value


def _time_in_range(value: datetime) -> datetime:
    if not EARLIEST < value.date() < LATEST:
        raise ValueError("must be a time in the years 1900 to 2299")
    return value


def _iso_date_text(value: Any) -> Any:
    if isinstance(value, datetime) or not isinstance(value, (str, date)):
        raise ValueError("must be a date as YYYY-MM-DD")
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise ValueError("must be a date as YYYY-MM-DD")
    return value


def _rfc3339_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 time with offset, such as 2026-11-01T08:30:00+07:00")
    return value


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    return value


def _iso_4217(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("must be a currency code of ISO 4217 such as IDR")
    return value


# Pydantic's core strips white space, so that an ordinary value needs a single Python call.
IDENTIFIER_PATTERN: Final = r"^\s*[A-Za-z0-9._-]{1,64}\s*$"
_CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
NUMBER_PATTERN: Final = rf"^\s*[^\s{_CONTROLS}]([^{_CONTROLS}]{{0,62}}[^\s{_CONTROLS}])?\s*$"
Identifier = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(identifier),
    Field(
        description="1 to 64 of A-Z a-z 0-9 . _ -",
        json_schema_extra={"pattern": IDENTIFIER_PATTERN},
    ),
]
DocumentNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(number),
    Field(
        description="1 to 64 printable characters, compared letter by letter",
        json_schema_extra={"pattern": NUMBER_PATTERN},
    ),
]
Spelled = Annotated[str, AfterValidator(one_spelling)]
"""An identifier or number to look up, from a path or a query, brought to its one spelling."""

Text = Annotated[
    str,
    AfterValidator(_storable),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}),
]

NonEmptyText = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(_storable),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}),
]


def _decimal_schema(lowest: int, below: int, pattern: str, description: str) -> WithJsonSchema:
    """Return the JSON Schema of an exact decimal, as a number or as a string.

    JSON Schema cannot limit the decimals of a number; only the pattern of the string does.
    """
    number = {"type": "number", "minimum": lowest, "maximum": below}
    text = {"type": "string", "pattern": pattern}
    return WithJsonSchema({"anyOf": [number, text], "description": description})


_UNDER_10_12: Final = r"0*[0-9]{1,12}(\.[0-9]{1,6}0*)?"

# The limits come directly after Decimal, before the other validators, so that the compiled core
# checks them; after a Python validator each limit would be a Python call of its own.
Quantity = Annotated[
    Decimal,
    Field(ge=0, max_digits=18, decimal_places=6),
    BeforeValidator(_reject_non_decimal),
    PlainSerializer(plain, return_type=str),
    _decimal_schema(
        0,
        10**12,
        f"^{_UNDER_10_12}$",
        "number or decimal string, 0 or more, up to 18 digits of which 6 decimals",
    ),
]
Money = Quantity
Percentage = Annotated[
    Decimal,
    Field(ge=0, le=100, max_digits=18, decimal_places=6),
    BeforeValidator(_reject_non_decimal),
    PlainSerializer(plain, return_type=str),
    _decimal_schema(
        0,
        100,
        r"^0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]{1,6}0*)?)$",
        "number or decimal string, 0 to 100, at most 6 decimals",
    ),
]
Target = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=6),
    BeforeValidator(_reject_non_decimal),
    PlainSerializer(plain, return_type=str),
    _decimal_schema(
        -(10**12),
        10**12,
        f"^-?{_UNDER_10_12}$",
        "number or decimal string, up to 18 digits of which 6 decimals",
    ),
]
Unit = Annotated[
    str,
    BeforeValidator(unit_of),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^[\s.]*[A-Za-z0-9²³]{{1,{LONGEST_WORD}}}[\s.]*$",
            "description": (
                "UN/ECE Recommendation 20 code (1 to 3 letters and digits), or a word of the trade "
                "such as PCS, KG, LUSIN; they are listed under Units"
            ),
        }
    ),
]
Currency = Annotated[
    str,
    AfterValidator(_iso_4217),
    Field(description="ISO 4217 code", json_schema_extra={"pattern": "^[A-Z]{3}$"}),
]
BusinessDate = Annotated[
    date,
    BeforeValidator(_iso_date_text),
    AfterValidator(_date_in_range),
    Field(
        description="date at the receiving site, 1900-01-01 to 2299-12-31",
        json_schema_extra={"pattern": _DATE_PATTERN},
    ),
]
OpenEndDate = Annotated[
    date,
    BeforeValidator(_iso_date_text),
    AfterValidator(_not_before_earliest),
    Field(
        description="last day; 9999-12-31 is how ERPs write 'without end'",
        json_schema_extra={"pattern": _OPEN_END_PATTERN},
    ),
]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339_text),
    AfterValidator(_time_in_range),
    Field(description="RFC 3339 time with offset", json_schema_extra={"pattern": _TIME_PATTERN}),
]


@dataclass(frozen=True, slots=True)
class Happened:
    """Marks a field that says when something happened; `schemas.moments` refuses future values."""


HappenedAt = Annotated[
    Instant,
    Happened(),
    Field(description="RFC 3339 time with offset, at most 24 hours after it is accepted"),
]
HappenedOn = Annotated[
    BusinessDate,
    Happened(),
    Field(
        description="date at the receiving site; a day that begins somewhere on earth at most "
        "24 hours after it is accepted"
    ),
]
WebAddress = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s]{1,2000}$"),
    Field(description="an http or https address"),
]


class Document(BaseModel):
    """Base of every part of an event. Unknown fields are errors; instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def unique_line_numbers(line_nos: list[str]) -> None:
    """Raise ValueError if a line number appears twice in one order document."""
    if len(set(line_nos)) == len(line_nos):
        return
    seen: set[str] = set()
    for line_no in line_nos:
        if line_no in seen:
            raise ValueError(f"line_no {line_no!r} appears twice in this document")
        seen.add(line_no)
