"""The reference figures in small cases worked out by hand, and for any order of events."""

import json
import random
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.cases import (
    Event,
    cancel,
    complain,
    confirm,
    event,
    goods,
    inspect,
    order,
    receive,
    reverse,
    send_back,
    values,
)
from tests.reference.figures import Figure, LineFacts, Tolerances, line_facts, scorecard
from tests.reference.histories import history, shuffled, supplier_ids

T = date(2026, 4, 1)
PLACED = order("03-01", 100, "03-20")


def line(*events: Event, **policy: Any) -> LineFacts:
    """Return the state of line 10 of order P; check that it does not depend on the event order."""
    key = "B1", "P", "10"
    facts = line_facts(events, "S1", T, tolerances=Tolerances(**policy))[key]
    backwards = line_facts(events[::-1], "S1", T, tolerances=Tolerances(**policy))[key]
    assert facts == backwards
    return facts


def ratios(*events: Event, **more: Any) -> dict[str, tuple[object, object]]:
    figures = scorecard(events, "S1", T, **more)
    return {key: (figure.numerator, figure.denominator) for key, figure in figures.items()}


def test_a_line_delivered_on_the_due_date_is_on_time_and_in_full() -> None:
    figures = ratios(PLACED, receive("03-20", 100))
    assert figures["otif"] == figures["otif_requested"] == (1, 1)
    assert figures["on_time_quantity"] == figures["fill_rate"] == (100, 100)
    assert figures["mean_days_late"] == (0, 100)


def test_receipts_by_date_fill_the_order_and_what_is_missing_is_valued_at_t() -> None:
    # 40 on time; 30 two days late; 30 missing on 1 April, 12 days after: 30 x 2 + 30 x 12 = 420.
    figures = scorecard([PLACED, receive("03-22", 30), receive("03-18", 40)], "S1", T)
    assert figures["mean_days_late"].numerator == 420
    assert figures["mean_days_late"].value == Fraction("4.2")
    assert figures["on_time_quantity"].value == Fraction("0.4")
    assert figures["fill_rate"].value == Fraction("0.7")
    assert figures["otif"].value == 0


def test_more_than_the_ordered_quantity_is_not_late() -> None:
    # 90 come on the 19th; of the 50 on the 21st, 10 fill the order and are one day late.
    facts = line(PLACED, receive("03-19", 90), receive("03-21", 50))
    assert facts.quantity_days_late == 10
    assert not facts.otif
    # A receipt after the due date does not make a line too much that was complete by then.
    assert line(PLACED, receive("03-20", 100), receive("03-21", 50)).otif


@pytest.mark.parametrize(("day", "hit", "on_time"), [("03-13", True, 100), ("03-12", False, 0)])
def test_seven_days_early_is_in_time_and_eight_is_not(day: str, hit: bool, on_time: int) -> None:
    facts = line(PLACED, receive(day, 100))
    assert values(facts.otif, facts.on_time) == (hit, on_time)


@pytest.mark.parametrize(
    ("quantity", "hit"), [(105, True), ("105.000001", False), (100, True), ("99.999999", False)]
)
def test_five_percent_over_and_none_under(quantity: int | str, hit: bool) -> None:
    assert line(PLACED, receive("03-20", quantity)).otif is hit
    small = order("03-01", "0.3", "03-20")
    assert line(small, receive("03-20", "0.1"), receive("03-20", "0.200000")).otif  # Exactly.


def test_over_counts_from_the_highest_quantity_any_version_asks_for() -> None:
    lowered = order("03-02", 80, "03-20", revision=1)
    # The increase to 120 is short notice and not taken over, but it does ask for 120.
    risen = order("03-19", 120, "03-20", revision=2)
    assert line(PLACED, lowered, receive("03-20", 105)).otif  # 1.05 x 100
    assert not line(PLACED, lowered, receive("03-20", 106)).otif
    facts = line(PLACED, lowered, risen, receive("03-20", 126))  # 1.05 x 120
    assert values(facts.ordered, facts.otif) == (80, True)


def test_tolerances_are_policy() -> None:
    late = receive("03-22", 90)
    assert line(PLACED, late, late=2, under="0.1").otif
    assert not line(PLACED, late, late=1, under="0.1").otif
    # Matured from the day after due + late: on 1 April with 11 days, not with 12.
    assert line(PLACED, late=11).matured
    assert not line(PLACED, late=12).matured
    more = order("03-19", 150, "03-20", revision=1)
    assert line(PLACED, more, short_notice_days=1).ordered == 150


@pytest.mark.parametrize(("due", "lines"), [("03-21", 0), ("03-22", 1), ("03-31", 1), ("04-01", 0)])
def test_the_window_is_half_open(due: str, lines: int) -> None:
    figures = ratios(order("03-01", 5, due), window_days=10)
    assert figures["otif"] == figures["otif_requested"] == (0, lines)
    assert figures["fill_rate"] == (0, 5 * lines)


def test_only_what_is_dated_before_t_counts_in_the_zone_of_the_site() -> None:
    before, after = "2026-03-31T16:59:59Z", "2026-03-31T17:00:00Z"
    placed = order("03-01", 100, "03-30")
    late = receive("03-30", 100, received_at=after)
    assert line(placed, receive("03-30", 100, received_at=before)).received == 100
    assert line(placed, late).received == 0
    for moment, ordered in ((before, 70), ("2026-04-01T01:59:59+09:00", 70), (after, 100)):
        change = order(moment, 70, "04-09", revision=1)
        assert line(order("03-01", 100, "04-09"), change).ordered == ordered
    assert line_facts([order(after, 1, "04-09")], "S1", T) == {}
    # In UTC, 17:00:00Z is still the 31st.
    assert ratios(placed, late, zone="UTC")["fill_rate"] == (100, 100)


@pytest.mark.parametrize(
    ("change", "ordered", "due"),
    [
        # 3 days before due is enough notice for a higher quantity, 2 days before is not.
        (order("03-17", 150, "03-20", revision=1), 150, 20),
        (order("03-18", 150, "03-20", revision=1), 100, 20),
        (order("03-18", 60, "03-20", revision=1), 60, 20),
        # The same before a new, earlier date: neither that date nor a higher quantity is taken
        # over.
        (order("03-09", 150, "03-12", revision=1), 150, 12),
        (order("03-10", 150, "03-12", revision=1), 100, 20),
        (order("03-10", 60, "03-12", revision=1), 60, 20),
        # A later date can be set until the due date; it does not make the notice longer.
        (order("03-20", 150, "03-28", revision=1), 100, 28),
        # A change dated after due does not change how the line is judged.
        (order("03-21", 60, "03-28", revision=1), 100, 20),
    ],
)
def test_short_notice_and_late_changes(change: Event, ordered: int, due: int) -> None:
    facts = line(PLACED, change)
    assert values(facts.ordered, facts.due, facts.requested) == (ordered, *[date(2026, 3, due)] * 2)


def test_short_notice_depends_only_on_the_due_date_and_an_earlier_new_date() -> None:
    promised = confirm("03-02", "changed", "03-25")
    # Due on the 25th: the 19th is enough notice. The 22nd is before due, but after the date
    # requested so far.
    facts = line(PLACED, promised, order("03-19", 150, "03-22", revision=1))
    assert values(facts.ordered, facts.due) == (150, date(2026, 3, 22))
    facts = line(PLACED, promised, order("03-20", 150, "03-22", revision=1))
    assert values(facts.ordered, facts.due, facts.requested.day) == (100, date(2026, 3, 25), 20)
    # The same requested date again is not a new one: due stays, and the 20th is 5 days before it.
    facts = line(PLACED, promised, order("03-20", 150, "03-20", revision=1))
    assert values(facts.ordered, facts.due, facts.confirmed) == (150, date(2026, 3, 25), True)


def test_versions_rank_by_revision_then_time_then_id() -> None:
    second = order("03-03", 20, "03-20", revision=2)
    first_late = order("03-04", 30, "03-20", revision=1)
    assert line(PLACED, second, first_late).ordered == 20
    assert line(PLACED, order("03-02", 40, "03-20")).ordered == 40  # Placed again.
    assert line(PLACED, second, order("03-04", 40, "03-20")).ordered == 20
    assert line(PLACED, order("03-19", 140, "03-20")).ordered == 100  # Placed again: short notice.
    tied = [order("03-05", 10 + i, "03-20", id=name, revision=2) for i, name in enumerate("bac")]
    assert line(PLACED, second, *tied).ordered == 12
    assert line(PLACED, second, order("03-04", 50, "03-20", revision=2)).ordered == 50


def test_price_is_taken_over_with_its_absence() -> None:
    priced = order("03-01", 100, "03-20")
    priced["data"]["lines"][0]["unit_price"] = "2500.50"
    assert line(priced).price == Fraction("2500.5")
    assert line(priced, order("03-02", 100, "03-20", revision=1)).price is None


def test_the_first_confirmation_decides() -> None:
    accepted = confirm("03-02", "accepted", "03-23")
    facts = line(PLACED, accepted, confirm("03-03", "changed", "03-28"))
    assert values(facts.due, facts.requested) == (date(2026, 3, 23), date(2026, 3, 20))
    assert line(PLACED, accepted, confirm("03-03", "rejected")).out is None
    assert line(PLACED, confirm("03-01T11:00", "accepted"), accepted).due.day == 20
    # A confirmation dated after due changes nothing, not even a rejection; on the due date it does.
    assert line(PLACED, confirm("03-21", "rejected")).out is None
    assert line(PLACED, confirm("03-20", "rejected")).out == "rejected"


def test_otif_requested_is_judged_by_the_requested_date() -> None:
    figures = ratios(PLACED, confirm("03-02", "changed", "03-25"), receive("03-24", 100))
    assert values(figures["otif"], figures["otif_requested"]) == ((1, 1), (0, 1))
    not_due = ratios(PLACED, confirm("03-02", "changed", "04-05"), receive("03-20", 100))
    assert values(not_due["otif"], not_due["otif_requested"]) == ((0, 0), (1, 1))


def test_a_new_requested_date_resets_confirmations_and_a_new_quantity_does_not() -> None:
    promised, again = confirm("03-02", "changed", "03-25"), confirm("03-05", "changed", "03-29")
    more = order("03-04", 150, "03-20", revision=1)
    later = order("03-04", 100, "03-22", revision=1)
    assert line(PLACED, promised, more, again).due == date(2026, 3, 25)
    assert line(PLACED, promised, later).due == date(2026, 3, 22)
    assert line(PLACED, promised, later, again).due == date(2026, 3, 29)
    # At the same time, the lower revision comes first: it moves the date, the second moves it back.
    back = order("03-04", 100, "03-20", revision=2)
    assert line(PLACED, promised, later, back).due == date(2026, 3, 20)
    # A confirmation of the same time as a change comes after it.
    assert line(PLACED, later, confirm("03-04", "changed", "03-27")).due == date(2026, 3, 27)


def test_a_rejected_line_is_out_until_a_change_brings_it_back_however_late() -> None:
    refused = confirm("03-02", "rejected")
    assert ratios(PLACED, refused, receive("03-20", 100))["otif"] == (0, 0)
    assert line(PLACED, refused, confirm("03-03", "accepted")).out == "rejected"
    back = order("03-24", 90, "03-28", revision=1)
    facts = line(PLACED, refused, back)
    assert values(facts.out, facts.ordered, facts.due) == (None, 90, date(2026, 3, 28))
    # It counts like a first version, without regard to short notice. One that asks for a date
    # before its own does not count, and a version below the one in force does not bring it back.
    assert line(PLACED, refused, order("03-24", 110, "03-28", revision=1)).ordered == 110
    assert line(PLACED, refused, order("03-24", 110, "03-23", revision=1)).out == "rejected"
    second = order("03-01T11:00", 100, "03-20", revision=2)
    assert line(PLACED, second, refused, back).out == "rejected"
    # A cancellation after due has no effect on a rejected line either.
    assert line(PLACED, refused, cancel("03-23", "buyer"), back).out is None
    # The same again is no change, whatever its revision.
    unchanged = order("03-04", 100, "03-20", revision=1)
    facts = line(PLACED, refused, unchanged, confirm("03-05", "accepted", "03-21"))
    assert values(facts.out, facts.revision) == ("rejected", 1)


def test_cancelled_by_the_buyer_is_closed_short_and_by_the_supplier_stays_in() -> None:
    some = receive("03-10", 30)
    assert ratios(PLACED, some, cancel("03-20", "buyer"))["fill_rate"] == (30, 30)
    assert line(PLACED, cancel("03-20", "buyer")).out == "cancelled"
    # A receipt after the cancellation does not raise the ordered quantity, and a reversed receipt
    # does not count.
    closed = line(PLACED, some, cancel("03-12", "buyer"), receive("03-15", 20))
    assert values(closed.ordered, closed.received, closed.out) == (30, 50, None)
    undone = receive("03-10", 30, no="R"), cancel("03-12", "buyer"), reverse("03-14", "R")
    assert line(PLACED, *undone).out == "cancelled"
    facts = line(PLACED, some, cancel("03-12", "supplier"), cancel("03-13", "buyer"))
    assert values(facts.out, facts.filled, facts.cancelled_by) == (None, 30, "supplier")
    # 70 are missing on 1 April, 12 days after: 70 x 12.
    assert facts.quantity_days_late == 840
    assert line(PLACED, cancel("03-21", "buyer")).out is None  # After due.
    less = order("03-06", 1, "03-20", revision=1)
    assert line(PLACED, cancel("03-05", "supplier"), less).ordered == 100  # It ends the fold.


def test_a_cancellation_names_some_lines_or_all_also_those_added_later() -> None:
    added = order("03-08", 7, "03-25", line="20", revision=1)
    whole = line_facts([PLACED, cancel("03-05", "buyer"), added], "S1", T)
    assert [facts.out for facts in whole.values()] == ["cancelled", "cancelled"]
    one = line_facts([PLACED, cancel("03-05", "buyer", lines=["10"]), added], "S1", T)
    assert [one["B1", "P", no].out for no in ("10", "20")] == ["cancelled", None]


def test_what_is_timed_before_the_first_version_is_taken_at_its_time() -> None:
    assert line(PLACED, cancel("02-20", "buyer")).out == "cancelled"
    promised = confirm("02-20", "changed", "03-25")
    assert line(PLACED, promised, confirm("03-02", "changed", "03-29")).due == date(2026, 3, 25)
    # Among several of them, their own time decides. All come after the versions of that time.
    assert line(PLACED, promised, confirm("02-19", "rejected")).out == "rejected"
    twin = order("03-01", 100, "03-22", revision=1)
    assert line(PLACED, twin, promised).due == date(2026, 3, 25)
    refused = confirm("02-20", "rejected")
    assert line(PLACED, cancel("02-19", "supplier"), refused).out == "rejected"


def test_a_retroactive_line_is_out_whatever_follows() -> None:
    asked_yesterday = order("03-10", 100, "03-09")
    corrected = order("03-10T11:00", 100, "03-20", revision=1)
    assert line(asked_yesterday, corrected).out == "retroactive"
    assert line(order("03-10", 100, "03-10")).out is None
    twin = order("03-10", 100, "03-20", revision=1)  # At one time, the lower revision is first.
    assert line(asked_yesterday, twin).out == "retroactive"


@pytest.mark.parametrize(
    ("reversals", "left"),
    [
        ([], 60),
        ([reverse("03-21", "R", 15)], 45),
        ([reverse("03-21", "R", 15), reverse("03-22", "R", 5, 5)], 35),  # Each counts.
        ([reverse("03-21", "R", 70)], 0),  # Never under 0.
        ([reverse("03-21", "R")], 0),
        ([reverse("03-01", "R", 15)], 45),  # Before the receipt: from the first version.
        ([reverse("04-01", "R")], 60),  # Not before T.
        ([reverse("03-21", "R other")], 60),
    ],
)
def test_reversals(reversals: list[Event], left: int) -> None:
    # Two lines of one receipt for the same order line add up: 40 + 20.
    assert line(PLACED, receive("03-20", 40, 20, no="R"), *reversals).received == left


@pytest.mark.parametrize(
    ("day", "left"), [("03-19", 80), ("03-22", 80), ("03-23", 50), ("03-24", 50)]
)
def test_a_receipt_version_timed_after_a_reversal_starts_anew(day: str, left: int) -> None:
    again = receive("03-20", 80, no="R", sent="03-23")
    assert line(PLACED, receive("03-20", 60, no="R"), again, reverse(day, "R", 30)).received == left


def test_a_receipt_with_nothing_left_does_not_count() -> None:
    # 10 days early, but reversed: the line is not early because of it.
    facts = line(PLACED, receive("03-10", 9, no="R"), reverse("03-11", "R"), receive("03-20", 100))
    assert facts.otif


def test_the_version_that_stands_is_chosen_before_its_date_is_compared_with_t() -> None:
    first = receive("03-20", 60, no="R")
    corrected = receive("03-22", 50, no="R", sent="05-01")  # Sent after T, received before T.
    assert line(PLACED, first, corrected).receipts == ((date(2026, 3, 22), Fraction(50)),)
    assert line(PLACED, first, receive("04-01", 50, no="R")).receipts == ()
    tied = [event("delivery.received", "03-25", id=name, **first["data"]) for name in "ab"]
    tied[1]["data"] = tied[1]["data"] | {"lines": goods(70)}
    assert line(PLACED, first, *tied).received == 70
    # Another buyer's receipt of the same number is another document.
    other = receive("03-21", 1, no="R", buyer_id="B2")
    assert line(PLACED, first, other).received == 60


def test_of_these_figures_returns_affect_only_the_fill_rate() -> None:
    back = [send_back("03-25", 30), send_back("03-26", 10, sent="03-28")]
    back.append(send_back("04-01", 5, no="RT2"))
    figures = ratios(PLACED, receive("03-20", 100), *back)  # The return of 10 replaces that of 30.
    assert figures["fill_rate"] == (90, 100)
    assert (figures["otif"], figures["ppm"]) == ((1, 1), (0, 100))
    assert figures["on_time_quantity"] == (100, 100)
    assert line(PLACED, send_back("03-25", 30)).filled == 0


def test_ppm_is_rejects_and_complaints_over_the_quantity_received() -> None:
    bad = [
        inspect("03-20", 50, "rejected"),
        inspect("03-20", 3, "concession", sent="03-21"),  # Replaces the one above.
        complain("03-25", "C1", quantity="0.5"),
        complain("03-25", "C2", quantity=40, inspection_no="Q1"),
        complain("03-25", "C3"),
        complain("04-01", "C4", quantity=9),
    ]
    orphan = receive("03-21", lines=[{"order_no": "?", "line_no": "1", "quantity": 300}])
    undone = [receive("03-21", 100, no="R"), reverse("03-22", "R")]
    old = receive("02-01", 7)
    events = [PLACED, receive("03-20", 100), orphan, *undone, old, *bad]
    figure = scorecard(events, "S1", T, window_days=30)["ppm"]
    # (3 + 0.5) / (100 + 300 of an orphan) = 8,750 per million.
    assert figure == Figure(Fraction("3.5"), Fraction(400), Fraction(8750))


def test_a_concession_is_not_an_acceptance() -> None:
    results = [("Q1", "accepted"), ("Q2", "concession"), ("Q3", "rejected"), ("Q4", "rework")]
    found = [inspect("03-20", 0, result, no) for no, result in results]
    old = inspect("01-02", 0, "accepted", "Q5")
    assert ratios(*found, old, window_days=30)["lot_acceptance"] == (1, 4)


def test_without_a_denominator_there_is_no_value() -> None:
    assert {figure.value for figure in scorecard([], "S1", T).values()} == {None}


def test_figures_count_the_orders_of_all_buyers_or_of_one_and_of_no_other_supplier() -> None:
    other = order("03-01", 11, "03-20", buyer_id="B2")
    foreign = order("03-01", 13, "03-20", supplier_id="S2")
    events = (PLACED, other, foreign)
    assert ratios(*events)["fill_rate"] == (0, 111)
    assert ratios(*events, buyer_id="B2")["fill_rate"] == (0, 11)


def test_an_event_counts_once_and_the_first_stored_stands() -> None:
    reversal = reverse("03-21", "R", 10)
    receipt = receive("03-20", 60, no="R")
    assert line(PLACED, receipt, reversal, reversal, receipt, PLACED).received == 50
    conflict = PLACED | {"data": order("03-01", 999, "03-20")["data"]}
    assert ratios(PLACED, conflict)["fill_rate"] == (0, 100)
    assert ratios(conflict, PLACED)["fill_rate"] == (0, 999)
    elsewhere = order("03-02", 1, "03-20", id=PLACED["id"]) | {"source": "/erp/B1/other"}
    assert ratios(PLACED, elsewhere)["fill_rate"] == (0, 1)


def test_a_history_has_every_event_type_and_stays_exact_as_json() -> None:
    size = {"suppliers": 1, "buyers": 1, "lines": 2, "days": 60}
    for seed in range(20):
        events = history(random.Random(seed), start=date(2026, 1, 1), **size)
        assert len({event["type"] for event in events}) == 21
        assert len({(event["source"], event["id"]) for event in events}) == len(events)
        assert json.loads(json.dumps(events), parse_float=pytest.fail) == events
        assert history(random.Random(seed), start=date(2026, 1, 1), **size) == events


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 100))
def test_neither_the_order_nor_repetition_of_events_changes_a_figure(seed: int, day: int) -> None:
    rng = random.Random(seed)
    events = history(rng, suppliers=2, buyers=2, lines=12, start=date(2026, 1, 1), days=80)
    as_of = date(2026, 1, 1) + timedelta(days=day)
    for supplier in supplier_ids(2):
        once = scorecard(events, supplier, as_of, 60)
        facts = line_facts(events, supplier, as_of, 60)
        mixed = shuffled(rng, events, resend=0.3)
        assert scorecard(mixed, supplier, as_of, 60) == once
        assert line_facts(mixed, supplier, as_of, 60) == facts
