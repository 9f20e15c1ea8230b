"""The top of a supplier's page: its standing, read from the scorecard that the JSON API returns."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.policy import Policy
from services.scorecards.scorecard_api import run_query
from services.text import standing_words
from services.text.language import Language
from services.web import next_step_words

MONTH_ENDS: Final = 12
"""How many month ends are shown, up to the day of the page."""


@dataclass(frozen=True, slots=True)
class StandingCard:
    """A supplier's scorecard and its frozen evaluations.

    `frozen`: the scorecards of month ends up to the card's day, oldest first. Empty where only one
    buyer's orders are shown: frozen scorecards are made from the orders of all buyers.
    """

    card: Mapping[str, Any]
    frozen: Sequence[tuple[date, Mapping[str, Any]]]

    @property
    def as_of(self) -> date:
        """The day of the scorecard, T."""
        return date.fromisoformat(self.card["as_of"])

    def in_words(
        self, language: Language, policy: Policy, names: Mapping[str, str], months: int
    ) -> dict[str, Any]:
        """Return the template's values for the top of the page.

        `names`: of buyers, by id. `months`: in how many months lines of the window matured.
        """
        return {
            "grade": standing_words.grade(language, self.card, policy, months),
            "moved": standing_words.score_change(language, self.card, self.frozen),
            "steps": next_step_words.next_steps(language, self.card, policy, names),
            "no_steps": next_step_words.nothing_to_do(language, self.card),
            "month_ends": standing_words.month_ends(language, self.frozen),
            "frozen_window": WINDOW_DAYS,
            "stages": standing_words.stages(language, self.card),
            "loads": standing_words.capacity(language, self.card),
            "horizon_days": policy.capacity.horizon_days,
        }


async def read(
    reader: ScorecardReader, store: EvaluationStore, selection: Selection, *, with_frozen: bool
) -> StandingCard:
    """Read the scorecard of a selection's only supplier, and its frozen ones if `with_frozen`."""
    shown, frozen = await asyncio.gather(
        run_query(lambda: card(reader, selection)),
        run_query(lambda: _frozen(reader, store, selection) if with_frozen else []),
    )
    return StandingCard(shown, frozen)


def card(reader: ScorecardReader, selection: Selection) -> Mapping[str, Any]:
    """Return the scorecard of a selection's only supplier, with fractions as Decimal."""
    # The JSON has the shortest text of each double. Read as a decimal, that text is rounded once,
    # for display.
    found: Mapping[str, Any] = json.loads(
        reader.scorecard(selection.suppliers[0], selection), parse_float=Decimal
    )
    return found


def _frozen(
    reader: ScorecardReader, store: EvaluationStore, selection: Selection
) -> list[tuple[date, Mapping[str, Any]]]:
    # The store returns the latest month ends: also read those after the selection's day, to drop.
    since = max(0, _month(reader.today()) - _month(selection.as_of))
    found = store.frozen(selection.suppliers[0], MONTH_ENDS + since)
    until = [(one.as_of, one.scorecard) for one in found if one.as_of <= selection.as_of]
    return until[:MONTH_ENDS][::-1]


def _month(day: date) -> int:
    return day.year * 12 + day.month
