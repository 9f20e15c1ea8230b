"""Lead times of orders, and how much they vary."""

import math
from datetime import date
from fractions import Fraction

from .reading import ZERO
from .values import Plain
from .view import LineAt, View

FEWEST = 5


def lead_times(view: View) -> list[int]:
    """Return the lead time of each completed line in days, shortest first.

    "days from the date of the first version to that of the receipt which reaches ordered x
    (1-under); lines not out, completed in the window"
    """
    days = []
    for line in view.lines.values():
        completed = _completed(line, 1 - Fraction(view.tolerances.under))
        if line.state.out is None and completed is not None and view.window.holds(completed):
            days.append((completed - view.site.date_of(line.history.first.time)).days)
    return sorted(days)


def _completed(line: LineAt, share: Fraction) -> date | None:
    """Return the date of the receipt that completes the line.

    `ordered` is the quantity in force at T. Decision: no line is completed without a receipt, so a
    line of quantity 0 is completed by its first one.
    """
    so_far = ZERO
    for receipt in sorted(line.received, key=lambda receipt: receipt.on):
        so_far += receipt.quantity
        if so_far >= line.state.quantity * share:
            return receipt.on
    return None


def lead_time_days(view: View, percent: int) -> Plain:
    """Return a percentile of the lead times: "by linear interpolation", "`null` under 5"."""
    days = lead_times(view)
    if len(days) < FEWEST:
        return Plain(None)
    place = Fraction(percent, 100) * (len(days) - 1)
    below = math.floor(place)
    above = min(below + 1, len(days) - 1)
    return Plain(days[below] + (place - below) * (days[above] - days[below]))


def lead_time_cv(view: View) -> Plain:
    """Return the coefficient of variation of the lead times.

    "cv = population standard deviation / mean, `null` where the mean is 0"
    """
    days = lead_times(view)
    if len(days) < FEWEST or sum(days) == 0:
        return Plain(None)
    mean = Fraction(sum(days), len(days))
    variance = sum(((day - mean) ** 2 for day in days), ZERO) / len(days)
    return Plain(math.sqrt(variance) / float(mean))
