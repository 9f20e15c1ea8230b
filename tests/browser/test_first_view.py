"""The first view must be quick on a weak signal: few bytes, in a single request."""

from typing import Final

from playwright.sync_api import Browser

from tests.browser.chromium import visiting
from tests.browser.site import SUPPLIER, Site
from tests.browser.transfer import Transfer

MOST_BYTES: Final = 60_000


def test_the_first_view_is_light(browser: Browser, site: Site) -> None:
    with visiting(browser, site.url) as page:
        transfer = Transfer(page)
        page.goto(site.link(SUPPLIER), wait_until="networkidle")
        print(f"\nfirst view: {transfer.bytes} bytes in {transfer.requests} requests")
        assert 1000 < transfer.bytes < MOST_BYTES
        assert transfer.requests == 1
