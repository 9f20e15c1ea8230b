"""Cases of one order line, with the expected state of the line at T, worked out by hand."""

from datetime import date
from typing import Any

from .cases import Event, cancel, confirm, goods, order, receive, reverse, send_back

T = date(2026, 4, 1)
PLACED = order("03-01", 100, "03-20")
TWICE = receive("03-20", 60, no="R")


def in_unit(quantity: int, uom: str) -> list[dict[str, Any]]:
    """Return the lines of a document: one quantity of line 10 in a unit."""
    return [goods(quantity)[0] | {"uom": uom}]


def reversal(quantity: int, uom: str) -> dict[str, Any]:
    """Return the data of a reversal of receipt R in a unit."""
    document: dict[str, Any] = reverse("03-21", "R")["data"]
    return document | {"lines": in_unit(quantity, uom)}


def answer_of(day: str) -> dict[str, Any]:
    """Return the data of a confirmation for a date of any year."""
    answer = {"line_no": "10", "status": "accepted", "confirmed_date": day}
    document: dict[str, Any] = confirm("03-02", "accepted")["data"]
    return document | {"lines": [answer]}


WORKED_OUT: dict[str, tuple[list[Event], dict[str, Any]]] = {
    "complete on the due date": (
        [PLACED, receive("03-20", 100)],
        {"on_time_in_full": 1, "quantity_days_late": 0, "filled": 100},
    ),
    "what is still missing is valued at T": (
        [PLACED, receive("03-22", 30), receive("03-18", 40)],
        {"quantity_days_late": 420, "on_time_quantity": 40, "filled": 70, "on_time_in_full": 0},
    ),
    "more than the ordered quantity is not late": (
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
    "over-delivery is measured from the highest quantity asked for": (
        [
            PLACED,
            order("03-02", 80, "03-20", revision=1),
            order("03-19", 120, "03-20", revision=2),
            receive("03-20", 126),
        ],
        {"ordered": 80, "on_time_in_full": 1},
    ),
    "short notice for a higher quantity": (
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
    "closed short by the buyer": (
        [PLACED, receive("03-13", 30), cancel("03-20", "buyer"), receive("03-21", 5)],
        {"out_because": "", "ordered": 30, "on_time_in_full": 1, "filled": 30, "matured": 1},
    ),
    "closed short, then the receipt was reversed": (
        [PLACED, TWICE, cancel("03-20T11:00", "buyer"), reverse("03-22", "R")],
        {"out_because": "cancelled", "matured": 0},
    ),
    "cancelled by the buyer before anything came": (
        [PLACED, cancel("03-12", "buyer"), receive("03-14", 30)],
        {"out_because": "cancelled", "matured": 0},
    ),
    "quantity 0 is not judged": (
        [PLACED, order("03-05", 0, "03-20", revision=1), receive("03-10", 5)],
        {"out_because": "zero", "matured": 0},
    ),
    "brought back from quantity 0, at short notice": (
        [
            PLACED,
            order("03-05", 0, "03-20", revision=1),
            order("03-19", 120, "03-19", revision=2),
        ],
        {"out_because": "", "ordered": 120, "due_date": date(2026, 3, 19)},
    ),
    "brought back for a past date does not count": (
        [
            PLACED,
            order("03-05", 0, "03-20", revision=1),
            order("03-21", 120, "03-20", revision=2),
        ],
        {"out_because": "zero", "matured": 0},
    ),
    "the same again does not bring back a rejected line": (
        [PLACED, confirm("03-02", "rejected"), order("03-05", "100.0", "03-20")],
        {"out_because": "rejected", "matured": 0},
    ),
    "the same again in dozens, with the price of a dozen": (
        [
            order("03-01", 24, "03-20", uom="PCS", unit_price=5),
            confirm("03-02", "rejected"),
            order("03-05", 2, "03-20", uom="LUSIN", unit_price=60),
        ],
        {"out_because": "rejected", "ordered": 24},
    ),
    "another price is a change": (
        [
            order("03-01", 24, "03-20", uom="PCS", unit_price=5),
            confirm("03-02", "rejected"),
            order("03-05", 2, "03-20", uom="LUSIN", unit_price=61),
        ],
        {"out_because": "", "ordered": 24},
    ),
    "the order placed again without the line": (
        [PLACED, order("03-05", 7, "03-20", line="20")],
        {"out_because": "zero", "ordered": 0},
    ),
    "the order placed without the line before its first version": (
        [order("02-20", 7, "03-20", line="20"), PLACED],
        {"out_because": "", "ordered": 100},
    ),
    "the order placed without the line after a revision": (
        [
            PLACED,
            order("03-03", 90, "03-20", revision=1),
            order("03-05", 7, "03-20", line="20"),
        ],
        {"out_because": "", "ordered": 90},
    ),
    "sent back before more came: never too much in the house": (
        [PLACED, receive("03-18", 100), send_back("03-18", 30), receive("03-20", 30)],
        {"on_time_in_full": 1, "received": 130, "returned": 30},
    ),
    "sent back only after too much was in the house": (
        [PLACED, receive("03-18", 100), receive("03-19", 30), send_back("03-20", 30)],
        {"on_time_in_full": 0},
    ),
    "received in pieces of an order in dozens": (
        [order("03-01", 10, "03-20", uom="DZN"), receive("03-20", lines=in_unit(120, "PCS"))],
        {"on_time_in_full": 1, "received": 10, "filled": 10},
    ),
    "reversed in pairs": (
        [
            order("03-01", 10, "03-20", uom="PCS"),
            receive("03-20", no="R", lines=in_unit(1, "DZN")),
            reverse("03-21", "R") | {"data": reversal(1, "PR")},
        ],
        {"received": 10, "on_time_in_full": 1},
    ),
    "received in a unit that does not convert counts in nothing": (
        [order("03-01", 10, "03-20", uom="PCS"), receive("03-20", lines=in_unit(10, "KG"))],
        {"received": 0, "on_time_in_full": 0},
    ),
    "a version in a unit that does not convert does not count": (
        [
            order("03-01", 10, "03-20", uom="PCS"),
            order("03-05", 99, "03-30", uom="KG", revision=1),
        ],
        {"ordered": 10, "due_date": date(2026, 3, 20)},
    ),
    "retroactive: received before it was written": (
        [order("03-10", 100, "03-20"), receive("03-09", 1)],
        {"out_because": "retroactive", "matured": 0},
    ),
    "a confirmed date before the confirmation's own date is a slip": (
        [PLACED, confirm("03-02", "accepted", "03-01")],
        {"due_date": date(2026, 3, 20)},
    ),
    "a confirmed date more than a year later is a slip": (
        [
            PLACED,
            confirm("03-02", "accepted") | {"data": answer_of("2027-03-21")},
        ],
        {"due_date": date(2026, 3, 20)},
    ),
    "cancelled by the supplier": (
        [PLACED, receive("03-10", 30), cancel("03-12", "supplier"), cancel("03-13", "buyer")],
        {"out_because": "", "cancelled_by": "supplier", "quantity_days_late": 840},
    ),
    "retroactive: asks for a past date": (
        [order("03-10", 100, "03-09"), order("03-10T11:00", 100, "03-20", revision=1)],
        {"out_because": "retroactive"},
    ),
    "confirmed before the first version": (
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
