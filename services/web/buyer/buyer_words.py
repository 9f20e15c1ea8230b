"""Suppliers, awaited order lines and open complaints in the words of a buyer's pages. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from services.assessment.buyer_standings import OwnStanding
from services.assessment.scorecard_reader import Supplier
from services.readiness.figures import Figure
from services.readiness.policy import Policy
from services.text import line_words, standing_words
from services.text.language import Language, mark
from services.web import next_step_words
from services.web.lists import SortKey

SHOWN: Final = ("otif", "mean_days_late", "ppm", "lot_acceptance")
"""The figures that a table of suppliers shows."""

_SEVERITIES: Final = {
    "minor": mark("minor"),
    "major": mark("major"),
    "line_stop": mark("stopped the line"),
    "safety": mark("safety at risk"),
}
_UNCOUNTED: Final = mark("counts in no figure: it names no order that is known here")
_STEPS: Final = ("containment", "corrective_action", "closing")


@dataclass(frozen=True, slots=True)
class OwnSupplier:
    """A supplier of a buyer, and its standing by that buyer's orders."""

    supplier: Supplier
    standing: OwnStanding

    @property
    def name(self) -> str:
        """The supplier's name, or its id if it has none."""
        return self.supplier.name or self.supplier.supplier_id


def _exact(key: str) -> Any:
    return lambda one: one.standing.figures[key].exact


SUPPLIER_KEYS: Final[Mapping[str, SortKey[OwnSupplier]]] = {
    "name": SortKey(mark("Supplier"), lambda one: one.name.casefold(), ascending_first=True),
    "score": SortKey(mark("Score"), lambda one: one.standing.score, ascending_first=True),
    "otif": SortKey(line_words.TITLES["otif"], _exact("otif"), ascending_first=True),
    "mean_days_late": SortKey(line_words.TITLES["mean_days_late"], _exact("mean_days_late")),
    "ppm": SortKey(line_words.TITLES["ppm"], _exact("ppm")),
    "lot_acceptance": SortKey(
        line_words.TITLES["lot_acceptance"], _exact("lot_acceptance"), ascending_first=True
    ),
    "overdue": SortKey(mark("Lines overdue"), lambda one: one.standing.overdue_lines),
    "complaints": SortKey(mark("Open complaints"), lambda one: one.standing.open_complaints),
}
"""The columns by which suppliers can be sorted.

When a column is first chosen, the suppliers that need attention come first.
"""


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """A supplier in words. `about`: its id, unless that is its name, and its cluster."""

    name: str
    about: str
    address: str
    score: str
    said: Mapping[str, line_words.FigureText]
    overdue: str
    complaints: str


def supplier_row(language: Language, one: OwnSupplier, address: str) -> SupplierRow:
    """Return a row of the table of suppliers."""
    supplier, stands = one.supplier, one.standing
    return SupplierRow(
        name=one.name,
        about=" · ".join(
            x for x in (supplier.supplier_id if supplier.name else None, supplier.cluster) if x
        ),
        address=address,
        score=score(language, stands),
        said=figure_words(language, stands.figures),
        overdue=language.number(stands.overdue_lines),
        complaints=language.number(stands.open_complaints),
    )


def score(language: Language, stands: OwnStanding) -> str:
    """Return a score in words, marked provisional if there are too few lines for a grade."""
    if stands.score is None:
        return language.text(line_words.NO_DATA)
    points = standing_words.points(language, stands.score)
    if stands.provisional:
        return language.text("%(score)s (provisional)", score=points)
    return points


def figure_words(
    language: Language, figures: Mapping[str, Figure]
) -> dict[str, line_words.FigureText]:
    """Return the figures of a table row in words, by KPI."""
    return {key: line_words.figure_in_words(language, key, figures[key]) for key in SHOWN}


@dataclass(frozen=True, slots=True)
class AwaitedRow:
    """An awaited order line in words. `when`: how late it is, or how soon it is due."""

    order: str
    supplier: str
    supplier_address: str
    item: str
    due: str
    when: str
    missing: str
    confirmed: str


def awaited_row(  # noqa: PLR0913 - all that the words depend on
    language: Language,
    row: Mapping[str, Any],
    as_of: date,
    names: Mapping[str, str],
    address: str,
    *,
    overdue: bool,
) -> AwaitedRow:
    """Return a row of the lines overdue or due next.

    `row`: of buyer_awaited.sql. `names`: of suppliers, by id. `address`: of the supplier's page.
    """
    days = (as_of - row["due_date"]).days
    return AwaitedRow(
        order=line_words.order_line(language, row["order_no"], row["line_no"]),
        supplier=names.get(row["supplier_id"], row["supplier_id"]),
        supplier_address=address,
        item=row["item_no"],
        due=language.day(row["due_date"]),
        when=_when(language, days) if overdue or days <= 0 else _grace(language, days),
        missing=language.text(
            "%(missing)s of %(ordered)s missing",
            missing=language.number(missing(row)),
            ordered=line_words.quantity(language, row["ordered"], row["uom"]),
        ),
        confirmed=language.text("confirmed")
        if row["confirmed"]
        else language.text("not confirmed"),
    )


def missing(row: Mapping[str, Any]) -> Decimal:
    """Return the missing quantity of a line: goods that were sent back are missing again."""
    return Decimal(row["ordered"]) - Decimal(row["received"]) + Decimal(row["returned"])


def _grace(language: Language, days: int) -> str:
    return language.texts(
        "was due %(count)s day ago, within the tolerance",
        "was due %(count)s days ago, within the tolerance",
        days,
    )


def _when(language: Language, days: int) -> str:
    if days > 0:
        return language.texts("%(count)s day overdue", "%(count)s days overdue", days)
    if days == 0:
        return language.text("due today")
    return language.texts("in %(count)s day", "in %(count)s days", -days)


@dataclass(frozen=True, slots=True)
class StepWords:
    """A complaint step that is not done: its key and due date."""

    key: str
    due: date


@dataclass(frozen=True, slots=True)
class ComplaintWords:
    """An open complaint with the steps that are not done, in order of their due dates."""

    row: Mapping[str, Any]
    steps: tuple[StepWords, ...]

    def overdue(self, as_of: date) -> int:
        """Return how many of the steps were due before a day."""
        return sum(step.due < as_of for step in self.steps)


def complaints(rows: Sequence[Mapping[str, Any]], policy: Policy) -> list[ComplaintWords]:
    """Return open complaints with the steps to do, sorted by the due date of the first of them.

    `rows`: of buyer_complaints.sql.
    """
    answers = policy.complaints
    days = (answers.containment_days, answers.corrective_action_days, answers.closing_days)
    found = [
        ComplaintWords(
            row,
            tuple(
                StepWords(key, row["told_on"] + timedelta(days=after))
                for key, after in zip(_STEPS, days, strict=True)
                if key not in row["steps_done"]
            ),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: one.steps[0].due if one.steps else date.max)


@dataclass(frozen=True, slots=True)
class ComplaintRow:
    """An open complaint in words.

    `steps`: each step to do, with its due date and how late it is. `note`: that no figure counts
    the complaint, if so.
    """

    number: str
    supplier: str
    supplier_address: str
    severity: str
    about: str
    opened: str
    steps: tuple[str, ...]
    note: str


def complaint_row(
    language: Language, one: ComplaintWords, as_of: date, names: Mapping[str, str], address: str
) -> ComplaintRow:
    """Return a row of the open complaints."""
    row = one.row
    return ComplaintRow(
        number=row["complaint_no"],
        supplier=names.get(row["supplier_id"], row["supplier_id"]),
        supplier_address=address,
        severity=severity(language, row),
        about=_about(language, row),
        opened=language.day(row["opened_on"]),
        steps=tuple(step_words(language, step, as_of) for step in one.steps),
        note="" if row["counts"] else language.text(_UNCOUNTED),
    )


def severity(language: Language, row: Mapping[str, Any]) -> str:
    """Return the severity of a complaint in words; an unknown one is returned as it was sent."""
    word = _SEVERITIES.get(row["severity"])
    return str(row["severity"]) if word is None else language.text(word)


def step_name(language: Language, step: StepWords) -> str:
    """Return the name of a step."""
    return language.text(next_step_words.STEPS[step.key])


def step_words(language: Language, step: StepWords, as_of: date) -> str:
    """Return a step to do in words, with its due date and how late it is."""
    return language.text(
        "%(step)s: until %(day)s, %(when)s",
        step=step_name(language, step),
        day=language.day(step.due),
        when=_when(language, (as_of - step.due).days),
    )


def _about(language: Language, row: Mapping[str, Any]) -> str:
    parts = []
    if row["order_no"] and row["line_no"]:
        parts.append(line_words.order_line(language, row["order_no"], row["line_no"]))
    if row["item_no"]:
        parts.append(str(row["item_no"]))
    if row["quantity"]:
        parts.append(language.number(row["quantity"]))
    return " · ".join(parts)
