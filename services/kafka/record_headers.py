"""What a record says beside its value: its name, its time of acceptance, an event's attributes.

The processor that refuses a record and the reconciliation that looks for it use the same name.
"""

from collections.abc import Iterable
from typing import Final

from schemas.envelope import valid_traceparent

TRACE_HEADER: Final = "traceparent"
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED: Final = b"application/cloudevents"
_PREFIX: Final = "ce_"
_EARLIEST_MS: Final = 2 * 24 * 3600 * 1000
_LATEST_MS: Final = 9_000_000_000_000

Headers = Iterable[tuple[str, bytes | None]]


def record_name(topic: str, partition: int, offset: int, timestamp: int) -> str:
    """Return a name for a record that stays unique if its topic is deleted and created again."""
    return f"{topic}:{partition}:{offset}:{timestamp}"


def accepted_ms(timestamp: int) -> int:
    """Return a record's time of acceptance in milliseconds, clamped to what the store can hold.

    A broker that keeps the sender's timestamp (the embedded one does) may return any number.
    """
    return min(max(timestamp, _EARLIEST_MS), _LATEST_MS)


def attributes_of(headers: Headers) -> dict[str, str]:
    """Return an event's CloudEvents attributes in binary content mode; none in structured mode.

    Raises ValueError if a value is not UTF-8: replacing bytes could make two ids equal.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() == _CONTENT_TYPE and (value or b"").lower().startswith(_STRUCTURED):
            return {}
        if name.startswith(_PREFIX):
            try:
                found[name.removeprefix(_PREFIX)] = (value or b"").decode()
            except UnicodeDecodeError:
                raise ValueError(f"header {name} is not UTF-8") from None
    return found


def trace_of(headers: Headers) -> str | None:
    """Return the W3C traceparent of the record that carried an event; None without a valid one."""
    for name, value in headers:
        if name in (TRACE_HEADER, _PREFIX + TRACE_HEADER) and value is not None:
            return valid_traceparent(value.decode(errors="replace"))
    return None
