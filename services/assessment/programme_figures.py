"""Computes the programme's figures: groups of suppliers, clusters, and whose grade moved.

A group's figures are computed from the added sums of its suppliers, never from their figures.
Nothing here is derived from prices. Everything blocks; async callers use a thread.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, Final

from schemas.fields import utc_text
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader, Supplier
from services.readiness.month_ends import month_end_before
from services.readiness.policy_parts import LETTERS, Letter
from services.readiness.score import changed_most
from services.readiness.stage import STAGES
from services.readiness.summary import Summary, pooled

_ALL: Final = 2**31


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects suppliers; empty fields match any. `region`: the name of a province or regency."""

    region: str = ""
    sector: str = ""
    cluster: str = ""

    def takes(self, one: Supplier) -> bool:
        """Return whether the filter matches a supplier."""
        return (
            self.region in ("", one.province, one.regency)
            and self.sector in ("", one.sector)
            and self.cluster in ("", one.cluster)
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A supplier of a group, with its summaries at T and at the month end before T."""

    supplier: Supplier
    at: Summary
    before: Summary

    def as_json(self) -> dict[str, Any]:
        """Return id, name, score and grades as JSON."""
        return {
            "supplier_id": self.supplier.supplier_id,
            "name": self.supplier.name,
            "score": self.at.value,
            "provisional": self.at.grade is None,
            "grade": self.at.grade,
            "published": self.at.published,
        }

    def in_its_cluster(self) -> dict[str, Any]:
        """Return `as_json` plus place, sector, weakest pillar and number of matured lines."""
        return {
            **self.as_json(),
            "province": self.supplier.province,
            "regency": self.supplier.regency,
            "sector": self.supplier.sector,
            "weakest_pillar": self.at.weakest_pillar,
            "matured_lines": self.at.matured_lines,
        }

    def move(self) -> dict[str, Any]:
        """Return the change of its published grade as JSON, and the figure that changed most."""
        return {
            "supplier_id": self.supplier.supplier_id,
            "name": self.supplier.name,
            "from": self.before.published,
            "to": self.at.published,
            "gates": list(self.at.gates),
            "figure": _changed_most(self.before.adds, self.at.adds),
        }


@dataclass(frozen=True, slots=True)
class Programme:
    """Reads figures of groups of suppliers under the policy of `reader`.

    Raises StoreUnavailable, StoreRefused.
    """

    reader: ScorecardReader

    def summary(self, selection: Selection, wanted: Filter, top: int) -> dict[str, Any]:
        """Return the pooled figures of the suppliers that the filter matches, as JSON.

        `top`: how many leading and lagging suppliers to list. The selection's own suppliers are
        ignored; its buyers restrict the suppliers to theirs.
        """
        members = self.members(selection, self._wanted(selection, wanted))
        return {
            **self._heading(selection),
            "region": wanted.region or None,
            "sector": wanted.sector or None,
            "cluster": wanted.cluster or None,
            **_summary(selection.as_of, members, top),
        }

    def clusters(
        self, selection: Selection, wanted: Filter, top: int, limit: int, offset: int
    ) -> dict[str, Any]:
        """Return the same by cluster, a page of clusters sorted by name.

        Suppliers without a cluster come last, under null.
        """
        groups = _by_cluster(self._wanted(selection, wanted))
        shown = list(groups)[offset : offset + limit]
        members = self.members(selection, [one for name in shown for one in groups[name]])
        of = {name: [m for m in members if (m.supplier.cluster or None) == name] for name in shown}
        day = selection.as_of
        return {
            **self._heading(selection),
            "region": wanted.region or None,
            "sector": wanted.sector or None,
            **_page(len(groups), offset, len(shown)),
            "clusters": [{"cluster": name, **_summary(day, of[name], top)} for name in shown],
        }

    def cluster(
        self, selection: Selection, cluster: str, top: int, limit: int, offset: int
    ) -> dict[str, Any] | None:
        """Return the same for one cluster, with a page of its members; None if it is empty."""
        wanted = self._wanted(selection, Filter(cluster=cluster)) if cluster else []
        if not wanted:
            return None
        members = self.members(selection, wanted)
        shown = members[offset : offset + limit]
        return {
            **self._heading(selection),
            "cluster": cluster,
            **_summary(selection.as_of, members, top),
            **_page(len(members), offset, len(shown)),
            "members": [one.in_its_cluster() for one in shown],
        }

    def members(self, selection: Selection, suppliers: Sequence[Supplier]) -> list[Member]:
        """Return suppliers with their summaries at the selection's date and month end before it."""
        names = [one.supplier_id for one in suppliers]
        scoped = replace(selection, suppliers=names)
        standings = self.reader.standings
        at = standings.summaries(scoped)
        before = standings.summaries(replace(scoped, as_of=month_end_before(scoped.as_of)))
        return [Member(one, at[one.supplier_id], before[one.supplier_id]) for one in suppliers]

    def _wanted(self, selection: Selection, wanted: Filter) -> list[Supplier]:
        _, found = self.reader.suppliers(buyers=selection.buyers, limit=_ALL)
        return [one for one in found if wanted.takes(one)]

    def _heading(self, selection: Selection) -> dict[str, Any]:
        return {
            **selection.heading,
            "policy_version": self.reader.policy.version,
            "computed_at": utc_text(datetime.now(UTC).replace(microsecond=0)),
        }


def _summary(as_of: date, members: Sequence[Member], top: int) -> dict[str, Any]:
    # A supplier with too few lines for a grade is not ranked, neither first nor last.
    ranked = sorted((one for one in members if one.at.grade is not None), key=_place)
    moved = [one for one in members if one.at.published != one.before.published]
    return {
        "suppliers": len(members),
        "kpis": pooled(one.at for one in members),
        "grades": {
            "published": _letters((one.at.published for one in members), "none"),
            "at_as_of": _letters((one.at.grade for one in members), "insufficient"),
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
    return (-(member.at.score or Fraction(0)), member.supplier.supplier_id)


def _letters(grades: Iterable[Letter | None], without: str) -> dict[str, int]:
    found = Counter(grades)
    return {**{letter: found[letter] for letter in LETTERS}, without: found[None]}


def _stages(members: Iterable[Member]) -> list[dict[str, Any]]:
    found: dict[str, Counter[str]] = {}
    for one in members:
        for assessor, stage in one.at.stages.items():
            found.setdefault(assessor, Counter())[stage] += 1
    return [
        {"assessor": name, "stages": {stage: found[name][stage] for stage in STAGES}}
        for name in sorted(found)
    ]


def _changed_most(
    then: Mapping[str, Fraction], now: Mapping[str, Fraction]
) -> dict[str, Any] | None:
    """Return as JSON the figure whose points changed most; None if none changed."""
    kpi, change = changed_most(then, now)
    if kpi is None:
        return None
    return {
        "kpi": kpi,
        "from": float(then[kpi]),
        "to": float(now[kpi]),
        "change": float(change),
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
