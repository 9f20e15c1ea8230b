"""What a record tells beside its value: its name, when it was accepted, an event's attributes.

The processor refuses records and the reconciliation looks for them: both name them alike.
"""

from collections.abc import Iterable
from typing import Final

from schemas.envelope import lawful_trace

TRACE_HEADER: Final = "traceparent"
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED: Final = b"application/cloudevents"
_PREFIX: Final = "ce_"
_EARLIEST_MS: Final = 2 * 24 * 3600 * 1000
_LATEST_MS: Final = 9_000_000_000_000

Headers = Iterable[tuple[str, bytes | None]]


def record_name(topic: str, partition: int, offset: int, timestamp: int) -> str:
    """Return what names a record, also where a topic of this name is made anew."""
    return f"{topic}:{partition}:{offset}:{timestamp}"


def accepted_ms(timestamp: int) -> int:
    """Return when a record was accepted, in milliseconds, within what the store can hold.

    A broker that keeps the sender's own time (the embedded one does) may hand out any number.
    """
    return min(max(timestamp, _EARLIEST_MS), _LATEST_MS)


def attributes_of(headers: Headers) -> dict[str, str]:
    """Return the attributes of an event in binary content mode; none in structured mode.

    Raises ValueError where one is no UTF-8: replaced bytes would make one id of two.
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
    """Return the W3C traceparent of what carried an event, None where there is no lawful one."""
    for name, value in headers:
        if name in (TRACE_HEADER, _PREFIX + TRACE_HEADER) and value is not None:
            return lawful_trace(value.decode(errors="replace"))
    return None
