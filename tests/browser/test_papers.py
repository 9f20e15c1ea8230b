"""Papers: taken from a supplier's page, and verified by anyone who scans one, in a new browser."""

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
    """Return the verification address on each paper that a supplier's page offers, by its path."""
    with visiting(browser, site.url) as page:
        page.goto(site.homes["supplier"])
        offered = [link.get_attribute("href") or "" for link in page.locator(_PDF).all()]
        return {path: verification_address(page.request.get(path).body()) for path in offered}


def verification_address(content: bytes) -> str:
    """Return the verification address that the first page of a paper links to."""
    notes: Any = PdfReader(io.BytesIO(content)).pages[0]["/Annots"]
    return str(notes[0].get_object()["/A"]["/URI"])


def test_the_page_offers_its_scorecard_and_its_month_ends(papers: dict[str, str]) -> None:
    assert [path for path in papers if "/scorecard.pdf" in path]
    assert [path for path in papers if "/evaluations/" in path]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("width", WIDTHS)
def test_anyone_who_scans_a_paper_can_read_whether_it_was_issued(
    browser: Browser, site: Site, papers: dict[str, str], width: int, language: str
) -> None:
    issued = [next(papers[path] for path in papers if kind in path) for kind in ("card", "evalu")]
    altered = issued[0][:-3] + "xyz"
    heading = {"id": "diterbitkan di sini", "en": "issued here"}[language]
    with visiting(browser, site.url, width=width, language=language) as page:
        for address in (*issued, altered):
            response = page.goto(address)
            assert response is not None
            assert response.status == (404 if address == altered else 200)
            assert page.locator("h1").inner_text().endswith(heading)
            assert [*page.evaluate(WIDER), *page.evaluate(SMALL)] == []
            assert AXE.run(page, options=RULES).response["violations"] == []
