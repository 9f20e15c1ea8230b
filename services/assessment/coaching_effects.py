"""Compares figures before and after a coaching, beside the uncoached suppliers of the cluster.

Every figure keeps its numerator and denominator, so that readers can add figures up and see how
little data some of them rest on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from services.assessment.figure_store import FigureStore
from services.readiness.figures import Figure
from services.readiness.sums import FigureSums
from services.store.sql_files import sql

EFFECT_DAYS: Final = 90
"""The default number of days before and after a coaching that are compared."""

_NO_RATIOS: Final = FigureSums.of(date.min, []).ratios()


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure before and after, of the coached supplier and of the uncoached ones pooled."""

    before: Figure
    after: Figure
    uncoached_before: Figure
    uncoached_after: Figure


@dataclass(frozen=True, slots=True)
class CoachingEffect:
    """How a supplier's figures changed around its first coaching in a period.

    `sessions`: the supplier's coachings in the period. `after_on`: the T of the figures after the
    coaching, `after_days` after `held_on`; cut at the end of the period, so `after_days` may be
    less than the window. `uncoached`: the number of suppliers in the cluster that were not coached
    before `after_on`. `figures`: by KPI.
    """

    supplier_id: str
    cluster: str
    held_on: date
    topic: str
    coach: str
    sessions: int
    after_on: date
    after_days: int
    uncoached: int
    figures: Mapping[str, FigureChange]


def coaching_effects(  # noqa: PLR0913 - a selection of figures, and of coachings
    store: FigureStore,
    since: date,
    as_of: date,
    *,
    window_days: int = EFFECT_DAYS,
    clusters: Sequence[str] = (),
    buyers: Sequence[str] = (),
    suppliers: Sequence[str] = (),
) -> list[CoachingEffect]:
    """Return the effect of each supplier's first coaching held in [since, as_of), latest first.

    `clusters`, `buyers`, `suppliers`: empty = all. `buyers` restricts the figures to their orders;
    coachings by anyone count. Blocks. Raises StoreUnavailable, StoreRefused.
    """
    rows = store.clickhouse.rows(
        sql("coaching_effect"),
        {
            "rules": store.rules.id,
            "since": since,
            "as_of": as_of,
            "window_days": window_days,
            "clusters": list(clusters),
            "buyers": list(buyers),
            "suppliers": list(suppliers),
        },
    )
    return list(_effects(rows))


def _effects(rows: Sequence[Mapping[str, Any]]) -> Iterator[CoachingEffect]:
    for name, found in groupby(rows, key=lambda row: row["supplier_id"]):
        some = list(found)
        one = some[0]
        yield CoachingEffect(
            name,
            one["cluster"],
            one["held_on"],
            one["topic"],
            one["coach"],
            one["sessions"],
            one["after_on"],
            one["after_days"],
            one["uncoached"],
            {row["kpi"]: _change(row) for row in some},
        )


def _change(row: Mapping[str, Any]) -> FigureChange:
    def figure(phase: str, units: str) -> Figure:
        none = _NO_RATIOS[row["kpi"]]
        return Figure(
            Fraction(row[f"{phase}_numerator"]),
            Fraction(row[f"{phase}_denominator"]),
            none.counts,
            none.scale,
            mixed_units=row[units] > 1,
        )

    return FigureChange(
        figure("before", "units"),
        figure("after", "units"),
        figure("uncoached_before", "uncoached_units"),
        figure("uncoached_after", "uncoached_units"),
    )
