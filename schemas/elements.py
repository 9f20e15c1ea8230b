"""Cutting a JSON text into its events without keeping what they say: one, or those of an array.

Each event is then parsed on its own. So a fault in one costs only that one a second look, and no
more than one is in memory as Python values at a time.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

MARK: Final = b"\xef\xbb\xbf"
"""The byte-order mark of UTF-8."""

MORE_FOLLOWS: Final = "more follows"
"""What the error says where a text goes on behind its one event, or its array."""

COMMA_FOLLOWS: Final = "a comma or ] must follow"
"""What the error says where something else stands behind an event of an array."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")
# Numbers stay text: to work out one of a million digits takes minutes, and nobody asked for it.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def without_blanks(body: bytes) -> bytes:
    """Return a text without a byte-order mark, and without white space around it and its mark."""
    return body.strip().removeprefix(MARK).strip()


def elements_of(text: str) -> Iterator[str]:
    """Yield each event of a JSON text exactly as it is written.

    For the readers of batches and of files. The text as a whole is not known to be JSON before the
    last event is out. Raises json.JSONDecodeError, RecursionError.
    """
    position = _after_space(text, 0)
    many = text[position : position + 1] == "["
    position = _after_space(text, position + many)
    if many and text[position : position + 1] == "]":
        _check_end(text, position + 1)
        return
    while True:
        start = position
        position = _DECODER.raw_decode(text, start)[1]
        yield text[start:position]
        position = _after_space(text, position)
        if not many:
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
