"""Puts everything that a paper says into words, which `pdf.py` draws. Pure.

What the pages say too comes from the same modules, so that papers and pages can't disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

from services.assessment.scorecard_reader import Supplier
from services.readiness.policy import Policy
from services.readiness.policy_parts import PILLARS
from services.text import line_words, standing_words
from services.text.language import Language, mark
from services.text.standing_words import GradeWords, StageWords
from services.web import kpi_words, next_step_words
from services.web.next_step_words import StepWords
from services.web.paper.issued import Issued

MOST_STAGES: Final = 3
MOST_CASES: Final = 3
"""Cases shown for a next step. The supplier's page shows more stages and cases."""

Card = Mapping[str, Any]
_COLUMNS: Final = (
    mark("Order"),
    mark("Item"),
    mark("Ordered"),
    mark("Due"),
    mark("Received"),
    mark("In time and in full?"),
)


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure in the table. `counted`: numerator and denominator; `interval`: of 95 %."""

    name: str
    value: str
    counted: str
    interval: str


@dataclass(frozen=True, slots=True)
class PillarBar:
    """A pillar of the score as a bar. `filled`: 0 to 1; None if it has no points."""

    name: str
    points: str
    filled: float | None


@dataclass(frozen=True, slots=True)
class LineRow:
    """An order line in the annex, a field for each cell.

    `line`: its number and the buyer; `last`: the day of the last receipt; `missed`: it was judged,
    and not on time in full.
    """

    order: str
    line: str
    item: str
    ordered: str
    due: str
    received: str
    last: str
    verdict: str
    missed: bool


@dataclass(frozen=True, slots=True)
class Annex:
    """The order lines behind a paper.

    `intro`: which lines are listed, and how many are left out; `nothing`: shown if there are none.
    """

    heading: str
    intro: str
    columns: Sequence[str]
    rows: Sequence[LineRow]
    nothing: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What a paper says. `facts`, `origin`, `counts`: pairs of a heading and its text."""

    language: str
    title: str
    name: str
    place: str
    facts: Sequence[tuple[str, str]]
    grade: GradeWords
    grade_heading: str
    out_of: str
    pillars: Sequence[PillarBar]
    figures_heading: str
    figure_columns: Sequence[str]
    figures: Sequence[FigureRow]
    counts: Sequence[tuple[str, str]]
    caution: str
    steps_heading: str
    steps: Sequence[StepWords]
    no_steps: str
    stages_heading: str
    stages: Sequence[StageWords]
    no_stages: str
    limited: str
    more_stages: str
    origin: Sequence[tuple[str, str]]
    verify_heading: str
    verify_text: str
    verify_address: str
    page_of: str
    """A template with `%(page)s` and `%(pages)s`."""

    annex: Annex


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """What a paper is made from.

    `card`: the scorecard; `months`: in how many calendar months its matured lines fell; `names`: of
    partners, by id; `lines`: those of the annex, of `lines_total`.
    """

    issued: Issued
    card: Card
    months: int
    supplier: Supplier
    names: Mapping[str, str]
    lines: Sequence[Mapping[str, Any]]
    lines_total: int
    restated: bool = False
    """For a frozen evaluation: whether it would differ today."""


def paper(language: Language, told: PaperFacts, policy: Policy, address: str) -> Paper:
    """Return what a paper says. `address`: of the page that verifies it."""
    issued, card, text = told.issued, told.card, language.text
    supplier = told.supplier
    place = [supplier.supplier_id, supplier.regency, supplier.cluster]
    shown = card["kpis"]
    stages = standing_words.stages(language, card)
    left_out = len(stages) - MOST_STAGES
    return Paper(
        language=language.code,
        title=title(language, frozen=issued.frozen),
        name=supplier.name or supplier.supplier_id,
        place=" · ".join(part for part in place if part and part != supplier.name),
        facts=facts(language, issued, told.names),
        grade=_grade(language, told, policy),
        grade_heading=text("Grade"),
        out_of=text("of 100"),
        pillars=_pillars(language, card),
        figures_heading=text("Figures"),
        figure_columns=(
            text("Figure"),
            text("Value"),
            text("Counted (numerator of denominator)"),
            text("95 %% interval"),
        ),
        figures=[_figure(language, key, one) for key, one in shown.items() if "numerator" in one],
        counts=[
            (kpi_words.title(language, key), kpi_words.value(language, key, one))
            for key, one in shown.items()
            if "numerator" not in one
        ],
        caution=text(line_words.MIXED_UNITS) if any(map(_mixed, shown.values())) else "",
        steps_heading=text("What to do next"),
        steps=_steps(language, told, policy),
        no_steps=_no_steps(language, told),
        stages_heading=text("Independence"),
        stages=stages[:MOST_STAGES],
        no_stages=text("Nobody has assessed it yet."),
        limited=text("Limited by: %(limits)s.", limits="%(limits)s"),
        more_stages=""
        if left_out <= 0
        else language.texts(
            "and %(count)s other assessor", "and %(count)s other assessors", left_out
        ),
        origin=origin(language, issued, policy),
        verify_heading=text("Verify this paper"),
        verify_text=text(
            "Scan the code. It opens %(site)s, and the page there must say the same grade, score "
            "and figures' digest.",
            site=address.partition("/verify/")[0],
        ),
        verify_address=address,
        page_of=text("Page %(page)s / %(pages)s", page="%(page)s", pages="%(pages)s"),
        annex=_annex(language, told, policy),
    )


def title(language: Language, *, frozen: bool) -> str:
    """Return the title of a paper: which kind it is."""
    if frozen:
        return language.text("Evaluation at a month's end, as it was frozen")
    return language.text("Supplier's scorecard")


def facts(language: Language, issued: Issued, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the day, the window and the buyers that a paper covers, with their headings."""
    start = issued.as_of - timedelta(days=issued.window_days)
    buyer = issued.buyer_id
    return [
        (language.text("As of the start of"), language.day(issued.as_of)),
        (
            language.texts("Over %(count)s day", "Over %(count)s days", issued.window_days),
            line_words.window(language, start, issued.as_of),
        ),
        (
            language.text("From orders of"),
            language.text("all buyers") if buyer is None else names.get(buyer, buyer),
        ),
    ]


def origin(language: Language, issued: Issued, policy: Policy) -> list[tuple[str, str]]:
    """Return policy and edition, data, time and digest of a paper, with their headings."""
    when = language.text("Frozen") if issued.frozen else language.text("Worked out")
    return [
        (
            language.text("Rules of version"),
            language.text(
                "%(version)s, figures of edition %(edition)s",
                version=issued.policy_version,
                edition=issued.edition,
            ),
        ),
        (
            language.text("Data up to"),
            language.text(
                "%(events)s events, the newest of %(when)s",
                events=language.number(issued.inputs.events),
                when=language.moment(issued.inputs.accepted_until, policy.zone),
            ),
        ),
        (when, language.moment(issued.computed_at, policy.zone)),
        (language.text("Figures' digest"), issued.digest_words),
    ]


def _grade(language: Language, told: PaperFacts, policy: Policy) -> GradeWords:
    card, frozen = told.card, told.issued.frozen
    words = standing_words.grade(language, card, policy, told.months)
    # A frozen grade is explained by the policy of its time, which may differ from today's; and in
    # how many months its lines fell was not frozen. Then the sentences are left out.
    silent = frozen and (
        card["grade"]["insufficient"] or told.issued.policy_version != policy.version
    )
    if not silent:
        return words
    return GradeWords(words.letter, words.word, (), words.score, words.score_label, words.pillars)


def _pillars(language: Language, card: Card) -> list[PillarBar]:
    points = card["score"]["pillars"]
    return [
        PillarBar(
            language.text(standing_words.PILLAR_NAMES[key]),
            language.text(line_words.NO_DATA)
            if points.get(key) is None
            else standing_words.points(language, points[key]),
            None if points.get(key) is None else float(points[key]) / 100,
        )
        for key in PILLARS
    ]


def _figure(language: Language, key: str, shown: Mapping[str, Any]) -> FigureRow:
    interval = shown.get("ci95")
    between = ""
    if interval:
        low, high = (language.number(Fraction(bound) * 100, 0) for bound in interval)
        between = language.text("%(low)s %% to %(high)s %%", low=low, high=high)
    return FigureRow(
        kpi_words.title(language, key) + (" *" if _mixed(shown) else ""),
        kpi_words.value(language, key, shown),
        kpi_words.counted(language, shown) or "–",
        between or "–",
    )


def _mixed(shown: Mapping[str, Any]) -> bool:
    return bool(shown.get("mixed_units"))


def _steps(language: Language, told: PaperFacts, policy: Policy) -> list[StepWords]:
    if told.issued.frozen:
        return []
    found = next_step_words.next_steps(language, told.card, policy, told.names)
    return [StepWords(one.kpi, one.what, one.gain, one.cases[:MOST_CASES]) for one in found]


def _no_steps(language: Language, told: PaperFacts) -> str:
    if told.issued.frozen:
        return language.text("What to do next stands on the scorecard of today.")
    return next_step_words.nothing_to_do(language, told.card)


def _annex(language: Language, told: PaperFacts, policy: Policy) -> Annex:
    text, shown = language.text, len(told.lines)
    sentences = [_lines_intro(language, told)]
    if shown < told.lines_total:
        sentences.append(
            text(
                "Here are the %(shown)s due last of %(total)s; the page has them all as a file.",
                shown=language.number(shown),
                total=language.number(told.lines_total),
            )
        )
    return Annex(
        heading=text("Annex: order lines"),
        intro=" ".join(sentences),
        columns=[text(column) for column in _COLUMNS],
        rows=[line_row(language, row, told, policy) for row in told.lines],
        nothing=text("There are no order lines in this time."),
    )


def _lines_intro(language: Language, told: PaperFacts) -> str:
    said = language.text(
        "Lines that fell due in this time, and those not complete yet, the one due last first."
    )
    if not told.issued.frozen:
        return said
    if told.restated:
        return (
            said
            + " "
            + language.text(
                "They are listed as they are known today. Data that came after the evaluation was "
                "frozen changed some of its figures, so they may not add up to the page before."
            )
        )
    return (
        said
        + " "
        + language.text(
            "They are listed as they are known today; nothing has changed the evaluation's figures."
        )
    )


def line_row(
    language: Language, row: Mapping[str, Any], told: PaperFacts, policy: Policy
) -> LineRow:
    """Return an order line of the annex. `row`: in the shape of `lines` in the JSON API."""
    as_of = told.issued.as_of
    last = max((one["received_on"] for one in row["receipts"]), default=None)
    return LineRow(
        order=row["order_no"],
        line=language.text(
            "line %(line)s, %(buyer)s",
            line=row["line_no"],
            buyer=told.names.get(row["buyer_id"], row["buyer_id"]),
        ),
        item=row["item_no"],
        ordered=line_words.quantity(language, row["ordered"], row["uom"]),
        due=language.day(date.fromisoformat(row["due_date"])),
        received=language.number(row["received"]) if last else "–",
        last="" if last is None else language.day(date.fromisoformat(last)),
        verdict=verdict(language, row, as_of, policy),
        missed=row["on_time_in_full"] is False,
    )


def verdict(language: Language, row: Mapping[str, Any], as_of: date, policy: Policy) -> str:
    """Return whether a line was on time and in full, or why not."""
    if row["on_time_in_full"]:
        return language.text("yes")
    said = line_words.line(language, row, as_of, policy, {}).lateness
    days, complete = line_words.days_late(row, as_of, policy)
    tolerances = policy.tolerances_for(row["buyer_id"], row["item_no"])
    if row["on_time_in_full"] is None or days > tolerances.late_days or not complete:
        return said
    due = date.fromisoformat(row["due_date"])
    first = (due - timedelta(days=tolerances.early_days)).isoformat()
    if any(one["received_on"] < first for one in row["receipts"]):
        return language.text("no: came too early")
    return language.text("no: more than ordered")
