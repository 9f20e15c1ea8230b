"""Validates what senders write to their inbound topics, and publishes it to the canonical topics.

The name of the topic identifies the sender. Accepts the structured and binary content modes of the
CloudEvents Kafka protocol binding 1.0.2.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from schemas.catalogue import INBOUND_PREFIX, Role
from schemas.elements import without_blanks
from schemas.validation import (
    Accepted,
    Fault,
    Rejected,
    Sender,
    Unparseable,
    parse,
    validate,
)
from services.kafka.record_headers import attributes_of, trace_of
from services.kafka.safety import Safety
from services.processor.rejections import Refusal, Rejections
from services.processor.sink import KafkaRecord
from services.runtime.turns import Turns
from services.telemetry.metrics import ACCEPTED

RolesOf = Callable[[str], tuple[Role, ...]]
"""Takes a partner id and returns the roles in which that partner may send."""

_DEFAULT_ROLES: Final = (Role.BUYER, Role.SUPPLIER)
_DECODER: Final = Turns(1, "inbound")
"""A batch may hold hundreds of records of the largest size: validating it must not block the event
loop."""


def roles_by_keys(partners: Callable[[], dict[str, tuple[Role, ...]]]) -> RolesOf:
    """Return a function that looks up a partner's roles in the key file.

    A partner that never had a key may send as buyer and as supplier, and then only events that name
    it as such. Events of the programme name neither, so they need a key of that role. A key limits
    its partner: what a supplier may not send over HTTP it may not send over Kafka either, and once
    its last key is revoked it may send nothing.
    """

    def roles(partner: str) -> tuple[Role, ...]:
        return partners().get(partner, _DEFAULT_ROLES)

    return roles


class Inbound:
    """The sink of inbound topics: publishes valid events and refuses the other records."""

    def __init__(self, safety: Safety, rejections: Rejections, roles_of: RolesOf) -> None:
        self._safety, self._rejections, self._roles_of = safety, rejections, roles_of

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Publish valid events and refuse the other records; return when both are safe.

        Raises BrokerUnavailable or StoreUnavailable: call again with the same batch.
        """
        good: list[Accepted] = []
        traces: list[str | None] = []
        refusals: list[Refusal] = []
        now = datetime.now(UTC)
        outcomes = await _DECODER.run("inbound", lambda: [self._judge(one, now) for one in records])
        for record, outcome in zip(records, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                good.append(outcome)
                traces.append(trace_of(record.headers))
            else:
                reason = "forbidden" if outcome.forbidden else "invalid"
                event = (outcome.source, outcome.id)
                refusals.append(Refusal.of_record(record, "inbound", reason, outcome.faults, event))
        if good:
            await self._safety.keep(good, traces)
        for one in good:
            ACCEPTED.labels(one.type).inc()
        await self._rejections.refuse(*refusals)

    def _judge(self, record: KafkaRecord, now: datetime) -> Accepted | Rejected:
        partner = record.topic.removeprefix(INBOUND_PREFIX)
        if not without_blanks(record.value or b""):
            return Rejected([Fault("", "the record is empty; an event is expected")])
        attributes: dict[str, str] = {}
        try:
            attributes = attributes_of(record.headers)
            raw = _event_of(record, attributes)
        except ValueError as error:
            fault = Fault("/data" if attributes else "", str(error))
            return Rejected([fault], id=attributes.get("id"), source=attributes.get("source"))
        return validate(raw, Sender(partner, self._roles_of(partner)), now=now)


def _event_of(record: KafkaRecord, attributes: dict[str, str]) -> Any:
    parsed = parse(record.value or b"")
    if not attributes:
        return parsed
    if isinstance(parsed, Unparseable):
        fault = parsed.fault
        return Unparseable(Fault("/data" + fault.pointer, fault.message), attributes.get("id"))
    return {**attributes, "data": parsed}
