"""The intake: publishes the good ones of judged events, and reports the others.

An answer says "accepted" only of what is safe: on all in-sync replicas of the broker or, where the
broker keeps memory only, in the ledger.
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
_TRACES_TOLD: Final = 20
_FAULTS_TOLD: Final = 5000
"""Of one answer in full; of each further event the first alone. Without a bound the answer to a
body of 10 MB had 50 MB."""


@dataclass(frozen=True, slots=True)
class IntakeOutcome:
    """What became of a request's events."""

    accepted: int
    rejected: list[dict[str, Any]]
    forbidden: bool

    @property
    def status(self) -> int:
        """202 where any event was taken, or none was sent; else 403 where right alone was missing.

        422 where every one of at least one event was refused.
        """
        if self.accepted or not self.rejected:
            return 202
        return 403 if self.forbidden else 422

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"accepted": self.accepted, "rejected": self.rejected}


async def take(events: list[Any], sender: Sender, safety: Safety) -> IntakeOutcome:
    """Judge a few small events, make the good ones safe, and say what became of each.

    Raises BrokerUnavailable, as `keep` does.
    """
    return await keep([validate(event, sender) for event in events], sender, safety)


async def keep(
    judged: list[Accepted | Rejected],
    sender: Sender,
    safety: Safety,
    traceparent: str | None = None,
) -> IntakeOutcome:
    """Make the good ones of judged events safe, and say what became of each.

    Raises BrokerUnavailable: some may be stored, and sending all of them again is safe.
    """
    good = [one for one in judged if isinstance(one, Accepted)]
    if good:
        await safety.keep(good, traceparent)
    for event in good:
        ACCEPTED.labels(event.type).inc()
    rejected = []
    refusals = [(index, one) for index, one in enumerate(judged) if isinstance(one, Rejected)]
    told = 0
    for index, one in refusals:
        REJECTED.labels("gateway", "forbidden" if one.forbidden else "invalid").inc()
        shown = one.faults if told < _FAULTS_TOLD else one.faults[:1]
        told += len(shown)
        rejected.append({"index": index, "id": one.id, "errors": [f.as_json() for f in shown]})
    _tell(sender, len(refusals), good, traceparent)
    forbidden = bool(refusals) and all(one.forbidden for _, one in refusals)
    return IntakeOutcome(len(good), rejected, forbidden)


def _tell(sender: Sender, refused: int, accepted: list[Accepted], traceparent: str | None) -> None:
    # By the traces an operator finds what became of what an ERP sent; a batch may hold many.
    traces = dict.fromkeys(trace_id(one.traceparent or traceparent) for one in accepted)
    found = [one for one in traces if one is not None]
    log(
        _LOGGER,
        "events_taken",
        sender=sender.partner,
        accepted=len(accepted),
        rejected=refused,
        trace_ids=found[:_TRACES_TOLD],
    )
