"""The field types that every event is made of: identifiers, quantities, dates, times, units.

Each is an annotated type with its rule in one place, so that an error names the rule and not the
line of code. All numbers are exact decimals; no float takes part anywhere.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
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

EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2299, 12, 31)
"""The store's dates and times span 1900 to 2299; a date outside is a slip of the pen."""

_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

UNIT_ALIASES: Final = {
    "PCS": "H87", "PC": "H87", "PCE": "H87", "PIECE": "H87", "PIECES": "H87", "EA": "H87",
    "EACH": "H87", "BUAH": "H87", "BIJI": "H87",
    "KG": "KGM", "KGS": "KGM", "G": "GRM", "GR": "GRM", "TON": "TNE", "T": "TNE",
    "M": "MTR", "MM": "MMT", "CM": "CMT", "M2": "MTK", "M3": "MTQ", "L": "LTR", "LT": "LTR",
    "SET": "SET", "BOX": "BX", "DUS": "BX", "ROLL": "RO", "LBR": "ST", "SHEET": "ST",
    "HR": "HUR", "H": "HUR", "JAM": "HUR",
}  # fmt: skip
"""What ERPs write, to the UN/ECE Recommendation 20 (and 21 for packages) code it stands for."""


def _reject_non_decimal(value: Any) -> Any:
    """Let through what is exact: an integer, a decimal, a plain decimal string."""
    if isinstance(value, bool) or isinstance(value, float):
        raise ValueError("must be a number or a decimal string")
    if isinstance(value, int) and abs(value) >= 10**18:
        raise ValueError("must have at most 18 digits")
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise ValueError('must be a number or a decimal string such as "12.5"')
        try:
            return Decimal(value)
        except InvalidOperation as error:  # pragma: no cover - the pattern leaves none
            raise ValueError("must be a decimal") from error
    return value


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros: `1200`, `0.5`.

    One number, one text: the same document in another notation must not look like a conflict.
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def _date_in_range(value: date) -> date:
    if not EARLIEST <= value <= LATEST:
        raise ValueError("must be a date from 1900-01-01 to 2299-12-31")
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
        raise ValueError(
            "must be an RFC 3339 time with offset, such as 2026-11-01T08:30:00+07:00"
        )
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must have printable characters only (no line break, no control character)")
    return value


def _known_unit(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a UN/ECE Recommendation 20 code such as H87 or KGM")
    code = value.strip().upper()
    return UNIT_ALIASES.get(code, code)


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    return value


Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Field(description="1 to 64 of A-Z a-z 0-9 . _ -"),
]
DocumentNumber = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_printable),
    Field(description="1 to 64 printable characters, compared letter by letter"),
]
Text = Annotated[str, AfterValidator(_storable)]
_ExactDecimal = Annotated[
    Decimal,
    BeforeValidator(_reject_non_decimal),
    PlainSerializer(plain, return_type=str),
]
_DECIMAL_SCHEMA: Final = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?$"}],
    "description": "number or decimal string, 0 or more, up to 18 digits of which 6 decimals",
}
Quantity = Annotated[
    _ExactDecimal,
    Field(ge=0, max_digits=18, decimal_places=6),
    WithJsonSchema(_DECIMAL_SCHEMA),
]
Money = Quantity
Percentage = Annotated[
    _ExactDecimal,
    Field(ge=0, le=100, max_digits=18, decimal_places=6),
    WithJsonSchema({**_DECIMAL_SCHEMA, "description": "0 to 100, at most 6 decimals"}),
]
Target = Annotated[
    _ExactDecimal,
    Field(max_digits=18, decimal_places=6),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]}),
]
Unit = Annotated[
    str,
    BeforeValidator(_known_unit),
    StringConstraints(pattern=r"^[A-Z0-9]{1,3}$"),
    Field(description="UN/ECE Recommendation 20 code; PCS, EA, KG and the like are normalised"),
]
Currency = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217 code")
]
BusinessDate = Annotated[
    date,
    BeforeValidator(_iso_date_text),
    AfterValidator(_date_in_range),
    Field(description="date at the receiving site"),
]
OpenEndDate = Annotated[
    date,
    BeforeValidator(_iso_date_text),
    Field(description="last day; 9999-12-31 is how ERPs write 'without end'"),
]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339_text),
    AfterValidator(_time_in_range),
    Field(description="RFC 3339 time with offset"),
]
WebAddress = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s]{1,2000}$"),
    Field(description="an http or https address"),
]


class Document(BaseModel):
    """Base of every part of an event: unknown fields are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def unique_line_numbers(line_nos: list[str]) -> None:
    """Raise ValueError where a line number stands twice in one order document."""
    seen: set[str] = set()
    for line_no in line_nos:
        if line_no in seen:
            raise ValueError(f"line_no {line_no!r} stands twice in this document")
        seen.add(line_no)
