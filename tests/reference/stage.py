"""The independence stage (kemandirian), by assessor."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal

from .counts import buyer_concentration
from .reading import ZERO, Event, number
from .view import View

StageName = Literal["Pemula", "Madya", "Pra-Mandiri", "Mandiri"]
Limit = Literal["NIB", "five_r", "buyer_concentration"]

ASSESSED = "id.rantai.partner.assessed.v1"
CERTIFIED = "id.rantai.partner.certified.v1"


@dataclass(frozen=True)
class Stage:
    """One assessor's opinion.

    It "stands on its own, with its date and the rule that limited it."
    """

    assessor: str
    value: StageName
    mean: Fraction
    assessed_on: date
    limits: tuple[Limit, ...]
    """The rules that keep it at Pra-Mandiri; empty if the mean is not enough for Mandiri."""


def stages(view: View) -> list[Stage]:
    """Return the opinion of every assessor, sorted by name."""
    found = []
    for assessor, assessed in sorted(_latest(view).items()):
        # "Mean of the three pillars of an assessor's latest assessment before T".
        mean = _mean(assessed.data["pillars"])
        value = _by_mean(mean)
        limits = tuple(_limits(view, assessed)) if value == "Mandiri" else ()
        on = _assessed_on(assessed)
        found.append(Stage(assessor, "Pra-Mandiri" if limits else value, mean, on, limits))
    return found


def _by_mean(mean: Fraction) -> StageName:
    # "Pemula < 25, Madya < 50, Pra-Mandiri < 75, Mandiri from 75."
    if mean < 25:
        return "Pemula"
    if mean < 50:
        return "Madya"
    return "Pra-Mandiri" if mean < 75 else "Mandiri"


def _limits(view: View, assessed: Event) -> Iterator[Limit]:
    """Yield the rules that keep a supplier "at best Pra-Mandiri".

    "while the business licence (`NIB`) is expired at T, or the mean of five_r is under 60, or
    `buyer_concentration` > 0.6." Missing data limits nothing: no licence on record, no five_r in
    the assessment, no concentration (it is null if `buyer_id` is given).
    """
    if _licence_expired(view):
        yield "NIB"
    five_r = assessed.data.get("five_r")
    if five_r is not None and _mean(five_r) < 60:
        yield "five_r"
    concentration = buyer_concentration(view).value
    if concentration is not None and concentration > Fraction(6, 10):
        yield "buyer_concentration"


def _licence_expired(view: View) -> bool:
    """Return whether the licence is expired at T.

    Decision: the licence is the `NIB` with the latest `valid_from` before T, then the highest
    `time`, then `id`: a newer one renews or corrects the older. `valid_to` is its last valid day,
    so it is expired at T if that is before T; without a `valid_to` it never expires.
    """
    licences = [
        event
        for event in view.record.about
        if event.type == CERTIFIED
        and event.data["certificate"] == "NIB"
        and date.fromisoformat(event.data["valid_from"]) < view.as_of
    ]
    last = max(licences, key=lambda event: (event.data["valid_from"], event.place), default=None)
    valid_to = None if last is None else last.data.get("valid_to")
    return valid_to is not None and date.fromisoformat(valid_to) < view.as_of


def _latest(view: View) -> dict[str, Event]:
    """Return each assessor's latest assessment before T, by `assessed_on`.

    Decision: of several on one day, the one with the highest `time`, then `id`, counts, as for any
    document sent again. Assessors are compared letter by letter.
    """
    before = [
        event
        for event in view.record.about
        if event.type == ASSESSED and _assessed_on(event) < view.as_of
    ]
    ordered = sorted(before, key=lambda event: (_assessed_on(event), event.place))
    return {str(event.data["assessor"]): event for event in ordered}


def _assessed_on(event: Event) -> date:
    return date.fromisoformat(event.data["assessed_on"])


def _mean(marks: dict[str, Any]) -> Fraction:
    return sum((number(mark) for mark in marks.values()), ZERO) / len(marks)
