"""The messages for senders about faults that the models find, in one table.

Pydantic's own messages address programmers, so none of them is sent out.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.elements import COMMA_FOLLOWS, MORE_FOLLOWS

_DECIMAL: Final = 'must be a number or a decimal string such as "12.5"'
_DIGITS: Final = "must have at most 18 digits, of which 6 decimals"
_OBJECT: Final = "must be an object"
_TIME: Final = (
    "must be an RFC 3339 time with offset, on a day that exists, such as 2026-11-01T08:30:00+07:00"
)
_DATE: Final = "must be a date that exists, as YYYY-MM-DD"
_WHOLE: Final = "must be a whole number, without quotes and decimals"
_QUOTED: Final = re.compile(r"'([^']*)'")

UNKNOWN_FAULT: Final = "is not valid for this field; see its rule in the catalogue at /v1/catalogue"
"""For an error type that the table does not have; the present models raise none."""

Context = Mapping[str, Any]


def _words(context: Context) -> str:
    words = [json.dumps(word) for word in _QUOTED.findall(str(context.get("expected", "")))]
    return "must be " + (words[0] if len(words) == 1 else "one of " + ", ".join(words))


_MESSAGES: Final[Mapping[str, str | Callable[[Context], str]]] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this document; check its spelling",
    "union_tag_invalid": "is not a known event type; see the catalogue at /v1/catalogue",
    "union_tag_not_found": "is required",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "string_type": "must be a text, in quotes",
    "string_too_short": "must not be empty",
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
    "string_unicode": "has half of a surrogate pair; not valid Unicode",
    "literal_error": _words,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "decimal_type": _DECIMAL,
    "decimal_parsing": _DECIMAL,
    "finite_number": _DECIMAL,
    "decimal_max_digits": _DIGITS,
    "decimal_max_places": _DIGITS,
    "decimal_whole_digits": "must have at most 12 digits before the decimals",
    "greater_than_equal": lambda context: f"must be {context['ge']} or more",
    "greater_than": lambda context: f"must be more than {context['gt']}",
    "less_than": lambda context: f"must be less than {context['lt']}",
    "float_type": _DECIMAL,
    "float_parsing": _DECIMAL,
    "bool_parsing": 'must be "true" or "false"',
    "less_than_equal": lambda context: f"must be {context['le']} or less",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": _TIME,
    "invalid_key": "must have a text as its name",
}
_PATTERNS: Final = {
    "datacontenttype": "must be application/json, or absent",
    "evidence": "must be an http or https address, without blanks, of at most 2000 characters",
}
"""By field, the message for a text that does not match the field's pattern."""

_RECEIVED: Final = "id.rantai.delivery.received.v1"
_TAKEN_BACK: Final = (
    "must be 0 or more; a receipt entered wrongly is undone by delivery.reversed, goods sent back "
    "are a delivery.returned"
)
_SAYS_ALL: Final = (
    "id.rantai.order.cancelled.v1",
    "id.rantai.delivery.reversed.v1",
)
_ALL: Final = "must not be empty; leave it out where all lines are meant"

_GOES_ON: Final = "more text follows the event; send several events as a list, or one per line"
_SYNTAX: Final = (
    ("Expecting value", "a value is expected here"),
    ("Expecting property name", "a name in double quotes is expected here"),
    ("Illegal trailing comma", "there must be no comma before the end of a list or object"),
    ("Expecting ':'", "a colon is expected here, between a name and its value"),
    ("Expecting ','", "a comma, or the end of the list or object, is expected here"),
    ("Unterminated string", "the text that begins here has no closing quote"),
    ("Invalid control character", "a line break or tab inside a text is written as \\n or \\t"),
    ("Invalid \\", "there is no such escape with a backslash; write a backslash as \\\\"),
    ("Extra data", _GOES_ON),
    (MORE_FOLLOWS, _GOES_ON),
    (COMMA_FOLLOWS, COMMA_FOLLOWS),
)
"""By the beginning of the parser's own message, what is wrong with a text that is not JSON."""


_TOML_PLACE: Final = re.compile(r"at line (?P<line>[0-9]+), column (?P<column>[0-9]+)")


def toml_syntax_of(error: Exception) -> str:
    """Return where a text is not TOML and what may be wrong there, for an error of `tomllib`."""
    place = _TOML_PLACE.search(str(error))
    where = f"line {place['line']}, column {place['column']}" if place else "its end"
    return (
        f"is not TOML: {where} cannot be read; is a quote, a bracket or a = missing, a text not "
        "in quotes, or a name given twice?"
    )


def syntax_of(error: json.JSONDecodeError) -> str:
    """Return where a text is not JSON, and what is wrong there."""
    messages = (message for begins, message in _SYNTAX if error.msg.startswith(begins))
    message = next(messages, "the text here is not JSON")
    return f"not JSON at line {error.lineno} column {error.colno}: {message}"


def message_of(row: Mapping[str, Any]) -> str:
    """Return what is wrong and what to do, for one item of pydantic's `ValidationError.errors()`.

    Called for each fault of an incoming event.
    """
    kind, place = str(row["type"]), row["loc"]
    context: Context = row.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(str(place[-1]), UNKNOWN_FAULT)
    if kind == "greater_than_equal" and place[0] == _RECEIVED:
        return _TAKEN_BACK
    if kind == "too_short" and place[0] in _SAYS_ALL:
        return _ALL
    message = _MESSAGES.get(kind, UNKNOWN_FAULT)
    return message if isinstance(message, str) else message(context)
