"""Groups of suppliers: their figures are the sums of their members' scorecards, at any date."""

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.assessment import standings
from services.assessment.figure_store import Selection
from services.assessment.programme_figures import Filter, Programme
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.assessed import Assessed
from services.readiness.figures import Figure, Plain
from services.readiness.grading import Grader
from services.readiness.kpis import COUNTS
from services.readiness.month_ends import month_end_before
from services.readiness.policy import DEFAULT_POLICY, Policy
from services.readiness.score import score
from services.readiness.sums import FigureSums
from services.store.client import ClickHouse
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.support.storing import empty, store_in_batches

START, DAYS = date(2025, 6, 1), 420
SUPPLIERS, BUYERS = supplier_ids(4), buyer_ids(2)
MONEY = ("concentration", "price", "amount", "currency", "IDR", "load")
AT_THE_END = Selection(START + timedelta(days=DAYS), 180)
SELECTIONS = st.builds(
    Selection,
    as_of=st.one_of(
        st.integers(-2, DAYS + 60).map(lambda day: START + timedelta(days=day)),
        st.integers(1, 12).map(lambda month: date(2026, month, 1)),
    ),
    window_days=st.sampled_from([7, 30, 180, 400]),
    buyers=st.sampled_from([[], [], BUYERS[:1], BUYERS[1:]]),
)
EXAMPLES = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def varied(own_clickhouse: ClickHouse) -> ClickHouse:
    """Return a store with a history in which grades differ and change."""
    empty(own_clickhouse)
    rng = random.Random(4)
    events = history(rng, suppliers=4, buyers=2, lines=260, start=START, days=DAYS, calm=0.97)
    store_in_batches(own_clickhouse, rng, shuffled(rng, events))
    return own_clickhouse


def assessed(
    clickhouse: ClickHouse, selection: Selection, names: list[str], policy: Policy = DEFAULT_POLICY
) -> dict[str, Assessed]:
    """Assess each supplier alone, as its scorecard does."""
    reader = ScorecardReader(clickhouse, policy)
    return {
        name: reader.assessor.assessed(
            Selection(selection.as_of, selection.window_days, [name], selection.buyers)
        )[name]
        for name in names
    }


def letters(grades: list[Any], without: str) -> dict[str, int]:
    """Count grades by letter; those that are None under the key `without`."""
    found = Counter(without if one is None else one for one in grades)
    return {name: found[name] for name in ("A", "B", "C", "D", without)}


def same_figures(summary: dict[str, Any], members: list[Assessed]) -> None:
    """Compare every figure of a group with the sum of its members' figures."""
    first = members[0].figures
    ratios = [key for key, one in first.items() if isinstance(one, Figure)]
    assert list(summary["kpis"]) == [*ratios, *COUNTS]
    for key in ratios:
        figures = [figure for one in members if isinstance(figure := one.figures[key], Figure)]
        above = sum(Fraction(one.numerator) for one in figures)
        below = sum(Fraction(one.denominator) for one in figures)
        got = summary["kpis"][key]
        assert Fraction(got["numerator"]) == above, key
        assert Fraction(got["denominator"]) == below, key
        expected = None if below == 0 else float(figures[0].scale * above / below)
        assert got["value"] == expected, key
        assert ("ci95" in got) == figures[0].counts
    for key in COUNTS:
        counts = [one for member in members if isinstance(one := member.figures[key], Plain)]
        assert summary["kpis"][key] == {"value": sum(one.value or 0 for one in counts)}, key


def same_standing(summary: dict[str, Any], members: dict[str, Assessed]) -> None:
    """Compare grades, stages and ranks of a group with its members' scorecards."""
    ones = list(members.values())
    assert summary["grades"] == {
        "published": letters([one.published for one in ones], "none"),
        "at_as_of": letters([one.grade.value for one in ones], "insufficient"),
    }
    stages = Counter((stage.assessor, stage.value) for one in ones for stage in one.stages)
    got = {
        (row["assessor"], name): n for row in summary["stages"] for name, n in row["stages"].items()
    }
    assert {key: n for key, n in got.items() if n} == dict(stages)
    ranked = sorted(
        (name for name, one in members.items() if one.grade.value),
        key=lambda name: (-(members[name].score.value or 0), name),
    )
    assert [one["supplier_id"] for one in summary["lead"]] == ranked[:2]
    assert [one["supplier_id"] for one in summary["lag"]] == ranked[::-1][:2]
    for one in summary["lead"] + summary["lag"]:
        whole = members[one["supplier_id"]]
        assert one["score"] == whole.score.as_json(provisional=False)["value"]
        assert (one["grade"], one["published"]) == (whole.grade.value, whole.published)


def same_moves(
    summary: dict[str, Any], then: dict[str, Assessed], now: dict[str, Assessed]
) -> None:
    """Compare the grades that moved, and the figure behind each, with the members' scorecards."""
    expected = {
        name: (then[name].published, now[name].published)
        for name in now
        if then[name].published != now[name].published
    }
    moved = summary["moved"]["suppliers"]
    assert {one["supplier_id"]: (one["from"], one["to"]) for one in moved} == expected
    for one in moved:
        changes = {
            key: added(now[one["supplier_id"]], key) - added(then[one["supplier_id"]], key)
            for key in DEFAULT_POLICY.scales
        }
        most = max(abs(change) for change in changes.values())
        if most == 0:
            assert one["figure"] is None
            continue
        assert abs(changes[one["figure"]["kpi"]]) == most
        assert one["figure"]["change"] == float(changes[one["figure"]["kpi"]])


def added(one: Assessed, key: str) -> Fraction:
    """Return how much a figure adds to the score."""
    found = one.score.keys[key]
    return (found.points or Fraction(0)) * found.weight / 100


@EXAMPLES
@given(selection=SELECTIONS)
def test_a_group_is_the_sum_of_its_members(varied: ClickHouse, selection: Selection) -> None:
    now = assessed(varied, selection, SUPPLIERS)
    end = month_end_before(selection.as_of)
    then = assessed(varied, Selection(end, selection.window_days, [], selection.buyers), SUPPLIERS)
    summary = Programme(ScorecardReader(varied, DEFAULT_POLICY)).summary(selection, Filter(), 2)
    assert summary["suppliers"] == len(SUPPLIERS)
    assert summary["moved"]["since"] == end.isoformat()
    same_figures(summary, list(now.values()))
    same_standing(summary, now)
    same_moves(summary, then, now)


def test_a_year_has_grades_and_moves_of_many_kinds(varied: ClickHouse) -> None:
    groups, seen, moves = Programme(ScorecardReader(varied, DEFAULT_POLICY)), Counter[str](), []
    for month in range(1, 13):
        selection = Selection(date(2026, month, 1), 180)
        summary = groups.summary(selection, Filter(), 2)
        seen.update({k: n for k, n in summary["grades"]["published"].items() if n})
        moves += summary["moved"]["suppliers"]
        now = assessed(varied, selection, SUPPLIERS)
        then = assessed(varied, Selection(month_end_before(selection.as_of), 180), SUPPLIERS)
        same_standing(summary, now)
        same_moves(summary, then, now)
    assert len(seen) >= 3, seen
    assert any(one["from"] and one["to"] for one in moves)
    assert any(one["figure"] for one in moves)


def with_threshold(score: Fraction) -> Policy:
    """Return a policy whose grade B begins at a score, rounded to 6 decimals."""
    document = DEFAULT_POLICY.model_dump()
    document["grade"] |= {"A": Decimal(100), "B": Decimal(f"{float(score):.6f}"), "C": Decimal(1)}
    return Policy.model_validate(document)


@pytest.mark.parametrize("slip", [0.0, 4e-7, -4e-7])
def test_a_score_next_to_a_threshold_is_graded_exactly(
    varied: ClickHouse, monkeypatch: pytest.MonkeyPatch, slip: float
) -> None:
    about = Grader._near
    monkeypatch.setattr(Grader, "_near", lambda self, sums: about(self, sums) + slip)
    compared = Counter[str | None]()
    for month in range(1, 13):
        end = date(2026, month, 1)
        facts = ScorecardReader(varied, DEFAULT_POLICY).facts(Selection(end, 180))
        for rows in facts.rows.values():
            sums = FigureSums.of(end, rows)
            value = score(DEFAULT_POLICY, sums.scored()).value
            if value is None or not 1 < value < 100:
                continue  # A policy cannot have a threshold there.
            policy = with_threshold(value)
            grader = Grader(policy)
            got = grader.letter(sums)
            assert got == grader.graded(sums, sums.scored()).grade.value
            compared[got] += 1
    assert compared["B"] and compared["C"], compared


@EXAMPLES
@given(selection=SELECTIONS)
def test_a_cluster_is_the_sum_of_its_members(varied: ClickHouse, selection: Selection) -> None:
    reader = ScorecardReader(varied, DEFAULT_POLICY)
    groups = Programme(reader)
    now = assessed(varied, selection, SUPPLIERS)
    clusters: dict[str | None, list[str]] = {}
    for one in reader.suppliers(buyers=selection.buyers)[1]:
        clusters.setdefault(one.cluster, []).append(one.supplier_id)
    answer = groups.clusters(selection, Filter(), 2, 10, 0)
    assert [one["cluster"] for one in answer["clusters"]] == sorted(clusters, key=str)
    for summary in answer["clusters"]:
        names = clusters[summary["cluster"]]
        assert summary["suppliers"] == len(names)
        same_figures(summary, [now[name] for name in names])
        same_standing(summary, {name: now[name] for name in names})
        alone = groups.cluster(selection, summary["cluster"], 2, 10, 0)
        assert alone is not None
        assert {key: alone[key] for key in summary} == summary
        for member in alone["members"]:
            same_member(member, now[member["supplier_id"]])


def same_member(member: dict[str, Any], one: Assessed) -> None:
    assert member["matured_lines"] == one.sums.matured_lines
    assert (member["grade"], member["published"]) == (one.grade.value, one.published)
    assert member["provisional"] == one.grade.insufficient
    pillars = {name: x for name, x in one.score.pillars.items() if x is not None}
    if pillars:
        assert pillars[member["weakest_pillar"]] == min(pillars.values())
    else:
        assert member["weakest_pillar"] is None


def test_no_answer_about_groups_contains_money(varied: ClickHouse) -> None:
    groups = Programme(ScorecardReader(varied, DEFAULT_POLICY))
    answers = [
        groups.summary(AT_THE_END, Filter(), 5),
        groups.clusters(AT_THE_END, Filter(), 5, 10, 0),
        groups.cluster(AT_THE_END, "logam", 5, 10, 0),
    ]
    assert not [word for word in MONEY if word in str(answers)]


def test_a_long_list_of_suppliers_is_not_sent_to_the_store(
    varied: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, wanted = Programme(ScorecardReader(varied, DEFAULT_POLICY)), Filter(region="Bekasi")
    named = groups.summary(AT_THE_END, wanted, 5)
    monkeypatch.setattr(standings, "_NAMED", 0)
    unnamed = groups.summary(AT_THE_END, wanted, 5)
    assert 0 < named["suppliers"] < len(SUPPLIERS)
    assert named | {"computed_at": 0} == unnamed | {"computed_at": 0}


def test_all_clusters_take_two_queries_beside_the_list_of_suppliers(
    varied: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    rows = ClickHouse.rows

    def counted(self: ClickHouse, statement: str, *more: Any) -> Any:
        statements.append(statement)
        return rows(self, statement, *more)

    monkeypatch.setattr(ClickHouse, "rows", counted)
    Programme(ScorecardReader(varied, DEFAULT_POLICY)).clusters(AT_THE_END, Filter(), 5, 10, 0)
    assert len(statements) == 3


def test_a_filter_that_no_supplier_matches_gives_an_empty_group_and_not_all(
    varied: ClickHouse,
) -> None:
    groups = Programme(ScorecardReader(varied, DEFAULT_POLICY))
    summary = groups.summary(AT_THE_END, Filter(region="Papua"), 5)
    assert summary["suppliers"] == 0
    assert summary["kpis"]["otif"]["denominator"] == 0
    assert summary["kpis"]["otif"]["value"] is None
    assert (summary["lead"], summary["moved"]["suppliers"], summary["stages"]) == ([], [], [])
    assert groups.cluster(AT_THE_END, "nowhere", 5, 10, 0) is None
    assert groups.cluster(AT_THE_END, "", 5, 10, 0) is None
