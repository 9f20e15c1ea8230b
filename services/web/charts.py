"""Lays out charts: lines with confidence intervals, and bars with a limit. Pure.

All coordinates are in units of the chart's own SVG view box; the macros of `charts.html` write them
out unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ScaleLabels = Sequence[tuple[float, str]]
"""Values on the scale of a chart, each with its label."""

_SCALE_WIDTH: Final = 34.0
_TOP: Final = 8.0
_UNDER: Final = 20.0
"""Room for labels: left of the plot for those of the scale, above the plot, and under it."""


@dataclass(frozen=True, slots=True)
class ChartValue:
    """A value of a line. `low`, `high`: its interval, if it has one; `mark`: a text beside it."""

    value: float
    low: float | None = None
    high: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A drawn value. `low`, `high`: the y of the ends of its interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    mark: str


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line across the chart at a value of its scale."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Label:
    """A label under the chart."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """A line chart. `runs`: the unbroken stretches of its line, as the points of polylines."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    dots: tuple[Dot, ...]
    runs: tuple[str, ...]
    levels: tuple[Level, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar. `over`: the height of its top part, the one above the limit."""

    x: float
    y: float
    width: float
    height: float
    over: float
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """A bar chart. `limit`: the y of the limit's line; None if there is no limit."""

    width: float
    height: float
    bottom: float
    bars: tuple[Bar, ...]
    limit: float | None


def line(  # noqa: PLR0913 - the parts of a chart
    values: Sequence[ChartValue | None],
    names: Sequence[str],
    levels: ScaleLabels,
    *,
    span: tuple[float, float],
    width: float = 320.0,
    height: float = 150.0,
    most_names: int = 5,
) -> LineChart:
    """Lay out values from left to right, evenly spaced.

    A value of None breaks the line: joining its neighbours would show values that are not known.
    `names`: labels under the values; at most `most_names` of them are written, always including the
    last. `span`: the lowest and the highest value of the scale.
    """
    scaled = bool(levels)
    left = _SCALE_WIDTH if scaled else 4.0
    right, top = width - (10.0 if scaled else 4.0), _TOP
    bottom = height - (_UNDER if any(names) else 6.0)
    step = (right - left) / max(1, len(values) - 1)
    low_end, high_end = span

    def y_of(value: float) -> float:
        inside = min(max(value, low_end), high_end)
        return _round(bottom - (bottom - top) * (inside - low_end) / (high_end - low_end))

    def x_of(index: int) -> float:
        # A single value is drawn in the middle.
        return _round((left + right) / 2 if len(values) == 1 else left + step * index)

    dots: list[Dot] = []
    runs: list[list[Dot]] = [[]]
    for index, one in enumerate(values):
        if one is None:
            runs.append([])
            continue
        low = None if one.low is None else y_of(one.low)
        high = None if one.high is None else y_of(one.high)
        dots.append(Dot(x_of(index), y_of(one.value), low, high, one.mark))
        runs[-1].append(dots[-1])
    every = max(1, -(-len(values) // most_names))
    return LineChart(
        width,
        height,
        left,
        right,
        bottom,
        tuple(dots),
        tuple(" ".join(f"{dot.x:g},{dot.y:g}" for dot in run) for run in runs if len(run) > 1),
        tuple(Level(y_of(value), text) for value, text in levels),
        tuple(
            Label(x_of(index), name)
            for index, name in enumerate(names)
            if name and (len(values) - 1 - index) % every == 0
        ),
    )


def bars(
    values: Sequence[tuple[float, str, str]],
    limit: float | None = None,
    *,
    width: float = 320.0,
    height: float = 130.0,
) -> BarChart:
    """Lay out bars side by side. `values`: the value, label under and text above each bar.

    The part of a bar above the limit is kept apart, so that it can be drawn differently.
    """
    top, bottom = 16.0, height - _UNDER
    highest = max([value for value, _, _ in values] + [limit or 0.0], default=0.0)
    scale = (bottom - top) / highest if highest > 0 else 0.0
    slot = width / max(1, len(values))
    drawn = []
    for number, (value, label, text) in enumerate(values):
        over = max(0.0, value - limit) if limit is not None else 0.0
        drawn.append(
            Bar(
                _round(number * slot + slot * 0.12),
                _round(bottom - value * scale),
                _round(slot * 0.76),
                _round(value * scale),
                _round(over * scale),
                label,
                text,
            )
        )
    at_limit = None if limit is None else _round(bottom - limit * scale)
    return BarChart(width, height, bottom, tuple(drawn), at_limit)


def _round(value: float) -> float:
    # A tenth of a unit is less than a pixel of a phone, and readers pay for the bytes of a page.
    return round(value, 1)
