"""How a supplier confirms orders and announces deliveries."""

from datetime import datetime, timedelta
from fractions import Fraction
from math import inf

from .documents import OrderLineKey, versions
from .order_line import Confirmation
from .reading import ZERO, Event
from .values import Figure, Plain, ratio
from .view import LineAt, View

DESPATCHED = "id.rantai.delivery.despatched.v1"
HOURS_48 = timedelta(hours=48)
HOUR = timedelta(hours=1)


def confirmation_in_time(view: View) -> Figure:
    """Return "lines with any confirmation, whatever its status, by 48 h after their first
    version's `time`" over the lines that were to be confirmed.

    A confirmation timed before the first version counts as in time.
    """
    lines = _to_answer(view)
    in_time = [
        line
        for line in lines
        if any(one.time <= _end_of_48_hours(line) for one in line.history.confirmations)
    ]
    return ratio(len(in_time), len(lines))


def confirmation_hours_median(view: View) -> Plain:
    """Return the median "over the same lines".

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
    """Return the share of lines that were not rejected among those first confirmed in the window.

    "of the lines with a version at T that are not retroactive and whose first confirmation (by
    `time`, `id`) is dated in the window: those where it is not `rejected` / all". The date is that
    of the confirmation's own time, even if that is before the first version.
    """
    firsts = [
        _first_confirmation(line) for line in view.lines.values() if not line.state.retroactive
    ]
    answers = [
        first
        for first in firsts
        if first is not None and view.window.holds(view.site.date_of(first.time))
    ]
    return ratio(sum(not answer.rejected for answer in answers), len(answers))


def despatch_notice_rate(view: View) -> Figure:
    """Return the share of receipts that were announced.

    "receipt documents whose `despatch_no` names a despatch notice of the same buyer and supplier
    with `time` before `received_at` / receipt documents dated in the window with anything left
    after reversals. A receipt that names no `despatch_no` is left out where [...] the supplier did
    announce".
    """
    # "Its place in time stays that of the first one sent, so a resend never makes a notice
    # belated."
    sent = versions(view.record.dealings, DESPATCHED, "despatch_no")
    receipts = [receipt for receipt in view.receipts if view.window.holds(receipt.on)]
    announced, counted = 0, 0
    for receipt in receipts:
        if receipt.despatch_no is None:
            # "A receipt that names no `despatch_no` is left out where a notice timed before its
            # `received_at` names, in the version that stands, an order line that the receipt's
            # standing version names, whatever is left of it"
            counted += not any(
                same[0].time < receipt.received_at and _names(same[-1]) & receipt.names
                for same in sent.values()
            )
            continue
        counted += 1
        notice = sent.get((receipt.key[0], receipt.despatch_no))
        announced += notice is not None and notice[0].time < receipt.received_at
    return ratio(announced, counted)


def _names(notice: Event) -> set[OrderLineKey]:
    return {(notice.buyer_id, line["order_no"], line["line_no"]) for line in notice.lines()}


def _to_answer(view: View) -> list[LineAt]:
    """Return the lines whose confirmation was due in the window.

    "of the lines with a version at T that are not retroactive [...] lines whose 48 h ended in the
    window (as instants), less those with a cancellation by the buyer, or a version that asks for
    0, timed before that end". The window begins and ends with a day of the site, so an instant is
    in the window if its date is. Lines that are out of the delivery figures count here too, unless
    they are retroactive.
    """
    return [
        line
        for line in view.lines.values()
        if not line.state.retroactive
        and view.window.holds(view.site.date_of(_end_of_48_hours(line)))
        and not line.history.asked_for_nothing_before(_end_of_48_hours(line))
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
        key=lambda one: (one.time, one.id, one.source),
        default=None,
    )


def _hours(line: LineAt) -> Fraction | float:
    first = _first_confirmation(line)
    if first is None:
        return inf
    since = first.time - line.history.first.time
    microseconds = Fraction(since // timedelta(microseconds=1))
    return max(ZERO, microseconds / (HOUR // timedelta(microseconds=1)))
