"""The steps of complaints: when each is due and when it was done."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from .documents import Complaint, DocumentKey, complaints, standing
from .reading import instant
from .values import Figure, Plain, ratio
from .view import View

StepName = Literal["containment", "corrective_action", "closing"]

ANSWERED = "id.rantai.quality.complaint_answered.v1"
CLOSED = "id.rantai.quality.complaint_closed.v1"

# "Due: containment 2, corrective action 14, closing 60 days after the date of `opened_at`, or
# of the `time` of the first event that told of it where that is later".
DAYS: dict[StepName, int] = {"containment": 2, "corrective_action": 14, "closing": 60}


@dataclass(frozen=True)
class Step:
    """A step of a complaint. `done`: the day on which it was done; None if not before T."""

    complaint: DocumentKey
    name: StepName
    due: date
    done: date | None


def steps(view: View) -> list[Step]:
    """Return the steps of every complaint that counts and was opened before T."""
    answered = _answered(view)
    closed = _closed(view)
    found = []
    for complaint in counting(view):
        since = max(complaint.on, complaint.told_on)
        for name, days in DAYS.items():
            # "A step is done at the earlier of its answer and the closing."
            done = [answered.get((*complaint.key, name)), closed.get(complaint.key)]
            found.append(
                Step(
                    complaint.key,
                    name,
                    since + timedelta(days=days),
                    min((day for day in done if day is not None), default=None),
                )
            )
    return found


def complaint_response(view: View) -> Figure:
    """Return "steps done on or before their due date / steps whose due date is in the window"."""
    due = [step for step in steps(view) if view.window.holds(step.due)]
    in_time = [step for step in due if step.done is not None and step.done <= step.due]
    return ratio(len(in_time), len(due))


def any_step_overdue(view: View) -> bool:
    """Return whether there is "a complaint step overdue and not done at T".

    Decision: a step due on day D is overdue from the day after, so at T if D < T. Complaints of
    any age are considered, if they were opened before T.
    """
    return any(step.due < view.as_of and step.done is None for step in steps(view))


def line_stops(view: View) -> Plain:
    """Count "complaints `line_stop` or `safety` opened in the window"."""
    severe = [
        complaint for complaint in counting(view) if complaint.severity in ("line_stop", "safety")
    ]
    return Plain(sum(view.window.holds(complaint.on) for complaint in severe))


def open_complaints(view: View) -> Plain:
    """Count complaints "opened before T and not closed before T"."""
    closed = _closed(view)
    return Plain(sum(complaint.key not in closed for complaint in counting(view)))


def opened(view: View) -> Iterator[Complaint]:
    """Yield the standing version of each complaint opened before T."""
    for complaint in complaints(view.record.dealings, view.site):
        if complaint.on < view.as_of:
            yield complaint


def counting(view: View) -> Iterator[Complaint]:
    """Yield the complaints opened before T that count.

    "A complaint counts, in every figure and gate, only where it names an order of that buyer and
    supplier which has a line with a version at T or a receipt line at T, or where the supplier has
    answered a step of it before T".
    """
    orders = {key[:2] for key in view.lines}
    orders |= {
        key[:2] for receipt in view.receipts for key, quantity in receipt.left.items() if quantity
    }
    answered = {key[:2] for key in _answered(view)}
    for complaint in opened(view):
        dealt = complaint.order_no is not None and (complaint.key[0], complaint.order_no) in orders
        if dealt or complaint.key in answered:
            yield complaint


def _answered(view: View) -> dict[DocumentKey, date]:
    """Return the day of each answer before T.

    "an answer by complaint and step [...] First the version that stands is chosen, then its date
    is looked at." So an answer that was sent again, with a date from T on, does not count at T.
    """
    found: dict[DocumentKey, date] = {}
    for event in standing(view.record.dealings, ANSWERED, "complaint_no", "step"):
        on = view.site.date_of(instant(event.data["answered_at"]))
        if on < view.as_of:
            found[event.buyer_id, event.data["complaint_no"], event.data["step"]] = on
    return found


def _closed(view: View) -> dict[DocumentKey, date]:
    """Return the day of each closing before T: "a closing by complaint"."""
    found: dict[DocumentKey, date] = {}
    for event in standing(view.record.dealings, CLOSED, "complaint_no"):
        on = view.site.date_of(instant(event.data["closed_at"]))
        if on < view.as_of:
            found[event.buyer_id, event.data["complaint_no"]] = on
    return found
