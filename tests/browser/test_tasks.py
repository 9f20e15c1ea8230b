"""What each user comes for, from the link to the result."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from services.access.links import Rights
from services.scorecards.web.language import LANGUAGES
from services.simulator.companies import BUYERS, PROGRAMME, SUPPLIERS, Company
from tests.browser.chromium import WIDTHS, visiting
from tests.browser.site import BUYER, SUPPLIER, Site

_SCREENS: Final = [(width, script) for width in WIDTHS for script in (True, False)]
_ANSWERING: Final = {"id": SUPPLIERS[11], "en": SUPPLIERS[12]}
_DISPUTING: Final = SUPPLIERS[13]


@contextmanager
def opened(
    browser: Browser, site: Site, partner: str, language: str = "id", width: int = 390
) -> Iterator[Page]:
    """Open a supplier's link on a phone without script."""
    with visiting(browser, site.url, width=width, script=False, language=language) as page:
        page.goto(site.link(partner))
        yield page


def says(page: Page, language: str, message: str) -> None:
    """Assert that a page says a sentence of the catalogue."""
    expect(page.locator("main")).to_contain_text(LANGUAGES[language].text(message))


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("width", "script"), _SCREENS)
def test_an_owner_sees_how_it_stands_and_follows_a_figure_to_its_events(
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


@pytest.mark.parametrize("language", ["id", "en"])
def test_an_order_is_answered_once_and_counts(browser: Browser, site: Site, language: str) -> None:
    order = _ordered(site, _ANSWERING[language], language)
    with opened(browser, site, _ANSWERING[language].id, language) as page:
        page.locator('main a[href*="/send/confirm"]').first.click()
        page.locator("main table").get_by_role("link", name=order).click()
        page.locator("button[name=all]").click()
        assert "/sent" in page.url
        says(page, language, "it has arrived and counts.")
        page.locator("main table").get_by_role("link", name=order).first.click()
        says(page, language, "What happened")
        expect(page.locator(".story")).to_contain_text(_ANSWERING[language].name)


def test_a_form_that_is_sent_twice_is_one_event(browser: Browser, site: Site) -> None:
    with opened(browser, site, SUPPLIER) as page:
        page.goto(f"/suppliers/{SUPPLIER}/send/capacity")
        page.locator("#process").fill("las")
        page.locator("#quantity_per_month").fill("1200")
        page.locator("#valid_from").fill(_in_days(0))
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


def test_what_is_wrong_stands_beside_its_field(browser: Browser, site: Site) -> None:
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
    ("origin", "said"),
    [
        # Another site has no cookie of ours to send; another port of this host has.
        ("http://elsewhere.test/", "Anda belum masuk"),
        ("http://127.0.0.1:9/", "Formulir ini datang dari tempat lain"),
    ],
)
def test_a_form_from_elsewhere_does_nothing(
    browser: Browser, site: Site, origin: str, said: str
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
        expect(page.locator("h1")).to_have_text(said)
    finally:
        context.close()


def test_a_link_to_read_with_offers_nothing_to_send(browser: Browser, site: Site) -> None:
    with visiting(browser, site.url, script=False) as page:
        page.goto(site.link(SUPPLIER, rights=Rights.READ))
        assert page.locator('a[href*="/send/"]').count() == 0
        response = page.goto(f"/suppliers/{SUPPLIER}/send/capacity")
        assert response is not None
        assert response.status == 403
        expect(page.locator("h1")).to_have_text("Tautan ini hanya untuk melihat")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_dispute_goes_from_the_supplier_to_the_buyer_and_back(
    browser: Browser, site: Site, width: int
) -> None:
    reason = f"Barang diterima tepat waktu, layar {width}."
    with opened(browser, site, _DISPUTING.id, width=width) as page:
        buyer = _DISPUTING.buyers[0]
        lines = site.get(_DISPUTING.id, f"/v1/suppliers/{_DISPUTING.id}/lines").json()["lines"]
        mine = [one for one in lines if one["buyer_id"] == buyer and one["receipts"]]
        line = mine[WIDTHS.index(width)]
        about = f"buyer={buyer}&order={line['order_no']}&line={line['line_no']}"
        page.goto(f"/suppliers/{_DISPUTING.id}/line?{about}")
        page.locator('main a[href*="/send/dispute"]').click()
        page.locator("#reason").fill(reason)
        page.locator("form.send button").click()
        says(page, "id", "it has arrived and counts.")
    with visiting(browser, site.url, width=width, script=False) as page:
        _sign_in(page, site.keys[buyer])
        page.locator('main a[href="/buyer/disputes"]').click()
        page.locator("tr", has_text=reason).get_by_role("link").click()
        expect(page.locator("main")).to_contain_text(reason)
        page.locator("input[value=upheld]").check()
        page.locator("#note").fill("Tanda terima menunjukkan tanggal lain.")
        page.locator("form.send button").click()
        says(page, "id", "it has arrived and counts.")
        page.goto("/buyer/disputes")
        expect(page.locator("main")).not_to_contain_text(reason)
    with opened(browser, site, _DISPUTING.id, width=width) as page:
        page.goto(f"/suppliers/{_DISPUTING.id}/line?{about}")
        expect(page.locator(".story")).to_contain_text("Tanda terima menunjukkan tanggal lain.")


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("width", "script"), _SCREENS)
def test_a_buyer_sorts_its_suppliers_and_sees_its_own_orders_alone(
    browser: Browser, site: Site, width: int, script: bool, language: str
) -> None:
    others = [one.id for one in BUYERS if one.id != BUYER]
    with visiting(browser, site.url, width=width, script=script, language=language) as page:
        _sign_in(page, site.keys[BUYER])
        assert page.url.endswith("/buyer")
        before = _names(page)
        assert len(before) > 3
        page.locator("table.sortable thead a").last.click()
        expect(page).to_have_url(re.compile("sort="))
        # Another part of a longer list than a page shows.
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
        said = page.locator("body").inner_text()
        assert not [name for name in others if name in said]
        for path in ("/buyer/overdue", "/buyer/due", "/buyer/complaints", "/buyer/items"):
            response = page.goto(path)
            assert response is not None
            assert response.status == 200
            assert not [name for name in others if name in page.locator("body").inner_text()]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("width", "script"), _SCREENS)
def test_a_programme_manager_goes_from_the_programme_to_a_supplier(
    browser: Browser, site: Site, width: int, script: bool, language: str
) -> None:
    answer = site.get(PROGRAMME, "/v1/clusters").json()["clusters"]
    with visiting(browser, site.url, width=width, script=script, language=language) as page:
        _sign_in(page, site.keys[PROGRAMME])
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


def test_a_programme_managers_link_opens_a_page_until_it_is_taken_back(
    browser: Browser, site: Site
) -> None:
    with visiting(browser, site.url, script=False) as desk:
        _sign_in(desk, site.keys[PROGRAMME])
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
            phone.wait_for_timeout(1100)
            response = phone.reload()
            assert response is not None
            assert response.status == 403
            expect(phone.locator("h1")).to_have_text("Tautan ini sudah dicabut")


def test_a_buyers_link_shows_its_own_orders_alone(browser: Browser, site: Site) -> None:
    supplier = next(one for one in SUPPLIERS if BUYER in one.buyers and len(one.buyers) > 1)
    others = [one.id for one in BUYERS if one.id != BUYER]
    names = [one.name for one in BUYERS if one.id != BUYER]
    with visiting(browser, site.url, script=False) as desk:
        _sign_in(desk, site.keys[BUYER])
        desk.goto("/links")
        desk.locator("#supplier").select_option(supplier.id)
        desk.locator("main form button").first.click()
        link = desk.locator("#address").input_value()
    with visiting(browser, site.url, script=False) as phone:
        phone.goto(link)
        expect(phone.locator(".grade")).to_be_visible()
        said = phone.locator("body").inner_text()
        assert not [name for name in (*others, *names) if name in said]


def _ordered(site: Site, supplier: Company, number: str) -> str:
    """Have a buyer order two lines, and return the order's number."""
    buyer, order = supplier.buyers[0], f"PO-BROWSER-{number}"
    lines = [
        {"line_no": no, "item_no": "BRK-1", "quantity": 5, "requested_date": _in_days(30)}
        for no in ("10", "20")
    ]
    event = {
        "specversion": "1.0",
        "id": order,
        "source": f"/erp/{buyer}/browser",
        "type": "id.rantai.order.placed.v1",
        "time": datetime.now(UTC).isoformat(),
        "data": {
            "buyer_id": buyer,
            "supplier_id": supplier.id,
            "order_no": order,
            "lines": lines,
        },
    }
    answer = httpx.post(
        site.url + "/v1/events",
        json=event,
        headers={
            "authorization": f"Bearer {site.keys[buyer]}",
            "content-type": "application/cloudevents+json",
        },
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
    return order


def _names(page: Page) -> list[str]:
    page.wait_for_load_state()
    return page.locator('table.sortable a[href^="/suppliers/"]').all_inner_texts()


def _sign_in(page: Page, key: str) -> None:
    page.goto("/sign-in")
    page.locator("#key").fill(key)
    page.locator("main form button").click()


def _in_days(days: int) -> str:
    return (date.today() + timedelta(days=days)).isoformat()  # noqa: DTZ011 - as its owner types
