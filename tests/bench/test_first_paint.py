"""Time to the first paint on a weak signal: the supplier's page on a simulated slow 3G network.

The page is served locally to a browser with an empty cache.
"""

import statistics
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium, visiting
from tests.browser.site import SUPPLIER, Site, live
from tests.browser.transfer import SLOW_3G, Transfer

pytestmark = pytest.mark.bench

AIM_MILLISECONDS: Final = 1000
_TIMES: Final = 7
_PAINTED: Final = """() => new Promise(done => new PerformanceObserver(list => {
  for (const one of list.getEntriesByName('first-contentful-paint')) done(one.startTime);
}).observe({type: 'paint', buffered: true}))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = live(tmp_path_factory.mktemp("site"))
    yield made
    made.up.end()


def test_the_first_paint_comes_within_a_second(browser: Browser, site: Site) -> None:
    painted = [_first_paint(browser, site) for _ in range(_TIMES)]
    median = statistics.median(painted)
    print(
        f"\nfirst contentful paint on slow 3G, cold cache: median {median:.0f} ms, "
        f"{min(painted):.0f} to {max(painted):.0f} (aim {AIM_MILLISECONDS})"
    )
    assert median < AIM_MILLISECONDS


def _first_paint(browser: Browser, site: Site) -> float:
    with visiting(browser, site.url) as page:
        transfer = Transfer(page)
        transfer.session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        transfer.session.send("Network.emulateNetworkConditions", SLOW_3G)
        page.goto(site.link(SUPPLIER))
        painted: float = page.evaluate(_PAINTED)
        return painted
