"""Opens a store that no running Rantai serves, for a command that works on it by itself."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from services.cli.data_dir import hold_data_dir
from services.cli.endpoint import exit_with_error
from services.settings import Settings
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable


@contextmanager
def offline_store(
    settings: Settings, data_dir: Path, work: str, command: str
) -> Iterator[ClickHouse]:
    """Yield the ClickHouse that the settings name, or else the store in a data directory.

    `work` names what is done, in messages; `command` names this process to others that want the
    directory. Ends the command with a message if there is no store, or if the store fails. Raises
    SettingsError if the directory can't be used.
    """
    if not settings.clickhouse_url and not (data_dir / "store").exists():
        raise exit_with_error(f"{data_dir} has no store")
    try:
        with ExitStack() as stack:
            if settings.clickhouse_url:
                cluster = settings.clickhouse_cluster
                clickhouse = ClickHouse(url=settings.clickhouse_url, cluster=cluster)
            else:
                stack.enter_context(hold_data_dir(data_dir, command))
                clickhouse = ClickHouse(path=data_dir / "store")
            stack.callback(clickhouse.close)
            yield clickhouse
    except (StoreUnavailable, StoreRefused) as error:
        raise exit_with_error(f"the {work} failed: {error}", code=1) from None
