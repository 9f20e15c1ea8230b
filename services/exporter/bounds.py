"""Bounds the labels of metrics: only the largest groups and the suppliers most at risk get one."""

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
    """How many label values are shown.

    `suppliers`: how many suppliers have series of their own. `named`: supplier ids that come first
    among them, whatever their risk. `groups`: how many clusters, regions, buyers, assessors and
    senders, each, have a label of their own.
    """

    suppliers: int = 50
    named: tuple[str, ...] = ()
    groups: int = 50


class Labels:
    """The label of each group: its name if it is one of the largest, else `(other)`.

    `names` has one entry per member of a group; the `most` largest groups keep their names.
    """

    def __init__(self, names: Iterable[str], most: int) -> None:
        sizes = Counter(name for name in names if name)
        largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:most]
        self._own = frozenset(largest)

    def of(self, name: str) -> str:
        """Return the label of a group; "" (belongs to no group) gives `(none)`."""
        if not name:
            return NONE
        return name if name in self._own else OTHER


def grade_steps(before: Letter | None, now: Letter | None) -> int:
    """Return by how many steps a grade fell; negative if it rose, 0 if either grade is missing."""
    if before is None or now is None:
        return 0
    return LETTERS.index(now) - LETTERS.index(before)


def most_at_risk(suppliers: Sequence[Watched], bounds: Bounds) -> list[Watched]:
    """Return the suppliers with series of their own: the named ones, then those most at risk.

    Ordered by how many steps the published grade fell since the previous month end, then by the
    lowest published grade, then by the lowest score. Suppliers without a published grade come last:
    too little is known about them to call it a risk.
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
    """Return the time of each sender's newest event; senders beyond `most` share `(other)`.

    `newest`: Unix time by sender. `(other)` has the latest time of its senders. Buyers with the
    most suppliers keep their names, as their systems send every day. Choosing the most recent
    senders instead would drop exactly the one that fell silent.
    """
    trade = Counter(buyer for one in suppliers for buyer in one.buyers)
    ranked = sorted(newest, key=lambda name: (-trade[name], name))
    shown = {name: newest[name] for name in ranked[:most]}
    if len(ranked) > most:
        shown[OTHER] = max(newest[name] for name in ranked[most:])
    return shown
