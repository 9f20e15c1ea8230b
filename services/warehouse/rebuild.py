"""Deriving tables from the ledger: what an interrupted batch lacks, or all of it anew.

The SELECT of every derived table is the one of its materialised view, asked back from the store,
so that what is rebuilt and what is kept up to date can't drift apart.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from services.warehouse.client import Warehouse, sql
from services.warehouse.migrate import Placement, migrations, replace_views

VIEW_SUFFIX: Final = "_of_events"
_BATCHES_A_TURN: Final = 200

Progress = Callable[[str, int, int], None]
"""Told the table at hand, how many are done, and how many there are."""


def derive(warehouse: Warehouse, batches: Sequence[UUID]) -> None:
    """Derive again what these batches brought; rows that are there already are replaced."""
    for start in range(0, len(batches), _BATCHES_A_TURN):
        some = batches[start : start + _BATCHES_A_TURN]
        listed = ", ".join(f"'{batch}'" for batch in some)
        for view in derived_views(warehouse):
            _fill(warehouse, view, f"batch IN ({listed})")


def rebuild(
    warehouse: Warehouse, placement: Placement | None = None, progress: Progress | None = None
) -> int:
    """Drop everything but the ledger and what is durable beside it, and make it anew.

    Returns the number of derived tables. Events that arrive meanwhile are kept: the views are
    there before the filling begins. Figures are incomplete until it ends.
    """
    placement = placement or Placement()
    for view in derived_views(warehouse):
        warehouse.command(placement.fill(f"DROP VIEW {view['name']} $on_cluster SYNC"))
        table = str(view["name"]).removesuffix(VIEW_SUFFIX)
        warehouse.command(placement.fill(f"DROP TABLE {table} $on_cluster SYNC"))
    for migration in migrations():
        if migration.derived:
            for statement in migration.statements():
                warehouse.command(placement.fill(statement))
    replace_views(warehouse, placement)
    views = derived_views(warehouse)
    for done, view in enumerate(views):
        if progress is not None:
            progress(str(view["name"]).removesuffix(VIEW_SUFFIX), done, len(views))
        _fill(warehouse, view, "1")
    return len(views)


def derived_views(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return name and SELECT of every materialised view over the ledger."""
    return warehouse.rows(sql("derived_views"), {"database": warehouse.database})


def _fill(warehouse: Warehouse, view: dict[str, Any], condition: str) -> None:
    table = str(view["name"]).removesuffix(VIEW_SUFFIX)
    # The filter is put on the ledger inside the view's own SELECT; FINAL lets the first of two
    # conflicting rows stand, as it does for a reader of the ledger.
    escaped = condition.replace("\\", "\\\\").replace("'", "\\'")
    warehouse.command(
        f"INSERT INTO {table} {view['as_select']} "
        f"SETTINGS final = 1, "
        f"additional_table_filters = {{'{warehouse.database}.events': '{escaped}'}}"
    )
