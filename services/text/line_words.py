"""Puts figures and order lines into words, in the reader's language. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from services.readiness.figures import Figure
from services.readiness.policy import Policy
from services.text.language import Language, mark

NO_DATA: Final = mark("no data yet")
SMALL_SAMPLE: Final = 30
"""A share of fewer cases is shown with its confidence interval."""

MIXED_UNITS: Final = mark("Different units (pieces and kg, for example) are added up as one.")
TITLES: Final = {
    "otif": mark("On time and in full"),
    "otif_requested": mark("On time for the date first asked"),
    "on_time_quantity": mark("Quantity on time"),
    "fill_rate": mark("Orders filled"),
    "mean_days_late": mark("Lateness"),
    "ppm": mark("Goods rejected"),
    "lot_acceptance": mark("Lots accepted"),
}
"""Titles of the figures that overviews and tables show, in display order."""

_UNITS: Final = {
    "H87": mark("pieces"), "C62": mark("pieces"), "KGM": "kg", "GRM": "g", "TNE": mark("tonnes"),
    "MTR": "m", "MMT": "mm", "CMT": "cm", "MTK": "m²", "MTQ": "m³", "LTR": mark("litres"),
    "SET": mark("sets"), "BX": mark("boxes"), "RO": mark("rolls"), "ST": mark("sheets"),
    "HUR": mark("hours"), "MIN": mark("minutes"), "DAY": mark("days"), "PR": mark("pairs"),
    "DZN": mark("dozens"), "SCO": mark("scores of 20"), "GRO": mark("gross (144)"),
    "DTN": mark("quintals"), "CMK": "cm²", "MLT": "ml", "INH": mark("inches"), "FOT": mark("feet"),
    "YRD": mark("yards"), "RM": mark("reams"), "CT": mark("cartons"), "PK": mark("packs"),
    "SA": mark("sacks"), "DR": mark("drums"), "CA": mark("cans"), "BO": mark("bottles"),
    "PX": mark("pallets"),
}  # fmt: skip
_NOT_JUDGED: Final = mark("not judged")
_OUT: Final = {
    "retroactive": mark(
        "not judged: ordered after the date asked for had passed, or after goods had come"
    ),
    "cancelled": mark("not judged: cancelled by the buyer before anything came"),
    "rejected": mark("not judged: the supplier declined the order"),
    "zero": mark("not judged: nothing is asked for any more"),
}


@dataclass(frozen=True, slots=True)
class FigureText:
    """A figure in words.

    `short`: the value alone; `sentence`: what it says; `cautions`: caveats, a sentence each;
    `known`: False if there is no data; `mixed_units`: quantities in different units were added up.
    """

    short: str
    sentence: str
    cautions: tuple[str, ...] = ()
    known: bool = True
    mixed_units: bool = False


@dataclass(frozen=True, slots=True)
class LineWords:
    """An order line in words, a field for each cell of its table."""

    order: str
    item: str
    due: str
    lateness: str
    amount: str
    rejected: str
    buyer: str
    notes: tuple[str, ...]


def quantity(language: Language, value: Decimal | int, uom: str | None = None) -> str:
    """Return a quantity, with its unit in a workshop's words. `uom`: a code; see `unit`."""
    if not uom:
        return language.number(value)
    unit = _UNITS.get(uom)
    return f"{language.number(value)} {uom if unit is None else language.text(unit)}"


def counted(language: Language, figure: Figure) -> str:
    """Return a figure's numerator and denominator, such as `7 of 9`."""
    if figure.denominator == 0:
        return language.text(NO_DATA)
    return language.text(
        "%(part)s of %(whole)s",
        part=language.number(figure.numerator),
        whole=language.number(figure.denominator),
    )


def figure_in_words(language: Language, key: str, figure: Figure) -> FigureText:
    """Return a figure in words. `key`: one of `TITLES`."""
    words = _SENTENCES[key](language, figure)
    if figure.mixed_units and words.known:
        mixed = (*words.cautions, language.text(MIXED_UNITS))
        return replace(words, cautions=mixed, mixed_units=True)
    return words


def no_data(language: Language) -> FigureText:
    """Return the words for a figure without data."""
    unknown = language.text(NO_DATA)
    return FigureText(unknown, unknown, known=False)


def share_of_cases(what: str, few: str, **more: str) -> Callable[[Language, Figure], FigureText]:
    """Return a function that puts a share of cases into words.

    `what`: its sentence. `few`: the caution with the confidence interval, added if the share is of
    fewer than `SMALL_SAMPLE` cases. `more`: other values that the sentence names.
    """

    def tell(language: Language, figure: Figure) -> FigureText:
        if figure.denominator == 0:
            return no_data(language)
        share = language.percent(_ratio(figure))
        counts = counted(language, figure)
        sentence = language.text(what, counted=counts, share=share, **more)
        interval = figure.ci95
        if interval is None or figure.denominator >= SMALL_SAMPLE:
            return FigureText(share, sentence)
        low, high = (language.number(Fraction(bound) * 100, 0) for bound in interval)
        count = language.number(figure.denominator)
        return FigureText(share, sentence, (language.text(few, low=low, high=high, count=count),))

    return tell


def _quantities(what: str) -> Callable[[Language, Figure], FigureText]:
    def tell(language: Language, figure: Figure) -> FigureText:
        if figure.denominator == 0:
            return no_data(language)
        share = language.percent(_ratio(figure))
        return FigureText(
            share, language.text(what, counted=counted(language, figure), share=share)
        )

    return tell


def _days_late(language: Language, figure: Figure) -> FigureText:
    if figure.denominator == 0:
        return no_data(language)
    days = _ratio(figure)
    if days == 0:
        return FigureText(language.text("0 days"), language.text("nothing was late"))
    if days < Fraction(1, 20):
        tenth = language.number(Fraction(1, 10), 1)
        shown = language.text("less than %(number)s days", number=tenth)
    else:
        shown = language.text("%(number)s days", number=language.number(days, 1))
    return FigureText(shown, language.text("late by %(days)s on average", days=shown))


def _per_million(language: Language, figure: Figure) -> FigureText:
    if figure.denominator == 0:
        if figure.numerator == 0:
            return no_data(language)
        count = language.number(figure.numerator)
        return FigureText(
            language.text("%(count)s rejected", count=count),
            language.text("%(count)s rejected, but nothing was received in this time", count=count),
        )
    parts = _ratio(figure) * 1_000_000
    received = language.number(figure.denominator)
    if parts == 0:
        return FigureText(
            language.text("0 in a million"),
            language.text("none rejected of %(received)s received", received=received),
        )
    if parts < 1:
        shown = language.text("less than 1 in a million")
    else:
        shown = language.text("%(number)s in a million", number=language.number(parts, 0))
    said = mark("%(shown)s rejected (%(count)s of %(received)s received)")
    if figure.numerator > figure.denominator:
        # Goods received before the window may be rejected in it: more rejected than received.
        said = mark("%(shown)s rejected (%(count)s rejected, %(received)s received in this time)")
    count = language.number(figure.numerator)
    return FigureText(shown, language.text(said, shown=shown, count=count, received=received))


_FEW_LINES: Final = mark(
    "The true figure is between %(low)s %% and %(high)s %%, as there are only %(count)s lines."
)
_FEW_LOTS: Final = mark(
    "The true figure is between %(low)s %% and %(high)s %%, as there are only %(count)s lots."
)
_SENTENCES: Final[dict[str, Callable[[Language, Figure], FigureText]]] = {
    "otif": share_of_cases(mark("%(counted)s lines on time and in full (%(share)s)"), _FEW_LINES),
    "otif_requested": share_of_cases(
        mark("%(counted)s lines on time for the date first asked (%(share)s)"), _FEW_LINES
    ),
    "on_time_quantity": _quantities(mark("%(counted)s ordered came on time (%(share)s)")),
    "fill_rate": _quantities(mark("%(counted)s ordered is filled (%(share)s)")),
    "mean_days_late": _days_late,
    "ppm": _per_million,
    "lot_acceptance": share_of_cases(mark("%(counted)s lots accepted (%(share)s)"), _FEW_LOTS),
}


def meanings(language: Language, policy: Policy) -> dict[str, str]:
    """Return what each figure of `TITLES` counts, by key, under the tolerances of a policy."""
    due = language.text("on the due date at the latest")
    if policy.late_days:
        due = language.texts(
            "at most %(count)s day after the due date",
            "at most %(count)s days after the due date",
            policy.late_days,
        )
    early = language.texts(
        "not more than %(count)s day early", "not more than %(count)s days early", policy.early_days
    )
    over = language.text(
        "not over by more than %(share)s", share=language.percent(Fraction(policy.over))
    )
    if policy.under:
        share = language.percent(Fraction(policy.under))
        over = language.text("not short by more than %(share)s", share=share) + ", " + over
    return {
        "otif": language.text(
            "Order lines received in full %(due)s, %(early)s, and %(over)s.",
            due=due,
            early=early,
            over=over,
        ),
        "otif_requested": language.text(
            "The same, for the date that the buyer asked for and not the one agreed on."
        ),
        "on_time_quantity": language.text("Goods received on time, of the quantity ordered."),
        "fill_rate": language.text(
            "Goods received until now, late ones too, less what was sent back."
        ),
        "mean_days_late": language.text(
            "The mean over all goods ordered. What has not come counts until the report's day."
        ),
        "ppm": language.text(
            "Goods rejected at inspection, and goods in complaints that no inspection found."
        ),
        "lot_acceptance": language.text(
            "Lots inspected and accepted at once. A lot taken with a concession does not count."
        ),
    }


def line(  # noqa: PLR0913 - all that the words depend on
    language: Language,
    row: Mapping[str, Any],
    as_of: date,
    policy: Policy,
    names: Mapping[str, str],
    *,
    awaited: bool = False,
) -> LineWords:
    """Return an order line in words.

    `row`: a line in the shape of `lines` in the JSON API. `names`: of partners, by id. `awaited`:
    say how long the line is overdue and what is missing, even if it was complete once and goods
    were sent back.
    """
    amount = language.text(
        "received %(received)s of %(ordered)s",
        received=language.number(row["received"]),
        ordered=quantity(language, row["ordered"], row["uom"]),
    )
    if row["returned"]:
        back = language.number(row["returned"])
        amount += language.text(", sent back %(returned)s", returned=back)
    due = language.day(date.fromisoformat(row["due_date"]))
    late = _awaited(language, row, as_of) if awaited else _lateness(language, row, as_of, policy)
    return LineWords(
        order=order_line(language, row["order_no"], row["line_no"]),
        item=row["item_no"],
        due=language.text("due %(day)s", day=due),
        lateness=late,
        amount=amount,
        rejected=_rejected(language, row),
        buyer=names.get(row["buyer_id"], row["buyer_id"]),
        notes=_notes(language, row),
    )


def order_line(language: Language, order_no: str, line_no: str) -> str:
    """Return the name of an order line, such as `PO1 line 10`."""
    return language.text("%(order)s line %(line)s", order=order_no, line=line_no)


def days_late(row: Mapping[str, Any], as_of: date, policy: Policy) -> tuple[int, bool]:
    """Return how many days after its due date a line was complete, and whether it is complete.

    The days are negative if it was complete before the due date. A line that is not complete counts
    up to `as_of`. It is complete once its receipts reach the quantity ordered less the tolerance
    `under`.
    """
    due = date.fromisoformat(row["due_date"])
    under = policy.tolerances_for(row["buyer_id"], row["item_no"]).under
    wanted = Decimal(row["ordered"]) * (1 - under)
    if wanted <= 0:
        return 0, True
    got = Decimal(0)
    for receipt in sorted(row["receipts"], key=lambda one: str(one["received_on"])):
        got += Decimal(receipt["quantity"])
        if got >= wanted:
            return (date.fromisoformat(receipt["received_on"]) - due).days, True
    return (as_of - due).days, False


def why_out(language: Language, reason: str) -> str:
    """Return why a line is out of the delivery figures. `reason`: the line's `out_because`."""
    why = _OUT.get(reason, _NOT_JUDGED)
    return language.text(why)


def _lateness(language: Language, row: Mapping[str, Any], as_of: date, policy: Policy) -> str:
    if row["out_because"]:
        return why_out(language, row["out_because"])
    days, complete = days_late(row, as_of, policy)
    late_days = policy.tolerances_for(row["buyer_id"], row["item_no"]).late_days
    if complete:
        if days > late_days:
            return language.texts("%(count)s day late", "%(count)s days late", days)
        return language.text("not late")
    if days > late_days:
        return language.texts(
            "not complete, %(count)s day late by now",
            "not complete, %(count)s days late by now",
            days,
        )
    return language.text("not complete, not due yet")


def _awaited(language: Language, row: Mapping[str, Any], as_of: date) -> str:
    days = (as_of - date.fromisoformat(row["due_date"])).days
    missing = Decimal(row["ordered"]) - Decimal(row["received"]) + Decimal(row["returned"])
    return language.texts(
        "%(count)s day overdue, %(missing)s missing",
        "%(count)s days overdue, %(missing)s missing",
        days,
        missing=quantity(language, missing, row["uom"]),
    )


def _rejected(language: Language, row: Mapping[str, Any]) -> str:
    inspected = quantity(language, row["quantity_inspected"], row["uom"])
    if row["quantity_rejected"]:
        return language.text(
            "rejected %(rejected)s of %(inspected)s inspected",
            rejected=language.number(row["quantity_rejected"]),
            inspected=inspected,
        )
    if "rejected" in row["status"]:
        return language.text(
            "lot not accepted at once, no quantity rejected of %(inspected)s inspected",
            inspected=inspected,
        )
    return ""


def _notes(language: Language, row: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    if row["cancelled_by"] == "supplier":
        notes.append(language.text("cancelled by the supplier"))
    elif row["cancelled_by"] == "buyer" and not row["out_because"]:
        notes.append(language.text("closed by the buyer with what had come"))
    if row["complaints"]:
        notes.append(
            language.texts("%(count)s complaint", "%(count)s complaints", row["complaints"])
        )
    if row["dispute_open"]:
        notes.append(language.text("dispute not answered yet"))
    return tuple(notes)


def window(language: Language, start: date, as_of: date) -> str:
    """Return the window from `start` to the day before `as_of`: `26 May 2026 to 21 Nov 2026`."""
    last = as_of - timedelta(days=1)
    return language.text(
        "%(first)s to %(last)s", first=language.day(start), last=language.day(last)
    )


def _ratio(figure: Figure) -> Fraction:
    return Fraction(figure.numerator) / Fraction(figure.denominator)


def unit(language: Language, uom: str) -> str:
    """Return a unit in a workshop's words, or its UN/ECE code if it has no name here."""
    return language.text(_UNITS.get(uom, uom))
