"""Fixtures for all tests: the one engine that a process can open, and databases in it."""

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

# Neither UTC nor a site's zone: a time wrongly read in the machine's zone comes out wrong.
os.environ["TZ"] = "Asia/Jayapura"
time.tzset()

# Property-based tests use the same examples in every run of `make test`. `make test-generated`
# draws more and fresh ones; a failure it finds becomes an `@example`. There is no deadline: a slow
# example is not a failure.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("fresh", max_examples=1000, print_blob=True, deadline=None)
settings.load_profile("fixed")

NOT_SYNCED = Placement(fsync=False)
_NUMBERS = count(1)


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the embedded engine: a process can open only one in its life."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def clickhouse(store_path: Path) -> Iterator[ClickHouse]:
    """Return the store that tests share; each test uses partner ids of its own."""
    store = ClickHouse(path=store_path)
    migrate(store, NOT_SYNCED)
    yield store
    store.close()


@pytest.fixture(scope="session")
def new_database(store_path: Path) -> Iterator[Callable[[], ClickHouse]]:
    """Return a function that makes an empty database, for tests that can't share one.

    Examples are migrations, rebuilds and faults.
    """
    with ExitStack() as stack:

        def make() -> ClickHouse:
            with patch.object(client, "DATABASE", f"rantai_{next(_NUMBERS)}"):
                store = ClickHouse(path=store_path)
            stack.callback(store.close)
            return store

        yield make


@pytest.fixture(scope="module")
def own_clickhouse(new_database: Callable[[], ClickHouse]) -> ClickHouse:
    """Return a migrated store that only one test module uses."""
    store = new_database()
    migrate(store, NOT_SYNCED)
    return store


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests, marked `anyio`, on asyncio, as the services do."""
    return "asyncio"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped a test: a skipped test proves nothing."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        # This is an xdist worker: the controller decides from the reports of all workers.
        return
    skipped = reporter.stats.get("skipped", [])
    if os.environ.get("CI") == "true" and skipped and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("CI fails because these tests were skipped:", red=True)
        for report in skipped:
            reporter.write_line(f"  {report.nodeid}: {report.longrepr[2]}")
