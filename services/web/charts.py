"""Where the marks of a drawing stand: lines with their intervals, bars under a limit. Pure.

Everything is in the units of the drawing's own view box; the templates only write it down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Marks = Sequence[tuple[float, str]]
"""Heights on a scale, each with its label."""

_SCALE_WIDTH: Final = 34.0
_TOP: Final = 8.0
_UNDER: Final = 20.0
"""Room for the labels beside the scale, above it and under it."""


@dataclass(frozen=True, slots=True)
class ChartValue:
    """A value of a line. `low`, `high`: its interval, where it has one; `mark`: written beside."""

    value: float
    low: float | None = None
    high: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """Where a value is drawn, and the ends of its interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    mark: str


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the drawing at a height of its scale."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Label:
    """A label under the drawing."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """A drawn line. `runs`: its unbroken parts, as the points of polylines."""

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
    """A bar; `over`: the height of its part above the limit, which is drawn at its top."""

    x: float
    y: float
    width: float
    height: float
    over: float
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Drawn bars. `limit`: at which height the limit runs; None where there is none."""

    width: float
    height: float
    bottom: float
    bars: tuple[Bar, ...]
    limit: float | None


def line(  # noqa: PLR0913 - what a drawing is made of
    values: Sequence[ChartValue | None],
    names: Sequence[str],
    levels: Marks,
    *,
    span: tuple[float, float],
    width: float = 320.0,
    height: float = 150.0,
    most_names: int = 5,
) -> LineChart:
    """Draw values from left to right, evenly. `span`: the lowest and highest value of the scale.

    A value that is not there breaks the line: joining its neighbours would say what nobody knows.
    Of the names under it at most so many are written, the last one always.
    """
    scaled = bool(levels)
    left = _SCALE_WIDTH if scaled else 4.0
    right, top = width - (10.0 if scaled else 4.0), _TOP
    bottom = height - (_UNDER if any(names) else 6.0)
    step = (right - left) / max(1, len(values) - 1)
    low_end, high_end = span

    def at(value: float) -> float:
        inside = min(max(value, low_end), high_end)
        return _round(bottom - (bottom - top) * (inside - low_end) / (high_end - low_end))

    def across(place: int) -> float:
        # One value alone stands in the middle.
        return _round((left + right) / 2 if len(values) == 1 else left + step * place)

    dots: list[Dot] = []
    runs: list[list[Dot]] = [[]]
    for place, one in enumerate(values):
        if one is None:
            runs.append([])
            continue
        low = None if one.low is None else at(one.low)
        high = None if one.high is None else at(one.high)
        dots.append(Dot(across(place), at(one.value), low, high, one.mark))
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
        tuple(Level(at(value), text) for value, text in levels),
        tuple(
            Label(across(place), name)
            for place, name in enumerate(names)
            if name and (len(values) - 1 - place) % every == 0
        ),
    )


def bars(
    values: Sequence[tuple[float, str, str]],
    limit: float | None = None,
    *,
    width: float = 320.0,
    height: float = 130.0,
) -> BarChart:
    """Draw bars side by side. `values`: how high, the label under it and the text above it.

    What is above the limit is a part of its own, so that it can be drawn otherwise.
    """
    top, bottom = 16.0, height - _UNDER
    highest = max([value for value, _, _ in values] + [limit or 0.0], default=0.0)
    scale = (bottom - top) / highest if highest > 0 else 0.0
    place = width / max(1, len(values))
    drawn = []
    for number, (value, label, text) in enumerate(values):
        over = max(0.0, value - limit) if limit is not None else 0.0
        drawn.append(
            Bar(
                _round(number * place + place * 0.12),
                _round(bottom - value * scale),
                _round(place * 0.76),
                _round(value * scale),
                _round(over * scale),
                label,
                text,
            )
        )
    at_limit = None if limit is None else _round(bottom - limit * scale)
    return BarChart(width, height, bottom, tuple(drawn), at_limit)


def _round(value: float) -> float:
    # A tenth of a unit is less than a pixel of a phone, and a page is paid by the letter.
    return round(value, 1)
