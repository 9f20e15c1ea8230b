"""The programme's figures: many suppliers together, by cluster, and who of them moved.

A group's figures are made of the added sums of its suppliers, never of their figures. Nothing here
is made of prices. Everything blocks; async callers go through a thread.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import chain, pairwise
from typing import Any, Final

from services.readiness.grade import Grade, grade_at, published
from services.readiness.policy import Policy
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.score import Score, nearest, score
from services.readiness.stage import STAGES
from services.readiness.sums import FigureSums
from services.scorecards.assembling import (
    Assessed,
    assess,
    first_day,
    grade_sums,
    month_ends,
)
from services.scorecards.reading import Reader, Supplier
from services.warehouse.client import sql
from services.warehouse.figures import Rows, Selection

COUNTS: Final = (
    "line_stops",
    "open_complaints",
    "overdue_lines",
    "orphan_receipts",
    "retroactive_lines",
)
"""Figures of a group that are plain counts; those made of prices or of single values have none."""

_ALL: Final = 2**31
_NAMED: Final = 500
"""A longer list of suppliers is not named to the store: a query parameter has an end."""


_NOTHING: Final = Grade(None)
_TELLING: Final = 1e-6
"""A score that doubles put so near a threshold is worked out exactly."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which suppliers; empty = any. `region`: the name of a province or of a regency."""

    region: str = ""
    sector: str = ""
    cluster: str = ""

    def takes(self, one: Supplier) -> bool:
        """Whether a supplier is among them."""
        return (
            self.region in ("", one.province, one.regency)
            and self.sector in ("", one.sector)
            and self.cluster in ("", one.cluster)
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A supplier of a group: how it stands at T, and how it stood at the month end before.

    `rows`: its sums at T. `before`, `published_before`: score and published grade at `since`.
    """

    supplier: Supplier
    rows: Rows
    at: Assessed
    published: Letter | None
    before: Score
    published_before: Letter | None

    def as_json(self) -> dict[str, Any]:
        """Return how it stands, in short."""
        return {
            "supplier_id": self.supplier.supplier_id,
            "name": self.supplier.name,
            "score": nearest(self.at.score.value),
            "provisional": self.at.grade.insufficient,
            "grade": self.at.grade.value,
            "published": self.published,
        }

    def in_its_cluster(self) -> dict[str, Any]:
        """Return how it stands and where, with its weakest pillar and by how much it is judged."""
        return {
            **self.as_json(),
            "province": self.supplier.province,
            "regency": self.supplier.regency,
            "sector": self.supplier.sector,
            "weakest_pillar": self._weakest(),
            "matured_lines": self.at.sums.matured_lines,
        }

    def move(self) -> dict[str, Any]:
        """Return from which published grade to which it moved, and what changed most."""
        return {
            "supplier_id": self.supplier.supplier_id,
            "name": self.supplier.name,
            "from": self.published_before,
            "to": self.published,
            "gates": list(self.at.grade.gates),
            "figure": _changed_most(self.before, self.at.score),
        }

    def _weakest(self) -> str | None:
        known = {name: x for name, x in self.at.score.pillars.items() if x is not None}
        return min(known, key=lambda name: known[name], default=None)


class _MonthEnds:
    """Grades of month ends: those that the exact score gives, mostly without its arithmetic.

    A thousand suppliers have tens of thousands of month ends, of which a letter alone is asked.
    """

    def __init__(self, policy: Policy, ends: Sequence[date]) -> None:
        self._policy = policy
        self.ends = ends
        self._thresholds = [float(one) for one in (policy.grade.A, policy.grade.B, policy.grade.C)]
        self._points = {
            key: [(float(x), float(y)) for x, y in scale.points]
            for key, scale in policy.scales.items()
        }
        self._weights: dict[tuple[str, ...], dict[str, float]] = {}

    def grade(self, end: date, rows: Mapping[date, Rows]) -> Grade:
        """Return the grade at a month end."""
        sums = FigureSums.of(end, rows.get(end, []))
        if sums.matured_lines < self._policy.grade.min_lines:
            return _NOTHING
        near = self._score(sums)
        if any(abs(near - one) < _TELLING for one in self._thresholds):
            return grade_sums(self._policy, sums)[1]
        return grade_at(
            self._policy,
            Score(Fraction(near), {}, {}),
            matured_lines=sums.matured_lines,
            matured_months=sums.matured_months,
            line_stops=sums.line_stops,
            overdue_step=sums.overdue_step,
        )

    def _score(self, sums: FigureSums) -> float:
        """Return the score to about 12 digits; a matured line gives at least one figure a value."""
        ratios = sums.ratios()
        values = {
            key: one.scale * float(one.numerator) / float(one.denominator)
            for key in self._points
            if (one := ratios[key]).denominator
        }
        weights = self._weights_of(tuple(values))
        return sum(weights[key] * _points(self._points[key], values[key]) for key in values) / 100

    def _weights_of(self, valued: tuple[str, ...]) -> dict[str, float]:
        if valued not in self._weights:
            anything = {key: Fraction(0) if key in valued else None for key in self._points}
            keys = score(self._policy, anything).keys
            self._weights[valued] = {key: float(keys[key].weight) for key in valued}
        return self._weights[valued]


def _points(pairs: Sequence[tuple[float, float]], value: float) -> float:
    if value <= pairs[0][0]:
        return pairs[0][1]
    for (x0, y0), (x1, y1) in pairwise(pairs):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return pairs[-1][1]


@dataclass(frozen=True, slots=True)
class Programme:
    """Reads figures of groups of suppliers under the policy of a reader of scorecards."""

    reader: Reader

    def summary(self, selection: Selection, wanted: Filter, top: int) -> dict[str, Any]:
        """Return what is to be said of all suppliers that are wanted, together."""
        members = self.members(selection, self._wanted(selection, wanted))
        return {
            **self._heading(selection),
            "region": wanted.region or None,
            "sector": wanted.sector or None,
            "cluster": wanted.cluster or None,
            **_summary(self.reader.policy, selection.as_of, members, top),
        }

    def clusters(
        self, selection: Selection, wanted: Filter, top: int, limit: int, offset: int
    ) -> dict[str, Any]:
        """Return the same by cluster, by name; those without one come last, under null."""
        groups = _by_cluster(self._wanted(selection, wanted))
        shown = list(groups)[offset : offset + limit]
        members = self.members(selection, [one for name in shown for one in groups[name]])
        of = {name: [m for m in members if (m.supplier.cluster or None) == name] for name in shown}
        policy, day = self.reader.policy, selection.as_of
        return {
            **self._heading(selection),
            "region": wanted.region or None,
            "sector": wanted.sector or None,
            **_page(len(groups), offset, len(shown)),
            "clusters": [
                {"cluster": name, **_summary(policy, day, of[name], top)} for name in shown
            ],
        }

    def cluster(
        self, selection: Selection, cluster: str, top: int, limit: int, offset: int
    ) -> dict[str, Any] | None:
        """Return what is to be said of one cluster, and its members; None where nobody is in it."""
        wanted = self._wanted(selection, Filter(cluster=cluster)) if cluster else []
        if not wanted:
            return None
        members = self.members(selection, wanted)
        shown = members[offset : offset + limit]
        return {
            **self._heading(selection),
            "cluster": cluster,
            **_summary(self.reader.policy, selection.as_of, members, top),
            **_page(len(members), offset, len(shown)),
            "members": [one.in_its_cluster() for one in shown],
        }

    def members(self, selection: Selection, suppliers: Sequence[Supplier]) -> list[Member]:
        """Assess suppliers at a day and at the month end before it, by two queries in all."""
        if not suppliers:
            return []
        names = [one.supplier_id for one in suppliers]
        # An empty list asks for all: what is of others is then left aside here.
        asked = Selection(
            selection.as_of,
            selection.window_days,
            names if len(names) <= _NAMED else [],
            selection.buyers,
        )
        partner = _by(self.reader.store.partner_facts(asked), "supplier_id")
        begins = [day for name in names if (day := first_day(partner.get(name, []))) is not None]
        ends = month_ends(min(begins), asked.as_of) if begins else []
        sums = _by(self._sums(asked, ends), "supplier_id")
        graded = _MonthEnds(self.reader.policy, ends)
        return [
            self._member(
                graded,
                asked,
                one,
                _by(sums.get(one.supplier_id, []), "as_of"),
                partner.get(one.supplier_id, []),
            )
            for one in suppliers
        ]

    def _member(
        self,
        graded: _MonthEnds,
        selection: Selection,
        supplier: Supplier,
        rows: Mapping[date, Rows],
        partner: Rows,
    ) -> Member:
        policy, day, before = self.reader.policy, selection.as_of, month_end_before(selection.as_of)
        now, then = rows.get(day, []), rows.get(before, [])
        sums = FigureSums.of(day, now)
        at = assess(policy, day, {day: sums}, partner, one_buyer=bool(selection.buyers))
        scored, grade = grade_sums(policy, FigureSums.of(before, then))
        known = {day: at.grade, before: grade}
        ends = [(end, known.get(end) or graded.grade(end, rows)) for end in graded.ends]
        return Member(
            supplier,
            now,
            at,
            published(policy, [one for _, one in ends], at.grade),
            scored,
            published(policy, [one for end, one in ends if end <= before], grade),
        )

    def _sums(self, selection: Selection, ends: Sequence[date]) -> Rows:
        store, day = self.reader.store, selection.as_of
        return store.warehouse.rows(
            sql("programme_sums"),
            {
                **selection.partners,
                "rules": store.rules.id,
                "at": day,
                "as_ofs": sorted({*ends, month_end_before(day), day}),
                "window_days": selection.window_days,
                "concentration_days": store.policy.concentration.days,
            },
        )

    def _wanted(self, selection: Selection, wanted: Filter) -> list[Supplier]:
        _, found = self.reader.suppliers(buyers=selection.buyers, limit=_ALL)
        return [one for one in found if wanted.takes(one)]

    def _heading(self, selection: Selection) -> dict[str, Any]:
        return {
            "as_of": selection.as_of.isoformat(),
            "window": {"from": selection.start.isoformat(), "to": selection.as_of.isoformat()},
            "buyer_id": selection.buyers[0] if selection.buyers else None,
            "policy_version": self.reader.policy.version,
            "computed_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }


def month_end_before(day: date) -> date:
    """Return the last first of a month before a day."""
    return (day - timedelta(days=1)).replace(day=1)


def _summary(policy: Policy, as_of: date, members: Sequence[Member], top: int) -> dict[str, Any]:
    sums = FigureSums.of(as_of, chain.from_iterable(one.rows for one in members))
    figures = sums.figures(policy, one_buyer=True)
    # Too few lines to judge by are too few to be held up, or down, before others.
    ranked = sorted((one for one in members if not one.at.grade.insufficient), key=_place)
    moved = [one for one in members if one.published != one.published_before]
    return {
        "suppliers": len(members),
        "kpis": {key: figures[key].as_json() for key in (*sums.ratios(), *COUNTS)},
        "grades": {
            "published": _letters((one.published for one in members), "none"),
            "at_as_of": _letters((one.at.grade.value for one in members), "insufficient"),
        },
        "stages": _stages(members),
        "moved": {
            "since": month_end_before(as_of).isoformat(),
            "suppliers": [one.move() for one in moved],
        },
        "lead": [one.as_json() for one in ranked[:top]],
        "lag": [one.as_json() for one in ranked[::-1][:top]],
    }


def _place(member: Member) -> tuple[Fraction, str]:
    return (-(member.at.score.value or Fraction(0)), member.supplier.supplier_id)


def _letters(grades: Iterable[Letter | None], without: str) -> dict[str, int]:
    found = Counter(grades)
    return {**{letter: found[letter] for letter in LETTERS}, without: found[None]}


def _stages(members: Iterable[Member]) -> list[dict[str, Any]]:
    found: dict[str, Counter[str]] = {}
    for one in members:
        for stage in one.at.stages:
            found.setdefault(stage.assessor, Counter())[stage.value] += 1
    return [
        {"assessor": name, "stages": {stage: found[name][stage] for stage in STAGES}}
        for name in sorted(found)
    ]


def _changed_most(before: Score, after: Score) -> dict[str, Any] | None:
    """Return the figure that adds the most points more or less than before; None where none."""
    then, now = _contributions(before), _contributions(after)
    kpi = max(now, key=lambda key: abs(now[key] - then[key]))
    if now[kpi] == then[kpi]:
        return None
    return {
        "kpi": kpi,
        "from": float(then[kpi]),
        "to": float(now[kpi]),
        "change": float(now[kpi] - then[kpi]),
    }


def _contributions(score: Score) -> dict[str, Fraction]:
    """Return how many of the score's points each figure adds; they make the score."""
    return {
        key: Fraction(0) if one.points is None else one.points * one.weight / 100
        for key, one in score.keys.items()
    }


def _by_cluster(suppliers: Iterable[Supplier]) -> dict[str | None, list[Supplier]]:
    found: dict[str | None, list[Supplier]] = {}
    for one in suppliers:
        found.setdefault(one.cluster or None, []).append(one)
    names = sorted(found, key=lambda name: (name is None, (name or "").casefold(), name or ""))
    return {name: found[name] for name in names}


def _page(total: int, offset: int, shown: int) -> dict[str, Any]:
    end = offset + shown
    return {"total": total, "next_offset": end if end < total and shown else None}


def _by(rows: Rows, column: str) -> dict[Any, Rows]:
    found: dict[Any, Rows] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found
