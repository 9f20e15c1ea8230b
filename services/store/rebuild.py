"""Making every derived table anew from the ledger."""

from services.readiness.rules import DEFAULT_RULES, Rules
from services.store.client import ClickHouse
from services.store.derived_tables import VIEW_SUFFIX, derived_selects
from services.store.migrate import OnTableProgress, Placement, migrate, migrations
from services.telemetry.metrics import REBUILD_LEFT, REBUILD_STEPS


def rebuild(
    clickhouse: ClickHouse,
    placement: Placement | None = None,
    progress: OnTableProgress | None = None,
    rules: Rules = DEFAULT_RULES,
) -> int:
    """Drop everything but the ledger and what is durable beside it, and make it anew.

    Returns the number of derived tables. Events that arrive meanwhile are kept: the views are
    there before the filling begins. Figures are incomplete until it ends; one that is cut off is
    completed by the next migration, so by the next start.
    """
    placement = placement or Placement()
    derived = [migration for migration in migrations() if migration.derived]
    numbers = ", ".join(str(migration.number) for migration in derived)
    # First of all: from here on a migration does what this process may not live to finish.
    marks = f"DELETE FROM {clickhouse.stored('migrations')} WHERE number IN ({numbers})"  # noqa: S608
    clickhouse.command(marks)
    tables = {table for migration in derived for table in migration.tables}
    for table in sorted(tables | derived_selects(clickhouse).keys()):
        clickhouse.command(
            placement.fill(f"DROP VIEW IF EXISTS {table}{VIEW_SUFFIX} $on_cluster SYNC")
        )
        for name in placement.tables(table):
            clickhouse.command(placement.fill(f"DROP TABLE IF EXISTS {name} $on_cluster SYNC"))
    try:
        migrate(clickhouse, placement, _measured(progress), rules)
    finally:
        REBUILD_STEPS.set(0)
        REBUILD_LEFT.set(0)
    return len(tables)


def _measured(progress: OnTableProgress | None) -> OnTableProgress:
    def tell(table: str, done: int, total: int) -> None:
        REBUILD_STEPS.set(total)
        REBUILD_LEFT.set(total - done)
        if progress is not None:
            progress(table, done, total)

    return tell
