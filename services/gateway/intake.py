"""The intake: validates the events of a request, publishes the good ones, reports the others.

An answer says "accepted" only of what is safe: on all in-sync replicas of the broker or, where the
broker keeps memory only, in the ledger.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

from schemas.envelope import trace_id
from schemas.validation import Accepted, Rejected, Sender, validate
from services.bus.safety import Safety
from services.telemetry.logs import log
from services.telemetry.metrics import ACCEPTED, REJECTED

_LOGGER: Final = logging.getLogger("rantai.gateway")
_TRACES_TOLD: Final = 20
_INLINE_EVENTS: Final = 50
"""Up to this many are validated on the event loop; more would hold up other requests."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request's events."""

    accepted: int
    rejected: list[dict[str, Any]]
    forbidden: bool

    @property
    def status(self) -> int:
        """202 where any event was taken; else 403 where right alone was missing; else 422."""
        if self.accepted:
            return 202
        return 403 if self.forbidden else 422

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"accepted": self.accepted, "rejected": self.rejected}


async def take(
    events: list[Any],
    sender: Sender,
    safety: Safety,
    traceparent: str | None = None,
    *,
    inline: bool = False,
) -> Outcome:
    """Judge parsed events, make the good ones safe, and say what became of each.

    `inline`: on the event loop, where they are few and small; else in a thread beside it.

    Raises BrokerUnavailable: then nothing is claimed, and sending all again is safe.
    """
    if inline and len(events) <= _INLINE_EVENTS:
        judged = [validate(event, sender) for event in events]
    else:
        judged = await asyncio.to_thread(lambda: [validate(event, sender) for event in events])
    good = [one for one in judged if isinstance(one, Accepted)]
    if good:
        await safety.keep(good, traceparent)
    for event in good:
        ACCEPTED.labels(event.type).inc()
    rejected = []
    refusals = [(index, one) for index, one in enumerate(judged) if isinstance(one, Rejected)]
    for index, one in refusals:
        REJECTED.labels("gateway", "forbidden" if one.forbidden else "invalid").inc()
        faults = [fault.as_json() for fault in one.faults]
        rejected.append({"index": index, "id": one.id, "errors": faults})
    _tell(sender, len(refusals), good, traceparent)
    forbidden = bool(refusals) and all(one.forbidden for _, one in refusals)
    return Outcome(len(good), rejected, forbidden)


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
