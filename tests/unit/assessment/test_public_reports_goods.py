"""Bugs reported of other products about receipts, returns, units, quality and money.

Each case names the report, and its comment the fault; the figures are worked out by hand.
"""

from fractions import Fraction

import pytest

from services.store.client import ClickHouse
from tests.reference.cases import (
    cancel,
    capacity,
    despatch,
    event,
    inspect,
    order,
    receive,
    reverse,
    send_back,
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

REPORTS = [
    # A receipt that was copied for the rest copied its demand too: 10 of 14 on time.
    Report(
        "odoo/odoo#225529",
        [order("03-01", 10, "03-20"), receive("03-18", 6), receive("03-19", 4)],
        {"otif": (1, 1), "on_time_quantity": (10, 10)},
    ),
    # Goods sent back to the vendor did not lower the received quantity.
    Report(
        "odoo/odoo#13642",
        [order("03-01", 25, "03-20"), receive("03-18", 25), send_back("03-22", 5)],
        {"fill_rate": (20, 25), "otif": (1, 1), "overdue_lines": 1},
    ),
    # Received, sent back and received again came to twice the quantity.
    Report(
        "odoo/odoo#138480",
        [
            order("03-01", 10, "03-20"),
            receive("03-17", 10),
            send_back("03-18", 10),
            receive("03-19", 10),
        ],
        {"fill_rate": (10, 10), "otif": (1, 1), "on_time_quantity": (10, 10)},
    ),
    # Each receipt was rounded up to whole large units: 1.5 became 2, and 1.5 + 0.5 became 3.
    Report(
        "odoo/odoo#85291",
        [
            order("03-01", 2, "03-20", uom="GRO"),
            order("03-01", 2, "03-20", uom="GRO", order_no="Q"),
            receive("03-18", lines=[moved(216, uom="PCS"), moved(216, order_no="Q", uom="PCS")]),
            receive("03-19", lines=[moved(72, uom="PCS")]),
        ],
        {"fill_rate": (Fraction(7, 2), 4), "otif": (1, 2), "overdue_lines": 1},
    ),
    # A dozen was ordered and twelve pieces received: eleven were still awaited.
    Report(
        "OCA/purchase-workflow#1870",
        [
            order("03-01", 1, "03-20", uom="DZN"),
            receive("03-18", lines=[moved(12, uom="H87")]),
        ],
        {"fill_rate": (1, 1), "overdue_lines": 0},
    ),
    # Converted into dozens with two decimals, 200 pieces became 200.04, so that a missing piece
    # could go unnoticed.
    Report(
        "OCA/stock-logistics-clickhouse#832",
        [
            order("03-01", 200, "03-20", uom="H87"),
            receive("03-18", lines=[moved(16, uom="DZN"), moved(7, uom="PCS")]),
        ],
        {"fill_rate": (199, 200), "otif": (0, 1), "overdue_lines": 1},
    ),
    # Metres were booked as kilometres: 4 of 5 metres became 4000.
    Report(
        "OCA/purchase-workflow#2385",
        [
            order("03-01", 5, "03-20", uom="KMT"),
            receive("03-18", lines=[moved(4000, uom="MTR")]),
        ],
        {"fill_rate": (4, 5), "overdue_lines": 1},
    ),
    # Bought by the box, goods could not be sent back by the piece.
    Report(
        "frappe/erpnext#12222",
        [
            order("03-01", 10, "03-20", uom="DZN"),
            receive("03-18", lines=[moved(10, uom="DZN")]),
            event(
                "delivery.returned",
                "03-22",
                return_no="RT1",
                returned_at="2026-03-22T10:00:00+07:00",
                lines=[moved(4, uom="H87")],
            ),
        ],
        {"fill_rate": (Fraction(29, 3), 10)},
    ),
    # A receipt that exceeded the allowance by two thousandths was accepted.
    Report(
        "frappe/erpnext#40340",
        [
            order("03-01", 100, "03-20", uom="MTR"),
            order("03-01", 100, "03-20", uom="MTR", order_no="Q"),
            receive("03-18", 105),
            receive("03-18", lines=[moved("105.002", order_no="Q")]),
        ],
        {"otif": (1, 2), "fill_rate": (200, 200)},
    ),
    # An order of which a little more than the ordered quantity came was never complete.
    Report(
        "Dolibarr/dolibarr#15463",
        [order("03-01", 15000, "03-20"), receive("03-18", 15300)],
        {"otif": (1, 1), "fill_rate": (15000, 15000), "overdue_lines": 0},
    ),
    # All lines came in one receipt; the order stayed partially received.
    Report(
        "Dolibarr/dolibarr#18654",
        [
            placed("03-01", asked("10", 5, WANTED), asked("20", 7, WANTED)),
            receive("03-20", lines=[moved(5), moved(7, "20")]),
        ],
        {"otif": (2, 2), "fill_rate": (12, 12), "overdue_lines": 0},
    ),
    # Too much of one line made the whole order complete, though two lines never came.
    Report(
        "frappe/erpnext#31535",
        [
            placed("03-01", *(asked(line, 1, WANTED) for line in ("10", "20", "30"))),
            receive("03-18", 3),
        ],
        {"otif": (0, 3), "fill_rate": (1, 3), "overdue_lines": 2},
    ),
    # Two batches of one item in one receipt: only the first line of the receipt counted.
    Report(
        "frappe/erpnext#42881",
        [order("03-01", 100, "03-20"), receive("03-18", 70, 30)],
        {"otif": (1, 1), "fill_rate": (100, 100), "ppm": (0, 100)},
    ),
    # Two receipts of the whole order were both booked, and nothing showed the double delivery.
    Report(
        "frappe/erpnext#13990",
        [order("03-01", 100, "03-20"), receive("03-18", 100), receive("03-19", 100)],
        {"otif": (0, 1), "fill_rate": (100, 100), "ppm": (0, 200)},
    ),
    # A receipt that was reopened before it was voided still counted as delivered.
    Report(
        "metasfresh/metasfresh#1165",
        [
            order("03-01", 100, "03-20"),
            receive("03-15", 100, no="RP-1165"),
            receive("03-15", 100, no="RP-1165", sent="03-16"),
            reverse("03-17", "RP-1165"),
        ],
        {"fill_rate": (0, 100), "overdue_lines": 1, "ppm": (0, 0)},
    ),
    # A reversed receipt and its replacement were added up.
    Report(
        "metasfresh/metasfresh#4307",
        [
            order("03-01", 30, "03-20", uom="KGM"),
            receive("03-15", 30, no="RP-4307"),
            reverse("03-15T11:00", "RP-4307"),
            receive("03-16", 30),
        ],
        {"otif": (1, 1), "fill_rate": (30, 30), "ppm": (0, 30)},
    ),
    # After a receipt was voided, the same goods could not be received again.
    Report(
        "etendosoftware/etendo_core#1053",
        [
            order("03-01", 10, "03-20"),
            receive("03-15", 10, no="RP-1053"),
            reverse("03-16", "RP-1053"),
            receive("03-17", 10, no="RP-1053"),
        ],
        {"otif": (1, 1), "fill_rate": (10, 10), "ppm": (0, 10)},
    ),
    # The only receipt of an order that was closed short is reversed: nothing is awaited or judged.
    Report(
        "idempiere/idempiere#1964",
        [
            order("03-01", 100, "03-20"),
            receive("03-15", 60, no="RP-1964"),
            cancel("03-16", "buyer"),
            reverse("03-17", "RP-1964"),
        ],
        {"otif": (0, 0), "fill_rate": (0, 0), "overdue_lines": 0, "ppm": (0, 0)},
    ),
    # The shipped quantity was used as the received one.
    Report(
        "msupply-foundation/open-msupply#11006",
        [
            order("03-01", 100, "03-20"),
            despatch("03-17", "SJ1", lines=[moved(100)]),
            receive("03-18", 60, despatch_no="SJ1"),
        ],
        {"fill_rate": (60, 100), "overdue_lines": 1, "despatch_notice_rate": (1, 1)},
    ),
    # The day of entry was used as the day of delivery.
    Report(
        "axelor/axelor-open-suite#16740",
        [order("03-01", 100, "03-20"), receive("03-20", 100, sent="03-25")],
        {"otif": (1, 1), "on_time_quantity": (100, 100), "mean_days_late": (0, 100)},
    ),
    # 60 of 100 came on the due date and the rest a day later: all got the first receipt's date.
    Report(
        "MicrosoftDocs/dynamics-365-unified-operations-public#4444",
        [order("03-01", 100, "03-20"), receive("03-20", 60), receive("03-21", 40)],
        {"otif": (0, 1), "on_time_quantity": (60, 100), "mean_days_late": (40, 100)},
    ),
    # A quantity that was rejected and then sent back was subtracted twice: 40 of 80 were left.
    Report(
        "frappe/erpnext#17301",
        [
            order("03-01", 100, "03-20"),
            receive("03-18", 80),
            inspect("03-19", 20, "rejected"),
            send_back("03-20", 20),
        ],
        {"fill_rate": (60, 100), "ppm": (20, 80), "lot_acceptance": (0, 1)},
    ),
    # The share of defects was the mean of the items' shares: half, where 1 of 100 was bad.
    Report(
        "frappe/erpnext#41710",
        [
            order("03-01", 1, "03-20"),
            order("03-01", 99, "03-20", order_no="Q"),
            receive("03-18", 1),
            receive("03-18", lines=[moved(99, order_no="Q")]),
            inspect("03-19", 1, "rejected"),
        ],
        {"ppm": (1, 100)},
    ),
    # A supplier without any transaction in the period got a score of 100.
    Report(
        "frappe/erpnext#31597",
        [order("03-01", 100, "04-20")],
        {"ppm": (0, 0), "lot_acceptance": (0, 0), "otif": (0, 0), "despatch_notice_rate": (0, 0)},
    ),
    # A rate of 0 on time was shown as if there were no rate.
    Report(
        "odoo/odoo#128426",
        [order("03-01", 100, "03-20"), receive("03-21", 100)],
        {"otif": (0, 1), "on_time_quantity": (0, 100), "mean_days_late": (100, 100)},
    ),
    # Amounts in several currencies were summed as if they were one.
    Report(
        "odoo/odoo#86104",
        [
            order("03-01", 10, "03-20", unit_price=100),
            order("03-01", 10, "03-20", unit_price=100, currency="USD", **B2),
            receive("03-18", 10),
            receive("03-18", 10, **B2),
        ],
        {"buyer_concentration": 1},
    ),
    # A price per hundred pieces was used as a price per piece.
    Report(
        "frappe/erpnext#54940",
        [
            order("03-01", 1, "03-20", unit_price=1000, uom="CEN"),
            order("03-01", 100, "03-20", unit_price=10, uom="H87", **B2),
            receive("03-18", lines=[moved(100, uom="H87")]),
            receive("03-18", 100, **B2),
        ],
        {"buyer_concentration": Fraction(1, 2)},
    ),
    # Documents of two partners with the same number were treated as one document.
    Report(
        "odoo/odoo#44813",
        [
            order("03-01", 100, "03-20"),
            order("03-01", 100, "03-20", **B2),
            receive("03-18", 100, no="1"),
            receive("03-19", 100, no="1", **B2),
        ],
        {"fill_rate": (200, 200), "despatch_notice_rate": (0, 2)},
    ),
    # Packs on order were scheduled as single pieces.
    Report(
        "inventree/InvenTree#4062",
        [
            capacity("01-01", "stamping", 240, "I", uom="H87"),
            order("03-01", 10, "04-20", uom="DZN"),
        ],
        {"capacity_load": {"stamping": (120, 240)}},
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
