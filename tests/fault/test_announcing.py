"""Each change of grade or stage is announced once, whatever fails in the store or the broker."""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import count
from typing import Final

import pytest

from schemas.catalogue import READINESS
from schemas.readiness import ReadinessEvent
from services.assessment.evaluations import Announcement, EvaluationStore
from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.producer import EventProducer, Position, Record
from services.kafka.topic_reader import records_of
from services.kafka.topics import BrokerUnavailable, apply
from services.processor.announcer import Announcer
from services.readiness.policy import DEFAULT_POLICY
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.stage import STAGES
from services.readiness.summary import Summary
from services.store.client import ClickHouse, StoreUnavailable
from tests.support.storing import empty

pytestmark = pytest.mark.anyio
DAY = date(2026, 11, 1)
MOST_TRIES = 6
_NUMBERS: Final = count(1)


class UnsureProducer(EventProducer):
    """Fails `times` calls of `publish`, each after the broker took the first `takes` records."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap)
        self._times = self._takes = 0

    def fail(self, *, takes: int, times: int = 1) -> None:
        self._times, self._takes = times, takes

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        if not self._times:
            return await super().publish(records)
        self._times -= 1
        await super().publish(records[: self._takes])
        raise BrokerUnavailable("the broker did not take the events: KafkaTimeoutError()")


class UnsureStore(EvaluationStore):
    """Fails `times` writes of announcements with the given `published` state.

    It fails before the write or, if `written`, after it, as when the answer is lost.
    """

    def __init__(self, clickhouse: ClickHouse) -> None:
        super().__init__(clickhouse)
        self._times = 0
        self._published = self._written = False

    def fail(self, *, published: bool, written: bool = False, times: int = 1) -> None:
        self._times, self._published, self._written = times, published, written

    def announce(self, some: Sequence[Announcement], *, published: bool) -> None:
        fails = self._times > 0 and published is self._published and len(some) > 0
        if not fails or self._written:
            super().announce(some, published=published)
        if fails:
            self._times -= 1
            raise StoreUnavailable("Code: 210. DB::Exception: Connection reset")


class Desk:
    """A store, a broker and the announcer that works on them; `another` makes its successors."""

    def __init__(self, clickhouse: ClickHouse, bootstrap: str) -> None:
        self.clickhouse, self.bootstrap = clickhouse, bootstrap
        self.store, self.producer = UnsureStore(clickhouse), UnsureProducer(bootstrap)
        self.announcer = self.another()

    def another(self) -> Announcer:
        """Return an announcer without any state, as after a restart or in another process."""
        return Announcer(self.store, self.producer, self.bootstrap, DEFAULT_POLICY)

    def on_topic(self, name: str) -> list[ReadinessEvent]:
        """Return a supplier's events on the topic, in order; check their subject and header."""
        found = []
        for record in records_of(self.bootstrap, lambda topic: topic == READINESS):
            if record.key != name.encode():
                continue
            event = ReadinessEvent.model_validate_json(record.value)
            assert event.subject == name
            assert dict(record.headers)["content-type"].startswith(b"application/cloudevents+json")
            found.append(event)
        return found

    def changes_of(self, name: str) -> list[tuple[str | None, str | None]]:
        """Return (from, to) of each change of a supplier that is on the topic, in order.

        Asserts that the store holds the same announcements, each as published.
        """
        events = self.on_topic(name)
        rows = self.clickhouse.rows(
            "SELECT number, id, event, published FROM announcements FINAL "
            "WHERE supplier_id = {name:String} ORDER BY number",
            {"name": name},
        )
        assert [event.id for event in events] == [row["id"] for row in rows]
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
        assert [row["published"] for row in rows] == [1] * len(rows)
        assert [ReadinessEvent.model_validate_json(row["event"]) for row in rows] == events
        return [(event.data.changed.from_, event.data.changed.to) for event in events]


@pytest.fixture
async def desk(own_clickhouse: ClickHouse, broker: EmbeddedBroker) -> AsyncIterator[Desk]:
    """Return a desk with an empty store; the topic still holds the events of other tests."""
    empty(own_clickhouse)
    made = Desk(own_clickhouse, broker.bootstrap)
    yield made
    await made.producer.close()


@pytest.fixture
def name() -> str:
    """Return the name of a supplier without announcements."""
    return f"S-{next(_NUMBERS)}"


def summary_of(
    published: Letter | None, *gates: str, stages: Mapping[str, str] | None = None
) -> Summary:
    """Return a summary with the given published grade, gates and stages."""
    return Summary(
        ratios={},
        counts={},
        units={},
        score=Fraction(85),
        adds={"otif": Fraction(15)},
        weakest_pillar=None,
        grade=published,
        gates=gates,
        published=published,
        stages=stages or {},
        limits=dict.fromkeys(stages or {}, ()),
        matured_lines=20,
    )


async def tell(announcer: Announcer, name: str, summary: Summary) -> int:
    """Announce a supplier's summary, retrying until that succeeds, as the evaluator does."""
    for _ in range(MOST_TRIES):
        try:
            return await announcer.tell(DAY, {name: summary})
        except (BrokerUnavailable, StoreUnavailable):
            continue
    raise AssertionError("the announcement failed at every try")


# --- without faults


async def test_only_what_changed_is_announced(desk: Desk, name: str) -> None:
    announce = desk.announcer.tell
    assert await announce(DAY, {name: summary_of(None)}) == 0
    assert await announce(DAY, {name: summary_of("B")}) == 1
    assert await announce(DAY, {name: summary_of("B", "overdue_complaint_step")}) == 0
    assert (
        await announce(
            date(2026, 11, 2), {name: summary_of("C", "line_stops", stages={"YDBA": "Madya"})}
        )
        == 2
    )
    assert await announce(DAY, {}) == 0
    assert desk.changes_of(name) == [(None, "B"), ("B", "C"), (None, "Madya")]
    first, gated, staged = (event.data for event in desk.on_topic(name))
    assert (first.as_of, gated.as_of) == (DAY, date(2026, 11, 2))
    assert first.changed.kpi is None
    assert (gated.changed.kpi, gated.changed.gates) == ("line_stops", ["line_stops"])
    assert (gated.changed.change, gated.score) == (None, 85.0)
    # Every event of one announcement carries the state after all its changes.
    assert gated.stages == staged.stages
    assert (staged.published, staged.changed.assessor) == ("C", "YDBA")
    assert first.policy_version == DEFAULT_POLICY.version


async def test_a_figure_moved_a_grade_by_points_since_the_last_announcement(
    desk: Desk, name: str
) -> None:
    await desk.announcer.tell(DAY, {name: summary_of("B")})
    for adds in ("14.5", "13.75"):
        summary = replace(summary_of("B" if adds == "14.5" else "C"), adds={"otif": Fraction(adds)})
        await desk.announcer.tell(DAY, {name: summary})
    moved = desk.on_topic(name)[-1].data.changed
    assert (moved.kpi, moved.change) == ("otif", -1.25)
    assert len(desk.changes_of(name)) == 2


async def test_many_suppliers_are_announced_at_once(desk: Desk) -> None:
    names = [f"S-{next(_NUMBERS)}" for _ in range(40)]
    summaries = {one: summary_of("A", stages={"YDBA": "Mandiri"}) for one in names}
    assert await desk.announcer.tell(DAY, summaries) == 80
    summaries[names[7]] = summary_of("B", stages={"YDBA": "Mandiri"})
    assert await desk.announcer.tell(DAY, summaries) == 1
    records = [
        ReadinessEvent.model_validate_json(record.value)
        for record in records_of(desk.bootstrap, lambda topic: topic == READINESS)
    ]
    found = [one.id for one in records if one.subject in names]
    assert sorted(found) == sorted(
        [f"{one}:{n}" for one in names for n in (1, 2)] + [f"{names[7]}:3"]
    )


async def test_a_successor_announces_nothing_again(desk: Desk, name: str) -> None:
    await desk.announcer.tell(DAY, {name: summary_of("A", stages={"YDBA": "Madya"})})
    second = desk.another()
    assert await second.tell(DAY, {name: summary_of("A", stages={"YDBA": "Madya"})}) == 0
    assert await second.tell(DAY, {name: summary_of("B", stages={"YDBA": "Madya"})}) == 1
    # And back: an announcer forgets when its term ends.
    desk.announcer.forget()
    assert await desk.announcer.tell(DAY, {name: summary_of("B", stages={"YDBA": "Madya"})}) == 0
    assert await desk.announcer.tell(DAY, {name: summary_of("B", stages={"YDBA": "Mandiri"})}) == 1
    assert desk.changes_of(name) == [
        (None, "A"),
        (None, "Madya"),
        ("A", "B"),
        ("Madya", "Mandiri"),
    ]


# --- with one fault


FAULTS: dict[str, Callable[[Desk, int], None]] = {
    "broker-away": lambda desk, times: desk.producer.fail(takes=0, times=times),
    "broker-took-one": lambda desk, times: desk.producer.fail(takes=1, times=times),
    "broker-took-all": lambda desk, times: desk.producer.fail(takes=9, times=times),
    "not-written": lambda desk, times: desk.store.fail(published=False, times=times),
    "written-unanswered": lambda desk, times: desk.store.fail(
        published=False, written=True, times=times
    ),
    "not-marked": lambda desk, times: desk.store.fail(published=True, times=times),
    "marked-unanswered": lambda desk, times: desk.store.fail(
        published=True, written=True, times=times
    ),
}
FAILED = (BrokerUnavailable, StoreUnavailable)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("by", ["the-same", "another"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_despite_a_fault_each_change_is_announced_once(
    desk: Desk, name: str, fault: str, by: str, times: int
) -> None:
    first, failed = summary_of("A"), summary_of("B", stages={"YDBA": "Madya"})
    await desk.announcer.tell(DAY, {name: first})
    FAULTS[fault](desk, times)
    with pytest.raises(FAILED):
        await desk.announcer.tell(DAY, {name: failed})
    announcer = desk.announcer if by == "the-same" else desk.another()
    await tell(announcer, name, failed)
    assert await announcer.tell(DAY, {name: failed}) == 0
    assert await desk.another().tell(DAY, {name: failed}) == 0
    steps = [(None, "A"), ("A", "B"), (None, "Madya")]
    assert desk.changes_of(name) == steps
    await tell(announcer, name, summary_of("C", stages={"YDBA": "Madya"}))
    assert desk.changes_of(name) == [*steps, ("B", "C")]


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        ("broker-away", [("A", "B"), ("B", "D")]),
        ("broker-took-all", [("A", "B"), ("B", "D")]),
        ("not-marked", [("A", "B"), ("B", "D")]),
        # B was never stored, so it was never announced: A to D is one change.
        ("not-written", [("A", "D")]),
    ],
)
async def test_a_supplier_may_change_while_nothing_can_be_announced(
    desk: Desk, name: str, fault: str, steps: list[tuple[str, str]]
) -> None:
    await desk.announcer.tell(DAY, {name: summary_of("A")})
    FAULTS[fault](desk, 1)
    with pytest.raises(FAILED):
        await desk.announcer.tell(DAY, {name: summary_of("B")})
    assert await desk.another().tell(DAY, {name: summary_of("D")}) == 1
    assert desk.changes_of(name) == [(None, "A"), *steps]
    assert [event.data.published for event in desk.on_topic(name)][-1] == "D"


@pytest.mark.parametrize("fault", ["broker-away", "broker-took-all"])
async def test_what_another_announcer_left_in_doubt_is_settled_though_nothing_changed(
    desk: Desk, name: str, fault: str
) -> None:
    FAULTS[fault](desk, 1)
    with pytest.raises(BrokerUnavailable):
        await desk.announcer.tell(DAY, {name: summary_of("A")})
    assert await desk.another().tell(DAY, {}) == 0
    assert desk.changes_of(name) == [(None, "A")]
    # The announcer that failed takes over again: it does not announce it twice.
    desk.announcer.forget()
    assert await desk.announcer.tell(DAY, {name: summary_of("A")}) == 0
    assert desk.changes_of(name) == [(None, "A")]


async def test_on_a_compacted_topic_the_last_event_stands_for_the_ones_before_it(
    desk: Desk, name: str
) -> None:
    desk.store.fail(published=True)
    with pytest.raises(StoreUnavailable):
        await desk.announcer.tell(DAY, {name: summary_of("A", stages={"YDBA": "Madya"})})
    written = desk.store.unpublished()
    assert [one.number for one in written] == [1, 2]
    with EmbeddedBroker() as compacted:
        apply(compacted.bootstrap, partitions=1, replication=1)
        later = Desk(desk.clickhouse, compacted.bootstrap)
        await later.producer.publish([Record(READINESS, name.encode(), written[1].event)])
        assert (
            await later.announcer.tell(DAY, {name: summary_of("A", stages={"YDBA": "Madya"})}) == 0
        )
        found = list(records_of(compacted.bootstrap, lambda topic: topic == READINESS))
        assert [record.value for record in found] == [written[1].event]
        assert desk.store.unpublished() == []
        await later.producer.close()


async def test_a_broker_that_lost_its_topics_gets_only_what_was_never_published(
    desk: Desk, name: str
) -> None:
    await desk.announcer.tell(DAY, {name: summary_of("A")})
    desk.producer.fail(takes=0)
    with pytest.raises(BrokerUnavailable):
        await desk.announcer.tell(DAY, {name: summary_of("B")})
    with EmbeddedBroker() as fresh:
        apply(fresh.bootstrap, partitions=3, replication=1)
        later = Desk(desk.clickhouse, fresh.bootstrap)
        assert await later.announcer.tell(DAY, {name: summary_of("B")}) == 0
        assert [event.id for event in later.on_topic(name)] == [f"{name}:2"]
        assert desk.store.unpublished() == []
        assert await later.another().tell(DAY, {name: summary_of("B")}) == 0
        await later.producer.close()


# --- with many faults


@pytest.mark.parametrize("seed", range(3))
async def test_over_faults_and_restarts_each_change_is_announced_once(
    desk: Desk, seed: int
) -> None:
    rng = random.Random(seed)
    names = [f"S-{next(_NUMBERS)}" for _ in range(3)]
    stand = {one: summary_of(None) for one in names}
    announcer = desk.announcer
    failures = 0
    for _ in range(20):
        moved = rng.choice(names)
        letter = rng.choice((None, *LETTERS))
        stages: dict[str, str] = {rng.choice(("AHM", "YDBA")): rng.choice(STAGES)}
        stand[moved] = summary_of(letter, stages=stages)
        if rng.random() < 0.6:
            FAULTS[rng.choice(list(FAULTS))](desk, rng.choice((1, 1, 2)))
        try:
            await announcer.tell(DAY, stand)
        except FAILED:
            failures += 1
            if rng.random() < 0.5:
                announcer = desk.another()
    for _ in range(MOST_TRIES):
        try:
            await announcer.tell(DAY, stand)
        except FAILED:
            continue
    assert failures > 3
    for one in names:
        desk.changes_of(one)
        assert_changes_lead_to(desk.on_topic(one), stand[one])
    assert await desk.another().tell(DAY, stand) == 0


def assert_changes_lead_to(events: Sequence[ReadinessEvent], summary: Summary) -> None:
    """Assert that each change starts where the last one ended, and the last ends at `summary`."""
    standing: dict[str | None, str | None] = {}
    for event in events:
        change = event.data.changed
        assert change.from_ == standing.get(change.assessor)
        standing[change.assessor] = change.to
        assert event.time <= datetime.now(UTC)
    assert standing.pop(None, None) == summary.published
    assert {name: one for name, one in standing.items() if one is not None} == summary.stages
