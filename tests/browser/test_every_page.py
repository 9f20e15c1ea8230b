"""Every page that links lead to: accessible, within the screen, complete without script."""

from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.chromium import HEIGHTS, WIDTHS, visiting
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
"""Returns elements that reach over the right edge of the screen, outside of parts that scroll."""

SMALL: Final = """() =>
  [...document.querySelectorAll('button, select, summary, nav a, .button, input')]
    .map(one => [one.outerHTML.slice(0, 100), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && box.height < 43.5 && box.top >= 0)
    .map(([html, box]) => html + ' ' + box.height)
"""
"""Returns touch targets that are less than 44 px high. The label of a checkbox is a target too, but
is not measured."""

AXE: Final = Axe()


@pytest.mark.parametrize("user", ["supplier", "buyer", "programme"])
@pytest.mark.parametrize("language", ["id", "en"])
def test_every_page_is_accessible_and_fits_every_screen(
    browser: Browser, site: Site, user: str, language: str
) -> None:
    """One walk checks the rules of accessibility, and each page on every width."""
    found: dict[str, Any] = {}
    wide: dict[tuple[str, int], Any] = {}
    visited = []
    with visiting(browser, site.url, width=390, language=language) as page:
        for address in walk(page, site.homes[user]):
            visited.append(kind(address))
            assert page.locator("html").get_attribute("lang") == language
            violations = AXE.run(page, options=RULES).response["violations"]
            if violations:
                found[address] = [
                    (one["id"], [node["html"][:150] for node in one["nodes"][:3]])
                    for one in violations
                ]
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
                if beyond := [*page.evaluate(WIDER), *page.evaluate(SMALL)]:
                    wide[address, width] = beyond[:3]
            page.set_viewport_size({"width": 390, "height": HEIGHTS[390]})
    assert found == {}
    assert wide == {}
    assert len(set(visited)) >= {"supplier": 4, "buyer": 3, "programme": 4}[user], visited


@pytest.mark.parametrize("user", ["supplier", "buyer", "programme"])
def test_every_page_is_complete_without_script(browser: Browser, site: Site, user: str) -> None:
    with visiting(browser, site.url, script=False) as bare, visiting(browser, site.url) as usual:
        for address in walk(bare, site.homes[user]):
            usual.goto(address)
            assert _words(bare) == _words(usual), address


def _words(page: Page) -> str:
    # Without the footer, which says to the minute when the figures were computed.
    return page.locator("main").inner_text()
