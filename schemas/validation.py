"""From bytes to events: parse once, validate once, and say exactly what is wrong with the rest.

The outcome of an event is `Accepted`, in the one form that everything behind the gateway reads,
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
from schemas.envelope import Event, lawful_trace
from schemas.messages import message_of, syntax_of
from schemas.moments import ahead

MAX_EVENT_BYTES: Final = 2 * 1024 * 1024
"""Above this an event would not fit a Kafka record of the canonical topics."""


MAX_DEPTH: Final = 100
"""No document nests deeper than five; what nests deeper than this is refused without a look."""

MAX_ENTRIES: Final = 50_000
"""Of one list or object in a document: no longer list of lines fits `MAX_EVENT_BYTES`."""

MAX_VALUES: Final = 250_000
"""Of a document, with all its lists and objects: no more fit `MAX_EVENT_BYTES` either. As Python
values they take some 50 MB; without a bound a body of 10 MB could take 300."""

_MOST_ATTRIBUTES: Final = 500
_MOST_FAULTS: Final = 50
_COUNTED_FAULTS: Final = 5000
_LONGEST_TEXT: Final = 512


class NotParseable(ValueError):
    """The body as a whole is no JSON text; the message says where."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong, where (JSON pointer, "" = the event as a whole) and what to do."""

    pointer: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return the shape that answers and rejected records use.

        A field's name may be as long as the body; an answer does not repeat all of it.
        """
        return {"pointer": _short(self.pointer), "message": _short(self.message)}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid event, ready for its topic.

    `value` is the event as JSON without line breaks; `content` is a digest of what it says (type,
    time, data), by which a second event under the same source and id is told to be the same.
    `traceparent` is the event's own, where that is well-formed.
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
    """An event that is not taken, and why; `forbidden` where the sender may not send it."""

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

    def fault_in(self, value: Any, pointer: str = "", depth: int = 0) -> Fault | None:
        """Find the first duplicate key, NaN, lone surrogate or abyss in a value, depth first."""
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
                return Fault(f"{pointer}/{escape(key)}", "stands twice in the same object")
        elif isinstance(value, float):
            return Fault(pointer, "must be a number; NaN, Infinity and endless exponents are none")
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
        return math.nan  # An exponent beyond all bounds: `fault_in` finds it.


def escape(token: str) -> str:
    """Escape a reference token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def decode_text(body: bytes) -> bytes:
    """Check that a body is UTF-8 and return it without a byte-order mark; NotParseable if not."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise NotParseable(f"the body is not UTF-8: byte {error.start} is wrong") from None
    return body.removeprefix(b"\xef\xbb\xbf")


def values_in(body: bytes) -> int:
    """Return how many values a JSON text has at most: each follows a comma or opens something."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def parse(body: bytes) -> Any:
    """Parse a JSON text strictly and exactly.

    Numbers become int or Decimal. Where a strict parse fails on one part only (a duplicate key,
    NaN, half of a surrogate pair, an abyss), that part of a batch becomes `Unparseable` and its
    neighbours stay good. A text of more than `MAX_VALUES` values is `Unparseable` unseen: whoever
    reads batches cuts them into their events first.
    Raises NotParseable where the text as a whole is no JSON.
    """
    body = decode_text(body)
    if values_in(body) > MAX_VALUES:
        return Unparseable(Fault("", f"has more than {MAX_VALUES} entries, all lists together"))
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
    # The first step names the branch of the union, which is no part of the document.
    steps = location[1:] if location and location[0] in CATALOGUE else location
    # A last step "[key]" says that the key itself is wrong; the pointer names its member.
    steps = steps[:-1] if steps and steps[-1] == "[key]" else steps
    return "".join("/" + escape(str(step)) for step in steps)


def _faults(error: ValidationError, most: int) -> list[Fault]:
    count = error.error_count()
    if count > most:
        # To write them all out takes seconds in which nothing else runs.
        return [Fault("", f"has {count} faults, too many to name; is it a document at all?")]
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
    """Find what is too long to be looked at, part by part: it would hold up everybody else."""
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

    `brief`: name the faults only where they are few. Whoever judges many events asks for it once
    enough was named: to name those of thousands of bad events takes longer than all else.
    `now`: the moment of acceptance, aware, which nothing that has happened may lie far ahead of;
    default the present.
    Never raises for bad input: what is wrong comes back as `Rejected`, pointer by pointer.
    """
    event = read(raw, _MOST_FAULTS if brief else _COUNTED_FAULTS)
    if isinstance(event, Rejected):
        return event
    too_early = [Fault(*one) for one in ahead(event, now or datetime.now(UTC))]
    if too_early:
        return Rejected(too_early, id=event.id, source=event.source)
    forbidden = _forbidden(event, sender)
    if forbidden is not None:
        return Rejected([forbidden], id=event.id, source=event.source, forbidden=True)
    accepted = accept(event)
    if len(accepted.value) > MAX_EVENT_BYTES:
        fault = Fault("", f"is larger than {MAX_EVENT_BYTES} bytes; send it as several documents")
        return Rejected([fault], id=event.id, source=event.source)
    return accepted


def read(raw: Any, most_faults: int = _COUNTED_FAULTS) -> Event[Any, Any] | Rejected:
    """Read a parsed event, whoever sent it and when; `Rejected` names what is wrong with it.

    For `validate`, and for whoever reads what was accepted before.
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
    return Fault("/type", f"{event.type} of these partners may not be sent by this {roles}")


def accept(event: Event[Any, Any]) -> Accepted:
    """Write a validated event in the form of the canonical topics."""
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
        attributes.setdefault(name, value)  # nobody names their own `sender`
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
        traceparent=lawful_trace(event.traceparent),
    )


def content_digest(event_type: str, time: datetime, data: bytes) -> bytes:
    """Return 16 bytes that tell what an event says, whatever carried it."""
    digest = hashlib.blake2b(data, digest_size=16)
    digest.update(f"|{event_type}|{time.astimezone(UTC).isoformat()}".encode())
    return digest.digest()
