"""Rebuilding every derived table from the ledger."""

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
    """Drop every derived table and fill it again from the ledger; return the number of tables.

    The ledger and the durable tables stay. Events that arrive meanwhile are not lost, because the
    views exist before the filling begins. Figures are incomplete until the rebuild ends; one that
    is interrupted is completed by the next `migrate`, which runs at the next start.
    """
    placement = placement or Placement()
    derived = [migration for migration in migrations() if migration.derived]
    numbers = ", ".join(str(migration.number) for migration in derived)
    # First of all: if this process dies halfway, the next migration finishes the rebuild.
    forget = f"DELETE FROM {clickhouse.stored('migrations')} WHERE number IN ({numbers})"  # noqa: S608
    clickhouse.command(forget)
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
    def report(table: str, done: int, total: int) -> None:
        REBUILD_STEPS.set(total)
        REBUILD_LEFT.set(total - done)
        if progress is not None:
            progress(table, done, total)

    return report
