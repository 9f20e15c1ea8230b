"""CloudEvents over HTTP: from a request to the list of events it carries.

Follows the CloudEvents HTTP protocol binding 1.0.2: structured, batched and binary content modes;
beside them one event a line (NDJSON).
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from schemas.validation import Fault, NotParseable, Unparseable, decode_text, parse

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_ATTRIBUTE: Final = "ce-"
_ESCAPED: Final = re.compile(r"\\(.)")


class UnsupportedMediaType(ValueError):
    """The content type is none that events come in."""


class TooLarge(ValueError):
    """The body, or the number of its events, is past the limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest body in bytes, and the most events of one."""

    body_bytes: int
    events: int


def events_of(headers: Mapping[str, str], body: bytes, limits: Limits) -> list[Any]:
    """Return the parsed events of a request, in their order, not yet validated.

    Raises NotParseable (400), TooLarge (413), UnsupportedMediaType (415).
    """
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    _require_utf8(parameters)
    body = _decompressed(headers.get("content-encoding", ""), body, limits)
    if not body.strip():
        raise NotParseable("the body is empty; send at least one CloudEvent")
    # The content type comes first, as the binding has it: beside an event in the body, `ce-*`
    # headers are a copy for routers on the way.
    if media_type in LINES:
        return _lines(body, limits)
    if media_type == STRUCTURED:
        value = parse(body)
        if isinstance(value, list):
            raise NotParseable(f"an array is a batch: send it as {BATCHED}")
        return [value]
    if media_type == BATCHED:
        return _batch(parse(body), limits)
    if any(name.startswith(_ATTRIBUTE) for name in headers):
        return [_binary(headers, media_type, body)]
    if media_type == "application/json":
        value = parse(body)
        return _batch(value, limits) if isinstance(value, list) else [value]
    known = ", ".join((STRUCTURED, BATCHED, LINES[0], "application/json with ce-* headers"))
    raise UnsupportedMediaType(f"content type {media_type or '(none)'!r} is not one of: {known}")


def _require_utf8(parameters: str) -> None:
    for parameter in parameters.lower().split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise NotParseable(f"charset {value} is not taken; send UTF-8")


def _decompressed(encoding: str, body: bytes, limits: Limits) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise UnsupportedMediaType(f"content encoding {encoding!r} is not taken; send gzip or none")
    parts: list[bytes] = []
    size = 0
    # Several gzip files one after the other are one (RFC 1952); what follows the first must not
    # be dropped.
    while body:
        unpack = zlib.decompressobj(wbits=31)
        try:
            part = unpack.decompress(body, limits.body_bytes + 1 - size)
        except zlib.error as error:
            raise NotParseable(f"the body is not gzip: {error}") from None
        parts.append(part)
        size += len(part)
        if size > limits.body_bytes:
            raise TooLarge(f"the body unpacks to more than {limits.body_bytes} bytes")
        if not unpack.eof:
            raise NotParseable("the gzip body ends too early")
        body = unpack.unused_data
    return b"".join(parts)


def _batch(value: Any, limits: Limits) -> list[Any]:
    if not isinstance(value, list):
        raise NotParseable("a batch is a JSON array of CloudEvents")
    if len(value) > limits.events:
        raise TooLarge(f"{len(value)} events are more than {limits.events}; send several requests")
    return value


def _lines(body: bytes, limits: Limits) -> list[Any]:
    # A byte that is no UTF-8 spoils its own line only.
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > limits.events:
        raise TooLarge(f"{len(lines)} events are more than {limits.events}; send several requests")
    parsed: list[Any] = []
    broken: list[str] = []
    for line in lines:
        try:
            parsed.append(parse(line))
        except NotParseable as error:
            broken.append(str(error))
            parsed.append(Unparseable(Fault("", str(error))))
    if len(broken) == len(parsed):
        raise NotParseable(f"no line is JSON; the first: {broken[0]}")
    return parsed


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
