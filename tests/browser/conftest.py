"""Fixtures of the tests in a browser: one browser and one site for all of them.

Both end with this package, because the browser's driver keeps an event loop running in the thread
of the tests, where no other test could run one meanwhile.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.site import Site, live


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Yield Chromium. Skips the tests where it is not installed."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a site with a simulated history, started after the browser: not at all without one."""
    site = live(tmp_path_factory.mktemp("site"))
    yield site
    site.up.end()
