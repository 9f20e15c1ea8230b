"""Publishes changes of grade or stage on `rantai.readiness`, each once, even across restarts.

Each announcement is stored as unpublished before it is published, and as published once the broker
has confirmed it. After a failure or a restart, the announcements that are still stored as
unpublished are compared with the topic first, so that none is sent twice.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Final

import simplejson

from schemas.catalogue import READINESS
from schemas.readiness import AssessedStage, Change, ReadinessChanged, readiness_event
from services.assessment.evaluations import Announcement, EvaluationStore
from services.kafka.producer import EventProducer, Record
from services.kafka.topic_reader import records_of
from services.readiness.changes import GATE_FIGURES, AnnouncedState, StandingChange, changes
from services.readiness.policy import Policy
from services.readiness.summary import Summary
from services.runtime.turns import Turns
from services.telemetry.metrics import ANNOUNCED

_CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json; charset=utf-8")


class Announcer:
    """Publishes what changed about suppliers since their last announcement.

    Only one announcer may work at a time: `evaluator.Evaluations` sees to that.
    """

    def __init__(
        self,
        store: EvaluationStore,
        producer: EventProducer,
        bootstrap: str,
        policy: Policy,
    ) -> None:
        self._store, self._producer = store, producer
        self._bootstrap, self._policy = bootstrap, policy
        self._threads = Turns(1, "announcer")
        self._caps = {gate: policy.grade.gates.cap(gate) for gate in GATE_FIGURES}
        self._told: dict[str, tuple[int, AnnouncedState]] | None = None
        self._in_doubt = True

    def forget(self) -> None:
        """Drop the cached announcements: another process may have published more since."""
        self._told, self._in_doubt = None, True

    async def tell(self, as_of: date, summaries: Mapping[str, Summary]) -> int:
        """Announce what changed since the last announcements; return the number of changes.

        `as_of`: the day of the summaries, which are keyed by supplier id. Raises
        BrokerUnavailable, StoreUnavailable or StoreRefused: call it again then.
        """
        if self._in_doubt:
            await self._settle()
        told = self._told
        if told is None:
            told = self._told = {
                name: (number, AnnouncedState.from_json(state))
                for name, (number, state) in (
                    await self._threads.run("", self._store.announced)
                ).items()
            }
        new = [
            one
            for name, summary in summaries.items()
            for one in self._announcements(
                name, as_of, summary, *told.get(name, (0, AnnouncedState()))
            )
        ]
        if not new:
            return 0
        # Until they are published and stored as published, it is unknown which the broker has.
        self._in_doubt = True
        await self._threads.run("", lambda: self._store.announce(new, published=False))
        await self._publish(new)
        for one in new:
            told[one.supplier_id] = (one.number, AnnouncedState.from_json(one.state))
        self._in_doubt = False
        return len(new)

    def _announcements(
        self, supplier_id: str, as_of: date, summary: Summary, number: int, before: AnnouncedState
    ) -> Iterable[Announcement]:
        now = AnnouncedState.of(summary)
        for at, change in enumerate(changes(before, now, self._caps), number + 1):
            name = f"{supplier_id}:{at}"
            data = _document(supplier_id, as_of, self._policy.version, summary, change)
            event = readiness_event(data, id=name, time=datetime.now(UTC))
            yield Announcement(supplier_id, at, name, event, now.as_json())

    async def _publish(self, some: list[Announcement]) -> None:
        await self._producer.publish(
            [
                Record(READINESS, one.supplier_id.encode(), one.event, (_CONTENT_TYPE,))
                for one in some
            ]
        )
        await self._threads.run("", lambda: self._store.announce(some, published=True))
        ANNOUNCED.inc(len(some))

    async def _settle(self) -> None:
        """Publish the announcements that are stored as unpublished and are not on the topic."""
        self._told = None
        waiting = await self._threads.run("", self._store.unpublished)
        if waiting:
            there = await self._threads.run("", lambda: _numbers_on_topic(self._bootstrap))
            # By number, not by id: a compacted topic keeps only a supplier's last announcement.
            on_topic = [one for one in waiting if one.number <= there.get(one.supplier_id, 0)]
            await self._threads.run("", lambda: self._store.announce(on_topic, published=True))
            missing = [one for one in waiting if one.number > there.get(one.supplier_id, 0)]
            if missing:
                await self._publish(missing)
        self._in_doubt = False


def _numbers_on_topic(bootstrap: str) -> dict[str, int]:
    """Return the number of each supplier's last announcement on the topic."""
    found: dict[str, int] = {}
    for record in records_of(bootstrap, lambda topic: topic == READINESS):
        try:
            supplier_id, _, number = str(simplejson.loads(record.value)["id"]).rpartition(":")
            found[supplier_id] = max(found.get(supplier_id, 0), int(number))
        except (TypeError, ValueError, KeyError):
            continue  # not an announcement: a tombstone, or a record of another producer
    return found


def _document(
    supplier_id: str, as_of: date, policy_version: str, summary: Summary, change: StandingChange
) -> ReadinessChanged:
    return ReadinessChanged(
        supplier_id=supplier_id,
        as_of=as_of,
        policy_version=policy_version,
        changed=Change.model_validate(
            {
                "what": change.what,
                "assessor": change.assessor,
                "from": change.before,
                "to": change.after,
                "kpi": change.kpi,
                "change": change.points,
                "gates": list(change.gates),
                "limits": list(change.limits),
            }
        ),
        published=summary.published,
        stages=[
            AssessedStage.model_validate({"assessor": name, "value": value})
            for name, value in sorted(summary.stages.items())
        ],
        score=summary.value,
    )
