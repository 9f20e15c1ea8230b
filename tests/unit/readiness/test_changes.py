"""The changes between two states of a supplier's standing, and what caused each one."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.readiness import Change
from services.readiness.changes import GATE_FIGURES, AnnouncedState, StandingChange, changes
from services.readiness.policy import DEFAULT_POLICY
from services.readiness.policy_parts import LETTERS, GateName, Letter
from services.readiness.stage import STAGES
from services.readiness.summary import Summary

CAPS: dict[GateName, Letter] = {"line_stops": "C", "overdue_complaint_step": "B"}
STOPPED, OVERDUE = ("line_stops",), ("overdue_complaint_step",)
ADDS = {"otif": 14.0, "ppm": 20.0, "complaint_response": 3.0}
NAMES = ("YDBA", "AHM", "Dinas Perindustrian")

LETTER = st.sampled_from([None, *LETTERS])
GATES = st.sampled_from([(), STOPPED, OVERDUE, STOPPED + OVERDUE])
LIMITS = st.sampled_from(
    [(), ("NIB",), ("five_r",), ("buyer_concentration",), ("five_r", "buyer_concentration")]
)
STATES = st.builds(
    AnnouncedState,
    published=LETTER,
    gates=GATES,
    stages=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(STAGES)),
    limits=st.dictionaries(st.sampled_from(NAMES), LIMITS),
    adds=st.dictionaries(st.sampled_from(sorted(DEFAULT_POLICY.scales)), st.floats(0, 25)),
)


def found(before: AnnouncedState, now: AnnouncedState) -> list[StandingChange]:
    return list(changes(before, now, CAPS))


def graded(published: Letter | None, gates: tuple[str, ...] = (), **adds: float) -> AnnouncedState:
    return AnnouncedState(published, gates, adds=ADDS | adds)


def staged(**stages: str) -> AnnouncedState:
    return AnnouncedState("B", stages=stages, adds=ADDS)


def moved_by(before: AnnouncedState, now: AnnouncedState) -> tuple[str | None, float | None]:
    """Return the figure behind the only change, a grade, and by how many points it changed."""
    (one,) = found(before, now)
    assert (one.what, one.before, one.after) == (
        "published_grade",
        before.published,
        now.published,
    )
    assert one.gates == now.gates
    assert (one.assessor, one.limits) == (None, ())
    return one.kpi, one.points


# --- grades


def test_the_first_grade_has_no_figure_behind_it() -> None:
    first = StandingChange("published_grade", None, "B", gates=STOPPED)
    assert found(AnnouncedState(), graded("B", STOPPED)) == [first]
    assert moved_by(AnnouncedState(), graded("C", STOPPED)) == (None, None)


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        # A gate came and limits the grade.
        (graded("A"), graded("C", STOPPED), ("line_stops", None)),
        (graded("A"), graded("B", OVERDUE), ("complaint_response", None)),
        (graded("B"), graded("C", STOPPED, otif=2.0), ("line_stops", None)),
        # The stronger of two gates, whether they came together or one after the other.
        (graded("A"), graded("C", STOPPED + OVERDUE), ("line_stops", None)),
        (graded("B", OVERDUE), graded("C", STOPPED + OVERDUE), ("line_stops", None)),
        # A gate came and does not limit the grade: the score brought it below the gate's cap.
        (graded("C"), graded("D", STOPPED, otif=2.0), ("otif", -12.0)),
        (graded("B"), graded("C", OVERDUE, ppm=19.0), ("ppm", -1.0)),
        # The grade rises to the cap of a gate that came: the gate did not raise it.
        (graded("D"), graded("C", STOPPED, otif=15.0), ("otif", 1.0)),
        (graded("D"), graded("B", OVERDUE, ppm=25.0), ("ppm", 5.0)),
        # The gate was in force before, so something else moved the grade.
        (graded("C", STOPPED), graded("D", STOPPED, ppm=1.0), ("ppm", -19.0)),
    ],
)
def test_a_gate_that_came_moved_a_grade_only_where_it_limits_it(
    before: AnnouncedState, now: AnnouncedState, moved: tuple[str, float | None]
) -> None:
    assert moved_by(before, now) == moved


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        (graded("C", STOPPED), graded("A"), ("line_stops", None)),
        (graded("B", OVERDUE), graded("A"), ("complaint_response", None)),
        (graded("C", STOPPED + OVERDUE), graded("B", OVERDUE), ("line_stops", None)),
        (graded("C", STOPPED + OVERDUE), graded("A", otif=13.0), ("line_stops", None)),
        # A gate that did not limit the grade was lifted.
        (graded("C", OVERDUE), graded("B", otif=14.5), ("otif", 0.5)),
        (graded("D", STOPPED), graded("C", otif=14.5), ("otif", 0.5)),
        # The grade falls from the cap of a gate that was lifted: the gate did not lower it.
        (graded("C", STOPPED), graded("D", otif=2.0), ("otif", -12.0)),
        (graded("C", STOPPED), graded(None, otif=2.0), ("otif", -12.0)),
    ],
)
def test_a_gate_that_was_lifted_moved_a_grade_only_where_it_limited_it(
    before: AnnouncedState, now: AnnouncedState, moved: tuple[str, float | None]
) -> None:
    assert moved_by(before, now) == moved


def test_a_gate_limits_the_grade_to_the_cap_in_the_policy() -> None:
    caps: dict[GateName, Letter] = {"line_stops": "D", "overdue_complaint_step": "C"}
    (one,) = changes(graded("A"), graded("C", STOPPED + OVERDUE, otif=13.0), caps)
    assert one.kpi == "complaint_response"
    (one,) = changes(graded("A"), graded("D", STOPPED), caps)
    assert one.kpi == "line_stops"


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        # The greatest change, whether up or down.
        ({"otif": 14.0, "ppm": 20.0}, {"otif": 12.5, "ppm": 21.0}, ("otif", -1.5)),
        ({"otif": 14.0, "ppm": 20.0}, {"otif": 13.0, "ppm": 22.25}, ("ppm", 2.25)),
        # A figure that is missing in a state adds 0 there.
        ({"otif": 14.0}, {"otif": 15.0, "ppm": 20.0}, ("ppm", 20.0)),
        ({"otif": 3.0, "ppm": 20.0}, {"otif": 3.0}, ("ppm", -20.0)),
        # No figure changed.
        ({"otif": 14.0}, {"otif": 14.0}, (None, None)),
        ({}, {}, (None, None)),
    ],
)
def test_a_score_moved_a_grade_by_the_figure_that_changed_most(
    before: dict[str, float], now: dict[str, float], moved: tuple[str | None, float | None]
) -> None:
    assert moved_by(AnnouncedState("B", adds=before), AnnouncedState("C", adds=now)) == moved
    assert moved_by(AnnouncedState("B", adds=before), AnnouncedState(None, adds=now)) == moved


# --- stages


def test_a_stage_changes_by_assessor() -> None:
    before = staged(YDBA="Madya", AHM="Pemula", TMMIN="Mandiri")
    now = staged(YDBA="Pra-Mandiri", AHM="Pemula", Dinas="Pemula")
    assert found(before, now) == [
        StandingChange("stage", None, "Pemula", "Dinas"),
        StandingChange("stage", "Mandiri", None, "TMMIN"),
        StandingChange("stage", "Madya", "Pra-Mandiri", "YDBA"),
    ]


@pytest.mark.parametrize(
    ("were", "are", "kpi"),
    [
        ((), ("buyer_concentration",), "buyer_concentration"),
        (("buyer_concentration",), (), "buyer_concentration"),
        (("NIB",), ("five_r", "buyer_concentration"), "buyer_concentration"),
        (("buyer_concentration",), ("buyer_concentration", "five_r"), None),
        ((), ("NIB",), None),
        (("five_r",), (), None),
        ((), (), None),
    ],
)
def test_concentration_moved_a_stage_where_it_came_or_went(
    were: tuple[str, ...], are: tuple[str, ...], kpi: str | None
) -> None:
    other = ("buyer_concentration",)  # Of an assessor whose stage stays the same.
    before = AnnouncedState(stages={"YDBA": "Mandiri", "AHM": "Madya"}, limits={"YDBA": were})
    now = AnnouncedState(
        stages={"YDBA": "Pra-Mandiri", "AHM": "Madya"}, limits={"YDBA": are, "AHM": other}
    )
    assert found(before, now) == [
        StandingChange("stage", "Mandiri", "Pra-Mandiri", "YDBA", kpi=kpi, limits=are)
    ]


def test_a_change_of_grade_comes_before_changes_of_stages() -> None:
    before, now = (
        AnnouncedState("A", stages={"YDBA": "Madya"}),
        AnnouncedState("B", stages={"AHM": "Mandiri"}),
    )
    assert [(one.what, one.assessor) for one in found(before, now)] == [
        ("published_grade", None),
        ("stage", "AHM"),
        ("stage", "YDBA"),
    ]


# --- any states


@given(before=STATES, now=STATES)
def test_changes_are_exactly_the_differences_of_grade_and_stages(
    before: AnnouncedState, now: AnnouncedState
) -> None:
    same = before.published == now.published and before.stages == now.stages
    assert (found(before, now) == []) is same
    grades, stages = [before.published], dict(before.stages)
    for one in found(before, now):
        assert one.before != one.after
        if one.what == "published_grade":
            assert one.before == grades[-1]
            assert one.after == now.published
            grades.append(now.published)
            continue
        assert one.assessor is not None
        assert one.before == stages.pop(one.assessor, None)
        if one.after is not None:
            stages[one.assessor] = one.after
    assert grades[-1] == now.published
    assert len(grades) <= 2
    assert stages == now.stages


@given(state=STATES, limits=GATES, adds=st.floats(0, 25))
def test_gates_limits_and_points_alone_are_no_change(
    state: AnnouncedState, limits: tuple[str, ...], adds: float
) -> None:
    other = AnnouncedState(state.published, limits, state.stages, {"YDBA": limits}, {"otif": adds})
    assert found(state, other) == found(other, state) == []


@given(before=STATES, now=STATES)
def test_a_grade_was_moved_by_a_gate_at_its_cap_or_by_the_figure_that_changed_most(
    before: AnnouncedState, now: AnnouncedState
) -> None:
    for one in found(before, now):
        if one.what != "published_grade" or one.kpi is None:
            continue
        if one.points is None:
            assert before.published is not None
            assert now.published is not None
            gate = next(gate for gate, behind in GATE_FIGURES.items() if behind == one.kpi)
            fell = LETTERS.index(now.published) > LETTERS.index(before.published)
            assert (gate in now.gates) is fell
            assert (gate in before.gates) is not fell
            assert CAPS[gate] == (now if fell else before).published
        else:
            was, adds = before.adds.get(one.kpi, 0.0), now.adds.get(one.kpi, 0.0)
            assert one.points == pytest.approx(adds - was, abs=1e-9)
            for key in {**before.adds, **now.adds}:
                change = now.adds.get(key, 0.0) - before.adds.get(key, 0.0)
                assert abs(change) <= abs(one.points) + 1e-9


@given(before=STATES, now=STATES)
def test_every_change_is_valid_in_an_announcement(
    before: AnnouncedState, now: AnnouncedState
) -> None:
    for one in found(before, now):
        change = Change.model_validate(
            {
                "what": one.what,
                "assessor": one.assessor,
                "from": one.before,
                "to": one.after,
                "kpi": one.kpi,
                "change": one.points,
                "gates": list(one.gates),
                "limits": list(one.limits),
            }
        )
        assert (change.from_, change.to) == (one.before, one.after)


# --- states as JSON


@given(state=STATES)
def test_a_state_is_read_as_it_was_written(state: AnnouncedState) -> None:
    text = json.dumps(state.as_json())
    assert AnnouncedState.from_json(json.loads(text)) == state


@given(before=STATES, now=STATES)
def test_changes_from_a_state_that_was_written_and_read_are_the_same(
    before: AnnouncedState, now: AnnouncedState
) -> None:
    written = AnnouncedState.from_json(json.loads(json.dumps(before.as_json())))
    assert found(written, now) == found(before, now)
    assert found(before, written) == []


def test_an_unknown_grade_is_not_read() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        AnnouncedState.from_json(AnnouncedState("A").as_json() | {"published": "E"})


def test_a_state_is_taken_from_a_summary() -> None:
    common: dict[str, Any] = {
        "published": "B",
        "gates": STOPPED,
        "stages": {"YDBA": "Pra-Mandiri"},
        "limits": {"YDBA": ("NIB",)},
    }
    summary = Summary(
        ratios={"otif": (Fraction(1), Fraction(3))},
        counts={"line_stops": 1},
        units={},
        score=Fraction(65),
        adds={"otif": Fraction(1, 3), "ppm": Fraction(20)},
        weakest_pillar="delivery",
        grade="C",
        matured_lines=12,
        **common,
    )
    assert AnnouncedState.of(summary) == AnnouncedState(**common, adds={"otif": 1 / 3, "ppm": 20.0})
