"""Parse and validate events, and name exactly what is wrong with those that are refused.

The outcome for an event is `Accepted`, in the one form that everything behind the gateway reads,
or `Rejected`, with a JSON pointer and a message for each fault.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import jiter
from pydantic import ValidationError
from pydantic_core import to_json

from schemas.catalogue import CATALOGUE, EVENT, Role, may_send, supplier_of
from schemas.envelope import Event, valid_traceparent
from schemas.messages import message_of, syntax_of
from schemas.moments import future_faults

MAX_EVENT_BYTES: Final = 2 * 1024 * 1024
"""A larger event would not fit into a Kafka record of the canonical topics."""


MAX_DEPTH: Final = 100
"""No document nests deeper than five levels; what nests deeper than this is not examined further
and refused."""

MAX_ENTRIES: Final = 50_000
"""The most entries of one list or object in a document: no longer list of lines fits into
`MAX_EVENT_BYTES`."""

MAX_VALUES: Final = 250_000
"""The most values of a document, in all its lists and objects: no more fit into `MAX_EVENT_BYTES`.
As Python values they take some 50 MB; without a bound a body of 10 MB could take 300 MB."""

_MOST_ATTRIBUTES: Final = 500
_MOST_FAULTS: Final = 50
_COUNTED_FAULTS: Final = 5000
_LONGEST_TEXT: Final = 512


class NotParseable(ValueError):
    """The body as a whole is not JSON; the message says where."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an event: where (JSON pointer, "" = the whole event) and what to do."""

    pointer: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return the fault in the shape of answers and rejected records.

        Long texts are cut: a field's name may be as long as the body.
        """
        return {"pointer": _short(self.pointer), "message": _short(self.message)}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid event, ready for its topic.

    `value` is the event as JSON without line breaks. `content` is a digest of type, time and data,
    which tells a resend from a conflict when a second event has the same source and id.
    `traceparent` is the event's own, if that is well-formed.
    """

    source: str
    id: str
    type: str
    topic: str
    sender: str
    supplier_id: str
    value: bytes
    content: bytes
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that is refused, and why; `forbidden` if the sender is not allowed to send it."""

    faults: list[Fault]
    id: str | None = None
    source: str | None = None
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """A partner that sends events, and the roles in which it may."""

    partner: str
    roles: tuple[Role, ...]


@dataclass(slots=True)
class Unparseable:
    """Takes the place of an event, alone or in a batch, that is JSON but can't be validated."""

    fault: Fault
    id: str | None = None


@dataclass(slots=True)
class _Marks:
    """Parsed objects with duplicate keys, by identity, so that they can stay plain dicts.

    `kept` holds on to these objects, so that no other object gets the same `id()`.
    """

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

    def fault_in(self, value: Any, pointer: str = "", depth: int = 0) -> Fault | None:
        """Find the first duplicate key, NaN, lone surrogate or too deep nesting, depth first."""
        fault = self._own_fault(value, pointer, depth)
        if fault is not None or not isinstance(value, (dict, list)):
            return fault
        children = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in children:
            fault = self.fault_in(child, f"{pointer}/{escape(str(key))}", depth + 1)
            if fault is not None:
                return fault
        return None

    def _own_fault(self, value: Any, pointer: str, depth: int) -> Fault | None:
        if depth > MAX_DEPTH:
            return Fault("", f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            if not all(_is_unicode(key) for key in value):
                return Fault(pointer, "has a key with half of a surrogate pair; not valid Unicode")
            if id(value) in self.duplicates:
                key = self.duplicates[id(value)]
                return Fault(f"{pointer}/{escape(key)}", "appears twice in the same object")
        elif isinstance(value, float):
            return Fault(pointer, "must be a number, not NaN, Infinity or an endless exponent")
        elif isinstance(value, str) and not _is_unicode(value):
            return Fault(pointer, "has half of a surrogate pair; not valid Unicode")
        return None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(text: str) -> int | Decimal:
    # int() refuses thousands of digits; as a Decimal such a number fails at its own field.
    return int(text) if len(text) < 1000 else Decimal(text)


def _fraction(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except InvalidOperation:
        return math.nan  # The exponent is out of bounds; `fault_in` reports it.


def escape(token: str) -> str:
    """Escape a reference token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def utf8_body(body: bytes) -> bytes:
    """Return a body, still as bytes, without its byte-order mark.

    Raises NotParseable if it is not UTF-8.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise NotParseable(f"the body is not UTF-8: byte {error.start} is wrong") from None
    return body.removeprefix(b"\xef\xbb\xbf")


def max_values_in(body: bytes) -> int:
    """Return how many values a JSON text has at most: its commas and opening brackets."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def parse(body: bytes) -> Any:
    """Parse a JSON text strictly and exactly.

    Numbers become int or Decimal. If the strict parse fails on one element of a list only (for a
    duplicate key, NaN, half of a surrogate pair, or too deep nesting), that element becomes
    `Unparseable` and the others stay good. A text of more than `MAX_VALUES` values is returned as
    `Unparseable` without being parsed: callers that read batches split them into events first.
    Raises NotParseable if the text as a whole is not JSON.
    """
    body = utf8_body(body)
    if max_values_in(body) > MAX_VALUES:
        return Unparseable(Fault("", f"has more than {MAX_VALUES} entries in all lists together"))
    try:
        return jiter.from_json(
            body, float_mode="decimal", catch_duplicate_keys=True, allow_inf_nan=False
        )
    except (ValueError, InvalidOperation):
        return _parse_part_by_part(body.decode())


def _parse_part_by_part(text: str) -> Any:
    marks = _Marks()
    try:
        value = json.loads(
            text, parse_float=_fraction, parse_int=_integer, object_pairs_hook=marks.pairs
        )
    except json.JSONDecodeError as error:
        raise NotParseable(syntax_of(error)) from None
    except RecursionError:
        raise NotParseable("not JSON that can be read: it is nested too deeply") from None
    if not isinstance(value, list):
        return _unless_faulty(value, marks)
    return [_unless_faulty(element, marks) for element in value]


def _unless_faulty(value: Any, marks: _Marks) -> Any:
    fault = marks.fault_in(value)
    if fault is None:
        return value
    name = _text_of(value, "id")
    return Unparseable(fault, name if name is not None and _is_unicode(name) else None)


def _pointer(location: tuple[int | str, ...]) -> str:
    # The first step names the branch of the union, which is not part of the document.
    steps = location[1:] if location and location[0] in CATALOGUE else location
    # A last step "[key]" means that the key itself is wrong; the pointer then names its member.
    steps = steps[:-1] if steps and steps[-1] == "[key]" else steps
    return "".join("/" + escape(str(step)) for step in steps)


def _faults(error: ValidationError, most: int) -> list[Fault]:
    count = error.error_count()
    if count > most:
        # Writing them all out takes seconds, during which nothing else runs.
        return [Fault("", f"has {count} faults, too many to name; is it a document of this type?")]
    faults = []
    rows = error.errors(include_url=False, include_input=False)
    for row in rows[:_MOST_FAULTS]:
        tag = row["type"].startswith("union_tag")
        faults.append(Fault("/type" if tag else _pointer(row["loc"]), message_of(row)))
    return faults


def _text_of(raw: Any, name: str) -> str | None:
    value = raw.get(name) if isinstance(raw, dict) else None
    return value[:_LONGEST_TEXT] if isinstance(value, str) else None


def _too_many(event: dict[str, Any]) -> Fault | None:
    """Find a list or object with too many entries: validating it would hold up all requests."""
    if len(event) > _MOST_ATTRIBUTES:
        return Fault("", f"has more than {_MOST_ATTRIBUTES} attributes")
    data = event.get("data")
    if not isinstance(data, dict):
        return None
    for pointer, value in (("", data), *data.items()):
        if isinstance(value, (dict, list)) and len(value) > MAX_ENTRIES:
            place = f"/{escape(pointer)}" if pointer else ""
            return Fault(f"/data{place}", f"has more than {MAX_ENTRIES} entries")
    return None


def validate(
    raw: Any, sender: Sender, *, brief: bool = False, now: datetime | None = None
) -> Accepted | Rejected:
    """Judge one parsed event of a sender.

    `brief`: name the faults only if they are few. Callers that judge many events set it once enough
    faults are named: naming those of thousands of bad events takes longer than all else.
    `now`: when the event is accepted, timezone-aware, by default the present; what the event
    reports as having happened must not lie far after it.
    Never raises for bad input: faults come back as `Rejected`.
    """
    event = read_event(raw, _MOST_FAULTS if brief else _COUNTED_FAULTS)
    if isinstance(event, Rejected):
        return event
    in_future = [Fault(*one) for one in future_faults(event, now or datetime.now(UTC))]
    if in_future:
        return Rejected(in_future, id=event.id, source=event.source)
    forbidden = _forbidden(event, sender)
    if forbidden is not None:
        return Rejected([forbidden], id=event.id, source=event.source, forbidden=True)
    accepted = to_canonical(event)
    if len(accepted.value) > MAX_EVENT_BYTES:
        fault = Fault("", f"is larger than {MAX_EVENT_BYTES} bytes; send it as several documents")
        return Rejected([fault], id=event.id, source=event.source)
    return accepted


def read_event(raw: Any, most_faults: int = _COUNTED_FAULTS) -> Event[Any, Any] | Rejected:
    """Validate a parsed event, but not its sender nor its times; `Rejected` names the faults.

    For `validate`, and for code that reads events which were accepted before. With more faults
    than `most_faults` only their number is named.
    """
    if isinstance(raw, Unparseable):
        return Rejected([raw.fault], id=raw.id)
    if not isinstance(raw, dict):
        return Rejected([Fault("", "must be a JSON object: one CloudEvent")])
    fault = _too_many(raw)
    if fault is not None:
        return Rejected([fault], id=_text_of(raw, "id"), source=_text_of(raw, "source"))
    try:
        event: Event[Any, Any] = EVENT.validate_python(raw)
    except ValidationError as error:
        faults = _faults(error, most_faults)
    except (RecursionError, UnicodeError, OverflowError) as error:
        faults = [Fault("", f"cannot be read: {type(error).__name__}")]
    else:
        return event
    return Rejected(faults, id=_text_of(raw, "id"), source=_text_of(raw, "source"))


def _forbidden(event: Event[Any, Any], sender: Sender) -> Fault | None:
    if event.sender != sender.partner:
        return Fault("/source", f"must be a source of your own: /erp/{sender.partner}/...")
    if any(may_send(role, sender.partner, event.type, event.data) for role in sender.roles):
        return None
    if not sender.roles:
        return Fault("", f"every key of {sender.partner} is revoked; it may send nothing")
    roles = " or ".join(sender.roles)
    return Fault("/type", f"{event.type} for these partners may not be sent by this {roles}")


def to_canonical(event: Event[Any, Any]) -> Accepted:
    """Return a validated event in the form in which the canonical topics carry it."""
    data = event.data.__pydantic_serializer__.to_json(event.data, exclude_none=True)
    partner = event.sender
    attributes: dict[str, Any] = {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
        "sender": partner,
    }
    for name in ("subject", "dataschema", "traceparent"):
        value = getattr(event, name)
        if value is not None:
            attributes[name] = value
    for name, value in event.extensions.items():
        attributes.setdefault(name, value)  # An extension must not replace `sender`.
    head: bytes = to_json(attributes)
    return Accepted(
        source=event.source,
        id=event.id,
        type=event.type,
        topic=CATALOGUE[event.type].topic,
        sender=partner,
        supplier_id=supplier_of(event.data),
        value=head[:-1] + b',"data":' + data + b"}",
        content=content_digest(event.type, event.time, data),
        traceparent=valid_traceparent(event.traceparent),
    )


def content_digest(event_type: str, time: datetime, data: bytes) -> bytes:
    """Return a 16-byte digest of an event's content, whatever way the event came.

    `data`: the document as canonical topics carry it.
    """
    digest = hashlib.blake2b(data, digest_size=16)
    digest.update(f"|{event_type}|{time.astimezone(UTC).isoformat()}".encode())
    return digest.digest()
