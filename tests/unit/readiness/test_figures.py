"""Figures: exact quotients, published intervals, and exact numbers in JSON."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from services.readiness.figures import Figure, difference, json_number, wilson

QUANTITIES = st.decimals(0, 10**12, places=6)


@given(QUANTITIES, QUANTITIES, st.sampled_from([1, 1_000_000]))
def test_a_value_is_the_double_nearest_to_the_exact_quotient(
    numerator: Decimal, denominator: Decimal, scale: int
) -> None:
    value = Figure(Fraction(numerator), Fraction(denominator), scale=scale).value
    if denominator == 0:
        assert value is None
    else:
        assert value == float(scale * Fraction(numerator) / Fraction(denominator))


@pytest.mark.parametrize(
    ("numerator", "denominator", "scale", "value"),
    [
        ("0.1", "0.3", 1, 1 / 3),
        ("123456789012.345678", "123456789012.345678", 1, 1.0),
        ("999999999999.999999", "1000000000000", 1, 0.999999999999999999),
        ("3.5", "400", 1_000_000, 8750.0),
        ("0.000001", "999999999999.999999", 1_000_000, 1e-12),
        ("0", "5", 1, 0.0),
        ("7", "3", 1, 7 / 3),
        ("0", "0", 1, None),
        ("5", "0", 1_000_000, None),
    ],
)
def test_values_of_large_and_small_decimals(
    numerator: str, denominator: str, scale: int, value: float | None
) -> None:
    figure = Figure(Fraction(numerator), Fraction(denominator), scale=scale)
    assert figure.value == value
    assert (figure.exact is None) is (value is None)
    if figure.exact is not None:
        # Nothing was rounded.
        assert figure.exact * Fraction(denominator) == Fraction(numerator) * scale


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3, to four decimals.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # The example in docs/figures.md.
        (9, 10, 0.596, 0.982),
        (10, 10, 0.7225, 1.0),
    ],
)
def test_wilson_against_published_intervals(
    successes: int, trials: int, low: float, high: float
) -> None:
    found = wilson(successes, trials)
    assert found == pytest.approx((low, high), abs=6e-4)
    assert (found[0] == 0.0) is (successes == 0)


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_contains_its_ratio(case: tuple[int, int]) -> None:
    successes, trials = case
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1


def test_json_of_a_figure() -> None:
    count = Figure(Fraction(9), Fraction(10), counts=True).as_json()
    assert (count["value"], count["numerator"], count["denominator"]) == (0.9, 9, 10)
    assert [round(bound, 3) for bound in count["ci95"]] == [0.596, 0.982]
    assert "mixed_units" not in count
    empty = Figure(Fraction(0), Fraction(0), counts=True).as_json()
    assert empty == {"value": None, "numerator": 0, "denominator": 0, "ci95": None}
    mixed = Figure(Fraction("0.5"), Fraction(2), mixed_units=True).as_json()
    assert mixed["mixed_units"] is True
    assert "ci95" not in mixed


@given(st.decimals(-(10**18), 10**18, places=6))
def test_a_number_in_json_is_exact(value: Decimal) -> None:
    text = simplejson.dumps(json_number(value), use_decimal=True)
    assert json.loads(text, parse_float=Decimal) == value
    # A whole number is an integer: no exponent, no trailing zeros.
    whole = value == value.to_integral_value()
    assert text.lstrip("-").isdigit() is whole
    assert whole or not text.endswith("0") or "E" in text


def _share(part: int, whole: int, *, counts: bool = True) -> Figure:
    return Figure(Fraction(part), Fraction(whole), counts=counts)


@pytest.mark.parametrize(
    ("after", "before", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), on differences, table II, method 10: 56/70 -
    # 48/80, 9/10 - 3/10, 6/7 - 2/7, 5/56 - 0/29, 0/10 - 0/20 and 10/10 - 0/10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_against_published_intervals(
    after: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    found = difference(_share(*before), _share(*after))
    assert found == pytest.approx((low, high), abs=5e-5)


def test_a_difference_without_counts_has_no_interval() -> None:
    assert difference(_share(0, 0), _share(1, 2)) is None
    assert difference(_share(1, 2), _share(1, 2, counts=False)) is None
