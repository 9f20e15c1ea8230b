"""Groups of suppliers in the words of the programme's pages: grades, stages, coaching. Pure.

Nothing here is computed from prices, which the programme must not see.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from services.assessment.programme_figures import Member
from services.readiness.figures import Figure
from services.readiness.grading import Direction, direction
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.stage import STAGES
from services.readiness.summary import Summary, pooled
from services.text import line_words, standing_words
from services.text.language import Language, mark
from services.text.standing_words import TOO_LITTLE
from services.web.lists import SortKey

NO_GRADE: Final = mark("no grade yet")
_LOW: Final = frozenset({"C", "D"})
_PILLAR_FIGURES: Final = {
    "quality": ("ppm", "lot_acceptance"),
    "delivery": ("otif", "mean_days_late"),
    "responsiveness": ("confirmation_in_time", "complaint_response"),
}
"""The figures that explain a weak pillar."""

_ANSWERS: Final = {
    "confirmation_in_time": mark("%(counted)s orders answered in time (%(share)s)"),
    "complaint_response": mark("%(counted)s complaint steps in time (%(share)s)"),
}


@dataclass(frozen=True, slots=True)
class ShareBar:
    """A bar of a distribution. `filled`: its length as a share of the longest bar's, 0 to 1."""

    label: str
    count: int
    filled: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many suppliers of a group have each value. `text`: the same in one sentence."""

    title: str
    bars: tuple[ShareBar, ...]
    text: str


def displayed_grade(at: Summary) -> Letter | None:
    """Return the grade that a supplier's own page shows, None if it shows none.

    While there is too little data for a grade, the published one stays published but is not shown.
    """
    return None if at.grade is None else at.published


def grade_direction(member: Member) -> Direction:
    """Return how a supplier's displayed grade has moved since the last month end."""
    return direction(displayed_grade(member.before), displayed_grade(member.at))


def needs_coaching(member: Member) -> bool:
    """Return whether a supplier needs coaching: its displayed grade is low, or fell."""
    return displayed_grade(member.at) in _LOW or grade_direction(member) == "down"


def grades(language: Language, members: Sequence[Member]) -> Distribution:
    """Return how many suppliers have each displayed grade, or none and why."""
    found = Counter(displayed_grade(one.at) or _without(one.at) for one in members)
    names = {letter: f"{letter} ({_meaning(language, letter)})" for letter in LETTERS}
    counts = [(names[letter], found[letter]) for letter in LETTERS]
    counts += [(language.text(why), found[why]) for why in (NO_GRADE, TOO_LITTLE)]
    return _distribution(language, language.text("Grades shown"), counts)


def stages(language: Language, members: Iterable[Member]) -> list[Distribution]:
    """Return how many suppliers are at each stage, a distribution for each assessor."""
    found: dict[str, Counter[str]] = {}
    for one in members:
        for assessor, stage in one.at.stages.items():
            found.setdefault(assessor, Counter())[stage] += 1
    return [
        _distribution(
            language,
            language.text("Stages by %(assessor)s", assessor=name),
            [(stage, found[name][stage]) for stage in STAGES],
        )
        for name in sorted(found)
    ]


def _distribution(
    language: Language, title: str, counts: Sequence[tuple[str, int]]
) -> Distribution:
    most = max((count for _, count in counts), default=0) or 1
    bars = tuple(ShareBar(label, count, count / most) for label, count in counts)
    text = ", ".join(f"{label}: {language.number(count)}" for label, count in counts)
    return Distribution(title, bars, text)


def _meaning(language: Language, letter: str) -> str:
    word = standing_words.LETTER_WORDS[letter]
    return language.text(word)


def figures(members: Iterable[Member]) -> dict[str, Figure]:
    """Return the pooled figures of several suppliers: sums over sums."""
    pooled_figures = pooled(one.at for one in members)
    card = {"kpis": pooled_figures}
    return {
        key: standing_words.figure(card, key)
        for key in pooled_figures
        if "numerator" in pooled_figures[key]
    }


def _without(at: Summary) -> str:
    """Return why a supplier has no displayed grade."""
    return TOO_LITTLE if at.grade is None else NO_GRADE


def grade(language: Language, at: Summary) -> str:
    """Return a supplier's displayed grade in words, or why it has none."""
    letter = displayed_grade(at)
    if letter is None:
        why = _without(at)
        return language.text(why)
    return f"{letter}, {_meaning(language, letter)}"


def move(language: Language, member: Member) -> str:
    """Return a supplier's previous and present displayed grade; "" if they are the same."""
    before, at = displayed_grade(member.before), displayed_grade(member.at)
    if before == at:
        return ""
    then, now = (language.text(_without(one)) for one in (member.before, member.at))
    return f"{before or then} → {at or now}"


def pillar(language: Language, name: str | None) -> str:
    """Return the name of a pillar; "" for None."""
    if name is None:
        return ""
    word = standing_words.PILLAR_NAMES[name]
    return language.text(word)


def weakness(language: Language, member: Member) -> tuple[str, ...]:
    """Return the figures of a supplier's weakest pillar in words, as far as they have data."""
    name = member.at.weakest_pillar
    if name is None:
        return ()
    found = figures([member])
    said = [_said(language, key, found[key]) for key in _PILLAR_FIGURES[name]]
    return tuple(one for one in said if one)


def _said(language: Language, key: str, figure: Figure) -> str:
    if figure.denominator == 0:
        return ""
    if key not in _ANSWERS:
        return line_words.figure_in_words(language, key, figure).sentence
    share = Fraction(figure.numerator) / Fraction(figure.denominator)
    sentence = _ANSWERS[key]
    return language.text(
        sentence, counted=line_words.counted(language, figure), share=language.percent(share)
    )


def score(language: Language, member: Member) -> str:
    """Return a score in words, marked provisional if there are too few lines for a grade."""
    if member.at.score is None:
        return language.text(line_words.NO_DATA)
    points = standing_words.points(language, member.at.score)
    if member.at.grade is None:
        return language.text("%(score)s (provisional)", score=points)
    return points


def _name(member: Member) -> str:
    return (member.supplier.name or member.supplier.supplier_id).casefold()


def _grade_place(member: Member) -> int | None:
    at = displayed_grade(member.at)
    return None if at is None else LETTERS.index(at)


MEMBER_KEYS: Final[Mapping[str, SortKey[Member]]] = {
    "name": SortKey(mark("Supplier"), _name, ascending_first=True),
    "grade": SortKey(mark("Grade"), _grade_place),
    "score": SortKey(mark("Score"), lambda one: one.at.score, ascending_first=True),
    "pillar": SortKey(
        mark("Weakest pillar"), lambda one: one.at.weakest_pillar, ascending_first=True
    ),
    "overdue": SortKey(mark("Lines overdue"), lambda one: one.at.counts["overdue_lines"]),
}
"""The columns by which members can be sorted.

When a column is first chosen, the members that need attention come first.
"""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A supplier of a group in words. `about`: id, unless that is the name, cluster and regency."""

    name: str
    about: str
    address: str
    grade: str
    move: str
    score: str
    pillar: str
    weakness: tuple[str, ...]
    overdue: str


def member_row(language: Language, member: Member, address: str) -> MemberRow:
    """Return a row of the table of members."""
    supplier = member.supplier
    places = (supplier.supplier_id if supplier.name else None, supplier.cluster, supplier.regency)
    return MemberRow(
        name=supplier.name or supplier.supplier_id,
        about=" · ".join(place for place in places if place),
        address=address,
        grade=grade(language, member.at),
        move=move(language, member),
        score=score(language, member),
        pillar=pillar(language, member.at.weakest_pillar),
        weakness=weakness(language, member),
        overdue=language.number(member.at.counts["overdue_lines"]),
    )


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A cluster in words. `name`: None for suppliers without a cluster.

    `coaching`: how many suppliers need coaching, and in which pillars.
    """

    name: str | None
    address: str
    suppliers: int
    grades: str
    said: Mapping[str, line_words.FigureText]
    rose: int
    fell: int
    coaching: str


def cluster_row(
    language: Language, name: str | None, members: Sequence[Member], address: str
) -> ClusterRow:
    """Return a row of the table of clusters."""
    found = Counter(displayed_grade(one.at) for one in members)
    letters = [f"{letter} {language.number(found[letter])}" for letter in LETTERS if found[letter]]
    if found[None]:
        none = language.text("%(count)s without a grade", count=language.number(found[None]))
        letters.append(none)
    together = figures(members)
    ways = Counter(grade_direction(one) for one in members)
    return ClusterRow(
        name=name,
        address=address,
        suppliers=len(members),
        grades=" · ".join(letters),
        said={
            key: line_words.figure_in_words(language, key, together[key])
            for key in ("otif", "mean_days_late", "ppm", "lot_acceptance")
        },
        rose=ways["up"],
        fell=ways["down"],
        coaching=coaching(language, members),
    )


def coaching(language: Language, members: Iterable[Member]) -> str:
    """Return how many of a group need coaching, with a count for each weakest pillar."""
    some = [one for one in members if needs_coaching(one)]
    if not some:
        return language.text("nobody")
    pillars = Counter(one.at.weakest_pillar for one in some if one.at.weakest_pillar)
    parts = [
        f"{pillar(language, name)} {language.number(count)}"
        for name, count in pillars.most_common()
    ]
    count = language.texts("%(count)s supplier", "%(count)s suppliers", len(some))
    return f"{count}: {', '.join(parts)}" if parts else count
