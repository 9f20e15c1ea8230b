"""`rantai rebuild`: drops every derived table and rebuilds it from the ledger."""

from pathlib import Path

import typer

from services.cli.data_dir import read_run_file
from services.cli.endpoint import endpoint
from services.cli.long_work import OnProgress, follow_work, progress_bar
from services.cli.offline_store import offline_store
from services.cli.options import DATA_DIR, DataDir, ProgrammeKey, Url
from services.readiness.chosen import policy_of
from services.readiness.rules import Rules
from services.settings import Settings
from services.store.migrate import Placement, migrate
from services.store.rebuild import rebuild as rebuild_store


def rebuild(
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: ProgrammeKey = None,
) -> None:
    """Drop every derived table and rebuild it from the ledger. Figures are incomplete meanwhile.

    If `rantai up` runs on the data directory, it does the rebuild; otherwise the store is opened
    here.

    Example: rantai rebuild --data-dir var/rantai
    """
    with progress_bar("Rebuilding") as on_progress:
        if url is None and read_run_file(data_dir) is None:
            tables = _offline(data_dir, on_progress)
        else:
            tables = follow_work(
                endpoint(url, key, data_dir),
                "/v1/rebuild",
                on_progress,
                name="rebuild",
                step="table",
                result="tables",
            )
    typer.echo(f"{tables} tables rebuilt from the ledger.")


def _offline(data_dir: Path, on_progress: OnProgress) -> int:
    settings = Settings.from_environment()
    rules = Rules.of(policy_of(settings))
    with offline_store(settings, data_dir, "rebuild", "rantai rebuild") as clickhouse:
        placement = Placement(settings.clickhouse_cluster, settings.fsync and clickhouse.embedded)
        migrate(clickhouse, placement, rules=rules)
        return rebuild_store(clickhouse, placement, on_progress, rules)
