"""Bugs reported of other products about changes, confirmations, order of arrival and days.

Each case names the report, and its comment the fault; the figures are worked out by hand.
"""

from datetime import date

import pytest

from services.store.client import ClickHouse
from tests.reference.cases import (
    Event,
    cancel,
    close,
    complain,
    confirm,
    event,
    order,
    receive,
)
from tests.support.public_reports import (
    Report,
    Told,
    asked,
    by_the_reference,
    by_the_store,
    moved,
    placed,
)

WANTED = "2026-03-20"
B2 = {"buyer_id": "B2"}
ORDER = order("03-01", 100, "03-20")


def taken(*days: int) -> list[Event]:
    """Return an order of 1 March and a receipt for each of its lines, after so many days."""
    numbers = [str(number) for number in range(len(days))]
    ordered = [placed("03-01", *(asked(number, 10, "2026-03-31") for number in numbers))]
    return ordered + [
        receive(f"03-{1 + count:02}", lines=[moved(10, number)])
        for number, count in zip(numbers, days, strict=True)
    ]


SENT_AGAIN = [ORDER, receive("03-18", 60), receive("03-19", 40)]

REPORTS = [
    # A line that was cancelled after a part had come stayed late for ever.
    Report(
        "odoo/odoo#268488",
        [ORDER, receive("03-18", 60), cancel("03-19", "buyer")],
        {"otif": (1, 1), "fill_rate": (60, 60), "overdue_lines": 0},
    ),
    # An order lowered to the quantity already received was an exception in every receipt.
    Report(
        "odoo/odoo#76691",
        [
            order("03-01", 10, "03-20"),
            receive("03-14", 2),
            receive("03-15", 3),
            order("03-16", 5, "03-20", revision=1),
        ],
        {"otif": (1, 1), "fill_rate": (5, 5), "overdue_lines": 0},
    ),
    # A change of quantity in a confirmed order did not change the quantity to be received.
    Report(
        "OCA/purchase-workflow#506",
        [
            ORDER,
            order("03-01", 100, "03-20", order_no="Q"),
            order("03-10", 120, "03-20", revision=1),
            order("03-10", 80, "03-20", revision=1, order_no="Q"),
            receive("03-18", lines=[moved(100), moved(80, order_no="Q")]),
        ],
        {"otif": (1, 2), "fill_rate": (180, 200), "overdue_lines": 1},
    ),
    # A line corrected to 0 left its order partially received.
    Report(
        "axelor/axelor-open-suite#16544",
        [
            placed("03-01", asked("10", 100, WANTED), asked("20", 50, WANTED)),
            event(
                "order.changed", "03-02", order_no="P", revision=1, lines=[asked("20", 0, WANTED)]
            ),
            receive("03-18", 100),
        ],
        {"otif": (1, 1), "fill_rate": (100, 100), "overdue_lines": 0},
    ),
    # An order could only be amended after its receipts had been deleted.
    Report(
        "frappe/erpnext#12216",
        [ORDER, receive("03-15", 60), order("03-16", 80, "03-20")],
        {"otif": (0, 1), "fill_rate": (60, 80), "overdue_lines": 1},
    ),
    # A late order was lowered to the quantity received. Here: once missed, it stays missed.
    Report(
        "OCA/purchase-workflow#1294",
        [
            order("03-01", 20, "03-20"),
            receive("03-18", 15),
            order("03-25", 15, "03-20", revision=1),
        ],
        {"otif": (0, 1), "fill_rate": (15, 20), "overdue_lines": 1},
    ),
    # The new date of a late delivery overwrote the date that had been missed.
    Report(
        "frappe/erpnext#3852",
        [ORDER, order("03-25", 100, "03-30", revision=1), receive("03-29", 100)],
        {"otif": (0, 1), "otif_requested": (0, 1), "mean_days_late": (900, 100)},
    ),
    # The requested date was lost when the supplier confirmed another one.
    Report(
        "OCA/purchase-workflow#2338",
        [ORDER, confirm("03-02", "changed", "03-25"), receive("03-24", 100)],
        {"otif": (1, 1), "otif_requested": (0, 1), "mean_days_late": (0, 100)},
    ),
    # A partial receipt overwrote the confirmed date of the rest with its own date.
    Report(
        "mrwuss/p21-api-documentation#145",
        [
            ORDER,
            confirm("03-02", "changed", "03-25"),
            receive("03-19", 40),
            receive("03-26", 60),
        ],
        {"otif": (0, 1), "on_time_quantity": (40, 100), "mean_days_late": (60, 100)},
    ),
    # A rejection after an acceptance counted for one side only. Here: the first one decides.
    Report(
        "amzn/selling-partner-api-models#5108",
        [ORDER, confirm("03-02", "changed", "03-20"), confirm("03-05", "rejected")],
        {"order_acceptance": (1, 1), "otif": (0, 1), "overdue_lines": 1},
    ),
    # A cancelled line came back when the whole order was confirmed.
    Report(
        "odoo/odoo#6665",
        [
            placed("03-01", asked("10", 100, WANTED), asked("20", 50, WANTED)),
            cancel("03-02", "buyer", lines=["20"]),
            event(
                "order.confirmed",
                "03-02T15:00",
                order_no="P",
                lines=[{"line_no": line, "status": "accepted"} for line in ("10", "20")],
            ),
            receive("03-18", 100),
        ],
        {"otif": (1, 1), "overdue_lines": 0, "confirmation_in_time": (1, 1)},
    ),
    # Cancelled, confirmed again under the same number, received. Here: what is wanted again is a
    # new line.
    Report(
        "odoo/odoo#28782",
        [
            ORDER,
            cancel("03-02", "buyer"),
            order("03-03", 100, "03-20"),
            receive("03-18", 100),
        ],
        {"otif": (0, 0), "ppm": (0, 100), "orphan_receipts": 0, "overdue_lines": 0},
    ),
    # A change that failed and was sent again after the cancellation revived the order.
    Report(
        "gojek/ziggurat#265",
        [ORDER, cancel("03-05", "buyer")],
        {"otif": (0, 0), "overdue_lines": 0},
        later=[order("03-03", 150, "03-22", revision=1)],
    ),
    # The result depended on which partition was read last.
    Report(
        "MTSWebServices/data-rentgen#102",
        [receive("03-18", 100), confirm("03-02", "accepted", "03-20")],
        {"otif": (1, 1), "orphan_receipts": 0, "order_acceptance": (1, 1)},
        later=[ORDER],
    ),
    # An older state that arrived last overwrote the newer one.
    Report(
        "neo4j-contrib/neo4j-streams#227",
        [
            ORDER,
            order("03-05", 80, "03-25", revision=2),
            receive("03-24", 80),
        ],
        {"otif": (1, 1), "fill_rate": (80, 80), "mean_days_late": (0, 80)},
        later=[order("03-03", 120, "03-22", revision=1)],
    ),
    # Events that were sent again in another order were counted twice.
    Report(
        "cloudfoundry-attic/cf-abacus#434",
        SENT_AGAIN,
        {"otif": (1, 1), "fill_rate": (100, 100), "ppm": (0, 100)},
        later=SENT_AGAIN[::-1],
    ),
    # One tenant's event id made another tenant's event a duplicate.
    Report(
        "openmeterio/openmeter#126",
        [
            ORDER,
            order("03-01", 100, "03-20", **B2),
            receive("03-18", 100, id="report-126"),
            receive("03-19", 100, id="report-126", **B2),
        ],
        {"otif": (2, 2), "fill_rate": (200, 200)},
    ),
    # The days of an order were summed over its lines: 50 for five lines of 10 days.
    Report(
        "odoo/odoo#80671",
        taken(10, 10, 10, 10, 10),
        {"lead_time_days_p50": 10, "lead_time_days_p90": 10, "lead_time_cv": 0},
    ),
    # The time to arrival was counted from the requested date, 31 March: -1 for these.
    Report(
        "odoo/odoo#268823",
        taken(29, 29, 29, 29, 29),
        {"lead_time_days_p50": 29},
    ),
    # The median of an even number was the lower of the middle two. Sorted: 2 3 5 9 12 30; the
    # median lies between 5 and 9, and p90, at 0.9 of the 5 steps, between 12 and 30.
    Report(
        "brlgirardi/harrison#245",
        taken(9, 30, 2, 5, 12, 3),
        {"lead_time_days_p50": 7, "lead_time_days_p90": 21},
    ),
    # The rate of a group was the mean of the rates of its members, not computed from their sums.
    Report(
        "cisagov/pe-reports#526",
        [
            ORDER,
            placed("03-01", *(asked(line, 1, WANTED) for line in ("1", "2", "3")), **B2),
            receive("03-18", lines=[moved(1, line) for line in ("1", "2", "3")], **B2),
        ],
        {"otif": (3, 4), "fill_rate": (3, 103)},
    ),
    # The day was that of UTC: half past midnight on the 4th counted as the 3rd, so a day early.
    Report(
        "odoo/odoo#80725",
        [order("2026-03-03T17:30:00+00:00", 100, "03-03")],
        {"retroactive_lines": 1, "otif": (0, 0), "overdue_lines": 0},
    ),
    # A receipt after midnight at the site was shown for the day before.
    Report(
        "bcgov/entity#6951",
        [ORDER, receive("03-20", 100, received_at="2026-03-20T17:30:00Z", sent="03-21")],
        {"otif": (0, 1), "mean_days_late": (100, 100)},
    ),
    # A receipt in the first hour of a day counted for the day before: here, a day too early.
    Report(
        "we-promise/sure#2668",
        [
            order("03-01", 100, "03-28"),
            receive("03-21", 100, received_at="2026-03-21T00:30:00+07:00"),
        ],
        {"otif": (1, 1), "on_time_quantity": (100, 100)},
    ),
    # The last day of a month was left out of that month.
    Report(
        "Gizra/productivity#528",
        [order("03-01", 100, "03-31"), receive("03-31T23:59", 100)],
        {"otif": (1, 1), "ppm": (0, 100)},
    ),
    # The first day of the next month was included in a month.
    Report(
        "Gnucash/gnucash#473",
        [order("03-01", 100, "04-01"), receive("04-01T00:00", 100)],
        {"otif": (0, 0), "ppm": (0, 0), "overdue_lines": 0},
    ),
    # A year with a 29 February ended on the 28th. Here, 28 February to 1 March are two days.
    Report(
        "moneymanagerex/moneymanagerex#2339",
        [
            placed("2024-02-01T10:00:00+07:00", asked("10", 100, "2024-02-28")),
            receive("03-01", 100, received_at="2024-03-01T10:00:00+07:00"),
        ],
        {"otif": (0, 1), "mean_days_late": (200, 100)},
        as_of=date(2024, 3, 2),
    ),
    # Of the cases closed in a period, only those that were also opened in it were shown.
    Report(
        "freescout-help-desk/freescout#4125",
        [
            ORDER,
            complain("2025-09-01T10:00:00+07:00", "C1", opened_at="2025-09-01T10:00:00+07:00"),
            close("2025-10-20T10:00:00+07:00", "C1", closed_at="2025-10-20T10:00:00+07:00"),
        ],
        {"complaint_response": (1, 1), "open_complaints": 0},
    ),
]


@pytest.fixture(scope="module")
def found(clickhouse: ClickHouse) -> dict[str, Told]:
    return by_the_store(clickhouse, REPORTS)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_the_store_does_not_have_the_reported_bug(report: Report, found: dict[str, Told]) -> None:
    assert {key: found[report.name][key] for key in report.expected} == report.expected


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_the_reference_does_not_have_the_reported_bug(report: Report) -> None:
    figures = by_the_reference(report)
    assert {key: figures[key] for key in report.expected} == report.expected
