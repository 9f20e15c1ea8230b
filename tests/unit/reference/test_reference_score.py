"""The reference score, grade and stage in cases worked out by hand."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.reference.all_figures import AllFigures, AnyFigure
from tests.reference.assessment import as_json, whole
from tests.reference.cases import (
    Event,
    answer,
    assess,
    certify,
    close,
    complain,
    confirm,
    order,
    receive,
    values,
)
from tests.reference.grade import Letter, capped, grade_of, letter, month_ends, published, shown
from tests.reference.score import PILLARS, Measured, points_for, score
from tests.reference.stage import Stage, stages
from tests.reference.values import Plain, ratio, wilson
from tests.reference.view import record_of, view_of

T = date(2026, 4, 1)
KEYS = [key for pillar in PILLARS.values() for key in pillar]


def kpis(**given: str | int) -> dict[str, AnyFigure]:
    """Return the figures of a score; those not given are null."""
    plain: dict[str, AnyFigure] = {key: Plain(None) for key in KEYS}
    return plain | {key: Plain(Fraction(value)) for key, value in given.items()}


@pytest.mark.parametrize(
    ("key", "value", "points"),
    [
        ("ppm", "0", 100),
        ("ppm", "250", 95),
        ("ppm", "500", 90),
        ("ppm", "1250", 80),
        ("ppm", "6000", 55),
        ("ppm", "30000", 20),
        ("ppm", "90000", 0),
        ("lot_acceptance", "0.5", 0),
        ("lot_acceptance", "0.875", 35),
        ("lot_acceptance", "0.96", 76),
        ("otif", "0.4", 0),
        ("otif", "0.65", 30),
        ("otif_requested", "0.9", 80),
        ("otif", "0.97", 94),
        ("mean_days_late", "0.2", 97),
        ("mean_days_late", "2", "67.5"),
        ("mean_days_late", "6.5", 25),
        ("mean_days_late", "11", 0),
        ("confirmation_in_time", "0.7", 40),
        ("order_acceptance", "0.95", 90),
        ("complaint_response", "0.9", 80),
        ("despatch_notice_rate", "0.3", 0),
        ("despatch_notice_rate", "0.6", 45),
    ],
)
def test_points_lie_on_straight_lines_and_are_flat_outside(
    key: str, value: str, points: int | str
) -> None:
    measured = next(pillar[key] for pillar in PILLARS.values() if key in pillar)
    assert points_for(Fraction(value), measured.points) == Fraction(points)


def test_the_weights_are_those_of_the_definition() -> None:
    weights = {name: sum(m.weight for m in pillar.values()) for name, pillar in PILLARS.items()}
    assert weights == {"quality": 40, "delivery": 40, "responsiveness": 20}
    assert len(KEYS) == 9


def test_a_score_of_all_figures() -> None:
    found = score(
        kpis(
            ppm=500,
            lot_acceptance="0.95",
            otif="0.8",
            otif_requested="0.95",
            mean_days_late=1,
            confirmation_in_time="0.9",
            order_acceptance=1,
            despatch_notice_rate="0.9",
            complaint_response="0.5",
        )
    )
    # (25 x 90 + 15 x 70) / 40; (15 x 60 + 10 x 90 + 15 x 85) / 40; (480 + 400 + 360 + 0) / 20.
    assert found.pillars == {
        "quality": Fraction("82.5"),
        "delivery": Fraction("76.875"),
        "responsiveness": 62,
    }
    assert found.value == Fraction("76.15")  # 33 + 30.75 + 12.4


def test_a_null_figure_leaves_its_weight_to_its_pillar() -> None:
    found = score(kpis(ppm=500, otif="0.8", mean_days_late=1, order_acceptance=1))
    # Quality is ppm alone, 90; delivery (15 x 60 + 15 x 85) / 30; the pillars weigh 40, 40, 20.
    assert found.pillars == {"quality": 90, "delivery": Fraction("72.5"), "responsiveness": 100}
    assert found.value == 85


def test_a_pillar_without_any_figure_leaves_its_weight_to_the_others() -> None:
    found = score(kpis(ppm=0, order_acceptance="0.5"))
    assert found.pillars == {"quality": 100, "delivery": None, "responsiveness": 0}
    assert found.value == Fraction(200, 3)  # The pillars weigh 40 and 20.
    assert score(kpis()).value is None
    assert score(kpis()).pillars == {"quality": None, "delivery": None, "responsiveness": None}


def test_weights_and_points_are_policy() -> None:
    flat = ((Fraction(0), Fraction(10)), (Fraction(1), Fraction(20)))
    own = {"one": {"otif": Measured(3, flat)}, "two": {"ppm": Measured(1, flat)}}
    assert score(kpis(otif="0.5", ppm=1), own).value == Fraction("16.25")  # (3 x 15 + 20) / 4


@pytest.mark.parametrize(
    ("points", "grade"),
    [
        ("100", "A"),
        ("90", "A"),
        ("89.999999", "B"),
        ("80", "B"),
        ("79.9", "C"),
        ("60", "C"),
        ("59.999", "D"),
        ("0", "D"),
    ],
)
def test_letters(points: str, grade: str) -> None:
    assert letter(Fraction(points)) == grade


def graded(lines: int = 10, months: int = 3, stops: int = 0, overdue: bool = False) -> Any:
    """Return value, gates and `insufficient` of the grade for a score of 100."""
    figures = AllFigures(kpis(ppm=0) | {"line_stops": Plain(stops)}, lines, months, overdue)
    found = grade_of(figures)
    return found.value, found.gates, found.insufficient


def test_gates_and_insufficient_data_limit_the_grade() -> None:
    assert graded() == ("A", (), False)
    assert graded(stops=1) == ("C", ("line_stops",), False)
    assert graded(overdue=True) == ("B", ("complaint_step_overdue",), False)
    assert graded(stops=1, overdue=True)[:2] == ("C", ("line_stops", "complaint_step_overdue"))
    assert graded(lines=9) == graded(months=2) == (None, (), True)
    assert graded(lines=9, stops=2) == (None, ("line_stops",), True)
    assert values(capped("D", ["line_stops"]), capped("B", [])) == ("D", "B")


@pytest.mark.parametrize(
    ("row", "stands"),
    [
        ("", None),
        ("--", None),
        ("-B", "B"),
        ("D", "D"),
        ("BA", "B"),
        ("BAA", "A"),
        ("BAC", "B"),
        ("BCC", "C"),
        ("BCD", "C"),  # Two in a row below it, whatever their grades.
        ("BCBC", "B"),  # Not in a row.
        ("BCAC", "B"),
        ("BACA", "B"),
        ("DAA", "C"),  # One step.
        ("DAAA", "C"),  # The count starts again.
        ("DAAAA", "B"),
        ("DAAAAAA", "A"),
        ("ADDDDDD", "D"),
        ("ADDDDD", "C"),
        ("ADDBB", "B"),  # At B after the two Ds, so B is not below it.
        ("BA-A", "B"),  # An insufficient month starts the count again and leaves the grade.
        ("BA-AA", "A"),
        ("B---", "B"),
        ("-C-BB", "B"),
        ("CBBB", "B"),
        ("DCBA", "C"),
        ("DCBAA", "B"),
    ],
)
def test_the_published_grade_after_a_row_of_month_ends(row: str, stands: Letter | None) -> None:
    letters: dict[str, Letter | None] = {"A": "A", "B": "B", "C": "C", "D": "D", "-": None}
    assert published(letters[name] for name in row) == stands


def test_a_gate_limits_the_grade_that_is_shown() -> None:
    assert shown("A", ["complaint_step_overdue"]) == "B"
    assert shown("A", ["complaint_step_overdue", "line_stops"]) == "C"
    assert values(shown("D", ["line_stops"]), shown(None, ["line_stops"])) == ("D", None)
    assert shown("A", []) == "A"


def test_month_ends_are_firsts_of_months_up_to_t() -> None:
    ends = list(month_ends(date(2025, 11, 20), date(2026, 2, 1)))
    assert [str(day) for day in ends] == ["2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01"]
    assert len(list(month_ends(date(2025, 11, 20), date(2026, 1, 31)))) == 3


def month(number: int, *, lost: bool = False, lines: int = 5) -> list[Event]:
    """Return confirmed orders due on the 10th of a month, delivered that day or, `lost`, never."""
    events = []
    for line in range(lines):
        names = {"order_no": f"M{number}-{line}"}
        events.append(order(f"{number:02}-01", 10, f"{number:02}-10", **names))
        confirmed = confirm(f"{number:02}-02", "accepted")
        confirmed["data"] |= names
        events.append(confirmed)
        if not lost:
            came = [names | {"line_no": "10", "quantity": 10}]
            events.append(receive(f"{number:02}-10", lines=came))
    return events


def shows(events: list[Event], day: date, **more: Any) -> tuple[object, object]:
    found = whole(events, "S1", day, **more)
    return found.grade.value, found.published


def test_a_grade_is_published_at_the_first_month_end_that_has_one() -> None:
    events = [event for number in (1, 2, 3) for event in month(number)]
    # On 11 March the lines of the third month have matured, and no month has ended since.
    assert shows(events, date(2026, 3, 10)) == (None, None)
    assert shows(events, date(2026, 3, 11)) == ("A", None)
    assert shows(events, date(2026, 3, 31)) == ("A", None)
    assert shows(events, T) == ("A", "A")
    # With two lines a month, there are ten only in the fifth month.
    few = [event for number in (1, 2, 3, 4, 5) for event in month(number, lines=2)]
    assert shows(few, date(2026, 5, 1)) == (None, None)
    assert shows(few, date(2026, 6, 1)) == ("A", "A")
    # Ten lines in two months are not enough.
    assert shows([*month(1), *month(2)], date(2026, 12, 1)) == (None, None)


def test_a_published_grade_falls_after_two_month_ends() -> None:
    events = [event for number in (1, 2, 3) for event in month(number)]
    events += [event for number in (4, 5, 6) for event in month(number, lost=True)]
    # 1 April: A. In April 5 of 20 lines never come: otif 0.75 gives 50 points. At 1 May they are
    # 21 days late; 21 / 4 = 5.25 gives 50 - 2.25 x 50 / 7. The score is well below 90 from then on.
    assert shows(events, T) == ("A", "A")
    first, second = whole(events, "S1", date(2026, 5, 1)), whole(events, "S1", date(2026, 6, 1))
    assert first.figures.value("mean_days_late") == Fraction("5.25")
    # Quality: 0 ppm and no inspection: 100. Delivery (15 x 50 + 10 x 50 + 15 x 475/14) / 40.
    # Responsiveness: confirmed 100, accepted 100, no despatch notice 0: (600 + 400 + 0) / 14.
    delivery = (15 * 50 + 10 * 50 + 15 * (50 - Fraction("2.25") * 50 / 7)) / 40
    assert first.score.pillars["delivery"] == delivery
    assert first.score.value == (40 * 100 + 40 * delivery + 20 * Fraction(1000, 14)) / 100
    assert values(first.grade.value, first.published) == ("C", "A")
    assert values(second.grade.value, second.published) == ("D", "B")
    # The count starts again: C only after two more.
    assert shows(events, date(2026, 6, 30))[1] == "B"
    assert shows(events, date(2026, 7, 1))[1] == "B"
    assert shows(events, date(2026, 8, 1))[1] == "C"


def test_a_gate_acts_at_once_and_is_in_the_grade_of_its_month_end() -> None:
    calm = [event for number in (1, 2, 3, 4, 5) for event in month(number)]
    opened = complain("04-10", "C1", order_no="M4-0")
    held = answer("04-20", "C1", "containment"), close("04-22", "C1")
    # Containment was due on 12 April and done on the 20th: between month ends it is overdue.
    events = [*calm, opened, *held]
    days = [date(2026, 4, day) for day in (12, 13, 20, 21)]
    assert [shows(events, day)[1] for day in days] == ["A", "B", "B", "A"]
    assert shows(events, date(2026, 6, 1)) == ("A", "A")
    # If it is never done, the gate acts at two month ends, and the published grade falls too.
    assert shows([*calm, opened], date(2026, 5, 1)) == ("B", "B")
    late = close("05-20", "C1")
    assert shows([*calm, opened, late], date(2026, 6, 1)) == ("A", "A")
    later = close("06-20", "C1")
    assert shows([*calm, opened, later], date(2026, 6, 21)) == ("A", "B")
    # A line stop limits both grades to C.
    stop = complain("06-01", "C2", severity="line_stop", order_no="M5-0")
    assert shows([*calm, stop, close("06-01", "C2")], date(2026, 6, 2)) == ("C", "C")
    # With a window of 60 days there are too few months for a grade, at any month end.
    short = shows([*calm, stop, close("06-01", "C2")], date(2026, 6, 2), window_days=60)
    assert short == (None, None)


def mean_of(marks: Any, **more: Any) -> list[Stage]:
    return stages(view_of(record_of([assess("03-01", marks, **more)], "S1"), T))


@pytest.mark.parametrize(
    ("marks", "stage"),
    [
        ((0, 0, 0), "Pemula"),
        ((25, 25, "24.999999"), "Pemula"),
        ((20, 25, 30), "Madya"),
        ((50, 50, 50), "Pra-Mandiri"),
        ((100, 100, "24.5"), "Pra-Mandiri"),
        ((100, 100, 25), "Mandiri"),
    ],
)
def test_stages_by_the_mean_of_the_pillars(marks: Any, stage: str) -> None:
    found = mean_of(marks)
    expected = sum(Fraction(mark) for mark in marks) / 3
    assert [(one.value, one.mean, one.limits) for one in found] == [(stage, expected, ())]


def opinions(*events: Event, **more: Any) -> list[tuple[object, ...]]:
    found = stages(view_of(record_of(events, "S1", more.get("buyer_id")), T))
    assert found == stages(view_of(record_of(events[::-1], "S1", more.get("buyer_id")), T))
    return [(stage.assessor, stage.value, *stage.limits) for stage in found]


BEST = assess("03-01", (90, 90, 90))


@pytest.mark.parametrize(
    ("certificates", "limits"),
    [
        ([], ()),
        ([certify("2025-01-01")], ()),
        ([certify("2025-01-01", "2026-03-31")], ("NIB",)),
        ([certify("2025-01-01", "2026-04-01")], ()),
        ([certify("2025-01-01", "2026-03-31", kind="SNI")], ()),
        ([certify("2025-01-01", "2026-03-31"), certify("2026-03-31", "2027-01-01")], ()),
        ([certify("2025-01-01", "2026-03-31"), certify("2026-04-01", "2027-01-01")], ("NIB",)),
        ([certify("2025-01-01", "9999-12-31"), certify("2025-06-01", "2025-12-31")], ("NIB",)),
    ],
)
def test_an_expired_licence_limits(certificates: list[Event], limits: tuple[str, ...]) -> None:
    value = "Pra-Mandiri" if limits else "Mandiri"
    assert opinions(BEST, *certificates) == [("YDBA", value, *limits)]


def test_five_r_and_concentration_limit_only_what_would_be_mandiri() -> None:
    habits = dict.fromkeys(("ringkas", "rapi", "resik", "rawat"), 60)
    tidy = assess("03-01", (90, 90, 90), five_r=habits | {"rajin": 60})
    untidy = assess("03-01", (90, 90, 90), five_r=habits | {"rajin": "59.9"})
    assert opinions(tidy) == [("YDBA", "Mandiri")]
    assert opinions(untidy) == [("YDBA", "Pra-Mandiri", "five_r")]
    poor = assess("03-01", (40, 40, 40), five_r=habits | {"rajin": 0})
    assert opinions(poor, certify("2025-01-01", "2026-01-01")) == [("YDBA", "Madya")]
    one = order("03-01", 100, "03-20")
    one["data"]["lines"][0]["unit_price"] = 1
    sold = [one, receive("03-20", 100)]
    assert opinions(BEST, *sold) == [("YDBA", "Pra-Mandiri", "buyer_concentration")]
    assert opinions(BEST, *sold, buyer_id="B1") == [("YDBA", "Mandiri")]


def test_the_latest_assessment_of_each_assessor_before_t_counts() -> None:
    other = assess("01-15", (30, 30, 30), assessor="Astra")
    older, at_t = assess("02-01", (10, 10, 10)), assess("04-01", (20, 20, 20))
    assert opinions(BEST, older, at_t, other) == [("Astra", "Madya"), ("YDBA", "Mandiri")]
    again = assess("03-01", (60, 60, 60)) | {"time": "2026-03-02T10:00:00+07:00"}
    assert opinions(BEST, again) == [("YDBA", "Pra-Mandiri")]
    assert opinions(assess("03-01", (9, 9, 9), buyer_id="B2"), buyer_id="B1") == []
    assert opinions(assess("03-01", (9, 9, 9), buyer_id="B2")) == [("YDBA", "Pemula")]
    assert opinions(BEST | {"data": BEST["data"] | {"supplier_id": "S2"}}) == []


def test_the_wilson_interval() -> None:
    low, high = wilson(ratio(9, 10)) or (0, 0)
    # The example in docs/figures.md.
    assert values(round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert wilson(ratio(0, 0)) is None


def test_an_assessment_in_the_shape_of_the_answer_of_the_api() -> None:
    events = [*month(1), *month(2), *month(3), BEST]
    found = as_json(whole(events, "S1", T))
    assert found["grade"] == {
        "value": "A",
        "published": "A",
        "gates": [],
        "insufficient": False,
    }
    assert found["kpis"]["otif"] | {"ci95": None} == {
        "value": 1,
        "numerator": 15,
        "denominator": 15,
        "ci95": None,
    }
    assert found["kpis"]["line_stops"] == {"value": 0}
    assert found["score"]["provisional"] is False
    assert found["stage"][0]["mean"] == 90
    empty = as_json(whole([], "S1", T))
    assert empty["grade"]["published"] is None
    assert empty["score"] == {
        "value": None,
        "provisional": True,
        "pillars": dict.fromkeys(("quality", "delivery", "responsiveness")),
    }
    assert len(empty["kpis"]) == 22
    later = whole(events, "S1", T + timedelta(days=400))
    assert values(later.grade.insufficient, later.published) == (True, "A")
