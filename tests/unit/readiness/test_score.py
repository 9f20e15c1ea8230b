"""Points, the score and the next steps: exact, and compared with cases worked out by hand."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.readiness.kpis import KPIS
from services.readiness.next_steps import Alternative, next_steps
from services.readiness.points import points_at
from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.readiness.score import score

SCALES = DEFAULT_POLICY.scales
KEYS = list(SCALES)
NOTHING: dict[str, Fraction | None] = dict.fromkeys(KEYS)

FRACTIONS = st.fractions(0, 60_000, max_denominator=10**6) | st.fractions(0, 1)
VALUES = st.fixed_dictionaries(dict.fromkeys(KEYS, st.none() | FRACTIONS))


def of(**known: str) -> dict[str, Fraction | None]:
    return {**NOTHING, **{key: Fraction(value) for key, value in known.items()}}


@pytest.mark.parametrize(
    ("key", "value", "points"),
    [
        ("ppm", "0", "100"),
        ("ppm", "250", "95"),
        ("ppm", "500", "90"),
        ("ppm", "1250", "80"),
        ("ppm", "10000", "40"),
        ("ppm", "30000", "20"),
        ("ppm", "50000", "0"),
        ("ppm", "1000000", "0"),
        ("lot_acceptance", "0.5", "0"),
        ("lot_acceptance", "0.8", "0"),
        ("lot_acceptance", "0.875", "35"),
        ("lot_acceptance", "0.95", "70"),
        ("otif", "9/10", "80"),
        ("otif", "2/3", "100/3"),
        ("otif_requested", "1", "100"),
        ("mean_days_late", "0.5", "92.5"),
        ("mean_days_late", "2", "67.5"),
        ("mean_days_late", "11", "0"),
        ("confirmation_in_time", "0.7", "40"),
        ("despatch_notice_rate", "0.6", "45"),
        ("complaint_response", "0.95", "90"),
    ],
)
def test_points_of_a_value(key: str, value: str, points: str) -> None:
    assert points_at(SCALES[key].points, Fraction(value)) == Fraction(points)


@given(st.sampled_from(KEYS), FRACTIONS, FRACTIONS)
def test_a_better_value_never_earns_less(key: str, one: Fraction, other: Fraction) -> None:
    worse, better = sorted((one, other), reverse=KPIS[key].better == "lower")
    pairs = SCALES[key].points
    assert 0 <= points_at(pairs, worse) <= points_at(pairs, better) <= 100


@given(st.sampled_from(KEYS), st.integers(0, 4), st.fractions(0, 1))
def test_between_two_pairs_the_line_is_straight(key: str, index: int, part: Fraction) -> None:
    pairs = [(Fraction(x), Fraction(y)) for x, y in SCALES[key].points]
    (x0, y0), (x1, y1) = pairs[index % (len(pairs) - 1) :][:2]
    value = x0 * (1 - part) + x1 * part
    assert points_at(SCALES[key].points, value) == y0 * (1 - part) + y1 * part


def test_a_score_worked_out_by_hand() -> None:
    found = score(
        DEFAULT_POLICY, of(ppm="500", otif="0.9", otif_requested="0.8", mean_days_late="2")
    )
    # Quality: ppm alone, 90. Delivery: (80 x 15 + 60 x 10 + 67.5 x 15) / 40 = 70.3125.
    assert found.pillars == {
        "quality": Fraction(90),
        "delivery": Fraction("70.3125"),
        "responsiveness": None,
    }
    # Responsiveness leaves its 20 to the two other pillars, which weigh the same.
    assert found.value == (Fraction(90) + Fraction("70.3125")) / 2
    weights = {key: one.weight for key, one in found.keys.items() if one.weight}
    assert weights == {
        "ppm": 50,
        "otif": Fraction("18.75"),
        "otif_requested": Fraction("12.5"),
        "mean_days_late": Fraction("18.75"),
    }
    assert found.keys["lot_acceptance"].points is None
    assert found.as_json(provisional=True) == {
        "value": 80.15625,
        "provisional": True,
        "pillars": {"quality": 90.0, "delivery": 70.3125, "responsiveness": None},
    }


def test_a_figure_leaves_its_weight_to_its_own_pillar_first() -> None:
    # ppm is null and lot_acceptance, at 0 points, takes the whole 40 of quality. If the 25 of ppm
    # were shared by all figures, the score would be higher.
    full = of(**{key: "1" for key in KEYS if KPIS[key].better == "higher"}, mean_days_late="0")
    found = score(DEFAULT_POLICY, {**full, "lot_acceptance": Fraction("0.5")})
    assert found.value == 60
    assert found.keys["lot_acceptance"].weight == 40
    # Pillars of different weight: 40 and 20 become 66 2/3 and 33 1/3 of 100.
    found = score(DEFAULT_POLICY, of(lot_acceptance="1", order_acceptance="0"))
    assert found.value == Fraction(200, 3)


def test_without_any_value_there_is_no_score() -> None:
    found = score(DEFAULT_POLICY, NOTHING)
    assert found.value is None
    assert set(found.pillars.values()) == {None}
    assert {one.weight for one in found.keys.values()} == {Fraction(0)}
    assert found.as_json(provisional=True)["value"] is None


def test_a_missing_figure_is_an_error_and_not_null() -> None:
    with pytest.raises(KeyError, match="ppm"):
        score(DEFAULT_POLICY, {key: one for key, one in NOTHING.items() if key != "ppm"})


@given(VALUES)
def test_weights_add_up_to_100_and_keep_their_proportions(
    values: Mapping[str, Fraction | None],
) -> None:
    found = score(DEFAULT_POLICY, values)
    valued = [key for key in KEYS if values[key] is not None]
    assert sum(one.weight for one in found.keys.values()) == (100 if valued else 0)
    assert {key for key in KEYS if found.keys[key].weight} == set(valued)
    for figures in DEFAULT_POLICY.pillars.values():
        shares = {
            found.keys[key].weight / Fraction(scale.weight)
            for key, scale in figures.items()
            if key in valued
        }
        assert len(shares) <= 1
    pillars = {
        name: sum(found.keys[key].weight for key in figures)
        for name, figures in DEFAULT_POLICY.pillars.items()
    }
    whole = {"quality": 40, "delivery": 40, "responsiveness": 20}
    assert len({share / whole[name] for name, share in pillars.items() if share}) <= 1


@given(VALUES)
def test_the_score_is_the_sum_of_what_its_figures_add(
    values: Mapping[str, Fraction | None],
) -> None:
    found = score(DEFAULT_POLICY, values)
    added = [one.points * one.weight / 100 for one in found.keys.values() if one.points is not None]
    assert found.value == (sum(added) if added else None)
    assert found.value is None or 0 <= found.value <= 100
    for name, figures in DEFAULT_POLICY.pillars.items():
        # A pillar alone is a score of its own.
        alone = {key: values[key] if key in figures else None for key in KEYS}
        assert score(DEFAULT_POLICY, alone).value == found.pillars[name]


@given(VALUES, st.sampled_from(KEYS), FRACTIONS)
def test_a_better_figure_never_lowers_the_score(
    values: Mapping[str, Fraction | None], key: str, other: Fraction
) -> None:
    now = values[key]
    if now is None:
        return
    better = min(now, other) if KPIS[key].better == "lower" else max(now, other)
    before = score(DEFAULT_POLICY, values).value
    after = score(DEFAULT_POLICY, {**values, key: better}).value
    assert before is not None
    assert after is not None
    assert after >= before


def test_the_policy_sets_the_weights() -> None:
    text = packaged_text().replace("weight = 25", "weight = 0.5")
    text = text.replace("weight = 10", "weight = 34.5")
    found = score(Policy.load_text(text), of(ppm="0", lot_acceptance="0", otif="1"))
    # Quality 15.5, of which ppm 0.5; delivery 64.5.
    assert found.pillars["quality"] == Fraction(100, 31)
    assert found.value == (Fraction(50) + Fraction("64.5") * 100) / 80


# What to do next.

NOW = of(ppm="10000", otif="0.8", otif_requested="0.8", mean_days_late="3", order_acceptance="0.5")


def better(kpi: str, case: str, **values: str) -> Alternative:
    known = {key: Fraction(value) for key, value in values.items()}
    return Alternative(kpi, ({"order_no": case, "line_no": "10"},), known)


def test_next_steps_are_the_three_that_gain_most_best_first() -> None:
    found = next_steps(
        DEFAULT_POLICY,
        NOW,
        [
            better("otif", "PO1", otif="0.85"),
            better("order_acceptance", "PO2", order_acceptance="0.9"),
            better("mean_days_late", "PO3", mean_days_late="2"),
            better("ppm", "PO4", ppm="2000"),
        ],
    )
    # By hand: ppm 30 x 40 / 100; order_acceptance 80 x 20 / 100; mean_days_late 17.5 x 15 / 100.
    assert [(one.kpi, one.gain) for one in found] == [
        ("order_acceptance", Fraction(16)),
        ("ppm", Fraction(12)),
        ("mean_days_late", Fraction("2.625")),
    ]
    assert found[0].as_json() == {
        "kpi": "order_acceptance",
        "gain": 16.0,
        "cases": [{"order_no": "PO2", "line_no": "10"}],
    }


def test_a_next_step_gains_more_than_nothing() -> None:
    alternatives = [
        better("otif", "same", otif="0.8"),
        better("otif_requested", "worse", otif_requested="0.7"),
        better("ppm", "not scored", open_complaints="0"),
        Alternative("order_acceptance", (), {"order_acceptance": None}),
        better("mean_days_late", "PO3", mean_days_late="2.99"),
    ]
    # If order_acceptance becomes null, the weight of its pillar goes to better pillars: that is a
    # gain, and allowed.
    found = {one.kpi: one.gain for one in next_steps(DEFAULT_POLICY, NOW, alternatives)}
    assert set(found) == {"order_acceptance", "mean_days_late"}
    assert next_steps(DEFAULT_POLICY, NOTHING, alternatives) == []


def test_one_delivery_put_right_moves_several_figures() -> None:
    one = better("otif", "PO1", otif="0.85", otif_requested="0.85", mean_days_late="1")
    apart = [score(DEFAULT_POLICY, {**NOW, key: value}).value for key, value in one.values.items()]
    now = score(DEFAULT_POLICY, NOW).value
    assert now is not None
    (step,) = next_steps(DEFAULT_POLICY, NOW, [one])
    assert step.gain == sum(value - now for value in apart if value is not None)


def test_each_figure_has_one_step_and_the_policy_sets_how_many_are_shown() -> None:
    alternatives = [
        better("otif", "PO1", otif="0.81"),
        better("otif", "PO2", otif="0.82"),
        better("otif", "PO3", otif="0.82"),
        better("ppm", "PO4", ppm="9000"),
    ]
    found = next_steps(DEFAULT_POLICY, NOW, alternatives)
    assert [one.kpi for one in found] == ["ppm", "otif"]
    # Of equal gains, the first by its cases.
    assert found[1].cases[0]["order_no"] == "PO2"
    fewer = Policy.load_text(packaged_text().replace("next_steps = 3", "next_steps = 1"))
    assert [one.kpi for one in next_steps(fewer, NOW, alternatives)] == ["ppm"]


STEPS: list[Any] = [
    better("otif", "PO1", otif="0.9"),
    better("otif_requested", "PO1", otif="0.9"),
    better("otif", "PO2", otif="0.9"),
    Alternative("otif", ({"order_no": "A"}, {"order_no": "B"}), {"otif": Fraction("0.9")}),
    better("ppm", "PO4", ppm="9000"),
    better("mean_days_late", "PO5", otif="0.9"),
]


@given(st.permutations(STEPS))
def test_the_order_of_alternatives_does_not_matter(mixed: list[Alternative]) -> None:
    found = next_steps(DEFAULT_POLICY, NOW, mixed)
    assert [(one.kpi, one.cases[0]["order_no"]) for one in found] == [
        ("mean_days_late", "PO5"),
        ("otif", "PO1"),
        ("otif_requested", "PO1"),
    ]


@given(VALUES, st.lists(st.tuples(st.sampled_from(KEYS), FRACTIONS), max_size=12))
def test_the_gain_of_a_step_is_the_difference_of_two_scores(
    values: Mapping[str, Fraction | None], changes: list[tuple[str, Fraction]]
) -> None:
    alternatives = [
        Alternative(key, ({"order_no": str(index)},), {key: value})
        for index, (key, value) in enumerate(changes)
    ]
    found = next_steps(DEFAULT_POLICY, values, alternatives)
    gains = [one.gain for one in found]
    assert gains == sorted(gains, reverse=True)
    assert all(gain > 0 for gain in gains)
    assert len({one.kpi for one in found}) == len(found) <= 3
    now = score(DEFAULT_POLICY, values).value
    for one in found:
        key, value = changes[int(one.cases[0]["order_no"])]
        then = score(DEFAULT_POLICY, {**values, key: value}).value
        assert then is not None
        assert now is not None
        assert one.gain == then - now


def test_points_of_decimals_are_exact() -> None:
    pairs = ((Decimal("0.1"), Decimal(0)), (Decimal("0.4"), Decimal(100)))
    assert points_at(pairs, Fraction("0.2")) == Fraction(100, 3)
