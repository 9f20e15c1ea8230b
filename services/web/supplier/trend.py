"""The trend: a year by months, without gaps, for the chart and the table beside it. Pure.

A month in which no line fell due is shown as such: leaving it out would put two months side by side
that are a season apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

from services.readiness.figures import Figure
from services.readiness.policy import Policy
from services.text import line_words
from services.text.language import Language
from services.text.standing_words import Card, month_ends, points
from services.web.charts import ChartValue, LineChart, line

MONTHS_BACK: Final = 12
_NOTHING: Final = Figure(Fraction(0), Fraction(0), counts=True)


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the trend. `running`: it has not ended. The figures are in words."""

    name: str
    running: bool
    filled: float | None
    """The share of lines on time and in full, 0 to 1; None where no line fell due."""

    count: str
    otif: str
    interval: tuple[float, float] | None
    """The Wilson interval of that share, both ends between 0 and 1."""

    days_late: str
    rejected: str
    lots: str


def trend(
    language: Language, figures: Mapping[str, Mapping[str, Figure]], as_of: date
) -> list[Month]:
    """Return the current month and the 12 before it, beginning with the first that has data."""
    # Facts of as_of itself do not count: on the first of a month the month before is the last one.
    last = as_of - timedelta(days=1)
    names = [name for name in _months(last) if name >= min(figures, default="9999-99")]
    return [_month(language, name, figures.get(name, {}), as_of) for name in names]


def chart_words(months: Sequence[Month]) -> str:
    """Return the chart of the months in words, for screen readers."""
    return "; ".join(
        one.name + ": " + one.count + ("" if one.filled is None else f" ({one.otif})")
        for one in months
    )


def otif_chart(language: Language, months: Sequence[Month]) -> LineChart:
    """Draw the share of lines on time and in full by month, each with its interval."""
    values = [
        None if one.filled is None else ChartValue(one.filled, *(one.interval or (None, None)))
        for one in months
    ]
    marks = [(share / 4, language.percent(Fraction(share, 4))) for share in range(5)]
    return line(values, [one.name for one in months], marks, span=(0.0, 1.0), most_names=4)


def score_chart(
    language: Language, frozen: Sequence[tuple[date, Mapping[str, Any]]], policy: Policy
) -> LineChart | None:
    """Draw the score at month ends, with the limits of the grades; None for fewer than two."""
    values = _scores(frozen)
    if sum(one is not None for one in values) < 2:
        return None
    rules = policy.grade
    marks = [
        (float(rules.C), f"C {language.number(rules.C)}"),
        (float(rules.B), f"B {language.number(rules.B)}"),
        (float(rules.A), f"A {language.number(rules.A)}"),
    ]
    lowest = min([float(rules.C), *(one.value for one in values if one)]) - 5
    names = [_ended(language, day) for day, _ in frozen]
    return line(values, names, marks, span=(max(0.0, lowest), 100.0), most_names=4)


def small_score_chart(frozen: Sequence[tuple[date, Card]], card: Card) -> LineChart | None:
    """Draw the small chart beside the grade: the scores at month ends and on the day itself.

    None for fewer than two scores. The chart ends with the day's score, because the text beside it
    gives the change to that score.
    """
    values = _scores(_with_today(frozen, card))
    if sum(one is not None for one in values) < 2:
        return None
    found = [one.value for one in values if one]
    # The chart spans at least 10 points: filling it with a smaller change would look like a fall.
    middle, half = (min(found) + max(found)) / 2, max(5.0, (max(found) - min(found)) / 2)
    span = (middle - half, middle + half)
    return line(values, [""] * len(values), (), span=span, width=120.0, height=44.0)


def small_chart_words(language: Language, frozen: Sequence[tuple[date, Card]], card: Card) -> str:
    """Return the scores that `small_score_chart` draws in words, for screen readers."""
    *before, (day, today) = _with_today(frozen, card)
    said = [f"{one.name}: {one.score}, {one.grade}" for one in month_ends(language, before)]
    score = today["score"]["value"]
    shown = language.text(line_words.NO_DATA) if score is None else points(language, score)
    return "; ".join([*said, f"{language.day(day)}: {shown}"])


def _with_today(frozen: Sequence[tuple[date, Card]], card: Card) -> list[tuple[date, Card]]:
    # If the day is itself a month end, its scorecard as known at present replaces the frozen one.
    day = date.fromisoformat(card["as_of"])
    return [*((end, one) for end, one in frozen if end < day), (day, card)]


def small_otif_chart(months: Sequence[Month]) -> LineChart | None:
    """Draw the small chart of shares by month beside the grade; None for fewer than two."""
    values = [None if one.filled is None else ChartValue(one.filled) for one in months]
    if sum(one is not None for one in values) < 2:
        return None
    return line(values, [""] * len(values), (), span=(0.0, 1.0), width=120.0, height=44.0)


def _scores(frozen: Sequence[tuple[date, Mapping[str, Any]]]) -> list[ChartValue | None]:
    found = []
    for _, card in frozen:
        score, grade = card["score"]["value"], card["grade"]
        letter = "" if grade["insufficient"] else grade["published"] or ""
        found.append(None if score is None else ChartValue(float(score), mark=letter))
    return found


def _ended(language: Language, day: date) -> str:
    return language.month((day - timedelta(days=1)).strftime("%Y-%m"))


def _months(last: date) -> list[str]:
    count = last.year * 12 + last.month - 1
    return [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(count - MONTHS_BACK, count + 1)]


def _month(language: Language, name: str, figures: Mapping[str, Figure], as_of: date) -> Month:
    otif = figures.get("otif", _NOTHING)

    def short(key: str) -> str:
        return line_words.figure_in_words(language, key, figures.get(key, _NOTHING)).short

    return Month(
        name=language.month(name),
        running=as_of.strftime("%Y-%m") == name,
        filled=otif.value,
        count=line_words.counted(language, otif),
        otif=short("otif"),
        interval=otif.ci95,
        days_late=short("mean_days_late"),
        rejected=short("ppm"),
        lots=line_words.counted(language, figures.get("lot_acceptance", _NOTHING)),
    )
