"""Read files of events: `.json` (one CloudEvent or an array), `.ndjson` (one event per line).

Each event is passed on exactly as the file has it, to the last digit. It is parsed here only to
find what is not an event at all, so that one bad line does not spoil the batch of the others.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from schemas.elements import MORE_FOLLOWS, elements_of, without_blanks
from schemas.validation import NotParseable, Unparseable, parse, utf8_body
from services.formats.rows import CellFault, FileError, RefusedDocument

_SHOWN: Final = 200
_LINE_BREAKS: Final = str.maketrans("\r\n", "  ")
_PLACE: Final = re.compile(r"line 1 column (?P<column>[0-9]+)")
_NO_JSON: Final = "something is missing or out of place: a quote, a comma, a bracket, a value?"
_OWN_MESSAGES: Final = (MORE_FOLLOWS, "a comma or ] must follow")
_ONE_A_LINE: Final = "; a file with one event per line must be named .ndjson"


@dataclass(frozen=True, slots=True)
class FileEvent:
    """An event of a file. `row` is its line, or its position in the array, from 1."""

    row: int
    body: bytes
    event_id: str | None

    def located(self, errors: Iterable[tuple[str, str]]) -> tuple[CellFault, ...]:
        """Return errors (JSON pointer, message) as faults, with the value at each pointer."""
        event = parse(self.body)
        return tuple(
            CellFault(self.row, pointer, _shown(event, pointer), message)
            for pointer, message in errors
        )


def events_of_lines(stream: Iterable[bytes]) -> Iterator[FileEvent | RefusedDocument]:
    """Yield the events of a file with one event per line; empty lines are counted and skipped.

    Files that were joined may have byte-order marks on later lines, so each line's is removed.
    """
    for number, line in enumerate(stream, 1):
        body = without_blanks(line)
        if body:
            yield _event(number, body)


def events_of_json(text: bytes) -> Iterator[FileEvent | RefusedDocument]:
    """Yield the events of a JSON text: one, or an array of them.

    The text as a whole is read before the first event is yielded. Raises FileError if it is not
    JSON.
    """
    try:
        parts = list(elements_of(utf8_body(text).decode()))
    except NotParseable as error:
        raise FileError(str(error)) from None
    except json.JSONDecodeError as error:
        message = error.msg if error.msg in _OWN_MESSAGES else _NO_JSON
        message += _ONE_A_LINE if error.msg == MORE_FOLLOWS else ""
        raise FileError(
            f"is not JSON: line {error.lineno}, column {error.colno}: {message}"
        ) from None
    except (ValueError, RecursionError):
        raise FileError(
            "is not JSON that can be read: it has an endless number, or is nested too deeply"
        ) from None
    for number, part in enumerate(parts, 1):
        # JSON allows line breaks only between tokens, so a space can replace each.
        yield _event(number, part.translate(_LINE_BREAKS).encode())


def events_of_stream(stream: BinaryIO) -> Iterator[FileEvent | RefusedDocument]:
    """Yield the events of a stream that has no file name: as one JSON text, or else by lines."""
    text = stream.read()
    try:
        yield from events_of_json(text)
    except FileError:
        if without_blanks(text).startswith(b"["):
            raise
        yield from events_of_lines(text.splitlines())


def _event(row: int, body: bytes) -> FileEvent | RefusedDocument:
    try:
        event = parse(body)
    except NotParseable as error:
        text = body.decode(errors="replace")
        return RefusedDocument((CellFault(row, "", _cut(text), _unparsed(str(error))),))
    if isinstance(event, Unparseable):
        fault = CellFault(row, event.fault.pointer, "", event.fault.message)
        return RefusedDocument((fault,), event.id)
    if not isinstance(event, dict):
        return RefusedDocument(
            (CellFault(row, "", _cut(str(event)), "must be a JSON object: one CloudEvent"),)
        )
    name = event.get("id")
    return FileEvent(row, body, name if isinstance(name, str) else None)


def _unparsed(message: str) -> str:
    """Return why a line is not JSON; of the parser's message only the column is kept."""
    place = _PLACE.search(message)
    return f"is not JSON: column {place['column']}: {_NO_JSON}" if place else message


def _shown(event: Any, pointer: str) -> str:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(event, dict):
            event = event.get(name, "")
        elif isinstance(event, list) and name.isdecimal() and int(name) < len(event):
            event = event[int(name)]
        else:
            return ""
    # Whole objects and lists are not shown in a report; their pointer says enough.
    return "" if isinstance(event, dict | list) else _cut(str(event))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
