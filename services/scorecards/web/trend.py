"""The trend: a year by months, without gaps, as the drawing and the table beside it need it. Pure.

A month without a line that fell due is shown as one: leaving it out would draw two months side by
side that are a season apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from services.readiness.figures import Figure
from services.scorecards.web import wording
from services.scorecards.web.language import Language

MONTHS_BACK: Final = 12
_NOTHING: Final = Figure(Decimal(0), Decimal(0), counts=True)


@dataclass(frozen=True, slots=True)
class Month:
    """One month: its name, the filled part of its bar, and its figures in words."""

    name: str
    running: bool
    filled: float | None
    """Between 0 and 1; None where no line fell due."""

    count: str
    otif: str
    days_late: str
    rejected: str
    lots: str


def trend(
    language: Language, figures: Mapping[str, Mapping[str, Figure]], as_of: date
) -> list[Month]:
    """Return the months from the first with data, of the 12 before `as_of`, to the one at hand."""
    # as_of itself is not in the data: on the first of a month the month before is the one at hand.
    last = as_of - timedelta(days=1)
    names = [name for name in _months(last) if name >= min(figures, default="9999-99")]
    return [_month(language, name, figures.get(name, {}), as_of) for name in names]


def _months(last: date) -> list[str]:
    count = last.year * 12 + last.month - 1
    return [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(count - MONTHS_BACK, count + 1)]


def _month(language: Language, name: str, figures: Mapping[str, Figure], as_of: date) -> Month:
    otif = figures.get("otif", _NOTHING)

    def short(key: str) -> str:
        return wording.say(language, key, figures.get(key, _NOTHING)).short

    return Month(
        name=language.month(name),
        running=as_of.strftime("%Y-%m") == name,
        filled=otif.value,
        count=wording.counted(language, otif),
        otif=short("otif"),
        days_late=short("mean_days_late"),
        rejected=short("ppm"),
        lots=wording.counted(language, figures.get("lot_acceptance", _NOTHING)),
    )
