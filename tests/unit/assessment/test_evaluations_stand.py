"""Frozen evaluations and announcements are made once and stay, whatever happens later."""

import asyncio
import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from services.assessment.evaluations import EvaluationStore
from services.assessment.restated_evaluations import evaluations
from services.assessment.scorecard_reader import ScorecardReader
from services.kafka.topics import BrokerUnavailable
from services.processor.evaluator import Evaluations, Waits
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse, StoreUnavailable
from services.store.ledger import Ledger
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.fault.loops import until
from tests.reference.cases import (
    complain,
    reverse,
)
from tests.support.evaluating import (
    ENDS,
    JAKARTA,
    LAST,
    SUPPLIERS,
    Bench,
    calm,
    cards,
    emptied,
    told_of,
)
from tests.support.storing import row, store

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(own_clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a bench with an empty store."""
    return emptied(own_clickhouse, monkeypatch)


class Unread(EvaluationStore):
    """An evaluation store that shows no frozen month end, as if another process wrote them later.

    It counts the evaluations that it freezes.
    """

    froze = 0

    def frozen_ends(self) -> dict[str, set[date]]:
        return {}

    def freeze(self, *arguments: Any) -> int:
        count = super().freeze(*arguments)
        self.froze += count
        return count


async def test_of_two_processes_that_freeze_the_same_month_end_the_first_stands(
    bench: Bench,
) -> None:
    store(bench.clickhouse, calm(range(1, 4)))
    await bench.turn(bench.evaluator(), date(2026, 4, 1))
    first = bench.store.frozen("S1", limit=24)
    assert len(first) == 3
    store(bench.clickhouse, [reverse("02-17", "R2-17"), reverse("03-17", "R3-17")])
    late = Unread(bench.clickhouse)
    await bench.turn(bench.evaluator(store=late), date(2026, 4, 1))
    assert late.froze == 3
    newest = evaluations(ScorecardReader(bench.clickhouse, DEFAULT_POLICY), bench.store, "S1", 1)
    assert newest["evaluations"][0]["restated"] is not None
    assert bench.store.frozen("S1", limit=24) == first
    bench.clickhouse.command("OPTIMIZE TABLE evaluations FINAL")
    assert bench.ends() == [date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)]
    assert bench.store.frozen("S1", limit=24) == first


async def test_a_rebuild_changes_no_evaluation_and_announces_nothing(bench: Bench) -> None:
    store(bench.clickhouse, told_of())
    evaluator = bench.evaluator()
    await bench.turn(evaluator, LAST)
    rows, published = bench.rows(), list(bench.producer.published)
    assert rows
    assert published
    rebuild(bench.clickhouse, NOT_SYNCED)
    assert bench.rows() == rows
    await bench.turn(evaluator, LAST)
    await bench.turn(bench.evaluator(), LAST)
    assert bench.rows() == rows
    assert bench.producer.published == published


@pytest.mark.parametrize("before", ["first of all", "when it was judged already"])
async def test_while_a_batch_is_incomplete_its_suppliers_are_neither_frozen_nor_announced(
    bench: Bench, before: str
) -> None:
    store(bench.clickhouse, calm(range(1, 6)))
    day, evaluator = date(2026, 6, 2), bench.evaluator(quiet=10)
    if before == "when it was judged already":
        await evaluator.turn(datetime.combine(day, time(12), JAKARTA))
        bench.clock.now += 1
        await evaluator.turn(datetime.combine(day, time(12), JAKARTA))
    announced = bench.told()
    ledger = Ledger(bench.clickhouse)
    ledger.insert([row(complain("05-25", "C1", severity="line_stop", order_no="P5-3"))], uuid4())
    bench.clock.now += 20
    assert await bench.turn(evaluator, day) == 0
    assert (bench.rows(), bench.told()) == ([], announced)
    ledger.finish()
    bench.clock.now += 20
    await bench.turn(evaluator, day)
    bench.clock.now += 20
    await bench.turn(evaluator, day)
    assert bench.ends() == ENDS[:5]
    assert bench.told()[-1][1] == "C"


async def test_a_refused_batch_does_not_delay_evaluations(bench: Bench) -> None:
    store(bench.clickhouse, calm(range(1, 6)))
    ledger, batch = Ledger(bench.clickhouse), uuid4()
    ledger.insert([row(complain("05-25", "C1", severity="line_stop", order_no="P5-3"))], batch)
    ledger._forget(batch)
    await bench.turn(bench.evaluator(), date(2026, 6, 2))
    assert bench.ends() == ENDS[:5]


async def test_during_a_rebuild_nothing_is_frozen_or_announced(bench: Bench) -> None:
    store(bench.clickhouse, calm(range(1, 6)))
    expected = cards(bench.clickhouse, {"S1": ENDS[:5]})
    evaluator, at = bench.evaluator(quiet=10), datetime(2026, 6, 2, tzinfo=UTC)

    async def turns(at: datetime, seconds: float) -> None:
        for _ in range(3):
            await evaluator.turn(at)
            bench.clock.now += seconds

    await turns(at, 1)
    announced = [(None, expected["S1", ENDS[4]]["grade"]["published"])]
    assert (bench.rows(), bench.told()) == ([], announced)
    # A state in the middle of a rebuild: some facts exist, but no marks. The evaluations that were
    # due before stay due.
    bench.clickhouse.command("TRUNCATE TABLE fold_marks")
    bench.clickhouse.command("DELETE FROM figure_parts WHERE number != 'P3-8'")
    await turns(at + timedelta(days=1), 20)
    assert (bench.rows(), bench.told()) == ([], announced)
    rebuild(bench.clickhouse, NOT_SYNCED)
    await turns(at + timedelta(days=1), 20)
    found = {("S1", one.as_of): one.scorecard for one in bench.store.frozen("S1", limit=24)}
    assert found == expected
    assert bench.told() == announced


async def test_every_change_of_the_published_grade_is_announced_on_its_day(bench: Bench) -> None:
    store(bench.clickhouse, told_of())
    evaluator = bench.evaluator()
    days = [date(2026, 1, 20) + timedelta(days=14 * at) for at in range(13)]
    for at, day in enumerate(days):
        await bench.turn(evaluator, day)
        if at == 7:
            evaluator = bench.evaluator()
    after = cards(bench.clickhouse, dict.fromkeys(SUPPLIERS, days))
    changes = 0
    for name in SUPPLIERS:
        grades = [None, *(after[name, day]["grade"]["published"] for day in days)]
        expected = [(a, b) for a, b in pairwise(grades) if a != b]
        assert bench.told(name) == expected
        changes += len(expected)
    assert changes == 3
    for record in bench.producer.published:
        data = json.loads(record.value)["data"]
        card = after[data["supplier_id"], date.fromisoformat(data["as_of"])]
        assert data["published"] == card["grade"]["published"]


async def test_a_supplier_is_judged_half_a_second_after_its_last_event(bench: Bench) -> None:
    evaluator, at = bench.evaluator(quiet=3600), datetime(2026, 5, 2, tzinfo=UTC)
    store(bench.clickhouse, calm(range(1, 5)))
    await evaluator.turn(at)
    bench.clock.now += 0.4
    assert await evaluator.turn(at) == 0
    bench.clock.now += 0.2
    assert await evaluator.turn(at) == 1
    assert bench.told() == [(None, "B")]


async def test_a_supplier_is_judged_after_a_minute_though_events_keep_coming(
    bench: Bench,
) -> None:
    evaluator, at = bench.evaluator(quiet=3600), datetime(2026, 5, 2, tzinfo=UTC)
    store(bench.clickhouse, calm(range(1, 4)))
    began = bench.clock.now
    for event in calm([4])[:9]:
        await evaluator.turn(at)
        if bench.producer.published:
            break
        store(bench.clickhouse, [event])
        bench.clock.now += 21
    assert bench.told() == [(None, "B")]
    assert bench.clock.now - began == 63
    # Then another minute begins.
    store(bench.clickhouse, [complain("04-25", "C1", severity="line_stop", order_no="P4-3")])
    bench.clock.now += 58
    await evaluator.turn(at)
    assert bench.told() == [(None, "B")]
    bench.clock.now += 1
    await evaluator.turn(at)
    assert bench.told() == [(None, "B"), ("B", "C")]


class Failing(EvaluationStore):
    """An evaluation store whose first freeze fails before anything is written."""

    failures = 1

    def freeze(self, *arguments: Any) -> int:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("Code: 242. DB::Exception: Table is in readonly mode")
        return super().freeze(*arguments)


async def test_after_a_failure_the_next_turn_freezes_the_month_ends(bench: Bench) -> None:
    store(bench.clickhouse, calm([2, 3]))
    evaluator = bench.evaluator(store=Failing(bench.clickhouse))
    with pytest.raises(StoreUnavailable):
        await bench.turn(evaluator, date(2026, 4, 5))
    assert bench.ends() == []
    await bench.turn(evaluator, date(2026, 4, 5))
    assert bench.ends() == [date(2026, 3, 1), date(2026, 4, 1)]


class Turns:
    """An evaluator that fails in its first turn, and counts its calls."""

    def __init__(self) -> None:
        self.turned = self.forgotten = 0

    async def turn(self) -> int:
        self.turned += 1
        if self.turned == 1:
            raise BrokerUnavailable("the topics could not be read")
        return 0

    def forget(self) -> None:
        self.forgotten += 1


async def test_a_process_evaluates_only_during_its_term_and_forgets_at_its_end() -> None:
    made: list[Turns] = []
    term: int | None = None

    def make() -> Any:
        made.append(Turns())
        return made[-1]

    checks = 0

    def present_term() -> int | None:
        nonlocal checks
        checks += 1
        return term

    service = Evaluations(make, present_term, Waits(0.01, 0, 0))
    running = asyncio.create_task(service.run())
    try:
        await until(lambda: checks > 3)
        assert made == []
        term = 1
        await until(lambda: len(made) == 1 and made[0].turned > 3)
        assert made[0].forgotten == 0
        # The term may end, and another begin, between two checks.
        term = 2
        await until(lambda: made[0].forgotten == 1)
        term = None
        await until(lambda: made[0].forgotten == 2)
        turned = made[0].turned
        term = 3
        await until(lambda: made[0].turned > turned)
    finally:
        await service.stop()
        await asyncio.wait_for(running, 10)
    assert len(made) == 1
