"""How a supplier answers orders and announces what it sends."""

from datetime import datetime, timedelta
from fractions import Fraction
from math import inf

from .documents import versions
from .order_line import Confirmation
from .reading import ZERO
from .values import Figure, Plain, ratio
from .view import LineAt, View

DESPATCHED = "id.rantai.delivery.despatched.v1"
HOURS_48 = timedelta(hours=48)
HOUR = timedelta(hours=1)


def confirmation_in_time(view: View) -> Figure:
    """Give "lines with any confirmation, whatever its status, by 48 h after their first
    version's `time`" over the lines to be answered.

    A confirmation timed before the first version is by then, too.
    """
    lines = _to_answer(view)
    in_time = [
        line
        for line in lines
        if any(said.time <= _end_of_48_hours(line) for said in line.history.confirmations)
    ]
    return ratio(len(in_time), len(lines))


def confirmation_hours_median(view: View) -> Plain:
    """Give the median "over the same lines".

    "hours from first version to first confirmation known at T, never under 0; not confirmed =
    infinite; an even count takes the mean of the middle two; `null` where that is infinite"
    """
    hours = sorted(_hours(line) for line in _to_answer(view))
    if not hours:
        return Plain(None)
    lower, upper = hours[(len(hours) - 1) // 2], hours[len(hours) // 2]
    if isinstance(lower, Fraction) and isinstance(upper, Fraction):
        return Plain((lower + upper) / 2)
    return Plain(None)


def order_acceptance(view: View) -> Figure:
    """Give the lines not rejected among those first answered in the window.

    "of the lines whose first confirmation (by `time`, `id`) is dated in the window: those where
    it is not `rejected` / all". Its own time is looked at, also where it lies before the first
    version; a line is one that has a version at T.
    """
    firsts = [_first_confirmation(line) for line in view.lines.values()]
    answers = [
        said
        for said in firsts
        if said is not None and view.window.holds(view.site.date_of(said.time))
    ]
    return ratio(sum(not said.rejected for said in answers), len(answers))


def despatch_notice_rate(view: View) -> Figure:
    """Give the share of receipts that were announced.

    "receipt documents whose `despatch_no` names a despatch notice of the same buyer and supplier
    with `time` before `received_at` / receipt documents dated in the window with anything left
    after reversals"
    """
    # "Its place in time stays that of the first one sent, so a resend never makes a notice
    # belated."
    sent = {
        key: same[0].time
        for key, same in versions(view.record.dealings, DESPATCHED, "despatch_no").items()
    }
    receipts = [receipt for receipt in view.receipts if view.window.holds(receipt.on)]
    announced = 0
    for receipt in receipts:
        buyer_id = receipt.key[0]
        if receipt.despatch_no is not None:
            notice = sent.get((buyer_id, receipt.despatch_no))
            announced += notice is not None and notice < receipt.received_at
    return ratio(announced, len(receipts))


def _to_answer(view: View) -> list[LineAt]:
    """Give the lines whose answer was due in the window.

    "lines whose 48 h ended in the window (as instants), less those with a cancellation by the
    buyer timed before that". The window begins and ends with a day of the site, so an instant
    lies in it where its date does. Lines that are out of the delivery figures stay in here.
    """
    return [
        line
        for line in view.lines.values()
        if view.window.holds(view.site.date_of(_end_of_48_hours(line)))
        and not any(
            cancelled.by == "buyer" and cancelled.time < _end_of_48_hours(line)
            for cancelled in line.history.cancellations
        )
    ]


def _end_of_48_hours(line: LineAt) -> datetime:
    return line.history.first.time + HOURS_48


def _first_confirmation(line: LineAt) -> Confirmation | None:
    return min(
        line.history.confirmations,
        key=lambda said: (said.time, said.id, said.source),
        default=None,
    )


def _hours(line: LineAt) -> Fraction | float:
    first = _first_confirmation(line)
    if first is None:
        return inf
    since = first.time - line.history.first.time
    microseconds = Fraction(since // timedelta(microseconds=1))
    return max(ZERO, microseconds / (HOUR // timedelta(microseconds=1)))
