"""The stage of independence in the opinion of each assessor."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.readiness.stage import STAGES, Assessment, Certificate, expired, stages

T = date(2026, 11, 1)
BEFORE = T - timedelta(days=1)
MARKS = st.decimals(0, 100, places=2)


def marks(*values: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, values))


def assessed(
    pillars: str = "80 80 80", on: date = BEFORE, assessor: str = "YDBA", five_r: str = ""
) -> Assessment:
    return Assessment(assessor, on, marks(*pillars.split()), marks(*five_r.split()))


@pytest.mark.parametrize(
    ("pillars", "stage", "mean"),
    [
        ("0 0 0", "Pemula", "0"),
        ("25 25 24.99", "Pemula", "74.99/3"),
        ("25 25 25", "Madya", "25"),
        ("50 50 49.99", "Madya", "149.99/3"),
        ("0 50 100", "Pra-Mandiri", "50"),
        ("75 75 74.99", "Pra-Mandiri", "224.99/3"),
        ("60 70 95", "Mandiri", "75"),
        ("100 100 100", "Mandiri", "100"),
    ],
)
def test_thresholds_apply_to_the_exact_mean(pillars: str, stage: str, mean: str) -> None:
    top, _, bottom = mean.partition("/")
    (found,) = stages(DEFAULT_POLICY, T, [assessed(pillars)])
    assert (found.value, found.limits) == (stage, ())
    assert found.mean == Fraction(top) / Fraction(bottom or "1")


def test_the_latest_assessment_of_each_assessor_before_the_day_counts() -> None:
    found = stages(
        DEFAULT_POLICY,
        T,
        [
            assessed("80 80 80", date(2026, 9, 1), "YDBA"),
            assessed("10 10 10", date(2026, 3, 1), "YDBA"),
            assessed("60 60 60", date(2026, 10, 31), "Dinas"),
            assessed("90 90 90", T, "Dinas"),
            assessed("90 90 90", T, "Newcomer"),
        ],
    )
    assert [one.as_json() for one in found] == [
        {
            "assessor": "Dinas",
            "value": "Pra-Mandiri",
            "mean": 60.0,
            "assessed_on": "2026-10-31",
            "limits": [],
        },
        {
            "assessor": "YDBA",
            "value": "Mandiri",
            "mean": 80.0,
            "assessed_on": "2026-09-01",
            "limits": [],
        },
    ]


def test_of_two_assessments_of_one_day_the_later_sent_stands() -> None:
    (found,) = stages(DEFAULT_POLICY, T, [assessed("80 80 80"), assessed("30 30 30")])
    assert found.value == "Madya"
    (found,) = stages(DEFAULT_POLICY, T, [assessed("30 30 30"), assessed("80 80 80")])
    assert found.value == "Mandiri"


@pytest.mark.parametrize(
    ("five_r", "limits"),
    [
        ("", ()),
        ("60 60 60 60 60", ()),
        ("0 60 80 80 80", ()),
        ("60 60 60 60 59.99", ("five_r",)),
    ],
)
def test_five_r_limits(five_r: str, limits: tuple[str, ...]) -> None:
    (found,) = stages(DEFAULT_POLICY, T, [assessed(five_r=five_r)])
    assert found.limits == limits
    assert found.value == ("Pra-Mandiri" if limits else "Mandiri")


@pytest.mark.parametrize(
    ("concentration", "limited"),
    [(None, False), ("0.6", False), ("0.60000000000000000001", True), ("1", True), ("0", False)],
)
def test_concentration_limits(concentration: str | None, limited: bool) -> None:
    figure = None if concentration is None else Fraction(concentration)
    (found,) = stages(DEFAULT_POLICY, T, [assessed()], concentration=figure)
    assert found.limits == (("buyer_concentration",) if limited else ())


@pytest.mark.parametrize(
    ("held", "gone"),
    [
        ([], False),
        ([("NIB", -400, -1)], True),
        ([("NIB", -400, 0)], False),
        ([("NIB", -400, None)], False),
        ([("NIB", -400, -30), ("NIB", -30, 300)], False),
        ([("NIB", -400, -30), ("NIB", -1, None)], False),
        # A renewal that begins on the day itself does not count yet.
        ([("NIB", -400, -30), ("NIB", 0, None)], True),
        ([("NIB", 1, None)], False),
        # A correction: of two with the same first day, the later sent stands.
        ([("NIB", -400, None), ("NIB", -400, -1)], True),
        ([("NIB", -400, -1), ("NIB", -400, None)], False),
        # The one with the latest first day stands, in whatever order they were sent.
        ([("NIB", -30, -1), ("NIB", -400, None)], True),
        ([("NIB", -30, None), ("NIB", -400, -1)], False),
        ([("NIB", -400, -300), ("NIB", -200, -100)], True),
        # Another certificate does not count.
        ([("SNI", -400, -1)], False),
        ([("NIB", -400, -1), ("SNI", -400, None)], True),
    ],
)
def test_an_expired_licence_limits(held: list[tuple[str, int, int | None]], gone: bool) -> None:
    certificates = [
        Certificate(name, T + timedelta(start), None if end is None else T + timedelta(end))
        for name, start, end in held
    ]
    assert expired(DEFAULT_POLICY, T, certificates) == (("NIB",) if gone else ())
    (found,) = stages(DEFAULT_POLICY, T, [assessed()], certificates)
    assert (found.value, found.limits) == (("Pra-Mandiri", ("NIB",)) if gone else ("Mandiri", ()))


def test_limits_are_exactly_the_rules_that_lower_the_stage() -> None:
    gone = [Certificate("NIB", date(2020, 1, 1), date(2025, 1, 1))]
    (found,) = stages(
        DEFAULT_POLICY, T, [assessed(five_r="0 0 0 0 0")], gone, concentration=Fraction(1)
    )
    assert found.limits == ("NIB", "five_r", "buyer_concentration")
    for pillars, stage in (("60 60 60", "Pra-Mandiri"), ("30 30 30", "Madya"), ("1 1 1", "Pemula")):
        below = assessed(pillars, five_r="0 0 0 0 0")
        (found,) = stages(DEFAULT_POLICY, T, [below], gone, concentration=Fraction(1))
        assert (found.value, found.limits) == (stage, ())


def test_the_policy_sets_thresholds_and_limits() -> None:
    text = (
        packaged_text().replace('["NIB"]', '["NIB", "SNI"]').replace("\nmadya = 25", "\nmadya = 1")
    )
    text = text.replace("five_r_minimum = 60", "five_r_minimum = 30.5")
    policy = Policy.load_text(text.replace("limit = 0.6", "limit = 0.5"))
    gone = [Certificate("SNI", date(2020, 1, 1), date(2025, 1, 1))]
    half = Fraction(1, 2)
    (found,) = stages(policy, T, [assessed(five_r="30.5 30.5 30.5 30.5 30.5")], gone, half)
    assert found.limits == ("SNI",)
    assert stages(policy, T, [assessed("1 1 1")])[0].value == "Madya"


@given(st.lists(MARKS, min_size=3, max_size=3), st.lists(MARKS, min_size=3, max_size=3))
def test_higher_marks_never_make_a_lower_stage(one: list[Decimal], other: list[Decimal]) -> None:
    higher = [max(pair) for pair in zip(one, other, strict=True)]
    (low,) = stages(DEFAULT_POLICY, T, [Assessment("YDBA", BEFORE, tuple(one))])
    (high,) = stages(DEFAULT_POLICY, T, [Assessment("YDBA", BEFORE, tuple(higher))])
    assert STAGES.index(low.value) <= STAGES.index(high.value)
    assert low.mean <= high.mean


@given(st.permutations(range(6)))
def test_the_order_of_assessments_of_different_days_does_not_matter(order: list[int]) -> None:
    rows = [
        assessed(f"{10 * index} 50 50", BEFORE - timedelta(index), "AB"[index % 2])
        for index in range(6)
    ]
    assert stages(DEFAULT_POLICY, T, [rows[index] for index in order]) == stages(
        DEFAULT_POLICY, T, rows
    )
