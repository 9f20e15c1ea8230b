"""Each change of a grade or stage is told once, whatever fails between the store and the broker."""

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
    """Fails as often as told: after the broker took so many records of those to be published."""

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
    """Fails as often as told to write announcements down, `published` or not.

    It fails before they are written or, where `written`, after: then its answer is lost.
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
    """A store and a broker, the announcer at work on them, and any number that come after it."""

    def __init__(self, clickhouse: ClickHouse, bootstrap: str) -> None:
        self.clickhouse, self.bootstrap = clickhouse, bootstrap
        self.store, self.producer = UnsureStore(clickhouse), UnsureProducer(bootstrap)
        self.announcer = self.another()

    def another(self) -> Announcer:
        """Return an announcer that knows nothing, as after a restart or in another process."""
        return Announcer(self.store, self.producer, self.bootstrap, DEFAULT_POLICY)

    def on_topic(self, name: str) -> list[ReadinessEvent]:
        """Return what the broker has of a supplier, in its order; check what goes with it."""
        found = []
        for record in records_of(self.bootstrap, lambda topic: topic == READINESS):
            if record.key != name.encode():
                continue
            event = ReadinessEvent.model_validate_json(record.value)
            assert event.subject == name
            assert dict(record.headers)["content-type"].startswith(b"application/cloudevents+json")
            found.append(event)
        return found

    def told(self, name: str) -> list[tuple[str | None, str | None]]:
        """Return from where to where each change of a supplier went, as the broker has them.

        The store has written down the same ones, each as published.
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
    """Return a desk with an empty store; the topic holds what other tests told of theirs."""
    empty(own_clickhouse)
    made = Desk(own_clickhouse, broker.bootstrap)
    yield made
    await made.producer.close()


@pytest.fixture
def name() -> str:
    """Name a supplier of which nothing was told yet."""
    return f"S-{next(_NUMBERS)}"


def stands(
    published: Letter | None, *gates: str, stages: Mapping[str, str] | None = None
) -> Summary:
    """Return how a supplier stands, as far as it is told."""
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
    """Tell how a supplier stands again and again until that works, as an evaluator does."""
    for _ in range(MOST_TRIES):
        try:
            return await announcer.tell(DAY, {name: summary})
        except (BrokerUnavailable, StoreUnavailable):
            continue
    raise AssertionError("it could not be told")


# --- without faults


async def test_what_changed_is_told_and_what_did_not_is_not(desk: Desk, name: str) -> None:
    tell_of = desk.announcer.tell
    assert await tell_of(DAY, {name: stands(None)}) == 0
    assert await tell_of(DAY, {name: stands("B")}) == 1
    assert await tell_of(DAY, {name: stands("B", "overdue_complaint_step")}) == 0
    assert (
        await tell_of(
            date(2026, 11, 2), {name: stands("C", "line_stops", stages={"YDBA": "Madya"})}
        )
        == 2
    )
    assert await tell_of(DAY, {}) == 0
    assert desk.told(name) == [(None, "B"), ("B", "C"), (None, "Madya")]
    first, gated, staged = (event.data for event in desk.on_topic(name))
    assert (first.as_of, gated.as_of) == (DAY, date(2026, 11, 2))
    assert first.changed.kpi is None
    assert (gated.changed.kpi, gated.changed.gates) == ("line_stops", ["line_stops"])
    assert (gated.changed.change, gated.score) == (None, 85.0)
    # Every event says how the supplier stands after all of them.
    assert gated.stages == staged.stages
    assert (staged.published, staged.changed.assessor) == ("C", "YDBA")
    assert first.policy_version == DEFAULT_POLICY.version


async def test_a_figure_moved_a_grade_by_points_since_it_was_last_told(
    desk: Desk, name: str
) -> None:
    await desk.announcer.tell(DAY, {name: stands("B")})
    for adds in ("14.5", "13.75"):
        summary = replace(stands("B" if adds == "14.5" else "C"), adds={"otif": Fraction(adds)})
        await desk.announcer.tell(DAY, {name: summary})
    moved = desk.on_topic(name)[-1].data.changed
    assert (moved.kpi, moved.change) == ("otif", -1.25)
    assert len(desk.told(name)) == 2


async def test_many_suppliers_are_told_of_at_once(desk: Desk) -> None:
    names = [f"S-{next(_NUMBERS)}" for _ in range(40)]
    summaries = {one: stands("A", stages={"YDBA": "Mandiri"}) for one in names}
    assert await desk.announcer.tell(DAY, summaries) == 80
    summaries[names[7]] = stands("B", stages={"YDBA": "Mandiri"})
    assert await desk.announcer.tell(DAY, summaries) == 1
    records = [
        ReadinessEvent.model_validate_json(record.value)
        for record in records_of(desk.bootstrap, lambda topic: topic == READINESS)
    ]
    found = [one.id for one in records if one.subject in names]
    assert sorted(found) == sorted(
        [f"{one}:{n}" for one in names for n in (1, 2)] + [f"{names[7]}:3"]
    )


async def test_who_takes_over_tells_nothing_that_was_told(desk: Desk, name: str) -> None:
    await desk.announcer.tell(DAY, {name: stands("A", stages={"YDBA": "Madya"})})
    second = desk.another()
    assert await second.tell(DAY, {name: stands("A", stages={"YDBA": "Madya"})}) == 0
    assert await second.tell(DAY, {name: stands("B", stages={"YDBA": "Madya"})}) == 1
    # And back: the first one forgets when it is the one no more.
    desk.announcer.forget()
    assert await desk.announcer.tell(DAY, {name: stands("B", stages={"YDBA": "Madya"})}) == 0
    assert await desk.announcer.tell(DAY, {name: stands("B", stages={"YDBA": "Mandiri"})}) == 1
    assert desk.told(name) == [
        (None, "A"),
        (None, "Madya"),
        ("A", "B"),
        ("Madya", "Mandiri"),
    ]


# --- with one


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
@pytest.mark.parametrize("who", ["the-same", "another"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_leaves_each_change_told_once(
    desk: Desk, name: str, fault: str, who: str, times: int
) -> None:
    first, failed = stands("A"), stands("B", stages={"YDBA": "Madya"})
    await desk.announcer.tell(DAY, {name: first})
    FAULTS[fault](desk, times)
    with pytest.raises(FAILED):
        await desk.announcer.tell(DAY, {name: failed})
    announcer = desk.announcer if who == "the-same" else desk.another()
    await tell(announcer, name, failed)
    assert await announcer.tell(DAY, {name: failed}) == 0
    assert await desk.another().tell(DAY, {name: failed}) == 0
    steps = [(None, "A"), ("A", "B"), (None, "Madya")]
    assert desk.told(name) == steps
    await tell(announcer, name, stands("C", stages={"YDBA": "Madya"}))
    assert desk.told(name) == [*steps, ("B", "C")]


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        ("broker-away", [("A", "B"), ("B", "D")]),
        ("broker-took-all", [("A", "B"), ("B", "D")]),
        ("not-marked", [("A", "B"), ("B", "D")]),
        # What was never written down was never told: it is one change.
        ("not-written", [("A", "D")]),
    ],
)
async def test_a_supplier_may_move_on_while_nothing_can_be_told(
    desk: Desk, name: str, fault: str, steps: list[tuple[str, str]]
) -> None:
    await desk.announcer.tell(DAY, {name: stands("A")})
    FAULTS[fault](desk, 1)
    with pytest.raises(FAILED):
        await desk.announcer.tell(DAY, {name: stands("B")})
    assert await desk.another().tell(DAY, {name: stands("D")}) == 1
    assert desk.told(name) == [(None, "A"), *steps]
    assert [event.data.published for event in desk.on_topic(name)][-1] == "D"


@pytest.mark.parametrize("fault", ["broker-away", "broker-took-all"])
async def test_what_another_left_in_doubt_is_settled_though_nothing_changed(
    desk: Desk, name: str, fault: str
) -> None:
    FAULTS[fault](desk, 1)
    with pytest.raises(BrokerUnavailable):
        await desk.announcer.tell(DAY, {name: stands("A")})
    assert await desk.another().tell(DAY, {}) == 0
    assert desk.told(name) == [(None, "A")]
    # The one that left it has been away: it does not tell it again.
    desk.announcer.forget()
    assert await desk.announcer.tell(DAY, {name: stands("A")}) == 0
    assert desk.told(name) == [(None, "A")]


async def test_of_a_compacted_topic_the_last_event_stands_for_those_before(
    desk: Desk, name: str
) -> None:
    desk.store.fail(published=True)
    with pytest.raises(StoreUnavailable):
        await desk.announcer.tell(DAY, {name: stands("A", stages={"YDBA": "Madya"})})
    written = desk.store.unpublished()
    assert [one.number for one in written] == [1, 2]
    with EmbeddedBroker() as compacted:
        apply(compacted.bootstrap, partitions=1, replication=1)
        later = Desk(desk.clickhouse, compacted.bootstrap)
        await later.producer.publish([Record(READINESS, name.encode(), written[1].event)])
        assert await later.announcer.tell(DAY, {name: stands("A", stages={"YDBA": "Madya"})}) == 0
        found = list(records_of(compacted.bootstrap, lambda topic: topic == READINESS))
        assert [record.value for record in found] == [written[1].event]
        assert desk.store.unpublished() == []
        await later.producer.close()


async def test_a_broker_that_forgot_its_topics_is_told_only_what_it_never_took(
    desk: Desk, name: str
) -> None:
    await desk.announcer.tell(DAY, {name: stands("A")})
    desk.producer.fail(takes=0)
    with pytest.raises(BrokerUnavailable):
        await desk.announcer.tell(DAY, {name: stands("B")})
    with EmbeddedBroker() as anew:
        apply(anew.bootstrap, partitions=3, replication=1)
        later = Desk(desk.clickhouse, anew.bootstrap)
        assert await later.announcer.tell(DAY, {name: stands("B")}) == 0
        assert [event.id for event in later.on_topic(name)] == [f"{name}:2"]
        assert desk.store.unpublished() == []
        assert await later.another().tell(DAY, {name: stands("B")}) == 0
        await later.producer.close()


# --- with many


@pytest.mark.parametrize("seed", range(3))
async def test_over_faults_and_restarts_each_change_is_told_once(desk: Desk, seed: int) -> None:
    rng = random.Random(seed)
    names = [f"S-{next(_NUMBERS)}" for _ in range(3)]
    stand = {one: stands(None) for one in names}
    announcer = desk.announcer
    failures = 0
    for _ in range(20):
        moved = rng.choice(names)
        letter = rng.choice((None, *LETTERS))
        stages: dict[str, str] = {rng.choice(("AHM", "YDBA")): rng.choice(STAGES)}
        stand[moved] = stands(letter, stages=stages)
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
        desk.told(one)
        ends_where_it_stands(desk.on_topic(one), stand[one])
    assert await desk.another().tell(DAY, stand) == 0


def ends_where_it_stands(events: Sequence[ReadinessEvent], summary: Summary) -> None:
    """Assert that each change goes on from the one before, up to how the supplier stands."""
    standing: dict[str | None, str | None] = {}
    for event in events:
        change = event.data.changed
        assert change.from_ == standing.get(change.assessor)
        standing[change.assessor] = change.to
        assert event.time <= datetime.now(UTC)
    assert standing.pop(None, None) == summary.published
    assert {name: one for name, one in standing.items() if one is not None} == summary.stages
