"""How a supplier stands, as its page begins: read from the scorecard that the interface gives."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.scorecard_reader import Reader
from services.readiness.policy import Policy
from services.scorecards.scorecard_api import blocking
from services.text import standing_words
from services.text.language import Language
from services.web import next_step_words

MONTH_ENDS: Final = 12
"""So many of the last ones are shown."""


@dataclass(frozen=True, slots=True)
class StandingCard:
    """A scorecard, and what was frozen of the supplier.

    `frozen`: the scorecards of month ends up to the day, oldest first; none for a buyer, whose own
    orders are a part of what they were made of.
    """

    card: Mapping[str, Any]
    frozen: Sequence[tuple[date, Mapping[str, Any]]]

    @property
    def as_of(self) -> date:
        """The day as of which the scorecard is."""
        return date.fromisoformat(self.card["as_of"])

    def in_words(
        self, language: Language, policy: Policy, names: Mapping[str, str], months: int
    ) -> dict[str, Any]:
        """Return what the page begins with.

        `names`: of buyers, by id. `months`: in how many the lines of the window fell due.
        """
        return {
            "grade": standing_words.grade(language, self.card, policy, months),
            "moved": standing_words.moved(language, self.card, self.frozen),
            "steps": next_step_words.next_steps(language, self.card, policy, names),
            "no_steps": next_step_words.nothing_to_do(language, self.card),
            "month_ends": standing_words.month_ends(language, self.frozen),
            "frozen_window": WINDOW_DAYS,
            "stages": standing_words.stages(language, self.card),
            "loads": standing_words.capacity(language, self.card),
            "horizon_days": policy.capacity.horizon_days,
        }


async def read(
    reader: Reader, store: EvaluationStore, selection: Selection, *, with_frozen: bool
) -> StandingCard:
    """Read how the one supplier of a selection stands."""
    shown, frozen = await asyncio.gather(
        blocking(lambda: card(reader, selection)),
        blocking(lambda: _frozen(reader, store, selection) if with_frozen else []),
    )
    return StandingCard(shown, frozen)


def card(reader: Reader, selection: Selection) -> Mapping[str, Any]:
    """Return the scorecard of the one supplier of a selection, its numbers exact."""
    # A double in the text is the shortest that names it: as a decimal it is rounded once.
    found: Mapping[str, Any] = json.loads(
        reader.scorecard(selection.suppliers[0], selection), parse_float=Decimal
    )
    return found


def _frozen(
    reader: Reader, store: EvaluationStore, selection: Selection
) -> list[tuple[date, Mapping[str, Any]]]:
    since = max(0, _month(reader.today()) - _month(selection.as_of))
    found = store.frozen(selection.suppliers[0], MONTH_ENDS + since)
    until = [(one.as_of, one.scorecard) for one in found if one.as_of <= selection.as_of]
    return until[:MONTH_ENDS][::-1]


def _month(day: date) -> int:
    return day.year * 12 + day.month
