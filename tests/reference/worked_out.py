"""Cases of one order line, with what each makes of it at T as worked out by hand."""

from datetime import date
from typing import Any

from .cases import Event, cancel, confirm, order, receive, reverse, send_back

T = date(2026, 4, 1)
PLACED = order("03-01", 100, "03-20")
TWICE = receive("03-20", 60, no="R")
WORKED_OUT: dict[str, tuple[list[Event], dict[str, Any]]] = {
    "whole on the day": (
        [PLACED, receive("03-20", 100)],
        {"on_time_in_full": 1, "quantity_days_late": 0, "filled": 100},
    ),
    "what misses is valued at T": (
        [PLACED, receive("03-22", 30), receive("03-18", 40)],
        {"quantity_days_late": 420, "on_time_quantity": 40, "filled": 70, "on_time_in_full": 0},
    ),
    "beyond the order is not late": (
        [PLACED, receive("03-19", 90), receive("03-21", 50)],
        {"quantity_days_late": 10, "on_time_in_full": 0},
    ),
    "seven days early": (
        [PLACED, receive("03-13", 100)],
        {"on_time_in_full": 1, "on_time_quantity": 100},
    ),
    "eight days early": (
        [PLACED, receive("03-12", 100)],
        {"on_time_in_full": 0, "on_time_quantity": 0},
    ),
    "five per cent over, and a millionth": (
        [PLACED, receive("03-20", "105.000001")],
        {"on_time_in_full": 0},
    ),
    "over counts from what any version asks": (
        [
            PLACED,
            order("03-02", 80, "03-20", revision=1),
            order("03-19", 120, "03-20", revision=2),
            receive("03-20", 126),
        ],
        {"ordered": 80, "on_time_in_full": 1},
    ),
    "short notice for more": (
        [PLACED, order("03-18", 150, "03-20", revision=1)],
        {"ordered": 100, "due_date": date(2026, 3, 20)},
    ),
    "short notice before an earlier date": (
        [PLACED, order("03-10", 60, "03-12", revision=1)],
        {"ordered": 60, "due_date": date(2026, 3, 20)},
    ),
    "the first confirmation decides": (
        [PLACED, confirm("03-02", "accepted", "03-23"), confirm("03-03", "changed", "03-28")],
        {"due_date": date(2026, 3, 23), "requested_date": date(2026, 3, 20)},
    ),
    "rejected, and brought back after due": (
        [PLACED, confirm("03-02", "rejected"), order("03-24", 90, "03-28", revision=1)],
        {"out_because": "", "ordered": 90, "due_date": date(2026, 3, 28)},
    ),
    "cancelled by the buyer": (
        [PLACED, receive("03-10", 30), cancel("03-20", "buyer")],
        {"out_because": "cancelled", "matured": 0},
    ),
    "cancelled by the supplier": (
        [PLACED, receive("03-10", 30), cancel("03-12", "supplier"), cancel("03-13", "buyer")],
        {"out_because": "", "cancelled_by": "supplier", "quantity_days_late": 840},
    ),
    "retroactive": (
        [order("03-10", 100, "03-09"), order("03-10T11:00", 100, "03-20", revision=1)],
        {"out_because": "retroactive"},
    ),
    "confirmed before it was placed": (
        [
            PLACED,
            order("03-01", 100, "03-22", revision=1),
            confirm("02-20", "changed", "03-25"),
        ],
        {"due_date": date(2026, 3, 25)},
    ),
    "reversed more than received": ([PLACED, TWICE, reverse("03-21", "R", 70)], {"received": 0}),
    "reversed, then sent again": (
        [PLACED, TWICE, reverse("03-22", "R", 30), receive("03-20", 80, no="R", sent="03-23")],
        {"received": 80},
    ),
    "sent again, then reversed": (
        [PLACED, TWICE, receive("03-20", 80, no="R", sent="03-22"), reverse("03-23", "R", 30)],
        {"received": 50},
    ),
    "sent back, corrected": (
        [
            PLACED,
            receive("03-20", 100),
            send_back("03-25", 30),
            send_back("03-26", 10, sent="03-28"),
        ],
        {"returned": 10, "filled": 90, "on_time_in_full": 1},
    ),
}
