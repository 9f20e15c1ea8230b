"""Signing in by link or key; and a refusal says what to do."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from schemas.catalogue import Role
from services.access.links import Rights
from services.simulator.companies import PROGRAMME
from tests.browser.chromium import visiting
from tests.browser.site import BUYER, OTHER, SUPPLIER, Site


def test_a_link_opens_the_page_and_keeps_its_holder_signed_in(browser: Browser, site: Site) -> None:
    with visiting(browser, site.url, script=False) as page:
        page.goto(site.link(SUPPLIER))
        name = page.locator("h1").inner_text()
        page.goto("/")
        assert page.url == f"{site.url}/suppliers/{SUPPLIER}"
        expect(page.locator("h1")).to_have_text(name)
        (cookie,) = (c for c in page.context.cookies() if c["name"] == "rantai_session")
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", False)
        page.get_by_role("button", name="Keluar").click()
        assert page.url == f"{site.url}/sign-in"
        page.goto(f"/suppliers/{SUPPLIER}")
        expect(page.locator("h1")).to_have_text("Anda belum masuk")


def test_a_language_that_was_chosen_is_kept(browser: Browser, site: Site) -> None:
    with visiting(browser, site.url, script=False) as page:
        page.goto(site.link(SUPPLIER))
        page.get_by_role("link", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.goto("/")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.get_by_role("link", name="Indonesia").click()
        page.goto("/")
        expect(page.get_by_role("button", name="Keluar")).to_be_visible()


@pytest.mark.parametrize(
    ("partner", "home"), [(BUYER, "/buyer"), (PROGRAMME, "/programme"), (SUPPLIER, "/suppliers/")]
)
def test_a_key_signs_in(browser: Browser, site: Site, partner: str, home: str) -> None:
    with visiting(browser, site.url, script=False) as page:
        page.goto("/sign-in")
        page.get_by_label("Kunci").fill("rtk_000000000000_wrong")
        page.get_by_role("button", name="Masuk").click()
        expect(page.get_by_role("alert")).to_contain_text("Kunci ini tidak dikenal")
        page.get_by_label("Kunci").fill(site.keys[partner])
        page.get_by_role("button", name="Masuk").click()
        assert page.url.startswith(site.url + home)


def _expired(site: Site) -> str:
    return site.link(SUPPLIER, days=1e-9)


def _revoked(site: Site) -> str:
    link = site.link(SUPPLIER)
    site.links.revoke(site.links.open(link.rpartition("/")[2]).link_id)
    return link


Broken = Callable[[Site], str]
REFUSED: dict[str, tuple[Broken, str, str]] = {
    "tampered": (lambda site: site.link(SUPPLIER)[:-3] + "xyz", "tidak bisa dibuka", "pesan asli"),
    "cut off": (lambda site: site.link(SUPPLIER)[:-9], "tidak bisa dibuka", "tautan baru"),
    "expired": (_expired, "tidak berlaku", "tautan baru"),
    "taken back": (_revoked, "dicabut", "tautan baru"),
    "no link": (lambda site: f"{site.url}/suppliers/{SUPPLIER}", "belum masuk", "Buka lagi tautan"),
}
"""By case: what makes the address, and a part of the title and of the advice on the page."""


@pytest.mark.parametrize("why", REFUSED)
def test_an_address_that_is_refused_says_what_to_do(browser: Browser, site: Site, why: str) -> None:
    address_of, title, advice = REFUSED[why]
    with visiting(browser, site.url, script=False) as page:
        address = address_of(site)
        response = page.goto(address)
        assert response is not None
        assert response.status in (401, 403)
        expect(page.locator("h1")).to_contain_text(title)
        expect(page.locator("main")).to_contain_text(re.compile(advice, re.IGNORECASE))
        assert SUPPLIER not in page.locator("main").inner_text()
        assert [c for c in page.context.cookies() if c["name"] == "rantai_session"] == []


def test_another_suppliers_page_and_link_are_refused(browser: Browser, site: Site) -> None:
    with visiting(browser, site.url, script=False) as page:
        page.goto(site.link(SUPPLIER))
        response = page.goto(f"/suppliers/{OTHER}")
        assert response is not None
        assert response.status == 403
        expect(page.locator("h1")).to_have_text("Halaman ini milik pihak lain")
        page.get_by_role("link", name="Ke halaman saya").click()
        assert page.url.endswith(SUPPLIER)
        response = page.goto(site.link(OTHER))
        assert response is not None
        assert response.status == 403
        expect(page.locator("main")).to_contain_text("Keluar dulu, lalu buka lagi tautannya")
        _assert_signed_in_as(page, SUPPLIER)
        page.goto(site.link(OTHER))
        page.locator("main").get_by_role("button", name="Keluar").click()
        page.goto(site.link(OTHER))
        _assert_signed_in_as(page, OTHER)


def test_a_session_ends_with_its_link(browser: Browser, site: Site) -> None:
    link = site.link(SUPPLIER)
    with visiting(browser, site.url, script=False) as page:
        page.goto(link)
        site.links.revoke(site.links.open(link.rpartition("/")[2]).link_id)
        response = page.goto(f"/suppliers/{SUPPLIER}")
        assert response is not None
        assert response.status == 401


@pytest.mark.parametrize("role", [Role.BUYER, Role.PROGRAMME])
def test_links_of_buyers_and_programme_open_their_pages(
    browser: Browser, site: Site, role: Role
) -> None:
    partner = BUYER if role is Role.BUYER else PROGRAMME
    with visiting(browser, site.url, script=False) as page:
        page.goto(site.link(partner, role, Rights.READ))
        page.goto("/")
        assert page.url == site.url + ("/buyer" if role is Role.BUYER else "/programme")


def _assert_signed_in_as(page: Page, supplier: str) -> None:
    page.goto("/")
    assert page.url.endswith(f"/suppliers/{supplier}")
