"""Why a line or document counts in a figure as it does, in words. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from services.assessment.explanation import Miss, missed
from services.readiness.contributions import Contribution
from services.readiness.kpis import KPIS
from services.readiness.policy import Policy
from services.readiness.row import Row
from services.text.language import Language, mark
from services.text.line_words import quantity
from services.web.next_step_words import STEPS

OF_A_LINE: Final = ("due", "requested", "overdue", "completed", "backlog")
"""Families whose parts are explained by how their order line stood."""

_MICROSECONDS_AN_HOUR: Final = 3_600_000_000
_RECEIPTS: Final = {
    ("receipt", True): mark("announced before it came"),
    ("receipt", False): mark("not announced before it came"),
}
_STOPS: Final = mark("stopped the line or put safety at risk")


def against(kpi: str, adds: Contribution, policy: Policy) -> bool:
    """Return whether a part of a figure counts against the supplier."""
    if adds.numerator is not None and adds.denominator is not None:
        if KPIS[kpi].better == "higher":
            return adds.numerator < adds.denominator
        return adds.numerator > 0
    if kpi == "confirmation_hours_median":
        limit = policy.confirmation.sla_hours * _MICROSECONDS_AN_HOUR
        return adds.value is None or not 0 <= adds.value <= limit
    # A lead time is neither good nor bad. Of a count, each part is one case against the supplier.
    return KPIS[kpi].unit == "count"


@dataclass(frozen=True, slots=True)
class CountedPart:
    """A part of a figure and what it adds.

    `line`: its order line as it stood when the day `as_of` began, from `line_at`. None for the part
    of another document, or of a line that had no version by then.
    """

    kpi: str
    part: Row
    adds: Contribution
    line: Row | None
    as_of: date


def reason(language: Language, one: CountedPart, policy: Policy) -> str:
    """Return why a part adds what it adds; "" if its order line is not known."""
    family = one.part["family"]
    if family in OF_A_LINE:
        return "" if one.line is None else _of_a_line(language, one, one.line, policy)
    if family in _OF_A_DOCUMENT:
        return _OF_A_DOCUMENT[family](language, one.kpi, one.part, policy)
    return language.text(_RECEIPTS[family, bool(one.part["b"])])


def _of_a_line(language: Language, one: CountedPart, line: Row, policy: Policy) -> str:
    if one.kpi in ("otif", "otif_requested"):
        found = missed(one.kpi, one.part, line, policy)
        if not found:
            return language.text("on time and in full")
        return "; ".join(_miss(language, miss, line["uom"]) for miss in found)
    if one.kpi in _OF_LINES:
        return _OF_LINES[one.kpi](language, one, line)
    return language.texts(
        "complete %(count)s day after the order",
        "complete %(count)s days after the order",
        int(one.part["a"]),
    )


def _in_time(language: Language, one: CountedPart, line: Row) -> str:
    some = language.number(one.part["c"])
    whole = quantity(language, line["ordered"], line["uom"])
    return language.text("%(some)s of %(whole)s came on time", some=some, whole=whole)


def _kept(language: Language, one: CountedPart, line: Row) -> str:
    some = language.number(one.part["d"])
    whole = quantity(language, line["ordered"], line["uom"])
    return language.text("%(some)s of %(whole)s received and kept", some=some, whole=whole)


def _overdue(language: Language, one: CountedPart, line: Row) -> str:
    missing = line["ordered"] - line["received"] + line["returned"]
    return language.texts(
        "%(count)s day overdue, %(missing)s missing",
        "%(count)s days overdue, %(missing)s missing",
        (one.as_of - line["due_date"]).days,
        missing=quantity(language, missing, line["uom"]),
    )


def _to_come(language: Language, one: CountedPart, line: Row) -> str:
    return language.text(
        "%(some)s of %(whole)s still to come, due %(day)s",
        some=language.number(one.part["a"]),
        whole=quantity(language, line["ordered"], line["uom"]),
        day=language.day(line["due_date"]),
    )


def _miss(language: Language, one: Miss, uom: str) -> str:
    some, day = language.number(one.quantity), language.day(one.day)
    if one.kind == "early" and one.first is not None:
        return language.text(
            "too early: %(some)s came on %(day)s, before %(first)s",
            some=some,
            day=day,
            first=language.day(one.first),
        )
    whole = quantity(language, one.bound, uom)
    if one.kind == "short":
        return language.text(
            "not complete: %(some)s of %(whole)s by %(day)s", some=some, whole=whole, day=day
        )
    return language.text(
        "too much: %(some)s in the house on %(day)s, at most %(whole)s",
        some=some,
        whole=whole,
        day=day,
    )


def _days_late(language: Language, one: CountedPart, line: Row) -> str:
    if not one.adds.numerator or not one.adds.denominator:
        return language.text("nothing was late")
    days = Fraction(one.adds.numerator) / Fraction(one.adds.denominator)
    said = language.text("%(days)s days late on average", days=language.number(days, 1))
    if one.part["f"]:
        missing = quantity(language, one.part["f"], line["uom"])
        said += language.text("; %(missing)s has not come yet", missing=missing)
    return said


_OF_LINES: Final[Mapping[str, Callable[[Language, CountedPart, Row], str]]] = {
    "on_time_quantity": _in_time,
    "fill_rate": _kept,
    "mean_days_late": _days_late,
    "overdue_lines": _overdue,
    "capacity_load": _to_come,
}


def _inspected(language: Language, kpi: str, part: Row, _: Policy) -> str:
    if kpi == "ppm":
        if not part["c"]:
            return language.text("inspected, nothing rejected")
        if part["a"] == part["c"]:
            count = language.number(part["a"])
            return language.text("%(count)s rejected at inspection", count=count)
        return language.text(
            "%(said)s rejected at inspection, of which %(counts)s count: "
            "no more was left of the goods receipt",
            said=language.number(part["c"]),
            counts=language.number(part["a"]),
        )
    said = mark("lot accepted") if part["b"] else mark("lot not accepted at once")
    return language.text(said)


def _complained(language: Language, kpi: str, part: Row, _: Policy) -> str:
    if kpi == "line_stops":
        return language.text(_STOPS)
    return language.text("complaint about %(count)s", count=language.number(part["a"]))


def _received(language: Language, _: str, part: Row, __: Policy) -> str:
    return language.text("received: %(count)s", count=quantity(language, part["a"], part["label"]))


def _asked(language: Language, _: str, part: Row, policy: Policy) -> str:
    waited = part["a"]
    if waited < 0:
        return language.text("not answered yet")
    hours = Fraction(waited) / _MICROSECONDS_AN_HOUR
    shown = language.number(hours, 1)
    if part["b"]:
        return language.text("answered after %(hours)s hours", hours=shown)
    limit = language.number(policy.confirmation.sla_hours)
    return language.text(
        "answered after %(hours)s hours, later than %(limit)s", hours=shown, limit=limit
    )


def _answered(language: Language, _: str, part: Row, __: Policy) -> str:
    said = mark("taken on") if part["b"] else mark("declined")
    return language.text(said)


def _step(language: Language, _: str, part: Row, __: Policy) -> str:
    name = STEPS.get(part["label"])
    step = part["label"] if name is None else language.text(name)
    if part["b"]:
        return language.text("%(step)s: done in time", step=step)
    return language.text("%(step)s: not done in time", step=step)


def _plain(sentence: str) -> Callable[[Language, str, Row, Policy], str]:
    return lambda language, _, __, ___: language.text(sentence)


_OF_A_DOCUMENT: Final[Mapping[str, Callable[[Language, str, Row, Policy], str]]] = {
    "inspected": _inspected,
    "complained": _complained,
    "received": _received,
    "asked": _asked,
    "answered": _answered,
    "step": _step,
    "open": _plain(mark("not closed yet")),
    "orphan": _plain(mark("no order line of this number is known")),
    "retroactive": _plain(
        mark("written afterwards: the day asked for had passed, or goods had come before")
    ),
}


_RATIO_WORDS: Final = {
    "mean_days_late": mark("%(part)s (quantity × days late) over %(whole)s ordered"),
    "ppm": mark("%(part)s rejected, %(whole)s received"),
}
"""How to word numerator and denominator where the first is not a share of the second, by KPI."""


def ratio(language: Language, kpi: str, part: Fraction | Decimal, whole: Fraction | Decimal) -> str:
    """Return numerator and denominator of a figure, or of one of its parts, in words: `0 of 1`."""
    said = _RATIO_WORDS.get(kpi, mark("%(part)s of %(whole)s"))
    return language.text(said, part=language.number(part), whole=language.number(whole))


def contribution_words(language: Language, kpi: str, adds: Contribution) -> str:
    """Return what a part adds to its figure: `0 of 1`, or its value."""
    if adds.numerator is not None and adds.denominator is not None:
        return ratio(language, kpi, adds.numerator, adds.denominator)
    if adds.value is None or adds.value < 0:
        return "–"
    if kpi == "confirmation_hours_median":
        hours = Fraction(adds.value) / _MICROSECONDS_AN_HOUR
        return language.text("%(number)s hours", number=language.number(hours, 1))
    if kpi.startswith("lead_time"):
        return language.text("%(number)s days", number=language.number(adds.value))
    return language.number(Decimal(adds.value))
