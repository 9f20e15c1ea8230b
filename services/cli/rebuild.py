"""`rantai rebuild`: drops every derived table and rebuilds it from the ledger."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import Progress

from services.cli.data_dir import hold_data_dir, read_run_file
from services.cli.endpoint import endpoint, exit_with_error
from services.readiness.chosen import policy_of
from services.readiness.rules import Rules
from services.settings import Settings, SettingsError
from services.store.client import ClickHouse
from services.store.migrate import OnTableProgress as Progressing
from services.store.migrate import Placement, migrate
from services.store.rebuild import rebuild as rebuild_store


def rebuild(
    data_dir: Annotated[Path, typer.Option(envvar="RANTAI_DATA_DIR")] = Path("var/rantai"),
    url: Annotated[str | None, typer.Option(help="URL of another running Rantai")] = None,
    key: Annotated[str | None, typer.Option(envvar="RANTAI_KEY", help="programme key")] = None,
) -> None:
    """Drop every derived table and rebuild it from the ledger. Figures are incomplete meanwhile.

    If `rantai up` runs on the data directory, it does the rebuild; otherwise the store is opened
    here.

    Example: rantai rebuild --data-dir var/rantai
    """
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Rebuilding", total=None)

        def tell(table: str, done: int, total: int) -> None:
            bar.update(task, description=table, completed=done, total=total)

        if url is None and read_run_file(data_dir) is None:
            tables = _offline(data_dir, tell)
        else:
            tables = _online(url, key, data_dir, tell)
        bar.update(task, description="done", completed=tables, total=tables)
    typer.echo(f"{tables} tables rebuilt from the ledger.")


def _offline(data_dir: Path, tell: Progressing) -> int:
    try:
        settings = Settings.from_environment()
        if settings.clickhouse_url:
            clickhouse = ClickHouse(
                url=settings.clickhouse_url, cluster=settings.clickhouse_cluster
            )
            return _rebuilt(clickhouse, settings, tell)
        if not (data_dir / "store").exists():
            raise exit_with_error(f"{data_dir} has no store")
        with hold_data_dir(data_dir, "rantai rebuild"):
            return _rebuilt(ClickHouse(path=data_dir / "store"), settings, tell)
    except SettingsError as error:
        raise exit_with_error(str(error)) from None


def _rebuilt(clickhouse: ClickHouse, settings: Settings, tell: Progressing) -> int:
    with closing(clickhouse):
        placement = Placement(settings.clickhouse_cluster, settings.fsync and clickhouse.embedded)
        rules = Rules.of(policy_of(settings))
        migrate(clickhouse, placement, rules=rules)
        return rebuild_store(clickhouse, placement, tell, rules)


def _online(url: str | None, key: str | None, data_dir: Path, tell: Progressing) -> int:
    where = endpoint(url, key, data_dir)
    headers = {"Authorization": f"Bearer {where.key}"}
    with httpx.stream("POST", where.url + "/v1/rebuild", headers=headers, timeout=None) as answer:  # noqa: S113
        if answer.status_code != 200:
            answer.read()
            raise exit_with_error(f"{answer.status_code}: {answer.json().get('detail', '')}")
        for line in answer.iter_lines():
            row = json.loads(line)
            if "table" in row:
                tell(row["table"], row["done"], row["total"])
            elif row["finished"]:
                return int(row["tables"])
            else:
                raise exit_with_error(f"the rebuild failed: {row['error']}", code=1)
    raise exit_with_error("the connection ended before the rebuild did; run it again", code=1)
