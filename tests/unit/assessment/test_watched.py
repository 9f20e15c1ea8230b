"""The exporter's look into the store: it shows what the API answers, without computing figures."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.programme_figures import Filter, Programme
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.standings import Standings
from services.assessment.watched import StoreLookResult, Watched, WatchedStanding, WatchStore
from services.exporter.bounds import Bounds
from services.exporter.families import families
from services.readiness.policy import DEFAULT_POLICY, packaged_text
from services.store.client import ClickHouse
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.reference.cases import Event, about, capacity, certify, event, order, receive
from tests.reference.histories import history, shuffled, supplier_ids
from tests.support.storing import ACCEPTED_MS, empty, store, store_in_batches

START, DAYS = date(2025, 6, 1), 420
END = START + timedelta(days=DAYS)
SUPPLIERS = supplier_ids(4)
TODAY = date(2026, 4, 1)


def judge(clickhouse: ClickHouse, day: date, *names: str) -> None:
    """Keep the standings of suppliers at a day, as the processor does."""
    standings = Standings(clickhouse, DEFAULT_POLICY)
    standings.summaries(Selection(day, WINDOW_DAYS, list(names)))


def look(clickhouse: ClickHouse, today: date = TODAY) -> StoreLookResult:
    return WatchStore(clickhouse, DEFAULT_POLICY).look(today)


def one(clickhouse: ClickHouse, today: date = TODAY) -> Watched:
    """Return what a look shows of supplier S1."""
    (found,) = [x for x in look(clickhouse, today).suppliers if x.supplier_id == "S1"]
    return found


def otif(standing: WatchedStanding) -> tuple[int, int]:
    above, below = standing.at.ratios["otif"]
    return int(above), int(below)


@pytest.fixture
def clickhouse(own_clickhouse: ClickHouse) -> ClickHouse:
    empty(own_clickhouse)
    return own_clickhouse


def test_a_look_shows_what_the_programme_answers(clickhouse: ClickHouse) -> None:
    rng = random.Random(4)
    events = history(rng, suppliers=4, buyers=2, lines=260, start=START, days=DAYS, calm=0.97)
    store_in_batches(clickhouse, rng, shuffled(rng, events))
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    # The request comes first: it keeps the standings, as the processor would.
    answer = Programme(reader).clusters(Selection(END, WINDOW_DAYS), Filter(), 0, 10, 0)
    looked = look(clickhouse, END)
    _, suppliers = reader.suppliers()
    assert {
        (x.supplier_id, x.region, x.cluster, frozenset(x.buyers)) for x in looked.suppliers
    } == {
        (x.supplier_id, x.province or "", x.cluster or "", frozenset(x.buyers)) for x in suppliers
    }
    assert all(x.standing is not None and x.standing.current for x in looked.suppliers)
    found = {
        family.name: {tuple(s.labels.values()): s.value for s in family.samples}
        for family in families(looked, Bounds(), DEFAULT_POLICY.zone)
    }
    assert answer["clusters"]
    for group in answer["clusters"]:
        same_cluster(found, group["cluster"] or "(none)", group)


def same_cluster(found: dict[str, Any], name: str, group: dict[str, Any]) -> None:
    for key, kpi in group["kpis"].items():
        if "numerator" in kpi:
            above = found["rantai_cluster_figure_numerator"][name, key]
            below = found["rantai_cluster_figure_denominator"][name, key]
            assert (above, below) == (float(kpi["numerator"]), float(kpi["denominator"]))
        else:
            assert found["rantai_cluster_cases"][name, key] == kpi["value"]
    for grade, count in group["grades"]["published"].items():
        assert found["rantai_cluster_grade_suppliers"][name, grade] == count
    for opinion in group["stages"]:
        for stage, count in opinion["stages"].items():
            key = (name, opinion["assessor"], stage)
            assert found["rantai_cluster_stage_suppliers"][key] == count
    moves = found["rantai_cluster_moved_suppliers"]
    moved = sum(count for (cluster, _, _), count in moves.items() if cluster == name)
    assert moved == len(group["moved"]["suppliers"])


def test_a_stale_standing_is_shown_and_marked_as_not_current(clickhouse: ClickHouse) -> None:
    store(clickhouse, [order("03-01", 10, "03-20"), receive("03-20", 10)])
    assert one(clickhouse).standing is None
    assert one(clickhouse).has_facts
    yesterday = TODAY - timedelta(days=1)
    judge(clickhouse, yesterday, "S1")
    assert (standing := one(clickhouse).standing) is not None
    assert not standing.current
    judge(clickhouse, TODAY, "S1")
    assert (standing := one(clickhouse).standing) is not None
    assert standing.current
    assert otif(standing) == (1, 1)
    store(clickhouse, [order("03-02", 10, "03-20", order_no="P2")])
    assert (standing := one(clickhouse).standing) is not None
    assert not standing.current
    assert otif(standing) == (1, 1)
    judge(clickhouse, TODAY, "S1")
    assert (standing := one(clickhouse).standing) is not None
    assert standing.current
    assert otif(standing) == (1, 2)


def test_a_standing_of_tomorrow_of_another_policy_or_over_7_days_old_is_not_shown(
    clickhouse: ClickHouse,
) -> None:
    store(clickhouse, [order("03-01", 10, "03-20"), receive("03-20", 10)])
    judge(clickhouse, TODAY + timedelta(days=1), "S1")
    judge(clickhouse, TODAY - timedelta(days=8), "S1")
    other = DEFAULT_POLICY.load_text(packaged_text().replace("A = 90", "A = 91"))
    Standings(clickhouse, other).summaries(Selection(TODAY, WINDOW_DAYS, ["S1"]))
    assert one(clickhouse).standing is None
    judge(clickhouse, TODAY - timedelta(days=7), "S1")
    assert one(clickhouse).standing is not None


def test_the_grade_of_the_month_end_before_is_that_of_its_newest_standing(
    clickhouse: ClickHouse,
) -> None:
    rng = random.Random(4)
    store_in_batches(
        clickhouse, rng, history(rng, suppliers=2, buyers=1, lines=200, start=START, days=DAYS)
    )
    day = date(2026, 7, 20)
    judge(clickhouse, day, *SUPPLIERS[:2])
    assert all(x.standing and not x.standing.compared for x in look(clickhouse, day).suppliers)
    judge(clickhouse, date(2026, 7, 1), *SUPPLIERS[:2])
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    before = reader.assessor.assessed(Selection(date(2026, 7, 1), WINDOW_DAYS, SUPPLIERS[:2]))
    shown = {x.supplier_id: x.standing for x in look(clickhouse, day).suppliers}
    assert {name: x.published for name, x in before.items()} == {
        name: standing.before for name, standing in shown.items() if standing
    }
    assert any(x.published for x in before.values())


def test_the_capacity_load_is_that_of_the_scorecard(clickhouse: ClickHouse) -> None:
    store(clickhouse, [order("03-28", 300, "04-20"), capacity("03-02", "press", 200, "I")])
    judge(clickhouse, TODAY, "S1")
    assert (standing := one(clickhouse).standing) is not None
    assert standing.load == 1.5


def test_a_renewed_certificate_ends_when_the_new_one_does(clickhouse: ClickHouse) -> None:
    certificates: list[Event] = [
        certify("2025-01-01", "2026-04-15"),
        certify("2024-01-01", "2024-12-31"),
        certify("2025-01-01", "2026-05-01", "ISO9001"),
        certify("2025-01-01", None, "HALAL"),
    ]
    store(clickhouse, certificates)
    assert one(clickhouse).certificates == {"NIB": date(2026, 4, 15), "ISO9001": date(2026, 5, 1)}
    # NIB is renewed before the old one ends, and ISO9001 without an end.
    store(clickhouse, [certify("2026-04-16", "2027-04-15"), certify("2026-05-02", None, "ISO9001")])
    assert one(clickhouse).certificates == {"NIB": date(2027, 4, 15)}


def test_a_supplier_with_only_a_registration_or_a_partnership_is_shown(
    clickhouse: ClickHouse,
) -> None:
    place = {"province": "Jawa Tengah", "cluster": "ceper"}
    supplier = about("registered", "01-02", partner_id="S9", role="supplier", name="IX", **place)
    buyer = about("registered", "01-02", partner_id="B9", role="buyer", name="PT IX")
    for registered in (supplier, buyer):
        del registered["data"]["supplier_id"]
    agreed = event("partnership.agreed", "01-03", kind="subcontract", valid_from="2026-01-03")
    store(clickhouse, [supplier, buyer, agreed])
    found = {x.supplier_id: x for x in look(clickhouse).suppliers}
    assert set(found) == {"S9", "S1"}
    assert (found["S9"].region, found["S9"].cluster) == ("Jawa Tengah", "ceper")
    assert not found["S9"].has_facts
    assert found["S1"].buyers == ("B1",)


def test_a_look_shows_the_newest_event_of_each_sender_also_after_a_rebuild(
    clickhouse: ClickHouse,
) -> None:
    store(clickhouse, [order("03-01", 5, "03-20"), receive("03-20", 5)])
    store(clickhouse, [order("03-02", 5, "03-20", buyer_id="B2")])
    expected = {"B1": (ACCEPTED_MS + 1) / 1000, "B2": ACCEPTED_MS / 1000}

    def newest() -> dict[str, float]:
        return {name: at.timestamp() for name, at in look(clickhouse).senders.items()}

    assert newest() == expected
    rebuild(clickhouse, NOT_SYNCED)
    assert newest() == expected


def test_a_look_shows_the_size_of_the_store_and_the_open_rejections(clickhouse: ClickHouse) -> None:
    store(clickhouse, [order("03-01", 5, "03-20")])
    refused = {"reason": "invalid", "sender": "B1", "accepted_at": 1, "rejected_at": 1}
    lines = "\n".join(
        str({**refused, "id": name, "replayed_at": at}).replace("'", '"')
        for name, at in (("a", 0), ("b", 0), ("c", 1))
    ).replace('"replayed_at": 0', '"replayed_at": null')
    clickhouse.insert_json_lines("rejected", lines.encode())
    looked = look(clickhouse)
    assert looked.rejections == {"invalid": 2}
    assert looked.size.events == 1
    assert looked.size.bytes > 0
    assert 0 < looked.size.free <= looked.size.total


def test_no_query_of_a_look_reads_the_ledger(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    rows = clickhouse.rows

    def remember(statement: str, *given: Any) -> list[dict[str, Any]]:
        statements.append(statement)
        return rows(statement, *given)

    monkeypatch.setattr(clickhouse, "rows", remember)
    look(clickhouse)
    small = "fold_marks partnerships partners standings certificates senders rejected"
    large = [
        table
        for table in ("events", "order_versions", "receipt_lines", "figure_parts")
        if any(f"FROM {table}" in text or f"JOIN {table}" in text for text in statements)
    ]
    assert large == []
    assert all(any(f"FROM {table}" in text for text in statements) for table in small.split())
