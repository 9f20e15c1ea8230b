"""What is frozen at month ends stands: each once, as it was known then, whatever comes later."""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import simplejson

from services.bus.topics import BrokerUnavailable
from services.processor import evaluating
from services.processor.announcing import Announcer
from services.processor.evaluating import Evaluations, Evaluator, Waits
from services.readiness.month_ends import month_ends
from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.scorecards.evaluations import evaluations
from services.scorecards.reading import Reader
from services.warehouse.client import StoreUnavailable, Warehouse
from services.warehouse.evaluations import EvaluationStore
from services.warehouse.figures import WINDOW_DAYS, FigureStore, Selection
from services.warehouse.ledger import Ledger
from services.warehouse.rebuild import rebuild
from services.warehouse.standings import Standings
from tests.conftest import NOT_SYNCED
from tests.fault.doubles import FakeProducer
from tests.fault.loops import until
from tests.reference.cases import (
    Event,
    assess,
    complain,
    inspect,
    order,
    receive,
    reverse,
)
from tests.reference.histories import history, shuffled, supplier_ids
from tests.storing import ACCEPTED_MS, empty, row, store

pytestmark = pytest.mark.anyio
JAKARTA = ZoneInfo("Asia/Jakarta")
START, DAYS = date(2026, 1, 2), 200
SUPPLIERS = supplier_ids(2)
LAST = date(2026, 7, 1)
ENDS = [date(2026, month, 1) for month in range(2, 8)]
PARTS = ("kpis", "score", "grade", "stage")
MOST_TURNS = 40

Card = Mapping[str, Any]


@dataclass
class Clock:
    """Stands in for `time`: it goes on where a test says so."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Bench:
    """A store, and evaluators at work on it one after the other, as processes are."""

    warehouse: Warehouse
    clock: Clock
    producer: FakeProducer = field(default_factory=FakeProducer)

    def __post_init__(self) -> None:
        self.store = EvaluationStore(self.warehouse)

    def evaluator(
        self,
        *,
        quiet: float = 0,
        grace: float = 0,
        policy: Policy = DEFAULT_POLICY,
        store: EvaluationStore | None = None,
    ) -> Evaluator:
        """Return an evaluator that knows nothing yet."""
        store = store or self.store
        announcer = Announcer(store, self.producer, "127.0.0.1:1", policy)
        standings = Standings(self.warehouse, policy)
        return Evaluator(standings, store, announcer, Waits(1, quiet, grace))

    async def turn(self, evaluator: Evaluator, at: date | datetime) -> int:
        """Turn, a second apart, until nothing is left to do; return how much was done."""
        moment = at if isinstance(at, datetime) else datetime.combine(at, time(12), JAKARTA)
        done = await evaluator.turn(moment)
        for _ in range(MOST_TURNS):
            self.clock.now += 1
            more = await evaluator.turn(moment)
            done += more
            if not more:
                return done
        raise AssertionError("it does the same again and again")

    def rows(self) -> list[dict[str, Any]]:
        """Return every row of what is frozen, also those that do not stand."""
        return self.warehouse.rows("SELECT * FROM evaluations ORDER BY supplier_id, as_of")

    def ends(self, name: str = "S1") -> list[date]:
        """Return of which month ends a supplier has rows, each as often as it has one."""
        return [row["as_of"] for row in self.rows() if row["supplier_id"] == name]

    def told(self, name: str = "S1") -> list[tuple[str | None, str | None]]:
        """Return from where to where the published grade of a supplier was told to go."""
        events = [json.loads(record.value)["data"] for record in self.producer.published]
        changed = [event["changed"] for event in events if event["supplier_id"] == name]
        return [(one["from"], one["to"]) for one in changed if one["what"] == "published_grade"]


@pytest.fixture
def bench(own_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a bench with an empty store."""
    empty(own_warehouse)
    clock = Clock()
    monkeypatch.setattr(evaluating, "time", clock)
    return Bench(own_warehouse, clock)


def ends_of(bench: Bench) -> dict[str, list[date]]:
    """Return every month end of each supplier up to the last one of all."""
    firsts = FigureStore(bench.warehouse, DEFAULT_POLICY).first_days(Selection(LAST, WINDOW_DAYS))
    return {name: month_ends(first, LAST) for name, first in firsts.items()}


def told_of(seed: int = 12) -> list[Event]:
    """Write a history in which grades differ and change."""
    rng = random.Random(seed)
    events = history(rng, suppliers=2, buyers=1, lines=130, start=START, days=DAYS, calm=0.97)
    return shuffled(rng, events, resend=0)


def calm(months: Iterable[int], days: Iterable[int] = (3, 8, 15, 23)) -> list[Event]:
    """Write orders of S1 that go well, some in each month of 2026."""
    return [
        one
        for month in months
        for day in days
        for one in (
            order(
                f"{month:02}-{day:02}", 10, f"{month:02}-{day + 2:02}", order_no=f"P{month}-{day}"
            ),
            received(month, day + 2),
        )
    ]


def received(month: int, day: int, **more: Any) -> Event:
    line = {"order_no": f"P{month}-{day - 2}", "line_no": "10", "quantity": 10}
    return receive(f"{month:02}-{day:02}", no=f"R{month}-{day}", lines=[line], **more)


def cards(warehouse: Warehouse, asked_of: Mapping[str, Iterable[date]]) -> dict[Any, Card]:
    """Return what scorecards of suppliers at dates say now, worked out each by itself."""
    reader = Reader(warehouse, DEFAULT_POLICY)
    found: dict[Any, Card] = {}
    for name, days in asked_of.items():
        for day in days:
            asked = Selection(day, WINDOW_DAYS, [name])
            card = simplejson.loads(reader.scorecard(name, asked), use_decimal=True)
            found[name, day] = {part: card[part] for part in PARTS}
    return found


def differences(then: Card, now: Card) -> Card | None:
    """Return what is other in two scorecards, as `restated` has it."""
    figures = {
        key: {"frozen": then["kpis"][key], "now": now["kpis"][key]}
        for key in then["kpis"]
        if then["kpis"][key] != now["kpis"][key]
    }
    others = {
        part: {"frozen": then[part], "now": now[part]}
        for part in PARTS[1:]
        if then[part] != now[part]
    }
    if not figures and not others:
        return None
    return {"policy_version": DEFAULT_POLICY.version, "kpis": figures, **others}


# --- when


async def test_a_month_end_is_frozen_when_the_grace_has_passed(bench: Bench) -> None:
    store(bench.warehouse, calm([1, 2, 3]))
    evaluator = bench.evaluator(grace=6 * 3600)
    before = datetime(2026, 3, 31, 22, 59, 59, 999_999, UTC)
    await bench.turn(evaluator, before)
    assert bench.ends() == [date(2026, 2, 1), date(2026, 3, 1)]
    await bench.turn(evaluator, datetime(2026, 3, 31, 23, tzinfo=UTC))
    assert bench.ends() == [date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)]


@pytest.mark.parametrize(
    ("at", "last"),
    [
        (datetime(2026, 3, 31, 16, 59, 59, tzinfo=UTC), date(2026, 3, 1)),
        # Midnight is that of the sites.
        (datetime(2026, 3, 31, 17, tzinfo=UTC), date(2026, 4, 1)),
    ],
)
async def test_a_month_ends_where_the_sites_are(bench: Bench, at: datetime, last: date) -> None:
    store(bench.warehouse, calm([2, 3]))
    await bench.turn(bench.evaluator(), at)
    assert bench.ends()[-1] == last


@pytest.mark.parametrize(
    ("day", "first"), [("02-27", date(2026, 3, 1)), ("03-01", date(2026, 4, 1))]
)
async def test_the_first_one_is_that_after_the_first_fact(
    bench: Bench, day: str, first: date
) -> None:
    store(bench.warehouse, [order(day, 10, "03-20"), receive("03-20", 10)])
    await bench.turn(bench.evaluator(), date(2026, 5, 31))
    assert bench.ends() == month_ends(first - timedelta(days=1), date(2026, 5, 1))


async def test_each_is_frozen_once(bench: Bench) -> None:
    events = told_of()
    store(bench.warehouse, events[::2])
    evaluator = bench.evaluator()
    for day in (date(2026, 3, 1), date(2026, 3, 2), date(2026, 5, 20)):
        await bench.turn(evaluator, day)
    store(bench.warehouse, events[1::2])
    await bench.turn(evaluator, date(2026, 5, 21))
    for day in (date(2026, 6, 30), LAST):
        await bench.turn(evaluator, day)
    assert await bench.turn(evaluator, LAST) == 0
    rows, ends = bench.rows(), ends_of(bench)
    assert {name: bench.ends(name) for name in SUPPLIERS} == ends
    assert ends[SUPPLIERS[0]] == ENDS
    # Nor by another process, which finds them frozen.
    await bench.turn(bench.evaluator(), LAST)
    evaluator.forget()
    await bench.turn(evaluator, LAST)
    assert bench.rows() == rows


async def test_a_supplier_that_is_not_quiet_is_not_frozen(bench: Bench) -> None:
    store(bench.warehouse, calm([2, 3], days=[3, 8]))
    evaluator, at = bench.evaluator(quiet=10), datetime(2026, 4, 5, tzinfo=UTC)

    async def after(seconds: float) -> list[date]:
        bench.clock.now += seconds
        await evaluator.turn(at)
        return bench.ends()

    assert await after(0) == await after(1) == await after(8.9) == []
    store(bench.warehouse, [received(3, 17), order("03-15", 10, "03-17", order_no="P3-15")])
    assert await after(0.2) == await after(9.9) == []
    other = order("02-03", 10, "02-20", supplier_id="S2")
    store(bench.warehouse, [other])
    assert await after(0.2) == [date(2026, 3, 1), date(2026, 4, 1)]
    assert bench.ends("S2") == []
    await after(10)
    assert bench.ends("S2") == [date(2026, 3, 1), date(2026, 4, 1)]
    assert len(bench.ends()) == 2


async def test_more_than_one_turn_takes_are_frozen_in_the_next_ones(bench: Bench) -> None:
    names = [f"T{number}" for number in range(60)]
    store(bench.warehouse, [order("02-10", 10, "02-20", supplier_id=name) for name in names])
    await bench.turn(bench.evaluator(), date(2026, 4, 5))
    for name in names:
        assert bench.ends(name) == [date(2026, 3, 1), date(2026, 4, 1)]


# --- what


async def test_what_is_frozen_is_the_scorecard_of_that_date(bench: Bench) -> None:
    events = told_of()
    store(bench.warehouse, events)
    expected = cards(bench.warehouse, ends_of(bench))
    await bench.turn(bench.evaluator(), LAST)
    found = {
        (name, one.as_of): one for name in SUPPLIERS for one in bench.store.frozen(name, limit=24)
    }
    assert {key: one.scorecard for key, one in found.items()} == expected
    # Grades differ among them, so that there is something to be wrong.
    assert len({card["grade"]["published"] for card in expected.values()}) > 2
    newest = datetime.fromtimestamp((ACCEPTED_MS + len(events) - 1) / 1000, UTC)
    for one in found.values():
        assert one.policy_version == DEFAULT_POLICY.version
        assert one.inputs.events == len(events)
        assert abs(one.inputs.accepted_until - newest) < timedelta(milliseconds=1)


async def test_they_are_listed_newest_first_with_what_they_were_made_of(bench: Bench) -> None:
    store(bench.warehouse, told_of())
    await bench.turn(bench.evaluator(), LAST)
    reader = Reader(bench.warehouse, DEFAULT_POLICY)
    listed = evaluations(reader, bench.store, SUPPLIERS[0], 24)["evaluations"]
    assert [one["as_of"] for one in listed] == [day.isoformat() for day in reversed(ENDS)]
    assert evaluations(reader, bench.store, SUPPLIERS[0], 2)["evaluations"] == listed[:2]
    assert listed[0]["window"] == {"from": "2026-01-02", "to": "2026-07-01"}
    assert listed[0]["inputs"]["accepted_until"].startswith("2026-01-01T00:00:00.")
    assert [one["restated"] for one in listed] == [None] * len(ENDS)
    nobody = evaluations(reader, bench.store, "S-0", 24)
    assert nobody == {"supplier_id": "S-0", "evaluations": []}


@pytest.mark.parametrize(
    ("late", "since", "part"),
    [
        ([reverse("03-17", "R3-17")], 4, "kpis"),
        ([inspect("03-26", 3, "rejected")], 4, "score"),
        ([complain("04-25", "C1", severity="line_stop")], 5, "grade"),
        ([assess("05-02", (80, 80, 80))], 6, "stage"),
        ([order("06-25", 10, "06-28", order_no="P-LATE")], 7, "kpis"),
        ([order("01-20", 10, "01-30", order_no="P-EARLY")], 2, "kpis"),
        # What is of a later day than all that is frozen, or says nothing new.
        ([order("07-03", 10, "07-20", order_no="P-NEXT")], None, ""),
        ([receive("07-01", 10)], None, ""),
    ],
)
async def test_a_late_event_changes_nothing_that_is_frozen_and_is_told_beside_it(
    bench: Bench, late: list[Event], since: int | None, part: str
) -> None:
    store(bench.warehouse, calm(range(1, 7)))
    evaluator = bench.evaluator()
    await bench.turn(evaluator, LAST)
    rows = bench.rows()
    then = {one.as_of: one.scorecard for one in bench.store.frozen("S1", limit=24)}
    assert sorted(then) == ENDS
    store(bench.warehouse, late)
    await bench.turn(evaluator, date(2026, 7, 5))
    assert bench.rows() == rows
    now = cards(bench.warehouse, {"S1": ENDS})
    reader = Reader(bench.warehouse, DEFAULT_POLICY)
    listed = evaluations(reader, bench.store, "S1", 24)["evaluations"]
    assert [one["as_of"] for one in listed] == [day.isoformat() for day in reversed(ENDS)]
    for one in listed:
        day = date.fromisoformat(one["as_of"])
        assert {part: one[part] for part in PARTS} == then[day]
        assert one["restated"] == differences(then[day], now["S1", day])
    restated = [one for one in reversed(listed) if one["restated"] is not None]
    assert all(one["restated"][part] for one in restated)
    if since is None:
        assert restated == []
    else:
        assert restated[0]["as_of"] == f"2026-{since:02}-01"


async def test_another_policy_restates_and_freezes_nothing_anew(bench: Bench) -> None:
    store(bench.warehouse, [*calm(range(1, 4)), order("03-15", 10, "03-17")])
    await bench.turn(bench.evaluator(), date(2026, 4, 1))
    rows = bench.rows()
    text = packaged_text().replace("C = 60", "C = 79")
    other = Policy.load_text(text.replace('version = "2026-11-01"', 'version = "other"'))
    await bench.turn(bench.evaluator(policy=other), date(2026, 4, 1))
    assert bench.rows() == rows
    listed = evaluations(Reader(bench.warehouse, other), bench.store, "S1", 1)["evaluations"]
    assert listed[0]["policy_version"] == DEFAULT_POLICY.version
    restated = listed[0]["restated"]
    assert (restated["policy_version"], restated["kpis"]) == ("other", {})
    assert restated["grade"]["frozen"]["value"] == "C"
    assert restated["grade"]["now"]["value"] == "D"


# --- twice


class Unread(EvaluationStore):
    """A store that another process wrote after this one had read what is frozen: nothing."""

    froze = 0

    def frozen_ends(self) -> dict[str, set[date]]:
        return {}

    def freeze(self, *arguments: Any) -> int:
        count = super().freeze(*arguments)
        self.froze += count
        return count


async def test_of_two_that_freeze_the_same_the_first_stands(bench: Bench) -> None:
    store(bench.warehouse, calm(range(1, 4)))
    await bench.turn(bench.evaluator(), date(2026, 4, 1))
    first = bench.store.frozen("S1", limit=24)
    assert len(first) == 3
    store(bench.warehouse, [reverse("02-17", "R2-17"), reverse("03-17", "R3-17")])
    late = Unread(bench.warehouse)
    await bench.turn(bench.evaluator(store=late), date(2026, 4, 1))
    assert late.froze == 3
    newest = evaluations(Reader(bench.warehouse, DEFAULT_POLICY), bench.store, "S1", 1)
    assert newest["evaluations"][0]["restated"] is not None
    assert bench.store.frozen("S1", limit=24) == first
    bench.warehouse.command("OPTIMIZE TABLE evaluations FINAL")
    assert bench.ends() == [date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)]
    assert bench.store.frozen("S1", limit=24) == first


async def test_a_rebuild_leaves_what_is_frozen_and_what_was_told(bench: Bench) -> None:
    store(bench.warehouse, told_of())
    evaluator = bench.evaluator()
    await bench.turn(evaluator, LAST)
    rows, told = bench.rows(), list(bench.producer.published)
    assert rows
    assert told
    rebuild(bench.warehouse, NOT_SYNCED)
    assert bench.rows() == rows
    await bench.turn(evaluator, LAST)
    await bench.turn(bench.evaluator(), LAST)
    assert bench.rows() == rows
    assert bench.producer.published == told


@pytest.mark.parametrize("before", ["first of all", "when it was judged already"])
async def test_while_a_batch_is_under_way_nothing_is_frozen_or_told_of_whom_it_concerns(
    bench: Bench, before: str
) -> None:
    store(bench.warehouse, calm(range(1, 6)))
    day, evaluator = date(2026, 6, 2), bench.evaluator(quiet=10)
    if before == "when it was judged already":
        await evaluator.turn(datetime.combine(day, time(12), JAKARTA))
        bench.clock.now += 1
        await evaluator.turn(datetime.combine(day, time(12), JAKARTA))
    told = bench.told()
    ledger = Ledger(bench.warehouse)
    ledger.insert([row(complain("05-25", "C1", severity="line_stop"))], uuid4())
    bench.clock.now += 20
    assert await bench.turn(evaluator, day) == 0
    assert (bench.rows(), bench.told()) == ([], told)
    ledger.finish()
    bench.clock.now += 20
    await bench.turn(evaluator, day)
    bench.clock.now += 20
    await bench.turn(evaluator, day)
    assert bench.ends() == ENDS[:5]
    assert bench.told()[-1][1] == "C"


async def test_a_batch_that_was_refused_holds_nothing_up(bench: Bench) -> None:
    store(bench.warehouse, calm(range(1, 6)))
    ledger, batch = Ledger(bench.warehouse), uuid4()
    ledger.insert([row(complain("05-25", "C1", severity="line_stop"))], batch)
    ledger._forget(batch)
    await bench.turn(bench.evaluator(), date(2026, 6, 2))
    assert bench.ends() == ENDS[:5]


async def test_while_facts_are_made_anew_nothing_is_frozen_or_told(bench: Bench) -> None:
    store(bench.warehouse, calm(range(1, 6)))
    expected = cards(bench.warehouse, {"S1": ENDS[:5]})
    evaluator, at = bench.evaluator(quiet=10), datetime(2026, 6, 2, tzinfo=UTC)

    async def turns(at: datetime, seconds: float) -> None:
        for _ in range(3):
            await evaluator.turn(at)
            bench.clock.now += seconds

    await turns(at, 1)
    told = [(None, expected["S1", ENDS[4]]["grade"]["published"])]
    assert (bench.rows(), bench.told()) == ([], told)
    # A rebuild is under way: some facts are there, their marks are not. What was due is due still.
    bench.warehouse.command("TRUNCATE TABLE fold_marks")
    bench.warehouse.command("DELETE FROM figure_parts WHERE number != 'P3-8'")
    await turns(at + timedelta(days=1), 20)
    assert (bench.rows(), bench.told()) == ([], told)
    rebuild(bench.warehouse, NOT_SYNCED)
    await turns(at + timedelta(days=1), 20)
    found = {("S1", one.as_of): one.scorecard for one in bench.store.frozen("S1", limit=24)}
    assert found == expected
    assert bench.told() == told


# --- judging


async def test_every_change_of_the_published_grade_is_told_on_its_day(bench: Bench) -> None:
    store(bench.warehouse, told_of())
    evaluator = bench.evaluator()
    days = [date(2026, 1, 20) + timedelta(days=14 * at) for at in range(13)]
    for at, day in enumerate(days):
        await bench.turn(evaluator, day)
        if at == 7:
            evaluator = bench.evaluator()
    after = cards(bench.warehouse, dict.fromkeys(SUPPLIERS, days))
    changes = 0
    for name in SUPPLIERS:
        grades = [None, *(after[name, day]["grade"]["published"] for day in days)]
        expected = [(a, b) for a, b in pairwise(grades) if a != b]
        assert bench.told(name) == expected
        changes += len(expected)
    assert changes == 4
    for record in bench.producer.published:
        data = json.loads(record.value)["data"]
        card = after[data["supplier_id"], date.fromisoformat(data["as_of"])]
        assert data["published"] == card["grade"]["published"]


async def test_a_supplier_is_judged_when_nothing_came_for_a_moment(bench: Bench) -> None:
    evaluator, at = bench.evaluator(quiet=3600), datetime(2026, 5, 2, tzinfo=UTC)
    store(bench.warehouse, calm(range(1, 5)))
    await evaluator.turn(at)
    bench.clock.now += 0.4
    assert await evaluator.turn(at) == 0
    bench.clock.now += 0.2
    assert await evaluator.turn(at) == 1
    assert bench.told() == [(None, "B")]


async def test_a_supplier_is_judged_after_a_minute_though_events_go_on_coming(
    bench: Bench,
) -> None:
    evaluator, at = bench.evaluator(quiet=3600), datetime(2026, 5, 2, tzinfo=UTC)
    store(bench.warehouse, calm(range(1, 4)))
    began = bench.clock.now
    for event in calm([4])[:9]:
        await evaluator.turn(at)
        if bench.producer.published:
            break
        store(bench.warehouse, [event])
        bench.clock.now += 21
    assert bench.told() == [(None, "B")]
    assert bench.clock.now - began == 63
    # From then on it has another minute.
    store(bench.warehouse, [complain("04-25", "C1", severity="line_stop")])
    bench.clock.now += 58
    await evaluator.turn(at)
    assert bench.told() == [(None, "B")]
    bench.clock.now += 1
    await evaluator.turn(at)
    assert bench.told() == [(None, "B"), ("B", "C")]


# --- failures


class Failing(EvaluationStore):
    """Fails to freeze once, before anything is written."""

    failures = 1

    def freeze(self, *arguments: Any) -> int:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("Code: 242. DB::Exception: Table is in readonly mode")
        return super().freeze(*arguments)


async def test_what_could_not_be_frozen_is_frozen_in_the_next_turn(bench: Bench) -> None:
    store(bench.warehouse, calm([2, 3]))
    evaluator = bench.evaluator(store=Failing(bench.warehouse))
    with pytest.raises(StoreUnavailable):
        await bench.turn(evaluator, date(2026, 4, 5))
    assert bench.ends() == []
    await bench.turn(evaluator, date(2026, 4, 5))
    assert bench.ends() == [date(2026, 3, 1), date(2026, 4, 1)]


class Turns:
    """An evaluator that fails in its first turn, and counts."""

    def __init__(self) -> None:
        self.turned = self.forgotten = 0

    async def turn(self) -> int:
        self.turned += 1
        if self.turned == 1:
            raise BrokerUnavailable("the topics could not be read")
        return 0

    def forget(self) -> None:
        self.forgotten += 1


async def test_only_the_process_that_leads_turns_and_forgets_when_it_leads_no_more() -> None:
    made: list[Turns] = []
    term: int | None = None

    def make() -> Any:
        made.append(Turns())
        return made[-1]

    looks = 0

    def look() -> int | None:
        nonlocal looks
        looks += 1
        return term

    service = Evaluations(make, look, Waits(0.01, 0, 0))
    await service.start()
    try:
        await until(lambda: looks > 3)
        assert made == []
        term = 1
        await until(lambda: len(made) == 1 and made[0].turned > 3)
        assert made[0].forgotten == 0
        # The term may have ended and begun again between two looks.
        term = 2
        await until(lambda: made[0].forgotten == 1)
        term = None
        await until(lambda: made[0].forgotten == 2)
        turned = made[0].turned
        term = 3
        await until(lambda: made[0].turned > turned)
    finally:
        await service.stop()
    assert len(made) == 1
