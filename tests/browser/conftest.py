"""What tests in a browser share: one browser, and one site that lives through all of them.

Both end with these tests: the browser's driver keeps a loop running, beside which no other test
could run one.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.site import Site, live


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site with a year in it. After the browser: without one there is nothing to show."""
    site = live(tmp_path_factory.mktemp("site"))
    yield site
    site.up.end()
