"""Extracts the CloudEvents of an HTTP request.

Implements the structured, batched and binary content modes of the CloudEvents HTTP protocol binding
1.0.2, and in addition one event per line (NDJSON).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from schemas.elements import elements_of, without_blanks
from schemas.messages import syntax_of
from schemas.validation import Fault, NotParseable, Unparseable, max_values_in, parse, utf8_body
from services.gateway.unpacking import TooLarge, UnsupportedMediaType

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_ATTRIBUTE: Final = "ce-"
_ESCAPED: Final = re.compile(r"\\(.)")
# For text without surrounding white space: one match skips all blank lines before the next line.
_LINE: Final = re.compile(rb"\s*([^\n]+)")
_BYTES_A_VALUE: Final = 8
"""A body of several events may hold one JSON value per this many bytes of the size limit.

Valid events need more than ten bytes per value. The number of values must be bounded because the
end of an array element is found by parsing it, and bad values take longest to validate.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on one request body: its bytes and its events."""

    body_bytes: int
    events: int


class ParsedEvent(NamedTuple):
    """A parsed, not yet validated event of a request, and the size of its text in bytes."""

    event: Any
    size: int


def events_of(headers: Mapping[str, str], body: bytes, limits: Limits) -> Iterator[ParsedEvent]:
    """Yield the events of a request in order, parsing each one lazily.

    `headers`: with lower-case names. `body`: with its content encoding removed. The caller must not
    use any event before the last one is out: a later part may show that the whole body is invalid.
    Raises NotParseable (400), TooLarge (413), UnsupportedMediaType (415).
    """
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    _require_utf8(parameters)
    content = without_blanks(body)
    if not content and media_type in LINES:
        return iter(())  # No lines are no events, like an empty array.
    if not content:
        raise NotParseable("the body is empty, which is not JSON; send at least one CloudEvent")
    # The binding gives the content type precedence over `ce-*` headers: beside an event in the
    # body, the headers are only a copy for routers on the way.
    array = content.startswith(b"[")
    most = limits.body_bytes // _BYTES_A_VALUE
    many = media_type in (*LINES, BATCHED) or array
    if many and max_values_in(content) > most:
        raise TooLarge(f"the body has more than {most} JSON values; send several requests")
    if media_type in LINES:
        return _lines(content, limits)
    if media_type == STRUCTURED:
        if array:
            raise NotParseable(f"the body is an array: send a batch as {BATCHED}")
        return _one(parse(body), body)
    if media_type == BATCHED:
        if not array:
            parse(body)  # Raises the more precise error if the body is not JSON at all.
            raise NotParseable("a batch must be a JSON array of CloudEvents")
        return _batch(body, limits)
    if any(name.startswith(_ATTRIBUTE) for name in headers):
        return _one(_binary(headers, media_type, body), body)
    if media_type == "application/json":
        return _batch(body, limits) if array else _one(parse(body), body)
    known = ", ".join((STRUCTURED, BATCHED, LINES[0], "application/json with ce-* headers"))
    raise UnsupportedMediaType(f"content type {media_type or '(none)'!r} is not one of: {known}")


def _require_utf8(parameters: str) -> None:
    for parameter in parameters.lower().split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise NotParseable(f"charset {value} is not supported; send UTF-8")


def _one(event: Any, body: bytes) -> Iterator[ParsedEvent]:
    yield ParsedEvent(event, len(body))


def _batch(body: bytes, limits: Limits) -> Iterator[ParsedEvent]:
    try:
        for number, element in enumerate(elements_of(utf8_body(body).decode()), 1):
            _require_few(number, limits)
            text = element.encode()
            yield ParsedEvent(parse(text), len(text))
    except RecursionError:
        raise NotParseable("the JSON can't be read: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotParseable(syntax_of(error)) from None


def _lines(content: bytes, limits: Limits) -> Iterator[ParsedEvent]:
    # Each line is parsed on its own, so that bytes that are not UTF-8 spoil only their own line.
    first_error: str | None = None
    good = False
    for number, found in enumerate(_LINE.finditer(content), 1):
        _require_few(number, limits)
        line = found[1]
        event: Any
        try:
            event = parse(line)
            good = True
        except NotParseable as error:
            first_error = first_error or str(error)
            event = Unparseable(Fault("", str(error)))
        yield ParsedEvent(event, len(line))
    if not good:
        raise NotParseable(f"no line is JSON; the first line: {first_error}")


def _require_few(number: int, limits: Limits) -> None:
    if number > limits.events:
        raise TooLarge(
            f"the body has at least {number} events, more than {limits.events}; "
            "send several requests"
        )


def _binary(headers: Mapping[str, str], media_type: str, body: bytes) -> Any:
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("in binary mode the data must be application/json")
    event: dict[str, Any] = {}
    faults: list[Fault] = []
    for header, value in headers.items():
        if header.startswith(_ATTRIBUTE):
            name = header.removeprefix(_ATTRIBUTE)
            if name in event:
                faults.append(Fault(f"/{name}", f"appears twice: two headers {header}"))
            try:
                event[name] = _attribute(value)
            except UnicodeError:
                faults.append(Fault(f"/{name}", f"header {header} must be percent-encoded UTF-8"))
    if "traceparent" in headers:
        event.setdefault("traceparent", headers["traceparent"])
    event["data"] = parse(utf8_body(body))
    if isinstance(event["data"], Unparseable):
        fault = event["data"].fault
        faults.append(Fault("/data" + fault.pointer, fault.message))
    return Unparseable(faults[0], event.get("id")) if faults else event


def _attribute(value: str) -> str:
    """Remove the quotes of a header value and percent-decode it. Raises UnicodeError.

    Undecodable bytes are never guessed or replaced: two different ids could become the same.
    """
    value.encode("ascii")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return unquote(value, errors="strict")
