"""The tasks that each user comes for, from the link to the result."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from services.access.links import Rights
from services.simulator.companies import BUYERS, PROGRAMME, SUPPLIERS
from services.text.language import LANGUAGES
from tests.browser.chromium import SCREENS, visiting
from tests.browser.site import BUYER, SUPPLIER, Site
from tests.browser.visits import in_days, opened, says, sign_in


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("width", "script"), SCREENS)
def test_a_supplier_sees_its_grade_and_follows_a_figure_to_its_events(
    browser: Browser, site: Site, width: int, script: bool, language: str
) -> None:
    card = site.get(SUPPLIER, f"/v1/suppliers/{SUPPLIER}/scorecard").json()
    with visiting(browser, site.url, width=width, script=script, language=language) as page:
        page.goto(site.link(SUPPLIER))
        expect(page.locator("#published")).to_have_text(card["grade"]["published"])
        for first in (page.locator("#published"), page.locator("#score")):
            box = first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < 568
        steps = page.locator(".steps > li")
        assert steps.count() == len(card["next_steps"])
        page.locator("li:has(#kpi-otif) a").click()
        otif = card["kpis"]["otif"]
        of = LANGUAGES[language].text(
            "%(part)s of %(whole)s", part=otif["numerator"], whole=otif["denominator"]
        )
        expect(page.locator("main")).to_contain_text(of)
        page.locator('main a[href*="/line?"]').first.click()
        says(page, language, "What happened")
        assert page.locator(".story > li").count() >= 2
        page.locator("a.back").click()
        expect(page.locator("#published")).to_be_visible()


def test_a_form_that_is_sent_twice_is_one_event(browser: Browser, site: Site) -> None:
    with opened(browser, site, SUPPLIER) as page:
        page.goto(f"/suppliers/{SUPPLIER}/send/capacity")
        page.locator("#process").fill("las")
        page.locator("#quantity_per_month").fill("1200")
        page.locator("#valid_from").fill(in_days(0))
        page.locator("#others").fill("LAS-1")
        fields = page.locator("form.send").evaluate(
            "form => new URLSearchParams(new FormData(form)).toString()"
        )
        page.locator("form.send button").click()
        says(page, "id", "it has arrived and counts.")
        again = page.request.post(
            f"/suppliers/{SUPPLIER}/send/capacity",
            data=fields,
            headers={"content-type": "application/x-www-form-urlencoded", "origin": site.url},
        )
        assert again.status == 409
        assert "Ini sudah terkirim" in again.text()


def test_a_fault_is_shown_at_its_field_and_typed_values_are_kept(
    browser: Browser, site: Site
) -> None:
    with opened(browser, site, SUPPLIER) as page:
        page.goto(f"/suppliers/{SUPPLIER}/send/capacity")
        page.locator("#process").fill("las")
        page.locator("#quantity_per_month").fill("1.200")
        page.locator("form.send button").click()
        expect(page.get_by_role("alert")).to_be_visible()
        field = page.locator("#quantity_per_month")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_value("1.200")
        expect(page.locator("#process")).to_have_value("las")


@pytest.mark.parametrize(
    ("origin", "heading"),
    [
        # A form on another site cannot send our cookie; one on another port of this host can.
        ("http://elsewhere.test/", "Anda belum masuk"),
        ("http://127.0.0.1:9/", "Formulir ini datang dari tempat lain"),
    ],
)
def test_a_form_on_another_site_sends_nothing(
    browser: Browser, site: Site, origin: str, heading: str
) -> None:
    address = f"{site.url}/suppliers/{SUPPLIER}/send/capacity"
    trap = f'<form method=post action="{address}"><input name=process value=x><button>x</button>'
    context = browser.new_context(base_url=site.url)
    try:
        page = context.new_page()
        page.goto(site.link(SUPPLIER))
        page.route(origin, lambda route: route.fulfill(content_type="text/html", body=trap))
        page.goto(origin)
        page.get_by_role("button").click()
        expect(page.locator("h1")).to_have_text(heading)
    finally:
        context.close()


def test_a_read_only_link_offers_no_form(browser: Browser, site: Site) -> None:
    with visiting(browser, site.url, script=False) as page:
        page.goto(site.link(SUPPLIER, rights=Rights.READ))
        assert page.locator('a[href*="/send/"]').count() == 0
        response = page.goto(f"/suppliers/{SUPPLIER}/send/capacity")
        assert response is not None
        assert response.status == 403
        expect(page.locator("h1")).to_have_text("Tautan ini hanya untuk melihat")


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("width", "script"), SCREENS)
def test_a_buyer_sorts_its_suppliers_and_sees_only_its_own_orders(
    browser: Browser, site: Site, width: int, script: bool, language: str
) -> None:
    others = [one.id for one in BUYERS if one.id != BUYER]
    with visiting(browser, site.url, width=width, script=script, language=language) as page:
        sign_in(page, site.keys[BUYER])
        assert page.url.endswith("/buyer")
        before = _names(page)
        assert len(before) > 3
        page.locator("table.sortable thead a").last.click()
        expect(page).to_have_url(re.compile("sort="))
        # Other suppliers may be shown, if the list is longer than a page, but as many as before.
        assert len(_names(page)) == len(before)
        assert page.locator("[aria-sort]").count() >= 1
        page.locator('table.sortable a[href^="/suppliers/"]').first.click()
        supplier = re.findall(r"/suppliers/([^?/]+)", page.url)[0]
        card = site.get(BUYER, f"/v1/suppliers/{supplier}/scorecard").json()
        otif = card["kpis"]["otif"]
        of = LANGUAGES[language].text(
            "%(part)s of %(whole)s", part=otif["numerator"], whole=otif["denominator"]
        )
        expect(page.locator("main")).to_contain_text(of)
        text = page.locator("body").inner_text()
        assert not [name for name in others if name in text]
        for path in ("/buyer/overdue", "/buyer/due", "/buyer/complaints", "/buyer/items"):
            response = page.goto(path)
            assert response is not None
            assert response.status == 200
            assert not [name for name in others if name in page.locator("body").inner_text()]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("width", "script"), SCREENS)
def test_a_programme_manager_goes_from_the_programme_to_a_supplier(
    browser: Browser, site: Site, width: int, script: bool, language: str
) -> None:
    answer = site.get(PROGRAMME, "/v1/clusters").json()["clusters"]
    with visiting(browser, site.url, width=width, script=script, language=language) as page:
        sign_in(page, site.keys[PROGRAMME])
        assert page.url.endswith("/programme")
        clusters = page.locator('main a[href^="/programme/clusters/"]')
        name = answer[0]["cluster"]
        clusters.filter(has_text=name).first.click()
        otif = answer[0]["kpis"]["otif"]
        of = LANGUAGES[language].text(
            "%(part)s of %(whole)s", part=otif["numerator"], whole=otif["denominator"]
        )
        expect(page.locator("main")).to_contain_text(of)
        page.locator('main a[href^="/suppliers/"]').first.click()
        expect(page.locator(".grade")).to_be_visible()
        assert page.locator('a[href*="/send/"]').count() == 0
        page.goto("/programme/coaching")
        says(page, language, "Not coached, same cluster")


def test_a_programme_managers_link_opens_a_page_until_it_is_revoked(
    browser: Browser, site: Site
) -> None:
    with visiting(browser, site.url, script=False) as desk:
        sign_in(desk, site.keys[PROGRAMME])
        desk.goto("/links")
        desk.locator("#supplier").select_option(SUPPLIER)
        desk.locator("main form button").first.click()
        link = desk.locator("#address").input_value()
        with visiting(browser, site.url, script=False) as phone:
            phone.goto(link)
            expect(phone.locator("#published")).to_be_visible()
            desk.goto("/links")
            assert link not in desk.content()
            desk.locator('form[action*="/revoke"] button').first.click()
            response = phone.reload()
            assert response is not None
            assert response.status == 403
            expect(phone.locator("h1")).to_have_text("Tautan ini sudah dicabut")


def test_a_buyers_link_shows_only_its_own_orders(browser: Browser, site: Site) -> None:
    supplier = next(one for one in SUPPLIERS if BUYER in one.buyers and len(one.buyers) > 1)
    others = [one.id for one in BUYERS if one.id != BUYER]
    names = [one.name for one in BUYERS if one.id != BUYER]
    with visiting(browser, site.url, script=False) as desk:
        sign_in(desk, site.keys[BUYER])
        desk.goto("/links")
        desk.locator("#supplier").select_option(supplier.id)
        desk.locator("main form button").first.click()
        link = desk.locator("#address").input_value()
    with visiting(browser, site.url, script=False) as phone:
        phone.goto(link)
        expect(phone.locator(".grade")).to_be_visible()
        text = phone.locator("body").inner_text()
        assert not [name for name in (*others, *names) if name in text]


def _names(page: Page) -> list[str]:
    page.wait_for_load_state()
    return page.locator('table.sortable a[href^="/suppliers/"]').all_inner_texts()
