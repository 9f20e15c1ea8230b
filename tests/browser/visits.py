"""Shared by tests that visit the site: opening a link, signing in, reading, sending events."""

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
"""The time zone of the supplier who types dates: for some hours of each day, its date differs from
that of the machine."""


def on(browser: Browser, site: Site, screen: Screen) -> AbstractContextManager[Page]:
    """Open an empty page of the site on a screen."""
    width, script, language = screen.width, screen.script, screen.language
    return visiting(browser, site.url, width=width, script=script, language=language)


@contextmanager
def opened(browser: Browser, site: Site, partner: str, screen: Screen = PHONE) -> Iterator[Page]:
    """Open a supplier's link, on a phone without script unless documents otherwise."""
    with on(browser, site, screen) as page:
        page.goto(site.link(partner))
        yield page


def says(page: Page, language: str, message: str) -> None:
    """Assert that a page shows a text of the catalogue in this language."""
    expect(page.locator("main")).to_contain_text(LANGUAGES[language].text(message))


def sign_in(page: Page, key: str) -> None:
    """Sign in with an API key."""
    page.goto("/sign-in")
    page.locator("#key").fill(key)
    page.locator("main form button").click()


def in_days(days: int) -> str:
    """Return the date that many days from today, as it is typed into a field."""
    return (datetime.now(_SITE).date() + timedelta(days=days)).isoformat()


def tell(
    site: Site, sender: str, documents: Sequence[tuple[str, dict[str, Any]]], days_ago: int = 0
) -> None:
    """Send a partner's events, given as short type (`order.placed`) and data, dated `days_ago`.

    They are in the ledger when this returns.
    """
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
        for name, data in documents
    ]
    headers = {
        "authorization": f"Bearer {site.keys[sender]}",
        "content-type": "application/cloudevents-batch+json",
    }
    answer = httpx.post(site.url + "/v1/events", json=events, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    assert answer.json()["rejected"] == []
