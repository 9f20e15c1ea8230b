"""What keeps labels bounded: the largest groups by name, and the suppliers most at risk."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from services.assessment.watched import Watched, WatchedStanding
from services.readiness.policy_parts import LETTERS, Letter
from services.telemetry.series import NONE, OTHER

_UNGRADED: Final = -1


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is shown.

    `suppliers`: so many have series of their own. `named`: who is among them whatever the risk.
    `groups`: so many clusters, regions, buyers, assessors and senders have labels of their own.
    """

    suppliers: int = 50
    named: tuple[str, ...] = ()
    groups: int = 50


class Labels:
    """The label of each group: its name where it is one of the largest, else `(other)`."""

    def __init__(self, names: Iterable[str], most: int) -> None:
        sizes = Counter(name for name in names if name)
        largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:most]
        self._own = frozenset(largest)

    def of(self, name: str) -> str:
        """Return the label of a group; "" is none."""
        if not name:
            return NONE
        return name if name in self._own else OTHER


def grade_steps(before: Letter | None, now: Letter | None) -> int:
    """Return by how many steps a grade fell; negative where it rose, 0 where there is none."""
    if before is None or now is None:
        return 0
    return LETTERS.index(now) - LETTERS.index(before)


def watched(suppliers: Sequence[Watched], bounds: Bounds) -> list[Watched]:
    """Return the suppliers with series of their own: those that are named, then most at risk.

    Most at risk are those whose published grade fell since the month end before, by the most steps
    first; then the lowest published grade; then the lowest score. Who has no published grade comes
    last: too little is known of them to call it a risk.
    """
    places = {name: place for place, name in enumerate(bounds.named)}
    known = [(one, one.standing) for one in suppliers if one.standing is not None]
    known.sort(
        key=lambda pair: (
            places.get(pair[0].supplier_id, len(places)),
            _risk(pair[1]),
            pair[0].supplier_id,
        )
    )
    return [one for one, _ in known[: bounds.suppliers]]


def _risk(standing: WatchedStanding) -> tuple[int, int, Fraction]:
    now = standing.at.published
    level = _UNGRADED if now is None else LETTERS.index(now)
    fallen = max(0, grade_steps(standing.before, now))
    return (-fallen, -level, standing.at.score or Fraction(0))


def newest_by_label(
    newest: Mapping[str, float], suppliers: Iterable[Watched], most: int
) -> dict[str, float]:
    """Return when each sender was last heard of; of those beyond the most the latest.

    Shown are the buyers with the most suppliers: their systems send day by day. A choice by when
    each was heard of would drop just the one that fell silent.
    """
    trade = Counter(buyer for one in suppliers for buyer in one.buyers)
    ranked = sorted(newest, key=lambda name: (-trade[name], name))
    shown = {name: newest[name] for name in ranked[:most]}
    if len(ranked) > most:
        shown[OTHER] = max(newest[name] for name in ranked[most:])
    return shown
