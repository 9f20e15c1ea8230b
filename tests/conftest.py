"""What all tests share: the one store that a process can open, and databases in it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings

from services.store import client
from services.store.client import ClickHouse
from services.store.migrate import Placement, migrate

# Neither UTC nor a site's zone: a time that is taken for the machine's comes out wrong.
os.environ["TZ"] = "Asia/Jayapura"
time.tzset()

# Generated tests draw the same examples in every run of `make test`; `make test-generated` draws
# new ones and more, and what it finds becomes an `@example`. How long one takes decides nothing.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("fresh", max_examples=1000, print_blob=True, deadline=None)
settings.load_profile("fixed")

NOT_SYNCED = Placement(fsync=False)
_NUMBERS = count(1)


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the engine of this process keeps its files: it takes one path in its life."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def clickhouse(store_path: Path) -> Iterator[ClickHouse]:
    """Return a store that tests share; they keep apart by their partners' ids."""
    store = ClickHouse(path=store_path)
    migrate(store, NOT_SYNCED)
    yield store
    store.close()


@pytest.fixture(scope="session")
def new_database(store_path: Path) -> Iterator[Callable[[], ClickHouse]]:
    """Return a maker of empty databases, for what can't share one: migrations, rebuilds, faults."""
    with ExitStack() as stack:

        def make() -> ClickHouse:
            with patch.object(client, "DATABASE", f"rantai_{next(_NUMBERS)}"):
                store = ClickHouse(path=store_path)
            stack.callback(store.close)
            return store

        yield make


@pytest.fixture(scope="module")
def own_clickhouse(new_database: Callable[[], ClickHouse]) -> ClickHouse:
    """Return a migrated store of the module's own."""
    store = new_database()
    migrate(store, NOT_SYNCED)
    return store


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests, marked `anyio`, on the loop that the services run on."""
    return "asyncio"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped anything: what was not run was not shown."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        # A worker: the process that gathers what the workers report decides.
        return
    skipped = reporter.stats.get("skipped", [])
    if os.environ.get("CI") == "true" and skipped and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("in CI nothing may skip:", red=True)
        for report in skipped:
            reporter.write_line(f"  {report.nodeid}: {report.longrepr[2]}")
