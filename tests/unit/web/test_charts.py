"""Charts: the places of dots, lines, intervals, labels and bars."""

import pytest

from services.web.charts import BarChart, ChartValue, LineChart, bars, line

LEVELS = [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")]


def drawn(*values: float | None) -> LineChart:
    some = [
        None if value is None else ChartValue(value, value - 0.1, value + 0.1) for value in values
    ]
    names = [f"M{place}" for place in range(len(values))]
    return line(some, names, LEVELS, span=(0.0, 1.0))


def test_a_higher_value_is_drawn_higher_and_within_the_chart() -> None:
    found = drawn(0.1, 0.5, 0.9)
    heights = [dot.y for dot in found.dots]
    assert heights == sorted(heights, reverse=True)
    assert all(0 <= dot.y <= found.bottom and 0 <= dot.x <= found.width for dot in found.dots)
    assert [level.y for level in found.levels][1] == heights[1]


def test_values_are_spread_evenly_from_one_side_to_the_other() -> None:
    found = drawn(0.5, 0.5, 0.5)
    first, middle, last = (dot.x for dot in found.dots)
    assert (first, last) == (found.left, found.right)
    assert middle - first == last - middle


def test_a_missing_value_breaks_the_line() -> None:
    found = drawn(0.2, 0.4, None, 0.6, 0.8)
    assert len(found.dots) == 4
    assert [len(run.split()) for run in found.runs] == [2, 2]
    assert found.runs[0].split()[-1] == f"{found.dots[1].x:g},{found.dots[1].y:g}"


def test_a_single_value_has_no_line_and_is_in_the_middle() -> None:
    found = drawn(0.5)
    assert found.runs == ()
    assert found.dots[0].x == pytest.approx((found.left + found.right) / 2)


def test_intervals_end_within_the_scale() -> None:
    found = drawn(0.95, 0.05)
    top, bottom = found.levels[-1].y, found.levels[0].y
    high, low = found.dots
    assert high.high == top
    assert low.low == bottom
    assert high.low is not None
    assert high.low > high.y


def test_at_most_five_names_are_written_with_the_last_among_them() -> None:
    found = drawn(*[0.5] * 13)
    written = [label.text for label in found.labels]
    assert len(written) <= 5
    assert written[-1] == "M12"
    assert [label.x for label in found.labels] == sorted(label.x for label in found.labels)


def test_without_values_nothing_is_drawn() -> None:
    assert drawn().dots == ()
    assert drawn(None, None).runs == ()
    assert bars([]).bars == ()


def columns(*values: float, limit: float | None = None) -> BarChart:
    return bars([(value, "", "") for value in values], limit)


def test_bars_grow_with_their_value_from_the_bottom() -> None:
    found = columns(0, 5, 10)
    assert found.bars[0].height == 0
    assert found.bars[2].height == pytest.approx(2 * found.bars[1].height, abs=0.2)
    assert all(bar.y + bar.height == pytest.approx(found.bottom) for bar in found.bars)
    assert [bar.over for bar in found.bars] == [0, 0, 0]
    assert found.limit is None


def test_the_part_of_a_bar_above_the_limit_is_drawn_apart() -> None:
    found = columns(4, 8, 12, limit=8)
    assert [bar.over > 0 for bar in found.bars] == [False, False, True]
    assert found.limit is not None
    assert found.bars[1].y == found.limit
    assert found.bars[2].y + found.bars[2].over == pytest.approx(found.limit, abs=0.1)


def test_a_limit_above_every_bar_is_within_the_chart() -> None:
    found = columns(1, 2, limit=40)
    assert found.limit is not None
    assert 0 <= found.limit < found.bars[1].y
