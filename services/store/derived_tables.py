"""Filling derived tables from the ledger with the SELECT of their own materialised views.

The SELECT is read back from the store, so that a later fill and the view that keeps the table up
to date can't drift apart.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.store.client import ClickHouse
from services.store.sharding import LOCAL
from services.store.sql_files import sql

VIEW_SUFFIX: Final = "_of_events"
_BATCHES_A_TURN: Final = 200


def derive_batches(clickhouse: ClickHouse, batches: Sequence[UUID]) -> None:
    """Write the derived rows of these batches again; existing rows are replaced."""
    selects = derived_selects(clickhouse)
    for start in range(0, len(batches), _BATCHES_A_TURN):
        some = batches[start : start + _BATCHES_A_TURN]
        listed = ", ".join(f"'{batch}'" for batch in some)
        for table, select in selects.items():
            _fill(clickhouse, table, select, f"batch IN ({listed})")


def fill_table(clickhouse: ClickHouse, table: str) -> None:
    """Fill a derived table from the whole ledger; existing rows are replaced."""
    if clickhouse.rows("SELECT 1 FROM events LIMIT 1"):
        _fill(clickhouse, table, derived_selects(clickhouse)[table], "1")


def derived_selects(clickhouse: ClickHouse) -> dict[str, str]:
    """Return the SELECT that fills each derived table of the store, by table name."""
    rows = clickhouse.rows(sql("derived_views"), {"database": clickhouse.database})
    selects = {str(row["name"]).removesuffix(VIEW_SUFFIX): str(row["as_select"]) for row in rows}
    if clickhouse.cluster is None:
        return selects
    # A view reads the ledger rows of its own shard; a later fill has to read those of all shards.
    ledger = f"{clickhouse.database}.events"
    return {
        table: select.replace(f"FROM {ledger}{LOCAL}", f"FROM {ledger}")
        for table, select in selects.items()
    }


def _fill(clickhouse: ClickHouse, table: str, select: str, condition: str) -> None:
    # `additional_table_filters` puts the condition on the ledger inside the view's SELECT. FINAL
    # keeps the first of two conflicting rows, as it does for every reader of the ledger.
    escaped = condition.replace("\\", "\\\\").replace("'", "\\'")
    clickhouse.command(
        f"INSERT INTO {table} {select} "
        f"SETTINGS final = 1, "
        f"additional_table_filters = {{'{clickhouse.database}.events': '{escaped}'}}"
    )
