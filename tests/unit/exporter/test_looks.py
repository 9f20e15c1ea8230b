"""Looks in the background: a scrape never waits, and failures show with the age of the data."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.assessment.data_quality import KINDS
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.standings import Standings
from services.exporter.bounds import Bounds
from services.exporter.looks import LATE_SECONDS, StoreLook, Watch, watching
from services.exporter.missing_events import MissingEvents, RecordPlace
from services.exporter.quality_look import QualityLook
from services.exporter.topic_lag import TopicLag
from services.kafka.topics import BrokerUnavailable
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse, StoreUnavailable
from services.telemetry import series
from services.telemetry.series import Series
from tests.reference.cases import order, receive
from tests.support.storing import empty, store

TODAY = date(2026, 4, 1)


class Clock:
    """A monotonic clock that a test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def value(watch: Watch, declared: Series) -> float | None:
    samples = [
        s for family in watch.collect() if family.name == declared.name for s in family.samples
    ]
    return samples[0].value if samples else None


def look_of(open_store: Callable[[], ClickHouse], clock: Clock) -> StoreLook:
    return StoreLook(open_store, DEFAULT_POLICY, Bounds(), clock, lambda _zone: TODAY)


def test_while_the_store_is_unavailable_up_is_0_and_the_last_values_stay(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    store(own_clickhouse, [order("03-01", 5, "03-20")])
    clock, away = Clock(), True

    def open_store() -> ClickHouse:
        if away:
            raise StoreUnavailable("nobody listens")
        return own_clickhouse

    look = look_of(open_store, clock)
    watch = Watch(look)
    clock.now += 7
    look.look()
    assert value(watch, series.UP) == 0
    assert value(watch, series.LOOK_AGE) == 7
    assert value(watch, series.LEDGER_EVENTS) is None
    away = False
    look.look()
    assert value(watch, series.UP) == 1
    assert value(watch, series.LOOK_AGE) == 0
    assert value(watch, series.LEDGER_EVENTS) == 1
    own_clickhouse.command("RENAME TABLE senders TO senders_away")
    try:
        clock.now += 15
        look.look()
        assert value(watch, series.UP) == 0
        assert value(watch, series.LOOK_AGE) == 15
        assert value(watch, series.LEDGER_EVENTS) == 1
    finally:
        own_clickhouse.command("RENAME TABLE senders_away TO senders")
    look.look()
    assert value(watch, series.UP) == 1


def test_a_look_that_hangs_sets_up_to_0(own_clickhouse: ClickHouse) -> None:
    clock = Clock()
    look = look_of(lambda: own_clickhouse, clock)
    look.look()
    clock.now += LATE_SECONDS
    assert value(Watch(look), series.UP) == 1
    clock.now += 1
    assert value(Watch(look), series.UP) == 0
    assert value(Watch(look), series.LOOK_AGE) == LATE_SECONDS + 1


def test_a_slow_store_is_read_less_often(own_clickhouse: ClickHouse) -> None:
    clock = Clock()

    def open_slowly() -> ClickHouse:
        clock.now += 2
        return own_clickhouse

    look = look_of(open_slowly, clock)
    assert look.look() == 100
    assert value(Watch(look), series.LOOK_SECONDS) == 2
    clock.now += 100
    assert value(Watch(look), series.UP) == 1
    assert look.look() == 15


def test_suppliers_with_a_stale_standing_are_counted_with_the_age_of_the_oldest(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    store(own_clickhouse, [order("03-01", 5, "03-20")])
    clock = Clock()
    look = look_of(lambda: own_clickhouse, clock)
    watch = Watch(look)
    standings, selection = (
        Standings(own_clickhouse, DEFAULT_POLICY),
        Selection(TODAY, WINDOW_DAYS, ["S1"]),
    )

    def stale() -> tuple[float | None, float | None]:
        look.look()
        return value(watch, series.STALE_SUPPLIERS), value(watch, series.STALE_AGE)

    assert stale() == (1, 0)
    clock.now += 20
    assert stale() == (1, 20)
    standings.summaries(selection)
    assert stale() == (0, 0)
    store(own_clickhouse, [receive("03-20", 5)])
    clock.now += 20
    assert stale() == (1, 0)
    clock.now += 20
    assert stale() == (1, 20)
    # The standing was renewed and is stale again: the age counts from the second change.
    standings.summaries(selection)
    store(own_clickhouse, [receive("03-21", 5)])
    assert stale() == (1, 0)


def test_a_scrape_does_not_wait_for_a_look() -> None:
    entered, released = threading.Event(), threading.Event()

    def hang() -> ClickHouse:
        entered.set()
        released.wait(20)
        raise StoreUnavailable("released")

    def hang_too(_since: datetime) -> list[RecordPlace]:
        hang()
        return []

    registry = CollectorRegistry()
    watch = Watch(look_of(hang, Clock()), MissingEvents(hang_too, 1.0))
    with watching(watch, registry):
        assert entered.wait(5)
        text = generate_latest(registry).decode()
        assert not released.is_set()
        assert "rantai_exporter_up 0.0" in text
        released.set()
    assert generate_latest(registry) == b""


def test_looks_go_on_after_an_unexpected_error() -> None:
    looks = 0
    done = threading.Event()

    class Odd(StoreLook):
        def look(self) -> float:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise KeyError("an unexpected error")
            done.set()
            return 0.01

    look = Odd(lambda: pytest.fail("not opened"), DEFAULT_POLICY, Bounds())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.exporter.looks.LOOK_SECONDS", 0.01)
        with watching(Watch(look), CollectorRegistry()):
            assert done.wait(5)


class Reconciliations:
    """Reconciliations with the given results; `since` keeps the start time that each was given."""

    def __init__(self, *found: set[RecordPlace] | Exception) -> None:
        self.found = list(found)
        self.since: list[datetime] = []
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC)
        self.clock = Clock()
        self.watch = Watch(
            look_of(lambda: pytest.fail("not opened"), self.clock),
            MissingEvents(self._reconcile, 300, self.clock, lambda: self.now),
        )

    def _reconcile(self, since: datetime) -> set[RecordPlace]:
        self.since.append(since)
        found = self.found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def turn(self) -> tuple[float | None, float | None]:
        """Reconcile five minutes after the last time; return the missing events and their age."""
        self.now += timedelta(minutes=5)
        self.clock.now += 300
        assert self.watch.missing is not None
        assert self.watch.missing.look() == 300
        return value(self.watch, series.MISSING), value(self.watch, series.MISSING_AGE)


def test_an_event_that_two_reconciliations_in_a_row_do_not_find_is_missing() -> None:
    found = Reconciliations({"a"}, {"a", "b"}, {"a", "c"}, {"d"}, set(), set())
    assert found.turn() == (0, 0)
    assert found.turn() == (1, 0)
    assert found.turn() == (1, 0)
    assert [found.turn(), found.turn(), found.turn()] == [(0, 0)] * 3
    began = [datetime(2026, 11, 1, 12, 5 * turn, tzinfo=UTC) for turn in range(1, 7)]
    first, overlap = began[0] - timedelta(hours=24), timedelta(minutes=5)
    # While anything is missing, each one reads from the same start. Otherwise the next one reads
    # from when the one before the last began: all that the last did not find came after that.
    assert found.since == [first] * 4 + [began[2] - overlap, began[3] - overlap]


def test_a_reconciliation_that_fails_shows_in_the_age_of_the_last_one() -> None:
    found = Reconciliations(BrokerUnavailable("away"), set(), StoreUnavailable("away"), {"a"})
    assert found.turn() == (None, 300)
    assert found.turn() == (0, 0)
    assert found.turn() == (0, 300)
    assert found.turn() == (0, 0)


def test_lag_is_shown_by_topic_and_absent_while_the_broker_is_unavailable() -> None:
    lags: dict[str, int] = {"rantai.orders": 3, "rantai.rejected": 0}
    lags |= {f"rantai.inbound.P{n}": n for n in range(5)}
    answers: list[dict[str, int] | None] = [lags, None]

    def ask() -> dict[str, int]:
        answer = answers.pop(0)
        if answer is None:
            raise BrokerUnavailable("away")
        return answer

    lag = TopicLag(ask, most=2)
    watch = Watch(look_of(lambda: pytest.fail("not opened"), Clock()), None, lag)

    def shown() -> dict[str, float]:
        (family,) = [one for one in watch.collect() if one.name == series.TOPIC_LAG.name]
        return {sample.labels["topic"]: sample.value for sample in family.samples}

    assert (shown(), value(watch, series.BROKER_UP)) == ({}, 0)
    lag.look()
    own = {"rantai.inbound.P4": 4, "rantai.inbound.P3": 3, "(other)": 3}
    assert shown() == {"rantai.orders": 3, "rantai.rejected": 0, **own}
    assert value(watch, series.BROKER_UP) == 1
    lag.look()
    assert (shown(), value(watch, series.BROKER_UP)) == ({}, 0)


def test_findings_are_counted_by_kind_and_an_old_count_is_not_shown(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    store(own_clickhouse, [receive("03-19", 5, no=f"R{n}") for n in range(3)])
    quality = QualityLook(lambda: own_clickhouse, DEFAULT_POLICY, Clock(), lambda _zone: TODAY)
    watch = Watch(look_of(lambda: pytest.fail("not opened"), Clock()), quality=quality)
    assert value(watch, series.DATA_QUALITY) is None
    assert quality.look() == 600
    (family,) = [one for one in watch.collect() if one.name == series.DATA_QUALITY.name]
    counts = {sample.labels["kind"]: sample.value for sample in family.samples}
    assert tuple(counts) == KINDS
    assert {kind: count for kind, count in counts.items() if count} == {"orphan_receipt": 3}
    own_clickhouse.command("RENAME TABLE rejected TO rejected_away")
    try:
        quality.look()
        assert value(watch, series.DATA_QUALITY) is None
    finally:
        own_clickhouse.command("RENAME TABLE rejected_away TO rejected")
