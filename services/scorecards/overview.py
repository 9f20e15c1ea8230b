"""The overview: suppliers by cluster, for the programme, or a buyer's own for the buyer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from schemas.catalogue import Role
from services.access.links import LinkHolder, Links
from services.readiness.figures import Figure
from services.scorecards import asking, wording
from services.scorecards.api import blocking
from services.scorecards.asking import View
from services.scorecards.reading import Facts, Reader, Supplier

ROWS: Final = 25
"""Rows of one part of a list, so that a page stays light."""

_ALL: Final = 2**31
_EVERYONE: Final = "Semua pemasok"
SHOWN: Final = ("otif", "mean_days_late", "ppm", "lot_acceptance")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """A part of a list, and where it stands in the whole."""

    rows: Sequence[Row]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many parts there are; a list without rows has one."""
        return max(1, -(-self.total // ROWS))


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A cluster with the figures of its suppliers taken together; no name = without a cluster."""

    name: str | None
    suppliers: int
    said: dict[str, wording.Said]


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """A supplier with its figures, and the address of its page where the reader may open it."""

    supplier: Supplier
    said: dict[str, wording.Said]
    address: str | None


async def context(reader: Reader, links: Links, holder: LinkHolder, view: View) -> dict[str, Any]:
    """Read everything that the overview shows to the holder of a link."""
    # Whose orders count is the link's to say, never the address's.
    view = replace(view, buyer_id=None)
    buyers = [holder.partner] if holder.role is Role.BUYER else []
    selection = view.selection([], buyers)
    facts, (_, suppliers), newest, names = await asyncio.gather(
        blocking(lambda: reader.facts(selection)),
        blocking(lambda: reader.suppliers(buyers=buyers, limit=_ALL)),
        blocking(lambda: reader.newest(selection)),
        blocking(lambda: reader.names([holder.partner])),
    )
    chosen = [one for one in suppliers if view.cluster in ("", one.cluster)]
    part = _part(chosen, view.page)
    # A supplier's own page shows all its buyers: a buyer gets no way there.
    linked = None if holder.role is Role.BUYER else links
    return {
        "title": f"Pemasok {names.get(holder.partner, holder.partner)}" if buyers else _EVERYONE,
        "for_buyer": bool(buyers),
        "mixed_units": wording.MIXED_UNITS,
        "titles": wording.TITLES,
        "clusters": _part(_clusters(facts, suppliers), view.cluster_page),
        "everyone": _said(facts.figures(one.supplier_id for one in chosen)),
        "suppliers": Part(
            [_row(facts, one, linked, view) for one in part.rows], part.total, part.page
        ),
        **asking.heading(view, reader, newest),
    }


def _clusters(facts: Facts, suppliers: Sequence[Supplier]) -> list[ClusterRow]:
    members: dict[str, list[str]] = {}
    for one in suppliers:
        members.setdefault(one.cluster or "", []).append(one.supplier_id)
    # Those without a cluster come last.
    return [
        ClusterRow(name or None, len(members[name]), _said(facts.figures(members[name])))
        for name in sorted(members, key=lambda name: (name == "", name.casefold()))
    ]


def _row(facts: Facts, supplier: Supplier, links: Links | None, view: View) -> SupplierRow:
    address = None
    if links is not None:
        token = links.token(LinkHolder(Role.SUPPLIER, supplier.supplier_id))
        address = f"/s/{token}{view.but(cluster='', page=1, cluster_page=1)}"
    return SupplierRow(supplier, _said(facts.figures([supplier.supplier_id])), address)


def _said(figures: dict[str, Figure]) -> dict[str, wording.Said]:
    return {key: wording.say(key, figures[key]) for key in SHOWN}


def _part(rows: Sequence[Row], page: int) -> Part[Row]:
    # A page past the end, from an old link, shows the last one.
    last = max(1, -(-len(rows) // ROWS))
    page = min(page, last)
    return Part(rows[(page - 1) * ROWS : page * ROWS], len(rows), page)
