"""CloudEvents over HTTP: from a request to the list of events it carries.

Follows the CloudEvents HTTP protocol binding 1.0.2: structured, batched and binary content modes;
beside them one event a line (NDJSON).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from schemas.elements import elements_of, without_blanks
from schemas.messages import syntax_of
from schemas.validation import Fault, NotParseable, Unparseable, decode_text, parse, values_in
from services.gateway.unpacking import TooLarge, UnsupportedMediaType

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_ATTRIBUTE: Final = "ce-"
_ESCAPED: Final = re.compile(r"\\(.)")
# Of a text without white space around it: the empty lines before a line are passed over at once.
_LINE: Final = re.compile(rb"\s*([^\n]+)")
_BYTES_A_VALUE: Final = 8
"""Of the largest body, for each value of several events. Lawful ones need more than ten. The end
of an element is found by parsing it, and bad values take longest to judge."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest body in bytes, and the most events of one."""

    body_bytes: int
    events: int


class Carried(NamedTuple):
    """A parsed event of a request, not yet validated, and how many bytes its text has."""

    event: Any
    size: int


def events_of(headers: Mapping[str, str], body: bytes, limits: Limits) -> Iterator[Carried]:
    """Yield the events of a request in their order, each parsed as it is asked for.

    `body`: without its content encoding. None of them may be made use of before the last is out:
    what follows may show that the body as a whole is no good.
    Raises NotParseable (400), TooLarge (413), UnsupportedMediaType (415).
    """
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    _require_utf8(parameters)
    content = without_blanks(body)
    if not content and media_type in LINES:
        return iter(())  # No line is no event, as an empty array is.
    if not content:
        raise NotParseable("the body is empty, which is not JSON; send at least one CloudEvent")
    # The content type comes first, as the binding has it: beside an event in the body, `ce-*`
    # headers are a copy for routers on the way.
    array = content.startswith(b"[")
    most = limits.body_bytes // _BYTES_A_VALUE
    many = media_type in (*LINES, BATCHED) or array
    if many and values_in(content) > most:
        raise TooLarge(f"the body has more than {most} JSON values; send several requests")
    if media_type in LINES:
        return _lines(content, limits)
    if media_type == STRUCTURED:
        if array:
            raise NotParseable(f"an array is a batch: send it as {BATCHED}")
        return _one(parse(body), body)
    if media_type == BATCHED:
        if not array:
            parse(body)  # Where it is no JSON at all, this says so.
            raise NotParseable("a batch is a JSON array of CloudEvents")
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
            raise NotParseable(f"charset {value} is not taken; send UTF-8")


def _one(event: Any, body: bytes) -> Iterator[Carried]:
    yield Carried(event, len(body))


def _batch(body: bytes, limits: Limits) -> Iterator[Carried]:
    try:
        for number, element in enumerate(elements_of(decode_text(body).decode()), 1):
            _require_few(number, limits)
            text = element.encode()
            yield Carried(parse(text), len(text))
    except RecursionError:
        raise NotParseable("not JSON that can be read: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotParseable(syntax_of(error)) from None


def _lines(content: bytes, limits: Limits) -> Iterator[Carried]:
    # A byte that is no UTF-8 spoils its own line only.
    first: str | None = None
    good = False
    for number, found in enumerate(_LINE.finditer(content), 1):
        _require_few(number, limits)
        line = found[1]
        event: Any
        try:
            event = parse(line)
            good = True
        except NotParseable as error:
            first = first or str(error)
            event = Unparseable(Fault("", str(error)))
        yield Carried(event, len(line))
    if not good:
        raise NotParseable(f"no line is JSON; the first: {first}")


def _require_few(number: int, limits: Limits) -> None:
    if number > limits.events:
        raise TooLarge(
            f"at least {number} events are more than {limits.events}; send several requests"
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
                faults.append(Fault(f"/{name}", f"stands twice: two headers {header}"))
            try:
                event[name] = _attribute(value)
            except UnicodeError:
                faults.append(Fault(f"/{name}", f"header {header} must be percent-encoded UTF-8"))
    if "traceparent" in headers:
        event.setdefault("traceparent", headers["traceparent"])
    event["data"] = parse(decode_text(body))
    if isinstance(event["data"], Unparseable):
        fault = event["data"].fault
        faults.append(Fault("/data" + fault.pointer, fault.message))
    return Unparseable(faults[0], event.get("id")) if faults else event


def _attribute(value: str) -> str:
    """Decode a header: quotes off, then percent-decoded. Raises UnicodeError for other bytes.

    A byte that is guessed at, or replaced, would make one id of two.
    """
    value.encode("ascii")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return unquote(value, errors="strict")
