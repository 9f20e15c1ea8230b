"""The intake: publishes the accepted events of a request and reports the rejected ones.

An answer counts an event as accepted only once it is safe: on all in-sync replicas of the broker
or, on the embedded broker, in the ledger.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

from schemas.envelope import trace_id
from schemas.validation import Accepted, Rejected, Sender, validate
from services.kafka.safety import Safety
from services.telemetry.logs import log
from services.telemetry.metrics import ACCEPTED, REJECTED

_LOGGER: Final = logging.getLogger("rantai.gateway")
_MOST_TRACES: Final = 20
"""Trace ids in one log entry."""

_MOST_FAULTS: Final = 5000
"""Faults listed in one answer before each further event is listed with its first fault only.
Without a bound, the answer to a body of 10 MB had 50 MB."""


@dataclass(frozen=True, slots=True)
class IntakeOutcome:
    """What became of a request's events.

    `accepted`: how many are safe. `rejected`: one entry for each other event, as the answer has it.
    `forbidden`: whether every rejected event failed only because the sender may not send it.
    """

    accepted: int
    rejected: list[dict[str, Any]]
    forbidden: bool

    @property
    def status(self) -> int:
        """The status of the answer: 202 if any event was accepted or none was sent.

        Otherwise 403 if the sender may not send any of them, else 422.
        """
        if self.accepted or not self.rejected:
            return 202
        return 403 if self.forbidden else 422

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"accepted": self.accepted, "rejected": self.rejected}


async def validate_and_publish(events: list[Any], sender: Sender, safety: Safety) -> IntakeOutcome:
    """Validate a few small events, make the accepted ones safe, and return what became of each.

    The pages send their forms this way. Raises BrokerUnavailable as `publish_accepted` does.
    """
    return await publish_accepted([validate(event, sender) for event in events], sender, safety)


async def publish_accepted(
    judged: list[Accepted | Rejected],
    sender: Sender,
    safety: Safety,
    traceparent: str | None = None,
) -> IntakeOutcome:
    """Make the accepted ones of validated events safe, and return what became of each.

    `traceparent`: of the request, for events that have none of their own.
    Raises BrokerUnavailable: some events may be stored already; sending all of them again is safe.
    """
    good = [one for one in judged if isinstance(one, Accepted)]
    if good:
        await safety.keep(good, traceparent)
    for event in good:
        ACCEPTED.labels(event.type).inc()
    rejected = []
    refusals = [(index, one) for index, one in enumerate(judged) if isinstance(one, Rejected)]
    listed = 0
    for index, one in refusals:
        REJECTED.labels("gateway", "forbidden" if one.forbidden else "invalid").inc()
        shown = one.faults if listed < _MOST_FAULTS else one.faults[:1]
        listed += len(shown)
        rejected.append({"index": index, "id": one.id, "errors": [f.as_json() for f in shown]})
    _log_intake(sender, len(refusals), good, traceparent)
    forbidden = bool(refusals) and all(one.forbidden for _, one in refusals)
    return IntakeOutcome(len(good), rejected, forbidden)


def _log_intake(
    sender: Sender, refused: int, accepted: list[Accepted], traceparent: str | None
) -> None:
    # Trace ids let an operator find what became of an ERP's events; a batch may hold many.
    traces = dict.fromkeys(trace_id(one.traceparent or traceparent) for one in accepted)
    found = [one for one in traces if one is not None]
    log(
        _LOGGER,
        "events_taken",
        sender=sender.partner,
        accepted=len(accepted),
        rejected=refused,
        trace_ids=found[:_MOST_TRACES],
    )
