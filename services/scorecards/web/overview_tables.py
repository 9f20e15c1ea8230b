"""The overview's tables as files: suppliers and clusters with their figures, every row of them."""

from collections.abc import Sequence
from typing import Final

from fastapi.responses import Response

from schemas.catalogue import Role
from services.scorecards.api import blocking
from services.scorecards.reading import Facts, Supplier
from services.scorecards.web import tables
from services.scorecards.web.asking import View
from services.scorecards.web.kpi_words import ratio_cells, ratio_columns
from services.scorecards.web.tables import Cell, Column, Kind, Row, Table, Wanted
from services.scorecards.web.visiting import Visit

_ALL: Final = tables.MOST_ROWS + 1


async def answer(visit: Visit, wanted: Wanted, view: View) -> Response:
    """Return the table of an overview that is asked for. Raises Unreadable."""
    holder = visit.visitor
    buyers = [holder.partner] if holder.role is Role.BUYER else []
    if wanted.key not in ("suppliers", "clusters"):
        raise tables.no_such(wanted)
    table = await blocking(lambda: _table(visit, wanted.key, view, buyers))
    return await tables.answer(visit, wanted, table)


def _table(visit: Visit, key: str, view: View, buyers: list[str]) -> Table:
    reader, language = visit.site.reader, visit.language
    facts = reader.facts(view.selection([], buyers))
    _, suppliers = reader.suppliers(buyers=buyers, limit=_ALL)
    if key == "clusters":
        title, rows = language.text("Clusters"), _clusters(facts, suppliers)
        first = [Column(language.text("Cluster")), Column(language.text("Suppliers"), Kind.COUNT)]
    else:
        chosen = [one for one in suppliers if view.cluster in ("", one.cluster)]
        title, rows = language.text("Suppliers"), [_supplier(facts, one) for one in chosen]
        first = [
            Column(language.text("Supplier's id")),
            Column(language.text("Name")),
            Column(language.text("Cluster")),
            Column(language.text("Regency")),
        ]
    columns = [*first, *ratio_columns(language)]
    return Table(key, title, columns, rows, visit.visitor.partner, view.as_of)


def _clusters(facts: Facts, suppliers: Sequence[Supplier]) -> list[Row]:
    members: dict[str, list[str]] = {}
    for one in suppliers:
        members.setdefault(one.cluster or "", []).append(one.supplier_id)
    return [
        [name or None, len(members[name]), *_figures(facts, members[name])]
        for name in sorted(members, key=lambda name: (name == "", name.casefold()))
    ]


def _supplier(facts: Facts, one: Supplier) -> Row:
    figures = _figures(facts, [one.supplier_id])
    return [one.supplier_id, one.name, one.cluster, one.regency, *figures]


def _figures(facts: Facts, suppliers: Sequence[str]) -> list[Cell]:
    return ratio_cells(facts.figures(suppliers))
