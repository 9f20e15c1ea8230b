"""The reference figures of confirmations, notices and complaints in cases worked out by hand."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from tests.reference.all_figures import AllFigures, all_figures
from tests.reference.cases import (
    Event,
    answer,
    at,
    cancel,
    close,
    complain,
    confirm,
    despatch,
    event,
    goods,
    order,
    receive,
    reverse,
    values,
)

T = date(2026, 4, 1)
PLACED = order("03-01", 100, "03-20")
"""Placed at 10:00 in Jakarta, so its 48 h end on 3 March at 10:00."""


def figures(*events: Event, **more: Any) -> AllFigures:
    return all_figures(events, "S1", more.pop("as_of", T), **more)


def ratio(key: str, *events: Event, **more: Any) -> tuple[object, object]:
    """Return numerator and denominator; check that they do not depend on the event order."""
    found = figures(*events, **more).ratio(key)
    assert found == figures(*events[::-1], **more).ratio(key)
    return found.numerator, found.denominator


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], (0, 1)),
        ([confirm("2026-03-03T10:00:00+07:00", "accepted")], (1, 1)),
        ([confirm("2026-03-03T10:00:00.000001+07:00", "accepted")], (0, 1)),
        ([confirm("2026-03-03T12:00:00+09:00", "rejected")], (1, 1)),  # Whatever its status.
        ([confirm("02-20", "accepted")], (1, 1)),  # Before the order.
        ([confirm("03-09", "accepted"), confirm("03-02", "changed")], (1, 1)),  # Any of them.
        # Cancelled by the buyer within the 48 h: nothing to confirm. Cancelled at their end, or by
        # the supplier: there is.
        ([cancel("03-02", "buyer")], (0, 0)),
        ([cancel("03-02", "buyer", lines=["20"])], (0, 1)),
        ([cancel("2026-03-03T09:59:59.999999+07:00", "buyer")], (0, 0)),
        ([cancel("2026-03-03T10:00:00+07:00", "buyer")], (0, 1)),
        ([cancel("03-02", "supplier")], (0, 1)),
        ([confirm("03-02", "accepted"), cancel("03-02T11:00", "buyer")], (0, 0)),
    ],
)
def test_confirmation_in_time(events: list[Event], expected: tuple[int, int]) -> None:
    assert ratio("confirmation_in_time", PLACED, *events) == expected


@pytest.mark.parametrize(
    ("placed", "lines"),
    [
        # The window of 10 days is from 22 March 00:00 to 1 April 00:00 in Jakarta.
        ("2026-03-19T23:59:59.999999+07:00", 0),
        ("2026-03-20T00:00:00+07:00", 1),
        ("2026-03-29T23:59:59.999999+07:00", 1),
        ("2026-03-29T17:00:00Z", 0),
    ],
)
def test_the_48_hours_end_in_the_window(placed: str, lines: int) -> None:
    ordered = order(placed, 1, "05-01")
    assert ratio("confirmation_in_time", ordered, window_days=10) == (0, lines)


def test_the_48_hours_run_from_the_first_version() -> None:
    changed = order("03-10", 100, "03-25", revision=1)
    assert ratio("confirmation_in_time", PLACED, changed, confirm("03-11", "accepted")) == (0, 1)
    # A line that the supplier rejected counts; a retroactive line does not, nor does a line for
    # which a version asks for 0 before the 48 h end.
    assert ratio("confirmation_in_time", PLACED, confirm("03-02", "rejected")) == (1, 1)
    asked_yesterday = order("03-10", 100, "03-09")
    promised = confirm("03-11", "accepted")
    assert ratio("confirmation_in_time", asked_yesterday, promised) == (0, 0)
    assert ratio("confirmation_in_time", PLACED, receive("02-20", 1)) == (0, 0)
    nothing = order("03-02", 0, "03-20", revision=1)
    assert ratio("confirmation_in_time", PLACED, nothing) == (0, 0)
    assert ratio("confirmation_in_time", PLACED, nothing | {"time": at("03-03")}) == (0, 1)
    without = order("03-02", 5, "03-20", line="20")
    assert ratio("confirmation_in_time", PLACED, without, window_days=29) == (0, 1)


@pytest.mark.parametrize(
    ("hours", "median"),
    [
        ([], None),
        ([5], 5),
        ([5, 9], 7),
        ([1, 2, 90], 2),
        ([-30, 3], Fraction(3, 2)),  # Before the order: 0.
        ([1, 2, 3, 4], Fraction(5, 2)),
        ([1, None], None),
        ([1, 2, None], 2),
        ([1, 2, None, None], None),
        ([None], None),
    ],
)
def test_confirmation_hours_median(hours: list[int | None], median: Fraction | None) -> None:
    events = []
    for index, answered in enumerate(hours):
        number = f"N{index}"
        events.append(order("03-10T00:00", 1, "05-01", order_no=number))
        if answered is not None:
            day, hour = divmod(10 * 24 + answered, 24)
            first = confirm(f"03-{day:02}T{hour:02}:00", "accepted")
            first["data"]["order_no"] = number
            later = confirm("03-20", "accepted")
            later["data"]["order_no"] = number
            events += [later, first]
    assert figures(*events).value("confirmation_hours_median") == median
    # A confirmation from T on is not known at T.
    assert figures(PLACED, confirm("04-01", "accepted")).value("confirmation_hours_median") is None


def test_confirmation_hours_are_exact() -> None:
    confirmed = confirm("2026-03-01T10:00:00.000001+07:00", "accepted")
    hours = figures(PLACED, confirmed).value("confirmation_hours_median")
    assert hours == Fraction(1, 3_600_000_000)


def test_order_acceptance_is_decided_by_the_first_confirmation_and_its_date() -> None:
    key = "order_acceptance"
    refused, taken = confirm("03-02", "rejected"), confirm("03-05", "accepted")
    assert ratio(key, PLACED, refused, taken) == (0, 1)
    assert ratio(key, PLACED, taken, confirm("03-06", "rejected")) == (1, 1)
    assert ratio(key, PLACED, confirm("03-05", "changed")) == (1, 1)
    assert ratio(key, PLACED) == (0, 0)
    # The first confirmation lies before the window of 29 days, which begins on 3 March.
    assert ratio(key, PLACED, refused, taken, window_days=29) == (0, 0)
    assert ratio(key, PLACED, taken, window_days=29) == (1, 1)
    # At the same time the id decides, letter by letter.
    by_id = [("b", "rejected"), ("B", "accepted")]
    tied = [confirm("03-05", status) | {"id": name} for name, status in by_id]
    assert ratio(key, PLACED, *tied) == (1, 1)
    # A confirmation without an order does not count. A late one counts here, though it does not
    # change how the line is judged.
    assert ratio(key, taken) == (0, 0)
    assert ratio(key, PLACED, confirm("03-25", "rejected")) == (0, 1)


def test_despatch_notice_rate() -> None:
    key = "despatch_notice_rate"
    named = receive("03-20", 5, despatch_no="D1")  # At 10:00.
    assert ratio(key, named, receive("03-20", 5)) == (0, 2)
    assert ratio(key, named, despatch("03-20T09:59", "D1")) == (1, 1)
    assert ratio(key, named, despatch("03-20T10:00", "D1")) == (0, 1)
    assert ratio(key, named, despatch("03-19", "d1")) == (0, 1)
    assert ratio(key, named, despatch("03-19", "D1", buyer_id="B2")) == (0, 1)
    # A receipt that names no notice is left out if the supplier did announce its line.
    assert ratio(key, receive("03-20", 5), despatch("03-19", "D1")) == (0, 0)
    assert ratio(key, receive("03-20", 5), despatch("03-20T10:00", "D1")) == (0, 1)
    assert ratio(key, receive("03-20", 5), despatch("03-19", "D1", buyer_id="B2")) == (0, 1)
    elsewhere = despatch("03-19", "D1", lines=goods(5, line="20"))
    assert ratio(key, receive("03-20", 5), elsewhere) == (0, 1)
    # The version that stands counts: the last one sent names the line, the first one does not.
    moved = despatch("03-25", "D1")
    assert ratio(key, receive("03-20", 5), elsewhere, moved) == (0, 0)
    assert ratio(key, receive("03-20", 5), moved) == (0, 1)
    # A notice that is sent again keeps the time of the first one.
    assert ratio(key, named, despatch("03-25", "D1"), despatch("03-19", "D1")) == (1, 1)
    # The lines of a notice that is named do not matter; two receipts may name one notice.
    other = receive("03-21", 5, despatch_no="D1")
    assert ratio(key, named, other, despatch("03-20T11:00", "D1")) == (1, 2)


def test_despatch_notice_rate_counts_receipts_in_the_window_with_anything_left() -> None:
    key = "despatch_notice_rate"
    named = receive("03-20", 5, no="R", despatch_no="D1")
    notice = despatch("03-19", "D1")
    assert ratio(key, named, notice, reverse("03-21", "R")) == (0, 0)
    assert ratio(key, named, notice, reverse("03-21", "R", 4)) == (1, 1)
    assert ratio(key, named, notice, window_days=12) == (1, 1)
    assert ratio(key, named, notice, window_days=11) == (0, 0)
    # The standing version of the receipt names no notice, but the notice names its line.
    again = receive("03-20", 5, no="R", sent="03-22")
    assert ratio(key, named, notice, again) == (0, 0)
    assert ratio(key, named, again) == (0, 1)


OPENED = complain("03-01", "C1")
"""Containment is due on 3 March, the corrective action on the 15th, closing on 30 April."""


@pytest.mark.parametrize(
    ("events", "in_time"),
    [
        ([], 0),
        ([answer("03-03T23:59", "C1", "containment")], 1),
        ([answer("03-04T00:00", "C1", "containment")], 0),
        ([answer("03-03", "C1", "containment"), answer("03-15", "C1", "corrective_action")], 2),
        ([close("03-03", "C1")], 2),
        ([close("03-10", "C1")], 1),
        # Containment answered in time, closed later; corrective action answered late, closed in
        # time.
        ([close("03-10", "C1"), answer("03-02", "C1", "containment")], 2),
        ([close("03-10", "C1"), answer("03-16", "C1", "corrective_action")], 1),
        ([close("02-20", "C1")], 2),  # Before the opening.
        ([close("03-03", "C1", buyer_id="B2")], 0),
        ([answer("03-03", "C2", "containment")], 0),
        # Of an answer sent again, the version that stands counts: first late, then in time.
        (
            [
                answer("03-05", "C1", "containment"),
                answer("03-03", "C1", "containment", sent="03-20"),
            ],
            1,
        ),
        (
            [
                answer("03-03", "C1", "containment"),
                answer("04-01", "C1", "containment", sent="03-20"),
            ],
            0,
        ),
        ([close("03-02", "C1"), close("03-20", "C1", sent="03-21")], 0),
    ],
)
def test_complaint_response(events: list[Event], in_time: int) -> None:
    assert ratio("complaint_response", PLACED, OPENED, *events) == (in_time, 2)


@pytest.mark.parametrize(
    ("as_of", "window", "lines"),
    [
        (date(2026, 3, 3), 30, 0),
        (date(2026, 3, 4), 1, 1),
        (date(2026, 3, 5), 1, 0),
        (date(2026, 3, 16), 13, 2),
        (date(2026, 5, 1), 1, 1),
        (date(2026, 5, 1), 180, 3),
    ],
)
def test_a_step_belongs_to_the_window_of_its_due_date(as_of: date, window: int, lines: int) -> None:
    assert ratio("complaint_response", PLACED, OPENED, as_of=as_of, window_days=window) == (
        0,
        lines,
    )


def test_a_step_is_overdue_after_its_day_and_until_it_is_done_however_late() -> None:
    def overdue(day: date, *events: Event) -> bool:
        return figures(PLACED, OPENED, *events, as_of=day, window_days=1).complaint_step_overdue

    assert values(overdue(date(2026, 3, 3)), overdue(date(2026, 3, 4))) == (False, True)
    held = answer("03-10", "C1", "containment")
    days = [date(2026, 3, day) for day in (10, 11, 15, 16)]
    assert [overdue(day, held) for day in days] == [True, False, False, True]
    assert overdue(date(2027, 3, 1))
    assert not overdue(date(2027, 3, 1), close("09-01", "C1"))


def test_line_stops_and_open_complaints() -> None:
    events = [
        PLACED,
        complain("03-01", "C1", severity="line_stop"),
        complain("03-31", "C2", severity="safety"),
        complain("03-31", "C3", severity="major"),
        complain("04-01", "C4", severity="safety"),
        # The version that stands is only minor.
        complain("03-05", "C5", severity="line_stop"),
        event("quality.complaint_opened", "03-06", **complain("03-05", "C5")["data"]),
    ]
    found = figures(*events, window_days=31)
    assert values(found.value("line_stops"), found.value("open_complaints")) == (2, 4)
    assert figures(*events, window_days=30).value("line_stops") == 1
    closings = [close("03-31", "C1"), close("04-01", "C2"), close("03-31", "C3", buyer_id="B2")]
    assert figures(*events, *closings).value("open_complaints") == 3
    # A line stop counts even after the complaint is closed.
    assert figures(*events, *closings).value("line_stops") == 2
