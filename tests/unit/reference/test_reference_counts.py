"""The reference lead times, counts, concentration and load in cases worked out by hand."""

import math
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from tests.reference.all_figures import AllFigures, all_figures
from tests.reference.cases import (
    Event,
    cancel,
    capacity,
    confirm,
    goods,
    order,
    receive,
    reverse,
    send_back,
    values,
)
from tests.reference.figures import Tolerances
from tests.reference.load import Load

T = date(2026, 4, 1)
PLACED = order("03-01", 100, "03-20")


def figures(*events: Event, **more: Any) -> AllFigures:
    found = all_figures(events, "S1", more.pop("as_of", T), **more)
    assert found == all_figures(events[::-1], "S1", T, **more)
    return found


def taken(*days: int) -> list[Event]:
    """Return orders placed on 1 March, each delivered after so many days."""
    events = []
    for index, count in enumerate(days):
        number = f"N{index}"
        events.append(order("03-01", 10, "03-05", order_no=number))
        lines = [{"order_no": number, "line_no": "10", "quantity": 10}]
        events.append(receive(f"03-{1 + count:02}", lines=lines))
    return events


def test_percentiles_of_lead_times_are_interpolated() -> None:
    # Sorted 1 2 4 8 20: the median is 4; p90 lies at 0.9 x 4 = 3.6 steps: 8 + 0.6 x 12 = 15.2.
    found = figures(*taken(8, 1, 20, 2, 4))
    assert found.value("lead_time_days_p50") == 4
    assert found.value("lead_time_days_p90") == Fraction("15.2")
    # Sorted 1 2 4 8 10 20: the median is between 4 and 8; p90 lies at 4.5 steps: 10 + 0.5 x 10.
    found = figures(*taken(8, 1, 20, 2, 4, 10))
    assert values(found.value("lead_time_days_p50"), found.value("lead_time_days_p90")) == (6, 15)


def test_cv_is_the_population_deviation_by_the_mean() -> None:
    # Mean 7; squared deviations 36 + 25 + 9 + 1 + 169 = 240; variance 240 / 5 = 48.
    assert figures(*taken(8, 1, 20, 2, 4)).value("lead_time_cv") == math.sqrt(48) / 7
    assert figures(*taken(3, 3, 3, 3, 3)).value("lead_time_cv") == 0
    # The mean is 0: no cv.
    found = figures(*taken(0, 0, 0, 0, 0))
    assert values(found.value("lead_time_cv"), found.value("lead_time_days_p90")) == (None, 0)


def test_under_five_orders_there_is_no_lead_time() -> None:
    found = figures(*taken(1, 2, 3, 4))
    keys = "lead_time_days_p50", "lead_time_days_p90", "lead_time_cv"
    assert [found.value(key) for key in keys] == [None] * 3


@pytest.mark.parametrize(
    ("events", "policy", "days"),
    [
        # The receipt that reaches 100 counts, neither the first nor the last.
        ([PLACED, receive("03-04", 60), receive("03-08", 40), receive("03-12", 40)], {}, 7),
        ([PLACED, receive("03-04", 60), receive("03-08", 39)], {}, None),
        ([PLACED, receive("03-04", 60), receive("03-08", 30)], {"under": "0.1"}, 7),
        # The quantity in force decides; the date is that of the first version.
        ([PLACED, order("03-05", 60, "03-22", revision=1), receive("03-04", 60)], {}, 3),
        ([PLACED, order("03-05", 120, "03-22", revision=1), receive("03-04", 100)], {}, None),
        ([PLACED, receive("03-04", 100, no="R"), reverse("03-05", "R", 1)], {}, None),
        # Returns do not affect it. A line that is out has none; one that the supplier cancelled
        # may have one.
        ([PLACED, receive("03-04", 100), send_back("03-05", 50)], {}, 3),
        ([PLACED, receive("03-04", 40), cancel("03-05", "buyer")], {}, 3),
        ([PLACED, cancel("03-05", "buyer")], {}, None),
        ([PLACED, receive("03-04", 100), cancel("03-05", "supplier")], {}, 3),
        ([PLACED, confirm("03-02", "rejected"), receive("03-04", 100)], {}, None),
        # Retroactive: the goods came before the order.
        ([PLACED, receive("02-20", 100)], {}, None),
    ],
)
def test_an_order_takes_until_the_receipt_that_completes_it(
    events: list[Event], policy: dict[str, Any], days: int | None
) -> None:
    # Beside five lines of 30 days the percentiles hardly show one more line; the cv does.
    others = [order("03-01", 1, "03-05", order_no=f"N{i}") for i in range(5)]
    for i in range(5):
        lines = [{"order_no": f"N{i}", "line_no": "10", "quantity": 1}]
        others.append(receive("03-31", lines=lines))
    found = figures(*others, *events, tolerances=Tolerances(**policy)).value("lead_time_cv")
    times = [30] * 5 + ([] if days is None else [days])
    mean = sum(times) / len(times)
    deviation = math.sqrt(sum((time - mean) ** 2 for time in times) / len(times))
    assert found == pytest.approx(deviation / mean, abs=1e-15)


def test_lead_times_belong_to_the_window_of_their_completion() -> None:
    events = taken(4, 5, 6, 7, 8)  # Completed from 5 to 9 March.
    assert figures(*events, window_days=27).value("lead_time_days_p50") == 6
    assert figures(*events, window_days=26).value("lead_time_days_p50") is None


@pytest.mark.parametrize(
    ("events", "overdue"),
    [
        ([PLACED], 1),
        ([PLACED, receive("03-25", 100)], 0),
        ([PLACED, receive("03-25", 99)], 1),
        ([PLACED, receive("03-20", 100), send_back("03-25", 1)], 1),
        ([PLACED, receive("03-20", 101), send_back("03-25", 1)], 0),
        ([PLACED, receive("04-01", 100)], 1),
        ([order("03-01", 100, "03-31")], 1),
        ([order("03-01", 100, "04-01")], 0),
        ([PLACED, confirm("03-02", "rejected")], 0),
        ([PLACED, cancel("03-10", "supplier")], 0),
        ([PLACED, cancel("03-25", "buyer")], 0),  # Too late to change the line, but cancelled.
        ([PLACED, cancel("03-25", "buyer", lines=["20"])], 1),
        ([order("03-10", 100, "03-09")], 0),
    ],
)
def test_overdue_lines(events: list[Event], overdue: int) -> None:
    assert figures(*events).value("overdue_lines") == overdue
    # Lines matured at any time count, also before the window.
    assert figures(*events, window_days=1).value("overdue_lines") == overdue


def test_orphan_receipts_are_receipt_lines_without_an_order() -> None:
    def orphans(*events: Event) -> object:
        return figures(*events, window_days=1).value("orphan_receipts")

    both = receive("02-01", lines=[*goods(5, 6), *goods(7, line="20")], no="R")
    assert orphans(both) == 2  # The 5 and the 6 belong to the same order line.
    assert orphans(both, PLACED) == 1
    assert orphans(both, order("04-01", 100, "04-20")) == 2  # No version at T.
    assert orphans(both, order("03-01", 100, "03-20", buyer_id="B2")) == 2
    assert orphans(both, reverse("02-02", "R", 5, 6)) == 1
    assert orphans(both, reverse("02-02", "R")) == 0
    assert orphans(both, receive("02-02", 5)) == 3
    assert orphans(receive("04-01", 5)) == 0


def test_retroactive_lines_belong_to_the_window_of_their_first_version() -> None:
    late = order("03-10", 100, "03-09")
    earlier = [late, order("03-11", 5, "03-20", revision=1), PLACED | order("03-01", 1, "03-01")]
    assert figures(late).value("retroactive_lines") == 1
    assert figures(late, cancel("03-10", "buyer")).value("retroactive_lines") == 1
    assert figures(late, window_days=22).value("retroactive_lines") == 1
    assert figures(late, window_days=21).value("retroactive_lines") == 0
    # Here the first version is that of 1 March.
    assert figures(*earlier).value("retroactive_lines") == 0


def test_matured_lines_and_their_months() -> None:
    due = ["02-28", "03-01", "03-31", "04-01"]
    events = [order("02-01", 1, day, line=f"{i}") for i, day in enumerate(due)]
    found = figures(*events)
    assert values(found.matured_lines, found.matured_months) == (3, 2)
    found = figures(*events, tolerances=Tolerances(late=1))  # 1 March, 2 March; not 1 April.
    assert values(found.matured_lines, found.matured_months) == (2, 1)
    assert figures(*events, window_days=31).matured_lines == 2


def sold(buyer: str, price: str | None, quantity: int, **more: Any) -> list[Event]:
    """Return an order of a buyer at a price, and its receipt."""
    placed = order("03-01", quantity, "03-20", buyer_id=buyer, **more)
    if price is not None:
        placed["data"]["lines"][0]["unit_price"] = price
    return [placed, receive(f"03-{20}", quantity, buyer_id=buyer)]


def test_buyer_concentration_is_the_sum_of_squared_shares() -> None:
    key = "buyer_concentration"
    three = [*sold("B1", "2", 30), *sold("B2", "0.5", 60), *sold("B3", "1.0", 10)]
    # 60, 30 and 10 of 100: 0.36 + 0.09 + 0.01.
    assert figures(*three).value(key) == Fraction("0.46")
    assert figures(*three, buyer_id="B1").value(key) is None
    assert figures(*sold("B1", "2", 30)).value(key) == 1
    assert figures(*sold("B1", None, 30)).value(key) is None
    assert figures(*sold("B1", "0", 30)).value(key) is None
    assert figures(PLACED).value(key) is None
    # Returns do not affect it, reversals do: 60 and 15, shares of 0.8 and 0.2.
    gone = [receive("03-20", 30, no="R", buyer_id="B4"), reverse("03-21", "R") | {}]
    gone[1]["data"]["buyer_id"] = "B4"
    four = [*sold("B1", "2", 30), *sold("B2", "0.5", 30), send_back("03-25", 30), *gone]
    assert figures(*four).value(key) == Fraction("0.68")


def test_buyer_concentration_covers_365_days_at_the_price_in_force() -> None:
    key = "buyer_concentration"
    first, came = sold("B1", "2", 30)
    both = [first, came, *sold("B2", "1", 60)]
    assert figures(*both, window_days=1).value(key) == Fraction(1, 2)
    dearer = order("03-02", 30, "03-20", revision=1)
    assert figures(*both, dearer).value(key) == 1  # This version has no price.
    dearer["data"]["lines"][0]["unit_price"] = 6
    assert figures(*both, dearer).value(key) == Fraction(10, 16)  # 180 and 60.
    # Cancelled after the goods came: they count as bought.
    assert figures(*both, cancel("03-20", "buyer")).value(key) == Fraction(1, 2)
    for day, expected in (("2025-04-01", Fraction(1, 2)), ("2025-03-31", 1)):
        came["data"]["received_at"] = f"{day}T10:00:00+07:00"
        assert figures(*both).value(key) == expected


def test_buyer_concentration_takes_prices_in_the_base_currency() -> None:
    key = "buyer_concentration"
    rupiah = sold("B1", "1", 30)
    dollars = sold("B2", "1", 30, currency="USD")
    assert figures(*rupiah, *dollars).value(key) == 1
    assert figures(*rupiah, *sold("B2", "1", 30, currency="IDR")).value(key) == Fraction(1, 2)
    both = [*rupiah, *dollars, *sold("B3", "1", 30, currency="USD")]
    assert figures(*both, base_currency="USD").value(key) == Fraction(1, 2)
    # A change that names no currency keeps that of its line.
    change = order("03-02", 30, "03-20", revision=1, buyer_id="B2")
    change["data"]["lines"][0]["unit_price"] = 3
    assert figures(*rupiah, *dollars, change).value(key) == 1
    change["data"]["currency"] = "IDR"
    assert figures(*rupiah, *dollars, change).value(key) == Fraction(10, 16)
    # A change dated after due is not in force, so its currency does not count.
    missed = order("03-25", 30, "03-20", revision=2, buyer_id="B1", currency="USD")
    assert figures(*rupiah, *dollars, missed).value(key) == 1
    change["data"]["currency"] = "USD"
    assert figures(*rupiah, *dollars, change).value(key) == 1


def load(*events: Event, **more: Any) -> tuple[object, dict[str, Any]]:
    found = figures(*events, **more).kpis["capacity_load"]
    assert isinstance(found, Load)
    loads = {name: (load.numerator, load.denominator) for name, load in found.processes.items()}
    return found.value, loads


def test_capacity_load_is_the_highest_of_the_processes() -> None:
    events = [
        PLACED,
        order("03-01", 30, "04-30", order_no="P2"),
        capacity("01-10", "stamping", 400, "I", "other"),
        capacity("01-10", "painting", "50", "I", "I"),
        capacity("01-10", "welding", 9, "other"),
        capacity("01-10", "any", 10),
        capacity("01-10", "none", 0, "I"),
    ]
    # The backlog of 100, and 30 due on 30 April: 29 days after 1 April.
    assert load(*events) == (
        Fraction(13, 5),
        {
            "stamping": (130, 400),
            "painting": (130, 50),
            "welding": (0, 9),
        },
    )
    assert load(PLACED) == (None, {})


def test_capacity_load_is_in_the_unit_of_the_process() -> None:
    placed = order("03-01", 30, "04-01", order_no="P2")
    placed["data"]["lines"][0]["uom"] = "DZN"
    events = [
        placed,
        capacity("01-10", "pieces", 400, "I", uom="H87"),
        capacity("01-10", "gross", 5, "I", uom="GRO"),
        capacity("01-10", "as it is", 60, "I"),
        capacity("01-10", "hours", 100, "I", uom="HUR"),
    ]
    found = {"pieces": (360, 400), "gross": (Fraction(5, 2), 5), "as it is": (30, 60)}
    assert load(*events) == (Fraction(9, 10), found)
    # A process of which nothing is wanted has a load of 0, whatever its unit.
    hours = capacity("01-10", "hours", 100, "other", uom="HUR")
    assert load(placed, hours) == (Fraction(0), {"hours": (0, 100)})
    assert load(PLACED, capacity("01-10", "none", 0, "I")) == (None, {})


@pytest.mark.parametrize(
    ("events", "demand"),
    [
        ([order("03-01", 30, "04-30")], 30),
        ([order("03-01", 30, "05-01")], 0),  # T + 30.
        ([PLACED, receive("03-20", 60)], 40),
        ([PLACED, receive("03-20", 60), send_back("03-22", 60)], 40),
        ([PLACED, receive("03-20", 160), order("03-01", 7, "04-01", order_no="P2")], 7),
        ([PLACED, confirm("03-02", "accepted", "05-01")], 0),  # The confirmed date is T + 30.
        ([PLACED, confirm("03-02", "rejected")], 0),
        ([PLACED, cancel("03-02", "buyer")], 0),
        ([PLACED, cancel("03-02", "supplier")], 0),
        ([PLACED, cancel("03-22", "supplier")], 100),  # Too late to count.
        ([order("03-10", 30, "03-09")], 0),
    ],
)
def test_what_loads_a_process(events: list[Event], demand: int) -> None:
    declared = capacity("03-31", "stamping", 200, "I")
    assert load(*events, declared) == (Fraction(demand, 200), {"stamping": (demand, 200)})


def test_the_item_is_that_of_the_version_in_force() -> None:
    change = order("03-02", 100, "03-20", revision=1)
    change["data"]["lines"][0]["item_no"] = "J"
    declared = capacity("01-10", "stamping", 200, "I"), capacity("01-10", "painting", 200, "J")
    assert load(PLACED, change, *declared)[1] == {"stamping": (0, 200), "painting": (100, 200)}


def test_the_latest_declaration_of_a_process_is_in_force_once_it_begins() -> None:
    old, new = capacity("01-10", "s", 200, "I"), capacity("02-10", "s", 100, "I")
    assert load(PLACED, old, new)[1] == {"s": (100, 100)}
    assert load(PLACED, old, new, capacity("04-01", "s", 50, "I"))[1] == {"s": (100, 50)}
    assert load(PLACED, capacity("04-02", "s", 50, "I"))[1] == {}
    # Of two with the same `valid_from`, the one declared last.
    again = capacity("02-10", "s", 80, "I") | {"time": "2026-02-11T00:00:00+07:00"}
    assert load(PLACED, again, old, new)[1] == {"s": (100, 80)}
    # One with an earlier `valid_from` does not replace it, though declared later.
    early = capacity("01-20", "s", 70, "I") | {"time": "2026-03-01T00:00:00+07:00"}
    assert load(PLACED, early, old, new)[1] == {"s": (100, 100)}
    # For a buyer, its own orders count against what is declared to all buyers or to it.
    to_other = capacity("03-01", "s", 9, "I", buyer_id="B2")
    assert load(PLACED, old, to_other, buyer_id="B1")[1] == {"s": (100, 200)}
    assert load(PLACED, old, to_other)[1] == {"s": (100, 9)}
