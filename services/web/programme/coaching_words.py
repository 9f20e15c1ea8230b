"""The effects of coaching in words: percentages always come with the number of cases. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from services.assessment.coaching_effects import EFFECT_DAYS, CoachingEffect, FigureChange
from services.readiness.figures import Figure, difference
from services.text import line_words
from services.text.language import Language, mark

SHOWN: Final = {
    "otif": line_words.TITLES["otif"],
    "mean_days_late": line_words.TITLES["mean_days_late"],
    "ppm": line_words.TITLES["ppm"],
    "lot_acceptance": line_words.TITLES["lot_acceptance"],
    "confirmation_in_time": mark("Orders answered in time"),
    "complaint_response": mark("Complaint steps in time"),
}
"""Titles of the figures that can be compared, by KPI; the page shows one at a time."""

_CASES_OF: Final = {"mean_days_late": "otif", "ppm": "lot_acceptance"}
"""The figure whose cases, lines or lots, decide whether a figure of quantities rests on enough."""

_TOPICS: Final = {
    "production": mark("production"),
    "marketing": mark("marketing"),
    "finance": mark("finance"),
    "licensing": mark("licensing"),
    "5r": "5R",
}
_NOT_ENOUGH: Final = mark("not enough cases yet")
_MINUS: Final = "\u2212"


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A figure before and after a coaching, and its change, in words."""

    before: str
    after: str
    change: str


@dataclass(frozen=True, slots=True)
class EffectRow:
    """The effect of a supplier's coaching on one figure, in words.

    `about`: day, topic and coach. `peers`: how many suppliers were not coached. `verdict`: how the
    change compares with that of the uncoached suppliers.
    """

    name: str
    address: str
    about: str
    period: str
    coached: ComparedFigure
    uncoached: ComparedFigure
    peers: str
    verdict: str


def row(  # noqa: PLR0913, PLR0917 - all that the words depend on
    language: Language, effect: CoachingEffect, key: str, name: str, address: str, least: int
) -> EffectRow:
    """Return the effect on one figure in words. `least`: the cases needed to compare anything."""
    change = effect.figures[key]
    cases = effect.figures[_CASES_OF.get(key, key)]
    topic = _TOPICS.get(effect.topic)
    return EffectRow(
        name=name,
        address=address,
        about=" · ".join(
            (
                language.day(effect.held_on),
                effect.topic if topic is None else language.text(topic),
                effect.coach,
            )
        ),
        period=_period(language, effect),
        coached=_side(language, key, change.before, change.after, _enough_coached(cases, least)),
        uncoached=_side(
            language,
            key,
            change.uncoached_before,
            change.uncoached_after,
            _enough_uncoached(cases, least),
        ),
        peers=language.texts(
            "%(count)s supplier not coached", "%(count)s suppliers not coached", effect.uncoached
        ),
        verdict=_verdict(language, key, change, cases, least),
    )


def pooled(effects: Iterable[CoachingEffect]) -> dict[str, FigureChange]:
    """Return the pooled figures of all coached suppliers, beside those of uncoached suppliers.

    An uncoached supplier counts once for each coached supplier that it is compared with.
    """
    found: dict[str, FigureChange] = {}
    for effect in effects:
        for key, change in effect.figures.items():
            held = found.get(key)
            found[key] = change if held is None else _added(held, change)
    return found


def _added(one: FigureChange, other: FigureChange) -> FigureChange:
    return FigureChange(
        _sum(one.before, other.before),
        _sum(one.after, other.after),
        _sum(one.uncoached_before, other.uncoached_before),
        _sum(one.uncoached_after, other.uncoached_after),
    )


def _sum(one: Figure, other: Figure) -> Figure:
    return replace(
        one,
        numerator=one.numerator + other.numerator,
        denominator=one.denominator + other.denominator,
        mixed_units=one.mixed_units or other.mixed_units,
    )


def pooled_words(
    language: Language, key: str, changes: Mapping[str, FigureChange], least: int
) -> tuple[ComparedFigure, ComparedFigure, str]:
    """Return the pooled coached and uncoached figure, and why no test compares them.

    `changes`: from `pooled`. `least`: the cases needed to tell a change.
    """
    change, cases = changes[key], changes[_CASES_OF.get(key, key)]
    others = _side(
        language,
        key,
        # Uncoached cases are pooled several times over: an interval would come out too narrow.
        replace(change.uncoached_before, counts=False),
        replace(change.uncoached_after, counts=False),
        _enough_uncoached(cases, least),
    )
    own = _side(language, key, change.before, change.after, _enough_coached(cases, least))
    return own, others, language.text("not tested: some of the uncoached count several times")


def figure(language: Language, key: str, found: Figure) -> str:
    """Return a figure in words, with the numbers that it is computed from."""
    if found.denominator == 0 and (key != "ppm" or found.numerator == 0):
        return language.text(line_words.NO_DATA)
    if key == "mean_days_late":
        said = line_words.figure_in_words(language, key, found)
        return language.text(
            "%(days)s on average, over %(quantity)s ordered",
            days=said.short,
            quantity=language.number(found.denominator),
        )
    if key == "ppm":
        return line_words.figure_in_words(language, key, found).sentence
    share = language.percent(Fraction(found.numerator) / Fraction(found.denominator))
    told = f"{line_words.counted(language, found)} ({share})"
    interval = found.ci95
    if interval is None or found.denominator >= line_words.SMALL_SAMPLE:
        return told
    low, high = (language.number(Fraction(bound) * 100, 0) for bound in interval)
    between = language.text("between %(low)s %% and %(high)s %%", low=low, high=high)
    return f"{told}, {between}"


def _period(language: Language, effect: CoachingEffect) -> str:
    if effect.after_days < EFFECT_DAYS:
        return language.texts(
            "only %(count)s day after it so far", "only %(count)s days after it so far",
            effect.after_days,
        )  # fmt: skip
    if effect.sessions > 1:
        return language.texts(
            "the first of %(count)s coaching", "the first of %(count)s coachings", effect.sessions
        )
    return ""


def _enough_coached(cases: FigureChange, least: int) -> bool:
    return min(cases.before.denominator, cases.after.denominator) >= least


def _enough_uncoached(cases: FigureChange, least: int) -> bool:
    return min(cases.uncoached_before.denominator, cases.uncoached_after.denominator) >= least


def _side(
    language: Language, key: str, before: Figure, after: Figure, enough: bool
) -> ComparedFigure:
    return ComparedFigure(
        figure(language, key, before),
        figure(language, key, after),
        _changed(language, key, before, after) if enough else language.text(_NOT_ENOUGH),
    )


def _changed(language: Language, key: str, before: Figure, after: Figure) -> str:
    if before.exact is None or after.exact is None:
        return language.text(_NOT_ENOUGH)
    change = after.exact - before.exact
    if key == "mean_days_late":
        return language.text("%(change)s days", change=_signed(language, change, 1))
    if key == "ppm":
        return language.text("%(change)s in a million", change=_signed(language, change, 0))
    points = language.text("%(change)s points", change=_signed(language, change * 100, 1))
    interval = difference(before, after)
    if interval is None:
        return points
    low, high = (_signed(language, Fraction(bound) * 100, 0) for bound in interval)
    return language.text(
        "%(points)s (between %(low)s and %(high)s)", points=points, low=low, high=high
    )


def _signed(language: Language, value: Fraction, places: int) -> str:
    shown = language.number(abs(value), places)
    if shown == "0":
        return shown
    return f"{_MINUS if value < 0 else '+'}{shown}"


def _verdict(
    language: Language, key: str, change: FigureChange, cases: FigureChange, least: int
) -> str:
    if not (_enough_coached(cases, least) and _enough_uncoached(cases, least)):
        return language.text("too few cases to compare")
    own = difference(change.before, change.after)
    others = difference(change.uncoached_before, change.uncoached_after)
    if own is None or others is None:
        # Figures of quantities have no interval: a few big lines move them.
        return language.text("compare the two changes with care: a few big lines move them")
    if own[0] > others[1]:
        return language.text("rose more than those not coached")
    if own[1] < others[0]:
        return language.text("rose less than those not coached")
    return language.text("no clear difference: it may be chance")
