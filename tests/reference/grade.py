"""The grade of a day, and the published grade, which remembers the month ends before it."""

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
    """With the gates; none where `insufficient`."""
    gates: tuple[Gate, ...]
    """All that are shut at T, whether or not the score reaches above them."""
    insufficient: bool


def grade_of(figures: AllFigures, pillars: Pillars = PILLARS) -> Grade:
    """Give the grade that the figures of a day earn.

    "Under 10 matured lines, or in fewer than 3 calendar months of due + late: `insufficient`, no
    grade (the score is given, marked provisional)." Both are counted in the window.
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
    """Give the letter of a score: "from the unrounded score: A >= 90, B >= 80, C >= 60, else D"."""
    if points >= 90:
        return "A"
    if points >= 80:
        return "B"
    return "C" if points >= 60 else "D"


def capped(grade: Letter, gates: Iterable[Gate]) -> Letter:
    """Give the grade that the gates let through: the lowest of it and theirs."""
    return min([grade, *(CAPS[gate] for gate in gates)], key=UPWARDS.index)


def published(month_ends: Iterable[Letter | None]) -> Letter | None:
    """Give the published grade after a row of month-end grades, `None` for an insufficient one.

    "the first month-end grade that is not `insufficient` publishes itself; then one step up after
    two in a row above it, one step down after two in a row below it, the count starting anew
    after each step; an `insufficient` month leaves it and starts the count anew."

    "It" is the published grade. Decisions: a month-end grade is that with the gates of its day;
    the month that publishes itself begins no count, being neither above nor below; one above ends
    a count below and the other way round, and one that is equal ends both ("in a row").
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
    """Give what is shown of the published grade: "A gate at T acts at once, on what is shown."

    So it moves nothing that is remembered, and opens as soon as its cause is gone. It acts also
    where T itself is insufficient; without a published grade there is nothing to act on.
    """
    return None if stands is None else capped(stands, gates)


def month_ends(first: date, as_of: date) -> Iterator[date]:
    """Give the month ends from the month of `first`: "T = the first of a month, up to the T asked
    for", which is one of them where it is the first of a month.
    """
    year, month = first.year, first.month
    while (on := date(year, month, 1)) <= as_of:
        yield on
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def published_grade(
    look: Callable[[date], View], as_of: date, pillars: Pillars = PILLARS
) -> Letter | None:
    """Give the grade that is shown at T, with the same window and buyers at every month end.

    Decision: the month ends begin with the month of the first event; those before it would be
    insufficient. A month end is judged by all that is known of it today, also what was reported
    late: "the figures for a past T [...] do move when something about the time before T is
    reported late or corrected, and that is right."
    """
    today = look(as_of)
    told = today.record.dealings
    if not told:
        return None
    first = min(today.site.date_of(event.time) for event in told)
    grades = [grade_of(figures_of(look(on)), pillars).value for on in month_ends(first, as_of)]
    return shown(published(grades), grade_of(figures_of(today), pillars).gates)
