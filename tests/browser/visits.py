"""What visits of the site share: opening a link, reading, and telling it what is to be answered."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from playwright.sync_api import Browser, Page, expect

from services.text.language import LANGUAGES
from tests.browser.chromium import PHONE, Screen, visiting
from tests.browser.site import Site

_SITE = ZoneInfo("Asia/Jakarta")
"""Where the owner types: its day is not the one of the machine for some hours."""


def on(browser: Browser, site: Site, screen: Screen) -> AbstractContextManager[Page]:
    """Open an empty page of the site on a screen."""
    width, script, language = screen.width, screen.script, screen.language
    return visiting(browser, site.url, width=width, script=script, language=language)


@contextmanager
def opened(browser: Browser, site: Site, partner: str, screen: Screen = PHONE) -> Iterator[Page]:
    """Open a supplier's link, on a phone without script unless told otherwise."""
    with on(browser, site, screen) as page:
        page.goto(site.link(partner))
        yield page


def says(page: Page, language: str, message: str) -> None:
    """Assert that a page says a sentence of the catalogue."""
    expect(page.locator("main")).to_contain_text(LANGUAGES[language].text(message))


def sign_in(page: Page, key: str) -> None:
    """Sign in with a key."""
    page.goto("/sign-in")
    page.locator("#key").fill(key)
    page.locator("main form button").click()


def in_days(days: int) -> str:
    """Return a day from today on, as the browser's owner types it."""
    return (datetime.now(_SITE).date() + timedelta(days=days)).isoformat()


def tell(
    site: Site, sender: str, told: Sequence[tuple[str, dict[str, Any]]], days_ago: int = 0
) -> None:
    """Send events of a partner, given as type and data. They are in the ledger once answered."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    events = [
        {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": f"/erp/{sender}/browser",
            "type": f"id.rantai.{name}.v1",
            "time": at.isoformat(),
            "data": data,
        }
        for name, data in told
    ]
    headers = {
        "authorization": f"Bearer {site.keys[sender]}",
        "content-type": "application/cloudevents-batch+json",
    }
    answer = httpx.post(site.url + "/v1/events", json=events, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    assert answer.json()["rejected"] == []
