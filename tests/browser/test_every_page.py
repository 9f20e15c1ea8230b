"""Every page that links lead to: for everybody to use, on every width, in both languages."""

from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.chromium import WIDTHS, visiting
from tests.browser.site import Site
from tests.browser.walking import kind, walk

RULES: Final[Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
WIDER: Final = """() => {
  const width = document.documentElement.clientWidth;
  return [...document.body.querySelectorAll('*')]
    .filter(one => !one.closest('.scroll') && one.getBoundingClientRect().right > width + 1)
    .map(one => one.outerHTML.slice(0, 120));
}"""
SMALL: Final = """() =>
  [...document.querySelectorAll('button, select, summary, nav a, .button, input')]
    .map(one => [one.outerHTML.slice(0, 100), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && box.height < 43.5 && box.top >= 0)
    .map(([html, box]) => html + ' ' + box.height)
"""
"""Targets of less than 44 px; of a checkbox its label is one too."""

AXE: Final = Axe()


@pytest.mark.parametrize("who", ["supplier", "buyer", "programme"])
@pytest.mark.parametrize("language", ["id", "en"])
def test_no_page_has_a_barrier(browser: Browser, site: Site, who: str, language: str) -> None:
    found: dict[str, Any] = {}
    visited = []
    with visiting(browser, site.url, width=390, language=language) as page:
        for address in walk(page, site.homes[who]):
            visited.append(kind(address))
            assert page.locator("html").get_attribute("lang") == language
            violations = AXE.run(page, options=RULES).response["violations"]
            if violations:
                found[address] = [
                    (one["id"], [node["html"][:150] for node in one["nodes"][:3]])
                    for one in violations
                ]
    assert found == {}
    assert len(set(visited)) >= {"supplier": 4, "buyer": 3, "programme": 4}[who], visited


@pytest.mark.parametrize("who", ["supplier", "buyer", "programme"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(
    browser: Browser, site: Site, who: str, width: int
) -> None:
    wide: dict[str, Any] = {}
    with visiting(browser, site.url, width=width) as page:
        for address in walk(page, site.homes[who]):
            found = [*page.evaluate(WIDER), *page.evaluate(SMALL)]
            if found:
                wide[address] = found[:3]
    assert wide == {}


@pytest.mark.parametrize("who", ["supplier", "buyer", "programme"])
def test_every_page_is_whole_without_script(browser: Browser, site: Site, who: str) -> None:
    with visiting(browser, site.url, script=False) as bare, visiting(browser, site.url) as usual:
        for address in walk(bare, site.homes[who]):
            usual.goto(address)
            assert _words(bare) == _words(usual), address


def _words(page: Page) -> str:
    # What is worked out anew says so, to the minute.
    return page.locator("main").inner_text()
