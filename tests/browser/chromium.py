"""A real browser: Debian's Chromium, headless, with the screen of a phone or a desktop."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

WIDTHS: Final = (320, 390, 1280)
SCREENS: Final = [(width, script) for width in WIDTHS for script in (True, False)]
"""Widths, each with and without script."""
HEIGHTS: Final = {320: 568, 390: 844, 1280: 800}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium. Skips the test where it is not installed, but fails in CI."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        assert os.environ.get("CI") != "true", ".ci/run installs Debian's chromium"
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass(frozen=True)
class Screen:
    """How a page is viewed: width in pixels, whether scripts run, and the language."""

    width: int = 390
    script: bool = False
    language: str = "id"

    def __str__(self) -> str:
        """Return a unique name, for test ids and for the numbers of a test's documents."""
        return f"{self.width}-{'script' if self.script else 'plain'}-{self.language}"


PHONE: Final = Screen()
EVERY_SCREEN: Final = [
    Screen(width, script, language) for width, script in SCREENS for language in ("id", "en")
]


@dataclass
class Seen:
    """The hosts that a visit requested, and its errors, to be checked at its end."""

    hosts: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Record every request, script error and error on the console of a page."""
        page.on("request", self._request)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._console)

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https"):
            self.hosts.add(address.netloc)

    def _console(self, line: Any) -> None:
        # The console reports an answer such as 403 as an error, and tests ask for such on purpose.
        if line.type == "error" and "Failed to load resource" not in line.text:
            self.faults.append(line.text)


@contextmanager
def visiting(
    browser: Browser, base: str, *, width: int = 390, script: bool = True, language: str = ""
) -> Iterator[Page]:
    """Open a page in a context of its own: no cookies, one width, with or without script.

    At the end asserts that no other host was requested, no script failed, and the console shows no
    error, such as content that the page's security policy blocked.
    """
    context: BrowserContext = browser.new_context(
        base_url=base,
        viewport={"width": width, "height": HEIGHTS[width]},
        java_script_enabled=script,
        locale="id-ID",
    )
    if language:
        cookie = {"name": "rantai_language", "value": language, "url": base}
        context.add_cookies([cookie])  # type: ignore[list-item]
    page, seen = context.new_page(), Seen()
    page.set_default_timeout(15_000)
    seen.watch(page)
    try:
        yield page
        assert seen.faults == []
        assert seen.hosts <= {urlsplit(base).netloc}
    finally:
        context.close()
