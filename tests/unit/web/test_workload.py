"""Orders to deliver by week, beside the capacity of each process; and certificates that expire."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from services.assessment.supplier_reader import Awaited, CertificateHeld, ProcessCapacity
from services.text.language import LANGUAGES
from services.web.supplier.certificates import certificate_words
from services.web.supplier.workload import A_WEEK, Ahead, ahead, workloads

TODAY = date(2026, 11, 22)
ID = LANGUAGES["id"]


def due(
    days: int, item: str = "A", quantity: int = 10, lines: int = 1, unit: str = "H87"
) -> Awaited:
    return Awaited(item, TODAY + timedelta(days=days), Decimal(quantity), lines, unit)


def makes(process: str, *items: str, a_month: int = 1000) -> ProcessCapacity:
    return ProcessCapacity(process, "H87", date(2026, 1, 1), Decimal(a_month), items)


def test_a_week_is_seven_of_the_days_of_a_year_of_twelve_months() -> None:
    assert Fraction(84) / Fraction("365.25") == A_WEEK
    (load,) = workloads([], [makes("P", "A", a_month=36525)], TODAY)
    assert load.a_week == 8400


@pytest.mark.parametrize(("days", "place"), [(-400, 0), (-1, 0), (0, 1), (6, 1), (7, 2), (83, 12)])
def test_a_line_is_counted_in_the_week_in_which_it_is_due(days: int, place: int) -> None:
    (load,) = workloads([due(days, lines=2)], [makes("P", "A")], TODAY)
    assert [week.lines for week in load.weeks] == [2 if n == place else 0 for n in range(13)]
    assert load.weeks[place].quantity == 10


def test_a_line_that_is_due_after_twelve_weeks_is_not_counted() -> None:
    (load,) = workloads([due(84)], [makes("P", "A")], TODAY)
    assert not any(week.lines for week in load.weeks)


def test_weeks_follow_each_other_from_the_day_of_the_report() -> None:
    (load,) = workloads([], [makes("P", "A")], TODAY)
    backlog, first, second, *_ = load.weeks
    assert (backlog.first, backlog.last) == (None, TODAY - timedelta(days=1))
    assert (first.first, first.last) == (TODAY, TODAY + timedelta(days=6))
    assert second.first == TODAY + timedelta(days=7)


def test_an_item_counts_for_every_process_that_makes_it_and_others_for_none() -> None:
    awaited = [due(1, "A", 5), due(1, "B", 7), due(1, "C", 9)]
    found = workloads(awaited, [makes("P", "A", "B"), makes("Q", "B")], TODAY)
    assert [(load.process, int(load.weeks[1].quantity)) for load in found] == [
        ("P", 12),
        ("Q", 7),
        (None, 9),
    ]
    assert found[-1].a_week is None


def test_quantities_are_in_the_unit_of_the_process_and_units_do_not_add() -> None:
    awaited = [due(1, quantity=5), due(1, quantity=2, unit="DZN"), due(1, quantity=7, unit="KGM")]
    others = [due(1, "B", 3, unit="SET"), due(1, "B", 4, unit="KGM"), due(1, "B", 1, unit="")]
    found = workloads([*awaited, *others], [makes("P", "A")], TODAY)
    assert [(one.process, one.uom, int(one.weeks[1].quantity)) for one in found] == [
        ("P", "H87", 29),
        ("P", "KGM", 7),
        (None, "", 1),
        (None, "KGM", 4),
        (None, "SET", 3),
    ]
    assert [one.a_week is None for one in found] == [False, True, True, True, True]


def test_a_process_with_orders_only_in_another_unit_has_no_empty_workload() -> None:
    (only,) = workloads([due(1, unit="KGM")], [makes("P", "A")], TODAY)
    assert (only.process, only.uom, only.a_week) == ("P", "KGM", None)


def test_lines_ahead_are_counted_once() -> None:
    # The number of overdue lines is that of the figure, not of the backlog in `awaited`.
    awaited = [due(-3, lines=2), due(0), due(6), due(7), due(27), due(28)]
    assert ahead(3, awaited, TODAY) == Ahead(overdue=3, a_week=2, four_weeks=4)


def held(name: str, days: int | None) -> CertificateHeld:
    until = None if days is None else TODAY + timedelta(days=days)
    return CertificateHeld(name, "12/3", "OSS", date(2020, 1, 1), until)


@pytest.mark.parametrize(
    ("days", "state", "urgent"),
    [
        (None, "berlaku tanpa batas waktu", False),
        (-1, "sudah habis masa berlakunya pada 21 Nov 2026", True),
        (0, "habis pada 22 Nov 2026, 0 hari lagi: perpanjang sekarang", True),
        (60, "habis pada 21 Jan 2027, 60 hari lagi: perpanjang sekarang", True),
        (61, "berlaku sampai 22 Jan 2027", False),
    ],
)
def test_a_certificate_says_until_when_it_is_valid(
    days: int | None, state: str, urgent: bool
) -> None:
    (words,) = certificate_words(ID, [held("NIB", days)], TODAY)
    assert (words.state, words.urgent, words.detail) == (state, urgent, "12/3 · OSS")


def test_expired_certificates_come_first() -> None:
    some = [held("Z", None), held("V", 90), held("S", 20), held("E", -2)]
    assert [one.name for one in certificate_words(ID, some, TODAY)] == ["E", "S", "V", "Z"]
