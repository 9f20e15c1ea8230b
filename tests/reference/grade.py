"""The grade of a day, and the published grade, which depends on the month ends before it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from .all_figures import AllFigures, figures_of
from .score import PILLARS, Pillars, score
from .view import View

Letter = Literal["A", "B", "C", "D"]
Gate = Literal["line_stops", "complaint_step_overdue"]

UPWARDS: tuple[Letter, ...] = ("D", "C", "B", "A")

# "Gates: `line_stops` > 0: C at best; a complaint step overdue and not done at T: B at best."
CAPS: dict[Gate, Letter] = {"line_stops": "C", "complaint_step_overdue": "B"}

FEWEST_LINES = 10
FEWEST_MONTHS = 3


@dataclass(frozen=True)
class Grade:
    """The grade of a day."""

    value: Letter | None
    """Limited by the gates; None if `insufficient`."""
    gates: tuple[Gate, ...]
    """All gates in force at T, whether or not they lower the grade."""
    insufficient: bool


def grade_of(figures: AllFigures, pillars: Pillars = PILLARS) -> Grade:
    """Return the grade of a day from its figures.

    "Under 10 matured lines, or matured lines in fewer than 3 calendar months of due + late:
    `insufficient`, no grade (the score is given, marked provisional)." Both are counted in the
    window.
    """
    gates: list[Gate] = []
    if figures.kpis["line_stops"].value != 0:
        gates.append("line_stops")
    if figures.complaint_step_overdue:
        gates.append("complaint_step_overdue")
    few = figures.matured_lines < FEWEST_LINES or figures.matured_months < FEWEST_MONTHS
    points = score(figures.kpis, pillars).value
    if few or points is None:
        return Grade(None, tuple(gates), insufficient=True)
    return Grade(capped(letter(points), gates), tuple(gates), insufficient=False)


def letter(points: Fraction) -> Letter:
    """Return the letter of a score.

    "from the unrounded score: A >= 90, B >= 80, C >= 60, else D"
    """
    if points >= 90:
        return "A"
    if points >= 80:
        return "B"
    return "C" if points >= 60 else "D"


def capped(grade: Letter, gates: Iterable[Gate]) -> Letter:
    """Return the grade limited by gates: the lowest of it and their caps."""
    return min([grade, *(CAPS[gate] for gate in gates)], key=UPWARDS.index)


def published(month_ends: Iterable[Letter | None]) -> Letter | None:
    """Return the published grade after a row of month-end grades; None = insufficient.

    "The first month-end grade that is not `insufficient` becomes the published grade. After two
    month-end grades in a row above it, it moves one step up; after two in a row below it, one step
    down. The count starts again after each step. An `insufficient` month leaves it as it is and
    starts the count again."

    Decisions: a month-end grade is limited by the gates of its day. The first published month
    begins no count, being neither above nor below. A grade above ends a count below and vice
    versa, and an equal grade ends both ("in a row").
    """
    stands: Letter | None = None
    above = below = 0
    for grade in month_ends:
        if grade is None:
            above = below = 0
        elif stands is None:
            stands = grade
        else:
            distance = UPWARDS.index(grade) - UPWARDS.index(stands)
            above = above + 1 if distance > 0 else 0
            below = below + 1 if distance < 0 else 0
            if 2 in (above, below):
                step = 1 if above else -1
                stands = UPWARDS[UPWARDS.index(stands) + step]
                above = below = 0
    return stands


def shown(stands: Letter | None, gates: Iterable[Gate]) -> Letter | None:
    """Return the published grade as it is shown: "A gate at T acts at once, on what is shown."

    So a gate does not change the grade that month ends carry on, and ends as soon as its cause is
    gone. It acts also if the day itself is insufficient. Without a published grade it does
    nothing.
    """
    return None if stands is None else capped(stands, gates)


def month_ends(first: date, as_of: date) -> Iterator[date]:
    """Yield the month ends from the month of `first`: "T = the first of a month, up to the T asked
    for". `as_of` is one of them if it is the first of a month.
    """
    year, month = first.year, first.month
    while (on := date(year, month, 1)) <= as_of:
        yield on
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def published_grade(
    look: Callable[[date], View], as_of: date, pillars: Pillars = PILLARS
) -> Letter | None:
    """Return the grade that is shown at T, with the same window and buyers at every month end.

    `look` returns the view at a date.

    Decision: the month ends begin with the month of the first event; earlier ones would be
    insufficient. A month end is judged by everything that is known about it today, also what was
    reported late: "the figures for a past T [...] do move when something about the time before T
    is reported late or corrected, and that is right."
    """
    today = look(as_of)
    events = today.record.dealings
    if not events:
        return None
    first = min(today.site.date_of(event.time) for event in events)
    grades = [grade_of(figures_of(look(on)), pillars).value for on in month_ends(first, as_of)]
    return shown(published(grades), grade_of(figures_of(today), pillars).gates)
