"""Split a JSON text (one event, or an array of events) into the texts of its events.

Each event is then parsed on its own: only an event with a fault needs the slower second parse of
`schemas.validation.parse`, and only one event at a time is in memory as Python values.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""The byte-order mark of UTF-8."""

MORE_FOLLOWS: Final = "more follows"
"""Message of the JSONDecodeError for text after the single event, or after the array."""

COMMA_FOLLOWS: Final = "a comma or ] must follow"
"""Message of the JSONDecodeError for anything else after an event of an array."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")
# Numbers stay text: converting one of a million digits takes minutes, and the value is not used.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def without_blanks(body: bytes) -> bytes:
    """Return a text without its byte-order mark and without surrounding white space."""
    return body.strip().removeprefix(BYTE_ORDER_MARK).strip()


def elements_of(text: str) -> Iterator[str]:
    """Yield the text of each event of a JSON text, exactly as it is written.

    For the readers of batches and of files. Only after the last event is the text as a whole known
    to be JSON. Raises json.JSONDecodeError where it is not, and RecursionError if it is nested too
    deeply.
    """
    position = _after_space(text, 0)
    is_array = text[position : position + 1] == "["
    position = _after_space(text, position + is_array)
    if is_array and text[position : position + 1] == "]":
        _check_end(text, position + 1)
        return
    while True:
        start = position
        position = _DECODER.raw_decode(text, start)[1]
        yield text[start:position]
        position = _after_space(text, position)
        if not is_array:
            break
        if text[position : position + 1] == "]":
            position += 1
            break
        if text[position : position + 1] != ",":
            raise json.JSONDecodeError(COMMA_FOLLOWS, text, position)
        position = _after_space(text, position + 1)
    _check_end(text, position)


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()


def _check_end(text: str, position: int) -> None:
    position = _after_space(text, position)
    if position < len(text):
        raise json.JSONDecodeError(MORE_FOLLOWS, text, position)
