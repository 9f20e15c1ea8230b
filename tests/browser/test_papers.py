"""A paper's way: taken from the page, verified by whoever scans it, in a browser of their own."""

import io
from typing import Any, Final

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.browser.chromium import WIDTHS, visiting
from tests.browser.site import Site
from tests.browser.test_every_page import AXE, RULES, SMALL, WIDER

_PDF: Final = 'a[href$=".pdf"], a[href*=".pdf?"]'


@pytest.fixture(scope="module")
def papers(browser: Browser, site: Site) -> dict[str, str]:
    """Return where the papers lead to that a supplier's page offers, by their own addresses."""
    with visiting(browser, site.url) as page:
        page.goto(site.homes["supplier"])
        offered = [link.get_attribute("href") or "" for link in page.locator(_PDF).all()]
        return {path: leads_to(page.request.get(path).body()) for path in offered}


def leads_to(content: bytes) -> str:
    notes: Any = PdfReader(io.BytesIO(content)).pages[0]["/Annots"]
    return str(notes[0].get_object()["/A"]["/URI"])


def test_the_page_offers_its_scorecard_and_its_month_ends(papers: dict[str, str]) -> None:
    assert [path for path in papers if "/scorecard.pdf" in path]
    assert [path for path in papers if "/evaluations/" in path]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("width", WIDTHS)
def test_whoever_scans_it_can_read_what_it_must_say(
    browser: Browser, site: Site, papers: dict[str, str], width: int, language: str
) -> None:
    issued = [next(papers[path] for path in papers if kind in path) for kind in ("card", "evalu")]
    touched = issued[0][:-3] + "xyz"
    said = {"id": "diterbitkan di sini", "en": "issued here"}[language]
    with visiting(browser, site.url, width=width, language=language) as page:
        for address in (*issued, touched):
            response = page.goto(address)
            assert response is not None
            assert response.status == (404 if address == touched else 200)
            assert page.locator("h1").inner_text().endswith(said)
            assert [*page.evaluate(WIDER), *page.evaluate(SMALL)] == []
            assert AXE.run(page, options=RULES).response["violations"] == []
