"""The odds of everything that can go wrong with an order, from a supplier's skills."""

from dataclasses import dataclass
from datetime import date
from math import sqrt

from services.simulator.companies import Company, Weakness


@dataclass(frozen=True, slots=True)
class Conduct:
    """The odds of one supplier on one day: probabilities, and upper bounds (`*_most`).

    `silent`: it does not answer an order. `changes_date`, `rejects_line`: how it answers a line.
    `gives_up`: it cancels a line. `despatch_notice`: it announces a delivery before it arrives.
    """

    late: float
    days_late_most: int
    short: float
    bad_lot: float
    share_rejected_most: float
    complaint: float
    silent: float
    hours_to_confirm_most: int
    changes_date: float
    rejects_line: float
    gives_up: float
    despatch_notice: float
    answers_in_time: float


def conduct_of(supplier: Company, day: date) -> Conduct:
    """Return the odds of a supplier on a day.

    Trouble grows faster than skill falls: a middling supplier has little more trouble than a good
    one, a bad supplier a lot more.
    """
    dates = _trouble(supplier, Weakness.DATES, day)
    quality = _trouble(supplier, Weakness.QUALITY, day)
    answers = _trouble(supplier, Weakness.ANSWERS, day)
    return Conduct(
        late=0.012 + 0.62 * dates,
        days_late_most=2 + round(18 * dates),
        short=0.006 + 0.22 * dates,
        bad_lot=0.004 + 0.42 * quality,
        share_rejected_most=0.03 + 0.2 * quality,
        complaint=0.002 + 0.11 * quality,
        silent=0.005 + 0.55 * answers,
        hours_to_confirm_most=26 + round(110 * answers),
        changes_date=0.03 + 0.3 * dates,
        rejects_line=0.004 + 0.09 * answers,
        gives_up=0.035 * dates,
        despatch_notice=0.995 - 0.75 * answers,
        answers_in_time=0.985 - 0.9 * answers,
    )


def _trouble(supplier: Company, at: Weakness, day: date) -> float:
    lack = 1.0 - supplier.skill(at, day)
    return lack * sqrt(lack)
