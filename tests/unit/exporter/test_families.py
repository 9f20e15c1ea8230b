"""The series of a look: bounded labels, complete sums, and suppliers with their own series."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest

from services.assessment.watched import StoreLookResult, StoreSize, Watched, WatchedStanding
from services.exporter.bounds import Bounds, most_at_risk
from services.exporter.families import families
from services.readiness.kpis import COUNTS
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.summary import Summary

TODAY = date(2026, 11, 1)
ZONE = "Asia/Jakarta"
AT = datetime(2026, 11, 1, tzinfo=UTC)


def letter(text: str) -> Letter | None:
    return LETTERS[LETTERS.index(text)] if text else None


def summary(
    published: str = "B", score: int = 80, otif: tuple[str, str] = ("9", "10"), **more: Any
) -> Summary:
    return Summary(
        ratios={"otif": (Fraction(otif[0]), Fraction(otif[1]))},
        counts=dict.fromkeys(COUNTS, 1),
        units={},
        score=Fraction(score),
        adds={},
        weakest_pillar=None,
        grade=letter(published),
        gates=(),
        published=letter(published),
        stages=more.get("stages", {}),
        limits={},
        matured_lines=10,
    )


def supplier(
    name: str,
    cluster: str = "",
    *,
    before: str | None = "B",
    load: float | None = None,
    buyers: tuple[str, ...] = (),
    ends: Mapping[str, date] | None = None,
    known: bool = True,
    **more: Any,
) -> Watched:
    at = summary(**more)
    compared = before is not None
    standing = WatchedStanding(at, letter(before or ""), compared, load, AT, True)
    return Watched(name, "", cluster, buyers, True, standing if known else None, ends or {})


def shown(
    *suppliers: Watched,
    bounds: Bounds | None = None,
    senders: Mapping[str, datetime] | None = None,
) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values of each series by its label values, in the order of the labels."""
    looked = StoreLookResult(TODAY, suppliers, senders or {}, StoreSize(1, 2, 3, 4, 5), {})
    return {
        family.name: {tuple(s.labels.values()): s.value for s in family.samples}
        for family in families(looked, bounds or Bounds(), ZONE)
    }


def test_groups_beyond_the_bound_are_summed_as_other() -> None:
    few = shown(
        *(supplier(f"A{n}", "ceper", otif=("1", "2")) for n in range(3)),
        *(supplier(f"B{n}", "tegal", otif=("10", "20")) for n in range(2)),
        supplier("C1", "juwana", otif=("100", "200")),
        supplier("D1", "batur", otif=("1000", "2000")),
        supplier("E1", "", otif=("10000", "20000")),
        bounds=Bounds(groups=2),
    )
    assert few["rantai_cluster_figure_numerator"] == {
        ("ceper", "otif"): 3,
        ("tegal", "otif"): 20,
        ("(other)", "otif"): 1100,
        ("(none)", "otif"): 10000,
    }
    assert sum(few["rantai_cluster_figure_denominator"].values()) == 2 * 11123
    assert few["rantai_cluster_cases"]["(other)", "line_stops"] == 2


def test_among_groups_of_equal_size_the_choice_is_stable() -> None:
    some = [supplier(f"S{n}", f"cluster-{n}") for n in range(9)]
    one = shown(*some, bounds=Bounds(groups=3))["rantai_cluster_cases"]
    other = shown(*some[::-1], bounds=Bounds(groups=3))["rantai_cluster_cases"]
    assert one == other
    names = {"cluster-0", "cluster-1", "cluster-2", "(other)"}
    assert {cluster for cluster, _ in one} == names


def test_sums_are_exact_and_rounded_once() -> None:
    parts = [supplier(f"S{n}", "ceper", otif=("0.1", "0.3")) for n in range(3)]
    found = shown(*parts)
    assert found["rantai_cluster_figure_numerator"]["ceper", "otif"] == 0.3
    assert found["rantai_cluster_figure_denominator"]["ceper", "otif"] == 0.9


def test_suppliers_without_a_standing_count_as_ungraded() -> None:
    found = shown(
        supplier("S1", "ceper", published="A"),
        supplier("S2", "ceper", published=""),
        supplier("S3", "ceper", known=False),
    )["rantai_cluster_grade_suppliers"]
    grades = {grade: count for (_, grade), count in found.items()}
    assert grades == {"A": 1, "B": 0, "C": 0, "D": 0, "none": 2}


def test_a_supplier_counts_once_with_each_of_its_buyers() -> None:
    found = shown(
        supplier("S1", buyers=("AHM", "P1", "P2")),
        supplier("S2", buyers=("AHM",)),
        bounds=Bounds(groups=1),
    )["rantai_buyer_grade_suppliers"]
    assert {buyer: n for (buyer, grade), n in found.items() if grade == "B"} == {
        "AHM": 2,
        "(other)": 1,
    }


def test_stages_are_counted_by_assessor() -> None:
    found = shown(
        supplier("S1", "ceper", stages={"YDBA": "Madya", "Dinas": "Pemula"}),
        supplier("S2", "ceper", stages={"YDBA": "Madya"}),
    )["rantai_cluster_stage_suppliers"]
    assert {key: n for key, n in found.items() if n} == {
        ("ceper", "YDBA", "Madya"): 2,
        ("ceper", "Dinas", "Pemula"): 1,
    }
    assert len(found) == 8


def test_moves_are_counted_only_if_the_month_end_before_is_known() -> None:
    found = shown(
        supplier("S1", "ceper", before="A", published="C"),
        supplier("S2", "ceper", before="A", published="C"),
        supplier("S3", "ceper", before="", published="B"),
        supplier("S4", "ceper", before="B", published="B"),
        supplier("S5", "ceper", before=None, published="D"),
    )["rantai_cluster_moved_suppliers"]
    assert found == {("ceper", "A", "C"): 2, ("ceper", "none", "B"): 1}


def test_the_suppliers_most_at_risk_have_their_own_series() -> None:
    some = [
        supplier("fine", before="A", published="A", score=95),
        supplier("ungraded", before="", published="", score=10),
        supplier("low", before="D", published="D", score=40),
        supplier("lower", before="D", published="D", score=30),
        supplier("fell", before="A", published="B", score=89),
        supplier("fell far", before="A", published="C", score=79),
        supplier("rose", before="D", published="C", score=70),
        supplier("unknown", known=False),
    ]
    order = ["fell far", "fell", "lower", "low", "rose", "fine", "ungraded"]
    assert [one.supplier_id for one in most_at_risk(some, Bounds())] == order
    first = [one.supplier_id for one in most_at_risk(some, Bounds(suppliers=3))]
    assert first == order[:3]
    named = Bounds(suppliers=3, named=("ungraded", "fine", "nobody"))
    assert [one.supplier_id for one in most_at_risk(some, named)] == [
        "ungraded",
        "fine",
        "fell far",
    ]
    found = shown(*some, bounds=Bounds(suppliers=2))
    own = {series: keys for series, keys in found.items() if series.startswith("rantai_supplier_")}
    assert {labels[0] for keys in own.values() for labels in keys} == {"fell far", "fell"}
    key = ("fell far", "(none)", "C", "C", "A")
    assert found["rantai_supplier_standing_info"][key] == 1


def test_the_highest_load_of_a_cluster_is_shown() -> None:
    found = shown(
        supplier("S1", "ceper", load=0.5),
        supplier("S2", "ceper", load=1.25),
        supplier("S3", "ceper"),
        supplier("S4", "tegal"),
    )
    assert found["rantai_cluster_capacity_load_max_ratio"] == {("ceper",): 1.25}
    loads = {("S1",): 0.5, ("S2",): 1.25}
    assert found["rantai_supplier_capacity_load_ratio"] == loads


@pytest.mark.parametrize(
    ("end", "expiring", "expired"),
    [
        (date(2026, 10, 31), 0, 1),
        (date(2026, 11, 1), 1, 0),
        (date(2026, 12, 1), 1, 0),
        (date(2026, 12, 2), 0, 0),
    ],
)
def test_a_certificate_is_expiring_from_thirty_days_before_its_last_day(
    end: date, expiring: int, expired: int
) -> None:
    found = shown(supplier("S1", "ceper", ends={"NIB": end}))
    assert found["rantai_cluster_expiring_certificates"] == {("ceper",): expiring}
    assert found["rantai_cluster_expired_certificates"] == {("ceper",): expired}


def test_the_next_certificate_of_a_supplier_to_end_is_shown() -> None:
    ends = {"OLD": date(2020, 1, 1), "ISO9001": date(2026, 11, 2), "NIB": date(2027, 1, 1)}
    found = shown(
        supplier("S1", ends=ends),
        supplier("S2", ends={"OLD": date(2020, 1, 1), "OLDER": date(2019, 1, 1)}),
        supplier("S3", ends={"NIB": date.max}),
    )["rantai_supplier_certificate_end_timestamp_seconds"]
    # The certificate is valid on its last day, which ends at midnight in Jakarta.
    end = datetime(2026, 11, 2, 17, tzinfo=UTC).timestamp()
    assert found["S1", "ISO9001"] == end
    assert {key for key in found if key[0] != "S1"} == {("S2", "OLD"), ("S3", "NIB")}


def test_senders_with_the_most_suppliers_are_shown_even_if_silent() -> None:
    def on(day: int) -> datetime:
        return datetime(2026, 10, day, tzinfo=UTC)

    senders = {"AHM": on(1), "ADM": on(30), "S1": on(28), "S2": on(29)}
    some = [supplier("S1", buyers=("AHM", "ADM")), supplier("S2", buyers=("AHM",))]
    found = shown(*some, senders=senders, bounds=Bounds(groups=1))
    assert found["rantai_sender_newest_event_timestamp_seconds"] == {
        ("AHM",): on(1).timestamp(),
        ("(other)",): on(30).timestamp(),
    }
    newest = found["rantai_newest_stored_event_accepted_timestamp_seconds"]
    assert newest == {(): on(30).timestamp()}
