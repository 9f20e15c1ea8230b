"""Frozen evaluations: when month ends are frozen, what is frozen, and what is shown as restated."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.assessment.restated_evaluations import evaluations
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.month_ends import month_ends
from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.store.client import ClickHouse
from tests.reference.cases import (
    Event,
    assess,
    complain,
    inspect,
    order,
    receive,
    reverse,
)
from tests.support.evaluating import (
    ENDS,
    LAST,
    PARTS,
    SUPPLIERS,
    Bench,
    calm,
    cards,
    differences,
    emptied,
    ends_of,
    received,
    told_of,
)
from tests.support.storing import ACCEPTED_MS, store

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(own_clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a bench with an empty store."""
    return emptied(own_clickhouse, monkeypatch)


async def test_a_month_end_is_frozen_when_the_grace_has_passed(bench: Bench) -> None:
    store(bench.clickhouse, calm([1, 2, 3]))
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
        # Midnight at the sites.
        (datetime(2026, 3, 31, 17, tzinfo=UTC), date(2026, 4, 1)),
    ],
)
async def test_a_month_ends_at_midnight_of_the_sites(
    bench: Bench, at: datetime, last: date
) -> None:
    store(bench.clickhouse, calm([2, 3]))
    await bench.turn(bench.evaluator(), at)
    assert bench.ends()[-1] == last


@pytest.mark.parametrize(
    ("day", "first"), [("02-27", date(2026, 3, 1)), ("03-01", date(2026, 4, 1))]
)
async def test_the_first_month_end_frozen_is_the_one_after_the_first_fact(
    bench: Bench, day: str, first: date
) -> None:
    store(bench.clickhouse, [order(day, 10, "03-20"), receive("03-20", 10)])
    await bench.turn(bench.evaluator(), date(2026, 5, 31))
    assert bench.ends() == month_ends(first - timedelta(days=1), date(2026, 5, 1))


async def test_each_month_end_is_frozen_once(bench: Bench) -> None:
    events = told_of()
    store(bench.clickhouse, events[::2])
    evaluator = bench.evaluator()
    for day in (date(2026, 3, 1), date(2026, 3, 2), date(2026, 5, 20)):
        await bench.turn(evaluator, day)
    store(bench.clickhouse, events[1::2])
    await bench.turn(evaluator, date(2026, 5, 21))
    for day in (date(2026, 6, 30), LAST):
        await bench.turn(evaluator, day)
    assert await bench.turn(evaluator, LAST) == 0
    rows, ends = bench.rows(), ends_of(bench)
    assert {name: bench.ends(name) for name in SUPPLIERS} == ends
    assert ends[SUPPLIERS[0]] == ENDS
    # Another process, which finds them frozen, does not freeze them again.
    await bench.turn(bench.evaluator(), LAST)
    evaluator.forget()
    await bench.turn(evaluator, LAST)
    assert bench.rows() == rows


async def test_nothing_is_frozen_while_events_of_the_supplier_keep_coming(bench: Bench) -> None:
    store(bench.clickhouse, calm([2, 3], days=[3, 8]))
    evaluator, at = bench.evaluator(quiet=10), datetime(2026, 4, 5, tzinfo=UTC)

    async def after(seconds: float) -> list[date]:
        bench.clock.now += seconds
        await evaluator.turn(at)
        return bench.ends()

    assert await after(0) == await after(1) == await after(8.9) == []
    store(bench.clickhouse, [received(3, 17), order("03-15", 10, "03-17", order_no="P3-15")])
    assert await after(0.2) == await after(9.9) == []
    other = order("02-03", 10, "02-20", supplier_id="S2")
    store(bench.clickhouse, [other])
    assert await after(0.2) == [date(2026, 3, 1), date(2026, 4, 1)]
    assert bench.ends("S2") == []
    await after(10)
    assert bench.ends("S2") == [date(2026, 3, 1), date(2026, 4, 1)]
    assert len(bench.ends()) == 2


async def test_what_exceeds_one_turn_is_frozen_in_the_next_turns(bench: Bench) -> None:
    names = [f"T{number}" for number in range(60)]
    store(bench.clickhouse, [order("02-10", 10, "02-20", supplier_id=name) for name in names])
    await bench.turn(bench.evaluator(), date(2026, 4, 5))
    for name in names:
        assert bench.ends(name) == [date(2026, 3, 1), date(2026, 4, 1)]


async def test_a_frozen_evaluation_is_the_scorecard_of_its_month_end(bench: Bench) -> None:
    events = told_of()
    store(bench.clickhouse, events)
    expected = cards(bench.clickhouse, ends_of(bench))
    await bench.turn(bench.evaluator(), LAST)
    found = {
        (name, one.as_of): one for name in SUPPLIERS for one in bench.store.frozen(name, limit=24)
    }
    assert {key: one.scorecard for key, one in found.items()} == expected
    # Grades differ among them: else the comparison would show little.
    assert len({card["grade"]["published"] for card in expected.values()}) > 2
    newest = datetime.fromtimestamp((ACCEPTED_MS + len(events) - 1) / 1000, UTC)
    for one in found.values():
        assert one.policy_version == DEFAULT_POLICY.version
        assert one.inputs.events == len(events)
        assert abs(one.inputs.accepted_until - newest) < timedelta(milliseconds=1)


async def test_evaluations_are_listed_newest_first_with_their_inputs(bench: Bench) -> None:
    store(bench.clickhouse, told_of())
    await bench.turn(bench.evaluator(), LAST)
    reader = ScorecardReader(bench.clickhouse, DEFAULT_POLICY)
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
        ([complain("04-25", "C1", severity="line_stop", order_no="P4-3")], 5, "grade"),
        ([assess("05-02", (80, 80, 80))], 6, "stage"),
        ([order("06-25", 10, "06-28", order_no="P-LATE")], 7, "kpis"),
        ([order("01-20", 10, "01-30", order_no="P-EARLY")], 2, "kpis"),
        # An order later than every frozen month end; a receipt on the day of the last one.
        ([order("07-03", 10, "07-20", order_no="P-NEXT")], None, ""),
        ([receive("07-01", 10)], None, ""),
    ],
)
async def test_a_late_event_changes_no_frozen_evaluation_and_is_shown_as_restated(
    bench: Bench, late: list[Event], since: int | None, part: str
) -> None:
    store(bench.clickhouse, calm(range(1, 7)))
    evaluator = bench.evaluator()
    await bench.turn(evaluator, LAST)
    rows = bench.rows()
    then = {one.as_of: one.scorecard for one in bench.store.frozen("S1", limit=24)}
    assert sorted(then) == ENDS
    store(bench.clickhouse, late)
    await bench.turn(evaluator, date(2026, 7, 5))
    assert bench.rows() == rows
    now = cards(bench.clickhouse, {"S1": ENDS})
    reader = ScorecardReader(bench.clickhouse, DEFAULT_POLICY)
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


async def test_another_policy_restates_evaluations_and_freezes_none_again(bench: Bench) -> None:
    store(bench.clickhouse, [*calm(range(1, 4)), order("03-15", 10, "03-17")])
    await bench.turn(bench.evaluator(), date(2026, 4, 1))
    rows = bench.rows()
    text = packaged_text().replace("C = 60", "C = 79")
    other = Policy.load_text(text.replace('version = "2026-11-01"', 'version = "other"'))
    await bench.turn(bench.evaluator(policy=other), date(2026, 4, 1))
    assert bench.rows() == rows
    listed = evaluations(ScorecardReader(bench.clickhouse, other), bench.store, "S1", 1)[
        "evaluations"
    ]
    assert listed[0]["policy_version"] == DEFAULT_POLICY.version
    restated = listed[0]["restated"]
    assert (restated["policy_version"], restated["kpis"]) == ("other", {})
    assert restated["grade"]["frozen"]["value"] == "C"
    assert restated["grade"]["now"]["value"] == "D"
