"""Puts a supplier's standing into words: grade, month ends, stage and load. Pure.

The input is a scorecard as the JSON API returns it, with numbers read as exact decimals, so that
pages and API can't disagree. A number is rounded once, as everywhere on the pages.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from services.readiness.figures import Figure
from services.readiness.kpis import KPIS
from services.readiness.policy import Policy
from services.readiness.policy_parts import LETTERS, PILLARS, GateName
from services.text.language import Language, mark
from services.text.line_words import NO_DATA

TOO_LITTLE: Final = mark("not enough data yet")
NOT_YET: Final = mark("not set yet")

LETTER_WORDS: Final = {
    "A": mark("very good"),
    "B": mark("good"),
    "C": mark("fair"),
    "D": mark("needs improvement"),
}
PILLAR_NAMES: Final = {
    "quality": mark("Quality"),
    "delivery": mark("Delivery"),
    "responsiveness": mark("Responsiveness"),
}
_LIMITS: Final = {
    "five_r": mark("5R marks below the limit"),
    "buyer_concentration": mark("too dependent on one buyer"),
}
_GATES: Final[dict[GateName, str]] = {
    "line_stops": mark(
        "A buyer's line stopped or safety was at risk (%(stops)s complaints in this time), "
        "%(cap)s at best."
    ),
    "overdue_complaint_step": mark("A complaint's step is overdue, %(cap)s at best."),
}
_MOVES: Final = {
    (True, False): mark(
        "By the latest figures it is %(letter)s (%(word)s); "
        "the grade above rises only after %(count)s month end."
    ),
    (True, True): mark(
        "By the latest figures it is %(letter)s (%(word)s); "
        "the grade above rises only after %(count)s month ends in a row."
    ),
    (False, False): mark(
        "By the latest figures it is %(letter)s (%(word)s); "
        "the grade above falls only after %(count)s month end."
    ),
    (False, True): mark(
        "By the latest figures it is %(letter)s (%(word)s); "
        "the grade above falls only after %(count)s month ends in a row."
    ),
}
"""When the published grade moves. Keys: whether it rises, whether that takes several month ends."""

Card = Mapping[str, Any]
Number = Decimal | Fraction | int


@dataclass(frozen=True, slots=True)
class PillarWords:
    """A pillar of the score. `score`: its points, 0 to 100."""

    key: str
    name: str
    score: str


@dataclass(frozen=True, slots=True)
class GradeWords:
    """The published grade, the score, and sentences that explain them.

    `letter`: None if no grade is published; then `word` says why. `score`: None if no figure has
    points.
    """

    letter: str | None
    word: str
    sentences: tuple[str, ...]
    score: str | None
    score_label: str
    pillars: tuple[PillarWords, ...]


@dataclass(frozen=True, slots=True)
class MonthEndWords:
    """How a month ended. `as_of`: the day after it; `name`: of the month.

    `grade`: the one published; `note`: the grade by the figures, if that was another.
    """

    as_of: date
    name: str
    grade: str
    note: str
    score: str


@dataclass(frozen=True, slots=True)
class StageWords:
    """A stage in one assessor's opinion. `limits`: what keeps it from a higher one."""

    assessor: str
    value: str
    sentence: str
    limits: str


@dataclass(frozen=True, slots=True)
class LoadWords:
    """The load of a process: what is ordered over what it can make in a month."""

    process: str
    load: str
    sentence: str


def points(language: Language, value: Number) -> str:
    """Return points, 0 to 100, with one decimal.

    They are cut off, not rounded: points just below the limit of a grade must not read as reaching
    it.
    """
    exact = Fraction(value)
    if 0 < exact < Fraction(1, 10):
        return language.text("less than %(number)s", number=language.number(Fraction(1, 10), 1))
    return language.number(Fraction(math.floor(exact * 10), 10), 1)


def figure(card: Card, key: str) -> Figure:
    """Return a figure of a scorecard. `key`: of one with numerator and denominator."""
    shown = card["kpis"][key]
    return Figure(
        Fraction(shown["numerator"]),
        Fraction(shown["denominator"]),
        counts="ci95" in shown,
        scale=1_000_000 if KPIS[key].unit == "per million" else 1,
        mixed_units=shown.get("mixed_units", False),
    )


def grade(language: Language, card: Card, policy: Policy, months: int) -> GradeWords:
    """Return the grade and the score of a scorecard in words.

    `months`: in how many calendar months its matured lines fall; named if they are too few to give
    a grade.
    """
    shown, found = card["grade"], card["score"]
    letter = None if shown["insufficient"] else shown["published"]
    label = mark("Provisional score") if found["provisional"] else mark("Score")
    return GradeWords(
        letter=letter,
        word=_word(language, card, letter),
        sentences=(
            *_grade_sentences(language, card, policy, months),
            *_gates(language, card, policy),
        ),
        score=None if found["value"] is None else points(language, found["value"]),
        score_label=language.text(label),
        pillars=tuple(
            PillarWords(
                key,
                language.text(PILLAR_NAMES[key]),
                _points_or_no_data(language, found["pillars"].get(key)),
            )
            for key in PILLARS
        ),
    )


def _word(language: Language, card: Card, letter: str | None) -> str:
    if letter is not None:
        return language.text(LETTER_WORDS[letter])
    without = TOO_LITTLE if card["grade"]["insufficient"] else NOT_YET
    return language.text(without)


def _points_or_no_data(language: Language, value: Number | None) -> str:
    return language.text(NO_DATA) if value is None else points(language, value)


def _grade_sentences(
    language: Language, card: Card, policy: Policy, months: int
) -> tuple[str, ...]:
    """Return why no grade is published, or that the grade of the day differs from it."""
    shown = card["grade"]
    if shown["insufficient"]:
        return (_insufficient(language, card, policy, months),)
    at, published = shown["value"], shown["published"]
    if at == published:
        return ()
    now = {"letter": at, "word": language.text(LETTER_WORDS[at])}
    if published is None:
        return (
            language.text(
                "By the latest figures it is %(letter)s (%(word)s); "
                "the first grade is set at a month's end.",
                **now,
            ),
        )
    better = LETTERS.index(at) < LETTERS.index(published)
    needed = policy.grade.months_up if better else policy.grade.months_down
    sentence = _MOVES[better, needed > 1]
    return (language.text(sentence, count=language.number(needed), **now),)


def _insufficient(language: Language, card: Card, policy: Policy, months: int) -> str:
    rules, lines = policy.grade, figure(card, "otif").denominator
    if lines >= rules.min_lines and months >= rules.min_months:
        return language.text("There is no figure yet that can be judged.")
    return language.text(
        "%(lines)s lines fell due in %(months)s months; a grade takes at least %(least)s lines "
        "in %(least_months)s months.",
        lines=language.number(lines),
        months=language.number(months),
        least=language.number(rules.min_lines),
        least_months=language.number(rules.min_months),
    )


def _gates(language: Language, card: Card, policy: Policy) -> tuple[str, ...]:
    stops = language.number(card["kpis"]["line_stops"]["value"])
    return tuple(
        language.text(_GATES[gate], stops=stops, cap=policy.grade.gates.cap(gate))
        for gate in card["grade"]["gates"]
    )


def score_change(language: Language, card: Card, frozen: Sequence[tuple[date, Card]]) -> str:
    """Return how the score moved since the last month end; '' if that is unknown.

    `frozen`: the scorecards of month ends with their days, oldest first.
    """
    before = [
        (day, old["score"]["value"]) for day, old in frozen if day.isoformat() < card["as_of"]
    ]
    score = card["score"]["value"]
    if score is None or not before or before[-1][1] is None:
        return ""
    day, old = before[-1]
    difference = Fraction(score) - Fraction(old)
    then = {"month": language.month((day - timedelta(days=1)).strftime("%Y-%m"))}
    if abs(difference) < Fraction(1, 20):
        return language.text("= as at the end of %(month)s", **then)
    shown = language.number(abs(difference), 1)
    if difference > 0:
        return language.text("▲ %(points)s more than at the end of %(month)s", points=shown, **then)
    return language.text("▼ %(points)s less than at the end of %(month)s", points=shown, **then)


def month_ends(language: Language, frozen: Iterable[tuple[date, Card]]) -> list[MonthEndWords]:
    """Return month ends in words, in the given order. `frozen`: their days and scorecards."""
    return [_month_end(language, as_of, card) for as_of, card in frozen]


def _month_end(language: Language, as_of: date, card: Card) -> MonthEndWords:
    shown, score = card["grade"], card["score"]["value"]
    letter = None if shown["insufficient"] else shown["published"]
    word, at = _word(language, card, letter), shown["value"]
    said = _points_or_no_data(language, score)
    if card["score"]["provisional"] and score is not None:
        said = language.text("%(score)s (provisional)", score=said)
    # The scorecard of the first of a month shows how the month before it ended.
    return MonthEndWords(
        as_of=as_of,
        name=language.month((as_of - timedelta(days=1)).strftime("%Y-%m")),
        grade=word if letter is None else f"{letter}, {word}",
        note="" if at in (None, letter) else language.text("by its figures %(letter)s", letter=at),
        score=said,
    )


def stages(language: Language, card: Card) -> list[StageWords]:
    """Return the supplier's stage in each assessor's opinion."""
    return [
        StageWords(
            assessor=one["assessor"],
            value=one["value"],
            sentence=language.text(
                "%(mean)s of 100 on average, assessed on %(day)s.",
                mean=points(language, one["mean"]),
                day=language.day(date.fromisoformat(one["assessed_on"])),
            ),
            limits="; ".join(_limit(language, limit) for limit in one["limits"]),
        )
        for one in card["stage"]
    ]


def _limit(language: Language, name: str) -> str:
    if name in _LIMITS:
        return language.text(_LIMITS[name])
    return language.text("%(certificate)s has expired", certificate=name)


def capacity(language: Language, card: Card) -> list[LoadWords]:
    """Return the load of each process for which the supplier declared a capacity."""
    return [
        _load(language, process, Fraction(shown["numerator"]), Fraction(shown["denominator"]))
        for process, shown in card["kpis"]["capacity_load"]["processes"].items()
    ]


def _load(language: Language, process: str, asked: Fraction, able: Fraction) -> LoadWords:
    if able == 0:
        unknown = language.text(NO_DATA)
        return LoadWords(process, unknown, unknown)
    share = asked / able
    shown = language.percent(share)
    if 1 < share < Fraction(2001, 2000):
        shown = language.text("more than %(number)s %%", number=100)
    if share > 1:
        said = mark("orders exceed the capacity")
    elif share == 1:
        said = mark("capacity fully used")
    else:
        said = mark("within the capacity") if share else mark("no orders waiting")
    counts = {"asked": language.number(asked), "able": language.number(able)}
    return LoadWords(
        process,
        shown,
        language.text(said) + language.text(" (%(asked)s of %(able)s a month)", **counts),
    )
