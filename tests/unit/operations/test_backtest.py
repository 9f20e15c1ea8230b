"""Backtests against the reference: which suppliers other weights or rules would move."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
import simplejson

from services.assessment.assessor import Assessor
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import FigureStore, Selection
from services.operations import backtest as module
from services.operations.backtest import BacktestError, Trial, backtest
from services.readiness.grading import Grader, direction
from services.readiness.month_ends import last_month_ends, month_ends
from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.readiness.rules import DEFAULT_RULES, Rules
from services.readiness.score import score
from services.readiness.sums import FigureSums
from services.store.client import ClickHouse, StoreUnavailable
from services.store.folding import FACT_TABLES, fold_all
from services.store.migrate import migrate
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.reference import assessment
from tests.reference.cases import Event
from tests.reference.histories import history, shuffled, supplier_ids
from tests.reference.order_line import Tolerances
from tests.reference.score import PILLARS, Measured, Pillars
from tests.support.storing import contents, empty, store_in_batches

START, DAYS, MONTHS = date(2026, 1, 1), 420, 6
SUPPLIERS = supplier_ids(4)
LATER = DEFAULT_POLICY.with_tolerances(late_days=3)
HARDER = DEFAULT_POLICY.with_tolerances(early_days=1, over=Decimal(0))

Given = tuple[ClickHouse, list[Event]]


def weighing(**weights: int) -> Policy:
    """Return the packaged policy with other weights."""
    text = packaged_text()
    for key, weight in weights.items():
        head, mark, tail = text.partition(f".{key}]\nweight = ")
        text = f"{head}{mark}{weight}\n{tail.partition(chr(10))[2]}"
    return Policy.load_text(text)


def weighed(**weights: int) -> Pillars:
    """Return the same weights in the form of the reference."""
    return {
        name: {
            key: Measured(weights.get(key, one.weight), one.points) for key, one in pillar.items()
        }
        for name, pillar in PILLARS.items()
    }


WEIGHTS = {"ppm": 5, "lot_acceptance": 5, "mean_days_late": 45}
QUALITY_AWAY = weighing(**WEIGHTS)


@pytest.fixture(scope="module")
def given_history(own_clickhouse: ClickHouse) -> Given:
    """Return a store with a history of over a year, with few enough failures for every grade."""
    empty(own_clickhouse)
    own_clickhouse.insert_rows(
        "folded_rules", ["rules", "description"], [[DEFAULT_RULES.id, DEFAULT_RULES.description]]
    )
    rng = random.Random(4)
    events = history(rng, suppliers=4, buyers=2, lines=240, start=START, days=DAYS, calm=0.97)
    sent = shuffled(rng, events)
    store_in_batches(own_clickhouse, rng, sent)
    return own_clickhouse, sent


_STATED: Final[dict[tuple[int, date, str], dict[str, tuple[Any, ...]]]] = {}
"""What the reference said of a history: its months of grades take seconds, for every policy."""


def stated(events: list[Event], day: date, **how: Any) -> dict[str, tuple[Any, ...]]:
    """Return score, grade and published grade of each supplier by the reference."""
    key = (id(events), day, repr(how))
    if key not in _STATED:
        _STATED[key] = _computed(events, day, **how)
    return _STATED[key]


def _computed(events: list[Event], day: date, **how: Any) -> dict[str, tuple[Any, ...]]:
    found = {}
    for supplier in SUPPLIERS:
        one = assessment.whole(events, supplier, day, **how)
        found[supplier] = (one.score.value, one.grade.value, one.published)
    return found


def expected_moves(
    events: list[Event], day: date, old: dict[str, Any], new: dict[str, Any]
) -> dict[str, Any]:
    before, after = stated(events, day, **old), stated(events, day, **new)
    return {
        supplier: [
            (number(one), number(other))
            for one, other in zip(before[supplier], after[supplier], strict=True)
        ]
        for supplier in SUPPLIERS
        if before[supplier] != after[supplier]
    }


def number(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value


def found_moves(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        one["supplier_id"]: [
            (one[name]["from"], one[name]["to"]) for name in ("score", "grade", "published")
        ]
        for one in answer["moves"]
    }


def stored_rules(clickhouse: ClickHouse) -> dict[str, set[int]]:
    return {
        table: {row["rules"] for row in clickhouse.rows(f"SELECT DISTINCT rules FROM {table}")}
        for table in (*FACT_TABLES, "folded_rules")
    }


ONLY_IN_FORCE = {name: {DEFAULT_RULES.id} for name in (*FACT_TABLES, "folded_rules")}


def test_the_same_policy_moves_nobody(given_history: Given) -> None:
    clickhouse, _ = given_history
    for policy in (DEFAULT_POLICY, LATER):
        answer = backtest(clickhouse, policy, policy, START + timedelta(days=DAYS), months=MONTHS)
        assert answer["suppliers"] == len(SUPPLIERS)
        for one in (answer, *answer["month_ends"]):
            assert one["moves"] == []
            for counts in one["summary"].values():
                assert counts.pop("unchanged") == len(SUPPLIERS)
                assert not any(counts.values())
        assert len(answer["month_ends"]) == MONTHS


@pytest.mark.parametrize(
    ("old", "new", "of_old", "of_new"),
    [
        (DEFAULT_POLICY, QUALITY_AWAY, {}, {"pillars": weighed(**WEIGHTS)}),
        (DEFAULT_POLICY, LATER, {}, {"tolerances": Tolerances(late=3)}),
        (LATER, DEFAULT_POLICY, {"tolerances": Tolerances(late=3)}, {}),
        (
            LATER,
            HARDER,
            {"tolerances": Tolerances(late=3)},
            {"tolerances": Tolerances(early=1, over=Decimal(0))},
        ),
    ],
    ids=["other weights", "later", "no longer later", "both on trial"],
)
def test_moves_are_those_of_the_reference(
    given_history: Given, old: Policy, new: Policy, of_old: Any, of_new: Any
) -> None:
    clickhouse, events = given_history
    before = contents(clickhouse)
    as_of = START + timedelta(days=DAYS - 5)
    answer = backtest(clickhouse, old, new, as_of, months=2)
    assert found_moves(answer) == expected_moves(events, as_of, of_old, of_new)
    assert answer["moves"]
    assert [one["as_of"] for one in answer["month_ends"]] == ["2027-01-01", "2027-02-01"]
    for one in answer["month_ends"]:
        day = date.fromisoformat(one["as_of"])
        assert found_moves(one) == expected_moves(events, day, of_old, of_new)
    assert contents(clickhouse) == before
    assert stored_rules(clickhouse) == ONLY_IN_FORCE


def test_grades_move_and_are_counted(given_history: Given) -> None:
    clickhouse, _ = given_history
    as_of = START + timedelta(days=DAYS)
    answer = backtest(clickhouse, DEFAULT_POLICY, QUALITY_AWAY, as_of, months=12)
    ways = set()
    for one in (answer, *answer["month_ends"]):
        for name, counts in one["summary"].items():
            directions = [direction(row[name]["from"], row[name]["to"]) for row in one["moves"]]
            for way in counts:
                alike = len(SUPPLIERS) - len(directions) if way == "unchanged" else 0
                assert counts[way] == directions.count(way) + alike
            ways |= set(directions)
    assert ways & {"up", "down"}


def test_a_move_names_the_figure_that_changed_the_score_most(given_history: Given) -> None:
    clickhouse, _ = given_history
    only_lots = weighing(ppm=5, lot_acceptance=35)
    as_of = START + timedelta(days=DAYS)
    answer = backtest(clickhouse, DEFAULT_POLICY, only_lots, as_of, months=1)
    assert {one["by"] for one in answer["moves"]} <= {"ppm", "lot_acceptance"}
    for one in answer["moves"]:
        assert one["by_points"] != 0


def test_frozen_evaluations_are_compared_whatever_their_edition(given_history: Given) -> None:
    clickhouse, _ = given_history
    evaluated, *ends = reversed(last_month_ends(3, START + timedelta(days=DAYS)))
    frozen, grown = SUPPLIERS[:2]
    store = EvaluationStore(clickhouse)
    none = pytest.raises(BacktestError, match="no evaluation is frozen up to")
    with none:
        backtest(clickhouse, None, DEFAULT_POLICY, evaluated, months=3)
    assessor = Assessor(clickhouse, DEFAULT_POLICY)
    days = {frozen: [evaluated, *ends], grown: [evaluated]}
    selection = Selection(evaluated, 180, list(days))
    assessed = list(assessor.assessed_at(selection, days))
    store.freeze("of then", store.high_water(), assessed)
    same = backtest(clickhouse, None, DEFAULT_POLICY, evaluated, months=3)
    assert (same["from"], same["editions"]) == ("frozen", {"from": [2], "to": 2})
    for one, there in zip((same, *same["month_ends"]), (2, 1, 1, 2), strict=True):
        assert one["moves"] == []
        assert all(counts["unchanged"] == there for counts in one["summary"].values())
    # An evaluation of an earlier edition can't be recomputed: only its stored scorecard is known.
    (found,) = store.frozen_at([grown], [evaluated])
    card = simplejson.loads(simplejson.dumps(found.scorecard, use_decimal=True), use_decimal=True)
    card["kpis"]["otif"]["value"] = Decimal(0)
    card["score"]["value"] -= 20
    card["grade"]["value"] = "D"
    clickhouse.command(f"DELETE FROM evaluations WHERE supplier_id = '{grown}'")
    columns = ["supplier_id", "as_of", "policy_version", "events", "accepted_until", "scorecard"]
    inputs = found.inputs
    row = [grown, evaluated, "of then", inputs.events, inputs.accepted_until]
    text = simplejson.dumps(card, use_decimal=True)
    clickhouse.insert_rows("evaluations", columns, [[*row, text]])
    answer = backtest(clickhouse, None, DEFAULT_POLICY, evaluated, months=3)
    assert answer["editions"] == {"from": [1, 2], "to": 2}
    (moved,) = answer["moves"]
    assert (moved["supplier_id"], moved["by"], moved["grade"]["from"]) == (grown, "otif", "D")
    assert moved["by_points"] > 0
    assert moved["score"]["to"] == pytest.approx(moved["score"]["from"] + 20)
    with pytest.raises(BacktestError, match=f"is as of {evaluated}: ask for that day"):
        backtest(clickhouse, None, DEFAULT_POLICY, evaluated + timedelta(days=3), months=3)


@pytest.mark.parametrize("old", [DEFAULT_POLICY, HARDER])
@pytest.mark.parametrize("failing", ["reading", "folding"])
def test_facts_on_trial_are_dropped_even_if_reading_or_folding_fails(
    given_history: Given, monkeypatch: pytest.MonkeyPatch, failing: str, old: Policy
) -> None:
    clickhouse, _ = given_history
    before = contents(clickhouse)
    seen: list[set[int]] = []

    def tell(stage: str, done: int, total: int) -> None:
        if stage.startswith(failing) and done > 0:
            seen.append(stored_rules(clickhouse)["receipt_facts"])
            raise StoreUnavailable("away")

    monkeypatch.setattr(module, "_SUPPLIERS_A_QUERY", 2)
    as_of = START + timedelta(days=DAYS)
    with pytest.raises(StoreUnavailable):
        backtest(clickhouse, old, LATER, as_of, months=2, progress=tell)
    assert seen[0] > {DEFAULT_RULES.id}
    assert contents(clickhouse) == before
    assert stored_rules(clickhouse) == ONLY_IN_FORCE


def test_the_result_does_not_depend_on_the_chunks_of_suppliers_and_days(
    given_history: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    clickhouse, _ = given_history
    as_of = START + timedelta(days=DAYS - 3)
    whole = backtest(clickhouse, DEFAULT_POLICY, LATER, as_of, months=5)
    monkeypatch.setattr(module, "_SUPPLIERS_A_QUERY", 3)
    monkeypatch.setattr(module, "_DAYS_A_QUERY", 4)
    assert backtest(clickhouse, DEFAULT_POLICY, LATER, as_of, months=5) == whole


def test_the_sums_that_are_read_suffice_for_grading(given_history: Given) -> None:
    clickhouse, _ = given_history
    days = [START + timedelta(days=at) for at in range(20, DAYS + 60, 20)]
    rows = module._rows(clickhouse, DEFAULT_RULES.id, SUPPLIERS, days)
    all_rows = FigureStore(clickhouse, DEFAULT_POLICY).sums(Selection(START, 180, SUPPLIERS), days)
    assert len(rows) < len(all_rows)
    gates = set()
    for (*_, one), (*_, other) in zip(
        module._sums(rows, SUPPLIERS, days), module._sums(all_rows, SUPPLIERS, days), strict=True
    ):
        assert needed(one) == needed(other)
        gates |= {(one.overdue_step, one.line_stops > 0)}
    assert gates == {(False, False), (False, True), (True, False), (True, True)}


def needed(sums: FigureSums) -> tuple[Any, ...]:
    """Return the sums that grading uses."""
    return (
        sums.scored(),
        sums.matured_lines,
        sums.matured_months,
        sums.line_stops,
        sums.overdue_step,
    )


def test_trial_facts_left_by_a_killed_process_are_dropped_by_the_next_backtest(
    given_history: Given,
) -> None:
    clickhouse, _ = given_history
    left = Trial.of(HARDER)
    fold_all(clickhouse, left)
    assert stored_rules(clickhouse)["figure_parts"] == {DEFAULT_RULES.id, left.id}
    backtest(clickhouse, DEFAULT_POLICY, DEFAULT_POLICY, START, months=1)
    assert stored_rules(clickhouse) == ONLY_IN_FORCE


def test_rules_on_trial_never_take_the_id_of_rules_in_force() -> None:
    assert Trial.of(LATER).description == Rules.of(LATER).description
    assert Trial.of(LATER).id != Rules.of(LATER).id
    assert Trial.of(LATER).id != Trial.of(HARDER).id


@pytest.mark.parametrize("new", [QUALITY_AWAY, LATER])
def test_a_rebuild_during_the_backtest_makes_it_fail(given_history: Given, new: Policy) -> None:
    clickhouse, _ = given_history
    before = contents(clickhouse)

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "reading" and done:
            rebuild(clickhouse, NOT_SYNCED)

    as_of = START + timedelta(days=DAYS)
    with pytest.raises(BacktestError, match="run the backtest again"):
        backtest(clickhouse, DEFAULT_POLICY, new, as_of, months=1, progress=tell)
    assert contents(clickhouse) == before
    assert stored_rules(clickhouse) == ONLY_IN_FORCE


def test_without_folded_rules_in_force_it_fails(
    new_database: Callable[[], ClickHouse],
) -> None:
    store = new_database()
    migrate(store, NOT_SYNCED)
    assert backtest(store, DEFAULT_POLICY, LATER, START)["suppliers"] == 0
    store.command("TRUNCATE TABLE folded_rules")
    with pytest.raises(BacktestError, match="try again"):
        backtest(store, DEFAULT_POLICY, LATER, START)


def test_grading_of_many_agrees_with_scoring_of_one() -> None:
    rng = random.Random(8)
    grader = Grader(QUALITY_AWAY)
    for _ in range(200):
        values = {
            key: None if rng.random() < 0.3 else Fraction(rng.randrange(3000), 1000)
            for key in QUALITY_AWAY.scales
        }
        one = score(QUALITY_AWAY, values)
        found = grader.contributed(FigureSums.of(START, []), values)
        assert (found.score.value, found.score.keys) == (one.value, one.keys)
        assert found.grade.insufficient


def test_month_ends() -> None:
    assert month_ends(date(2025, 11, 1), date(2026, 2, 1)) == [
        date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1),
    ]  # fmt: skip
    assert month_ends(date(2026, 2, 1), date(2026, 2, 28)) == []
    assert last_month_ends(3, date(2026, 1, 31)) == [
        date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1),
    ]  # fmt: skip
    assert last_month_ends(1, date(2026, 3, 1)) == [date(2026, 3, 1)]


def test_directions() -> None:
    assert direction("B", "A") == "up"
    assert direction("A", "D") == "down"
    assert direction(None, None) == direction("C", "C") == "unchanged"
    assert direction("A", None) == "newly_insufficient"
    assert direction(None, "D") == "newly_graded"
