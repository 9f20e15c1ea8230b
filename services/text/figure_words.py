"""Puts every figure of a scorecard into words that a workshop uses. Pure.

`line_words` has the sentences of the figures that overviews and tables show too; the sentences of
all others are here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from services.readiness.policy import Policy
from services.text import line_words, standing_words
from services.text.language import Language, mark
from services.text.line_words import FigureText

Card = Mapping[str, Any]

GROUPS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "delivery": (
        mark("Delivery"),
        (
            "otif", "otif_requested", "on_time_quantity", "fill_rate", "mean_days_late",
            "overdue_lines",
        ),
    ),
    "quality": (
        mark("Quality"), ("ppm", "lot_acceptance", "line_stops", "open_complaints"),
    ),
    "responsiveness": (
        mark("Responsiveness"),
        (
            "confirmation_in_time", "confirmation_hours_median", "order_acceptance",
            "despatch_notice_rate", "complaint_response",
        ),
    ),
    "more": (
        mark("Good to know, without points"),
        (
            "lead_time_days_p50", "lead_time_days_p90", "lead_time_cv", "capacity_load",
            "buyer_concentration", "orphan_receipts", "retroactive_lines",
        ),
    ),
}  # fmt: skip
"""By group, in display order: the title of the group, and the keys of its figures."""

TITLES: Final[Mapping[str, str]] = {
    **line_words.TITLES,
    "overdue_lines": mark("Overdue now"),
    "line_stops": mark("Line stops and safety"),
    "open_complaints": mark("Complaints open now"),
    "confirmation_in_time": mark("Orders answered in time"),
    "confirmation_hours_median": mark("Time to answer an order"),
    "order_acceptance": mark("Orders taken on"),
    "despatch_notice_rate": mark("Deliveries announced"),
    "complaint_response": mark("Complaints answered in time"),
    "lead_time_days_p50": mark("Lead time, usual"),
    "lead_time_days_p90": mark("Lead time, slow orders"),
    "lead_time_cv": mark("Evenness of lead times"),
    "capacity_load": mark("Load on capacity"),
    "buyer_concentration": mark("Dependence on buyers"),
    "orphan_receipts": mark("Receipts without an order"),
    "retroactive_lines": mark("Orders written afterwards"),
}

_FEW_CASES: Final = mark(
    "The true figure is between %(low)s %% and %(high)s %%, as there are only %(count)s cases."
)
_SHARES: Final = {
    "confirmation_in_time": mark(
        "%(counted)s order lines answered within %(hours)s hours (%(share)s)"
    ),
    "order_acceptance": mark("%(counted)s order lines taken on (%(share)s)"),
    "despatch_notice_rate": mark(
        "%(counted)s goods receipts announced before they came (%(share)s)"
    ),
    "complaint_response": mark("%(counted)s complaint steps done in time (%(share)s)"),
}
_Counted = Callable[[Language, int], str]


def _lines(language: Language, count: int) -> str:
    return language.texts("%(count)s line", "%(count)s lines", count)


def _complaints(language: Language, count: int) -> str:
    return language.texts("%(count)s complaint", "%(count)s complaints", count)


def _receipt_lines(language: Language, count: int) -> str:
    return language.texts("%(count)s receipt line", "%(count)s receipt lines", count)


_COUNTS: Final[Mapping[str, _Counted]] = {
    "overdue_lines": _lines,
    "line_stops": _complaints,
    "open_complaints": _complaints,
    "orphan_receipts": _receipt_lines,
    "retroactive_lines": _lines,
}
_IF_ANY: Final = {
    "overdue_lines": mark("past the due date and not complete, of any age"),
    "line_stops": mark("stopped a buyer's line or put safety at risk"),
    "open_complaints": mark("not closed yet, of any age"),
    "orphan_receipts": mark("name an order line that is not known; ask the buyer for its order"),
    "retroactive_lines": mark(
        "asked for a day that had passed when they were ordered, or came before; not judged"
    ),
}
_IF_NONE: Final = {
    "overdue_lines": mark("no line is past its due date"),
    "line_stops": mark("no line stopped, no safety at risk"),
    "open_complaints": mark("no complaint is open"),
    "orphan_receipts": mark("every receipt has its order"),
    "retroactive_lines": mark("no order was written after its day"),
}


@dataclass(frozen=True, slots=True)
class FigureWords:
    """A figure in words. `said`: its value."""

    key: str
    title: str
    said: FigureText


def all_figures(
    language: Language, card: Card, policy: Policy
) -> list[tuple[str, list[FigureWords]]]:
    """Return all figures of a scorecard by group: the title of each group, and its figures.

    The dependence on buyers is omitted if the scorecard covers the orders of one buyer only.
    """
    return [
        (
            language.text(title),
            [
                figure_in_words(language, card, policy, key)
                for key in keys
                if not (key == "buyer_concentration" and card["buyer_id"])
            ],
        )
        for title, keys in GROUPS.values()
    ]


def figure_in_words(language: Language, card: Card, policy: Policy, key: str) -> FigureWords:
    """Return one figure of a scorecard in words. `key`: one of `TITLES`."""
    return FigureWords(key, language.text(TITLES[key]), _said(language, card, policy, key))


def _said(language: Language, card: Card, policy: Policy, key: str) -> FigureText:
    if key in line_words.TITLES:
        return line_words.figure_in_words(language, key, standing_words.figure(card, key))
    if key in _SHARES:
        hours = language.number(policy.confirmation.sla_hours)
        tell_share = line_words.share_of_cases(_SHARES[key], _FEW_CASES, hours=hours)
        return tell_share(language, standing_words.figure(card, key))
    if key in _COUNTS:
        return _count(language, key, card["kpis"][key]["value"])
    return _OTHERS[key](language, card, policy)


def _count(language: Language, key: str, count: int) -> FigureText:
    sentence = _IF_ANY[key] if count else _IF_NONE[key]
    return FigureText(_COUNTS[key](language, count), language.text(sentence))


def _hours(language: Language, card: Card, policy: Policy) -> FigureText:
    value = card["kpis"]["confirmation_hours_median"]["value"]
    if value is not None:
        shown = language.text("%(number)s hours", number=language.number(value, 1))
        return FigureText(shown, language.text("half of the new order lines were answered by then"))
    if not card["kpis"]["confirmation_in_time"]["denominator"]:
        return line_words.no_data(language)
    return FigureText(
        language.text("not answered"),
        language.text("half or more of the new order lines have no answer"),
    )


def _lead_time(sentence: str) -> Callable[[Language, Card, Policy], FigureText]:
    key = {True: "lead_time_days_p50", False: "lead_time_days_p90"}

    def tell_days(language: Language, card: Card, policy: Policy) -> FigureText:
        value = card["kpis"][key[sentence is _USUAL]]["value"]
        if value is None:
            return _too_few(language, policy)
        shown = language.text("%(number)s days", number=language.number(value, 1))
        return FigureText(shown, language.text(sentence))

    return tell_days


def _too_few(language: Language, policy: Policy) -> FigureText:
    least = language.number(policy.lead_time.min_lines)
    sentence = language.text("told from %(least)s completed lines on", least=least)
    return FigureText(language.text(standing_words.TOO_LITTLE), sentence, known=False)


def _evenness(language: Language, card: Card, policy: Policy) -> FigureText:
    value = card["kpis"]["lead_time_cv"]["value"]
    if value is None and card["kpis"]["lead_time_days_p50"]["value"] is not None:
        # The mean lead time is 0: the deviation over the mean is undefined.
        sentence = language.text("every order was complete on the day it was placed")
        return FigureText(language.text(line_words.NO_DATA), sentence, known=False)
    if value is None:
        return _too_few(language, policy)
    shown = f"± {language.percent(Fraction(value))}"
    return FigureText(shown, language.text("so far lead times stray from their mean"))


def _load(language: Language, card: Card, _: Policy) -> FigureText:
    load = card["kpis"]["capacity_load"]
    if load["value"] is None:
        sentence = language.text(
            "no capacity is declared that names items and a quantity, in a unit of their orders"
        )
        return FigureText(language.text(line_words.NO_DATA), sentence, known=False)
    highest = max(
        standing_words.capacity(language, card),
        key=lambda one: Fraction(_share(load["processes"][one.process])),
    )
    return FigureText(highest.load, f"{highest.process}: {highest.sentence}")


def _share(shown: Mapping[str, Any]) -> Decimal | int:
    return 0 if shown["value"] is None else Decimal(shown["value"])


def _dependence(language: Language, card: Card, policy: Policy) -> FigureText:
    value = card["kpis"]["buyer_concentration"]["value"]
    if value is None:
        return line_words.no_data(language)
    index, limit = Fraction(value), Fraction(policy.stage.concentration_limit)
    if index == 1:
        shown, sentence = language.text("1 buyer"), language.text("everything goes to one buyer")
    else:
        shown = language.text("%(number)s of 1", number=language.number(index, 2))
        sentence = language.text(
            "as with %(count)s buyers of equal size (1 would be one buyer alone)",
            count=language.number(1 / index, 1),
        )
    above = language.text(
        "More than %(limit)s: too dependent on one buyer.", limit=language.number(limit, 2)
    )
    return FigureText(shown, sentence, (above,) if index > limit else ())


_USUAL: Final = mark("half of the lines were complete so many days after the order, or sooner")
_SLOW: Final = mark("nine of ten lines were complete so many days after the order, or sooner")
_OTHERS: Final[Mapping[str, Callable[[Language, Card, Policy], FigureText]]] = {
    "confirmation_hours_median": _hours,
    "lead_time_days_p50": _lead_time(_USUAL),
    "lead_time_days_p90": _lead_time(_SLOW),
    "lead_time_cv": _evenness,
    "capacity_load": _load,
    "buyer_concentration": _dependence,
}


def meaning(language: Language, policy: Policy, key: str) -> str:
    """Return what a figure counts, with the limits of a policy. `key`: one of `TITLES`."""
    if key in line_words.TITLES:
        return line_words.meanings(language, policy)[key]
    answers = policy.complaints
    values = {
        "hours": policy.confirmation.sla_hours,
        "containment": answers.containment_days,
        "correction": answers.corrective_action_days,
        "closing": answers.closing_days,
        "days": policy.concentration.days,
        "horizon": policy.capacity.horizon_days,
    }
    named = {name: language.number(value) for name, value in values.items()}
    return language.text(_MEANINGS[key], **named)


_MEANINGS: Final = {
    "overdue_lines": mark(
        "Order lines past their due date, from any time, that are not complete and not cancelled. "
        "What was sent back is missing again."
    ),
    "line_stops": mark(
        "Complaints of this time by which a buyer's line stopped or safety was at risk."
    ),
    "open_complaints": mark("Complaints that were opened at any time and are not closed."),
    "confirmation_in_time": mark(
        "New order lines with any answer within %(hours)s hours: yes, another date, or no."
    ),
    "confirmation_hours_median": mark(
        "The middle of all times from the order to its first answer; no answer is the longest."
    ),
    "order_acceptance": mark("Order lines whose first answer was not a no."),
    "despatch_notice_rate": mark(
        "Goods receipts that name a despatch advice which was sent before the goods came."
    ),
    "complaint_response": mark(
        "Steps due in this time: the goods secured within %(containment)s days, the cause put "
        "right within %(correction)s days, the complaint closed within %(closing)s days."
    ),
    "lead_time_days_p50": mark("Days from the order to the receipt that made the line complete."),
    "lead_time_days_p90": mark("Days from the order to the receipt that made the line complete."),
    "lead_time_cv": mark(
        "The standard deviation of the lead times over their mean: the less, the easier to plan."
    ),
    "capacity_load": mark(
        "What is still to come of lines due within %(horizon)s days, or before, over what the "
        "process can make in a month. The highest of all processes."
    ),
    "buyer_concentration": mark(
        "The squared shares of the buyers in the value received in %(days)s days, added up. Only "
        "you and the programme see it."
    ),
    "orphan_receipts": mark("Receipt lines, of any age, whose order line is not known here."),
    "retroactive_lines": mark(
        "Lines of this time whose first order asked for a day that had already passed, or came "
        "after goods for it."
    ),
}
