"""From bytes to events: parse once, validate once, and say exactly what is wrong with the rest.

The outcome of an event is `Accepted`, in the one form that everything behind the gateway reads,
or `Rejected`, with a JSON pointer and a message for each fault.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import jiter
from pydantic import ValidationError
from pydantic_core import to_json

from schemas.catalogue import CATALOGUE, EVENT, Role, may_send, supplier_of
from schemas.envelope import Event, trace_id

MAX_EVENT_BYTES: Final = 2 * 1024 * 1024
"""Above this an event would not fit a Kafka record of the canonical topics."""


class NotParseable(ValueError):
    """The body as a whole is no JSON text; the message says where."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong, where (JSON pointer, "" = the event as a whole) and what to do."""

    pointer: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return the shape that answers and rejected records use."""
        return {"pointer": self.pointer, "message": self.message}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid event, ready for its topic.

    `value` is the event as JSON without line breaks; `content` is a digest of what it says (type,
    time, data), by which a second event under the same source and id is told to be the same.
    """

    source: str
    id: str
    type: str
    topic: str
    sender: str
    supplier_id: str
    value: bytes
    content: bytes
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that is not taken, with the reasons; `forbidden` where the sender may not send it."""

    faults: list[Fault]
    id: str | None = None
    source: str | None = None
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: a partner and the roles in which it may."""

    partner: str
    roles: tuple[Role, ...]


@dataclass(slots=True)
class Unparseable:
    """Stands in a batch for an element that is JSON, but not a lawful event."""

    fault: Fault
    id: str | None = None


@dataclass(slots=True)
class _Marks:
    """Objects with duplicate keys, by identity: the objects themselves stay plain dicts."""

    duplicates: dict[int, str] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    self.duplicates[id(result)] = key
                    self.kept.append(result)
                seen.add(key)
        return result

    def fault_in(self, value: Any, pointer: str = "") -> Fault | None:
        """Find the first duplicate key, NaN or lone surrogate in a value, depth first."""
        if isinstance(value, dict):
            if id(value) in self.duplicates:
                key = self.duplicates[id(value)]
                return Fault(f"{pointer}/{escape(key)}", "stands twice in the same object")
            children: Iterable[tuple[Any, Any]] = value.items()
        elif isinstance(value, list):
            children = enumerate(value)
        elif isinstance(value, float):
            return Fault(pointer, "must be a number; NaN and Infinity are not JSON")
        elif isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return Fault(pointer, "has half of a surrogate pair; not valid Unicode")
            return None
        else:
            return None
        for key, child in children:
            fault = self.fault_in(child, f"{pointer}/{escape(str(key))}")
            if fault is not None:
                return fault
        return None


def escape(token: str) -> str:
    """Escape a reference token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def decode_text(body: bytes) -> bytes:
    """Check that a body is UTF-8 and return it without a byte-order mark; NotParseable if not."""
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise NotParseable(f"the body is not UTF-8: byte {error.start} is wrong") from None
    return body


def parse(body: bytes) -> Any:
    """Parse a JSON text strictly and exactly.

    Numbers become int or Decimal. Where a strict parse fails on one part only (a duplicate key,
    NaN), that part of a batch becomes `Unparseable` and its neighbours stay good.
    Raises NotParseable where the text as a whole is no JSON.
    """
    body = decode_text(body)
    try:
        return jiter.from_json(
            body, float_mode="decimal", catch_duplicate_keys=True, allow_inf_nan=False
        )
    except ValueError as strict_error:
        marks = _Marks()
        try:
            value = json.loads(body, parse_float=Decimal, object_pairs_hook=marks.pairs)
            if not isinstance(value, list):
                return _unless_faulty(value, marks)
            return [_unless_faulty(element, marks) for element in value]
        except (ValueError, RecursionError):
            raise NotParseable(f"not JSON: {strict_error}") from None


def _unless_faulty(value: Any, marks: _Marks) -> Any:
    fault = marks.fault_in(value)
    if fault is None:
        return value
    name = value.get("id") if isinstance(value, dict) else None
    return Unparseable(fault, name if isinstance(name, str) else None)


def _pointer(location: tuple[int | str, ...]) -> str:
    # The first step names the branch of the union, which is no part of the document.
    steps = location[1:] if location and location[0] in CATALOGUE else location
    return "".join("/" + escape(str(step)) for step in steps)


_MESSAGES: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this document; check its spelling",
    "union_tag_invalid": "is not a known event type; see the catalogue at /v1/catalogue",
    "union_tag_not_found": "is required",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}


def _faults(error: ValidationError) -> list[Fault]:
    faults = []
    for row in error.errors(include_url=False, include_context=False, include_input=False)[:50]:
        kind = row["type"]
        pointer = "/type" if kind.startswith("union_tag") else _pointer(row["loc"])
        message = _MESSAGES.get(kind) or row["msg"].removeprefix("Value error, ")
        faults.append(Fault(pointer, message))
    return faults


def _text_of(raw: Any, name: str) -> str | None:
    value = raw.get(name) if isinstance(raw, dict) else None
    return value[:512] if isinstance(value, str) else None


def validate(raw: Any, sender: Sender) -> Accepted | Rejected:
    """Judge one parsed event of a sender.

    Never raises for bad input: what is wrong comes back as `Rejected`, pointer by pointer.
    """
    if isinstance(raw, Unparseable):
        return Rejected([raw.fault], id=raw.id)
    if not isinstance(raw, dict):
        return Rejected([Fault("", "must be a JSON object: one CloudEvent")])
    name, source = _text_of(raw, "id"), _text_of(raw, "source")
    try:
        event: Event[Any, Any] = EVENT.validate_python(raw)
    except ValidationError as error:
        return Rejected(_faults(error), id=name, source=source)
    except (RecursionError, UnicodeError, OverflowError) as error:
        return Rejected([Fault("", f"cannot be read: {type(error).__name__}")], id=name)
    forbidden = _forbidden(event, sender)
    if forbidden is not None:
        return Rejected([forbidden], id=name, source=source, forbidden=True)
    accepted = accept(event)
    if len(accepted.value) > MAX_EVENT_BYTES:
        fault = Fault("", f"is larger than {MAX_EVENT_BYTES} bytes; send it as several documents")
        return Rejected([fault], id=name, source=source)
    return accepted


def _forbidden(event: Event[Any, Any], sender: Sender) -> Fault | None:
    if event.sender != sender.partner:
        return Fault("/source", f"must be a source of your own: /erp/{sender.partner}/...")
    if any(may_send(role, sender.partner, event.type, event.data) for role in sender.roles):
        return None
    roles = " or ".join(sender.roles)
    return Fault("/type", f"{event.type} of these partners may not be sent by this {roles}")


def accept(event: Event[Any, Any]) -> Accepted:
    """Write a validated event in the form of the canonical topics."""
    data = event.data.__pydantic_serializer__.to_json(event.data, exclude_none=True)
    attributes: dict[str, Any] = {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
        "sender": event.sender,
    }
    if event.subject is not None:
        attributes["subject"] = event.subject
    if event.traceparent is not None:
        attributes["traceparent"] = event.traceparent
    head: bytes = to_json({**event.extensions, **attributes})
    return Accepted(
        source=event.source,
        id=event.id,
        type=event.type,
        topic=CATALOGUE[event.type].topic,
        sender=event.sender,
        supplier_id=supplier_of(event.data),
        value=head[:-1] + b',"data":' + data + b"}",
        content=content_digest(event.type, event.time, data),
        trace_id=trace_id(event.traceparent),
    )


def content_digest(event_type: str, time: datetime, data: bytes) -> bytes:
    """Return 16 bytes that tell what an event says, whatever carried it."""
    digest = hashlib.blake2b(data, digest_size=16)
    digest.update(f"|{event_type}|{time.astimezone(UTC).isoformat()}".encode())
    return digest.digest()
