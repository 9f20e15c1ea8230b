"""How a supplier stands, as its page begins: read from the scorecard that the interface gives."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.readiness.policy import Policy
from services.readiness.sums import FigureSums
from services.scorecards.api import blocking
from services.scorecards.reading import Reader
from services.scorecards.web import standing_words as words
from services.scorecards.web.language import Language
from services.warehouse.evaluations import EvaluationStore
from services.warehouse.figures import WINDOW_DAYS, Selection

MONTH_ENDS: Final = 12
"""So many of the last ones are shown."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A scorecard, and what was frozen of the supplier.

    `months`: in how many its matured lines fall; read where there are too few to judge by.
    `frozen`: the scorecards of month ends up to the day, oldest first.
    """

    card: Mapping[str, Any]
    months: int
    frozen: Sequence[tuple[date, Mapping[str, Any]]]

    def in_words(
        self, language: Language, policy: Policy, names: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return what the page begins with. `names`: of buyers, by id."""
        return {
            "grade": words.grade(language, self.card, policy, self.months),
            "steps": words.next_steps(language, self.card, policy, names),
            "no_steps": words.nothing_to_do(language, self.card),
            "month_ends": words.month_ends(language, self.frozen),
            "frozen_window": WINDOW_DAYS,
            "stages": words.stages(language, self.card),
            "loads": words.capacity(language, self.card),
            "horizon_days": policy.capacity.horizon_days,
        }


async def read(
    reader: Reader, store: EvaluationStore, selection: Selection, *, frozen: bool = True
) -> Standing:
    """Read how the one supplier of a selection stands.

    `frozen`: with what was frozen of it. That is over all buyers: not for who sees one alone.
    """
    (card, months), ends = await asyncio.gather(
        blocking(lambda: _card(reader, selection)),
        blocking(lambda: _frozen(reader, store, selection) if frozen else []),
    )
    return Standing(card, months, ends)


def _card(reader: Reader, selection: Selection) -> tuple[Mapping[str, Any], int]:
    supplier_id = selection.suppliers[0]
    # A double in the text is the shortest that names it: as a decimal it is rounded once.
    card = json.loads(reader.scorecard(supplier_id, selection), parse_float=Decimal)
    if not card["grade"]["insufficient"]:
        return card, 0
    rows = reader.facts(selection).rows.get(supplier_id, ())
    return card, FigureSums.of(selection.as_of, rows).matured_months


def _frozen(
    reader: Reader, store: EvaluationStore, selection: Selection
) -> list[tuple[date, Mapping[str, Any]]]:
    since = max(0, _month(reader.today()) - _month(selection.as_of))
    found = store.frozen(selection.suppliers[0], MONTH_ENDS + since)
    until = [(one.as_of, one.scorecard) for one in found if one.as_of <= selection.as_of]
    return until[:MONTH_ENDS][::-1]


def _month(day: date) -> int:
    return day.year * 12 + day.month
