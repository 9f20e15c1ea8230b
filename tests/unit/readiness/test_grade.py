"""The grade of a day, and the published grade, which moves at month ends."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.readiness.grade import Grade, grade_at, published
from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.readiness.policy_parts import LETTERS, GateName, Letter
from services.readiness.score import Score

ENOUGH: dict[str, Any] = {
    "matured_lines": 10,
    "matured_months": 3,
    "line_stops": 0,
    "overdue_step": False,
}
OPEN = Grade("A")
GRADES = st.sampled_from([*LETTERS, None])


def with_score(value: str | None) -> Score:
    return Score(None if value is None else Fraction(value), {}, {})


def months(letters: str) -> list[Letter | None]:
    """Return month-end grades; `-` is an insufficient month."""
    known: dict[str, Letter] = {letter: letter for letter in LETTERS}
    return [known.get(letter) for letter in letters]


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        ("100", "A"),
        ("90", "A"),
        # Not rounded: this and the one below 60 are 90.0 and 60.0 as floats.
        ("89.99999999999999999999", "B"),
        ("80", "B"),
        ("239/3", "C"),
        ("60", "C"),
        ("59.99999999999999999999", "D"),
        ("0", "D"),
    ],
)
def test_thresholds_apply_to_the_unrounded_score(value: str, grade: Letter) -> None:
    assert grade_at(DEFAULT_POLICY, with_score(value), **ENOUGH) == Grade(grade)


@pytest.mark.parametrize(
    ("lines", "in_months", "insufficient"),
    [(10, 3, False), (9, 3, True), (10, 2, True), (9, 12, True), (1000, 2, True), (11, 4, False)],
)
def test_too_few_lines_or_months_give_no_grade(
    lines: int, in_months: int, insufficient: bool
) -> None:
    found = grade_at(
        DEFAULT_POLICY,
        with_score("95"),
        matured_lines=lines,
        matured_months=in_months,
        line_stops=1,
        overdue_step=False,
    )
    assert found.insufficient is insufficient
    # A gate in force is listed even then: it limits the published grade.
    assert found == Grade(None if insufficient else "C", ("line_stops",))


def test_without_a_score_there_is_no_grade() -> None:
    assert grade_at(DEFAULT_POLICY, with_score(None), **ENOUGH).insufficient


@pytest.mark.parametrize(
    ("value", "line_stops", "overdue_step", "grade", "gates"),
    [
        ("95", 1, False, "C", ["line_stops"]),
        ("95", 0, True, "B", ["overdue_complaint_step"]),
        ("95", 7, True, "C", ["line_stops", "overdue_complaint_step"]),
        ("65", 0, True, "C", ["overdue_complaint_step"]),
        ("10", 1, True, "D", ["line_stops", "overdue_complaint_step"]),
        ("95", 0, False, "A", []),
    ],
)
def test_gates(
    value: str, line_stops: int, overdue_step: bool, grade: str, gates: list[str]
) -> None:
    changed = {**ENOUGH, "line_stops": line_stops, "overdue_step": overdue_step}
    found = grade_at(DEFAULT_POLICY, with_score(value), **changed)
    assert found.as_json("B") == {
        "value": grade,
        "published": "B",
        "gates": gates,
        "insufficient": False,
    }


def test_the_policy_sets_gates_thresholds_and_minima() -> None:
    text = packaged_text().replace('line_stops = "C"', 'line_stops = "A"')
    text = text.replace('overdue_complaint_step = "B"', 'overdue_complaint_step = "D"')
    text = text.replace("A = 90", "A = 99.5").replace("min_lines = 10", "min_lines = 20")
    policy = Policy.load_text(text)
    lines = {**ENOUGH, "matured_lines": 20}
    assert grade_at(policy, with_score("99"), **lines) == Grade("B")
    assert grade_at(policy, with_score("99"), **ENOUGH).insufficient
    # A gate with a cap of A limits nothing, and is not listed.
    assert grade_at(policy, with_score("100"), **{**lines, "line_stops": 1}) == Grade("A")
    found = grade_at(policy, with_score("100"), **{**lines, "overdue_step": True})
    assert found == Grade("D", ("overdue_complaint_step",))


@pytest.mark.parametrize(
    ("letters", "shown"),
    [
        ("", None),
        ("---", None),
        ("--B", "B"),
        ("C", "C"),
        # Two in a row, one step at a time, and the count starts again after a step.
        ("BA", "B"),
        ("BAA", "A"),
        ("DAA", "C"),
        ("DAAA", "C"),
        ("DAAAA", "B"),
        ("DAAAAAA", "A"),
        ("AD", "A"),
        ("ADD", "B"),
        ("ADDD", "B"),
        ("ADDDD", "C"),
        # Any grade above counts, by however many steps.
        ("DBA", "C"),
        ("DCB", "C"),
        ("ACD", "B"),
        # A month at the published grade, or on the other side of it, starts the count again.
        ("BABA", "B"),
        ("BACA", "B"),
        ("CADAA", "B"),
        ("BCBCC", "C"),
        # So does an insufficient month, which does not change the grade.
        ("BA-A", "B"),
        ("BA-AA", "A"),
        ("B---", "B"),
        ("A--DD", "B"),
        # Months counted before a step do not count again after it.
        ("BAAB", "A"),
        ("BAABB", "B"),
        ("CBBCC", "C"),
    ],
)
def test_the_published_grade_moves_at_month_ends(letters: str, shown: str | None) -> None:
    assert published(DEFAULT_POLICY, months(letters), OPEN) == shown


@pytest.mark.parametrize(
    ("letters", "gates", "shown"),
    [
        ("A", ("line_stops",), "C"),
        ("A", ("overdue_complaint_step",), "B"),
        ("A", ("overdue_complaint_step", "line_stops"), "C"),
        ("D", ("line_stops",), "D"),
        ("-", ("line_stops",), None),
        ("", ("line_stops",), None),
    ],
)
def test_a_gate_limits_the_shown_grade_at_once(
    letters: str, gates: tuple[GateName, ...], shown: str | None
) -> None:
    assert published(DEFAULT_POLICY, months(letters), Grade("A", gates)) == shown
    # Also on a day that is insufficient itself.
    assert published(DEFAULT_POLICY, months(letters), Grade(None, gates)) == shown


def test_without_its_gate_the_grade_of_the_month_ends_is_shown_again() -> None:
    # The gate was in force at T but at no month end, so the published grade itself did not move.
    history = months("AAA")
    assert published(DEFAULT_POLICY, history, Grade("C", ("line_stops",))) == "C"
    assert published(DEFAULT_POLICY, history, Grade("A")) == "A"


def test_a_month_end_counts_with_its_gates() -> None:
    gated = grade_at(DEFAULT_POLICY, with_score("95"), **{**ENOUGH, "line_stops": 1})
    assert published(DEFAULT_POLICY, ["A", gated.value, gated.value], OPEN) == "B"


def test_the_policy_sets_how_many_months_a_step_takes() -> None:
    text = packaged_text().replace("months_up = 2", "months_up = 3")
    policy = Policy.load_text(text.replace("months_down = 2", "months_down = 1"))
    assert published(policy, months("BAA"), OPEN) == "B"
    assert published(policy, months("BAAA"), OPEN) == "A"
    assert published(policy, months("AD"), OPEN) == "B"
    assert published(policy, months("ADD"), OPEN) == "C"


@given(st.lists(GRADES, min_size=1, max_size=30))
def test_the_published_grade_moves_one_step_after_two_months_on_one_side(
    history: list[Letter | None],
) -> None:
    shown = [published(DEFAULT_POLICY, history[:end], OPEN) for end in range(len(history) + 1)]
    for end in range(1, len(shown)):
        before, after = shown[end - 1], shown[end]
        if before is None:
            assert after == history[end - 1]
            continue
        assert after is not None
        step = LETTERS.index(after) - LETTERS.index(before)
        assert step in (-1, 0, 1)
        if step:
            last = history[end - 2 : end]
            sides = [LETTERS.index(one) - LETTERS.index(before) for one in last if one is not None]
            assert len(sides) == 2
            assert all(side * step > 0 for side in sides)
            # The count starts again after a step: there was no step in the month before.
            assert end == 1 or shown[end - 2] == before


@given(
    st.lists(GRADES, max_size=20),
    st.sets(st.sampled_from(["line_stops", "overdue_complaint_step"])),
)
def test_a_gate_never_shows_a_better_grade(
    history: list[Letter | None], gates: set[GateName]
) -> None:
    free = published(DEFAULT_POLICY, history, OPEN)
    shown = published(DEFAULT_POLICY, history, Grade("A", tuple(gates)))
    assert (shown is None) is (free is None)
    if free is not None and shown is not None:
        caps = [DEFAULT_POLICY.grade.gates.cap(gate) for gate in gates]
        assert shown == max([free, *caps])
