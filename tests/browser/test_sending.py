"""What a supplier sends from its page, from the link to the line's story, which shows it."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from services.readiness.policy import DEFAULT_POLICY
from services.simulator.companies import BUYERS, PROGRAMME, SUPPLIERS
from services.text.language import LANGUAGES
from tests.browser.chromium import EVERY_SCREEN, Screen
from tests.browser.site import Site
from tests.browser.visits import in_days, on, opened, says, sign_in, tell

_WORKSHOP: Final = "IKM-BENGKEL"
_NAME: Final = "CV Bengkel Peramban"
# Not the buyer whose pages other tests look at, which would list a supplier without figures.
_ORDERING: Final = BUYERS[2].id
_AWAITING: Final = BUYERS[1].id
_ON_EVERY_SCREEN: Final = pytest.mark.parametrize("screen", EVERY_SCREEN, ids=str)


@pytest.fixture(scope="module")
def workshop(site: Site) -> Site:
    """Return the site with one more supplier, which has documents to answer for each screen."""
    numbers = [str(screen) for screen in EVERY_SCREEN]
    ago = datetime.now(ZoneInfo(DEFAULT_POLICY.zone)) - timedelta(days=3)
    placed = [("order.placed", _order(_ORDERING, one, 30)) for one in numbers]
    awaited = [("order.placed", _order(_AWAITING, f"D-{one}", 20)) for one in numbers]
    late = [("order.placed", _order(_AWAITING, f"L-{one}", -9)) for one in numbers]
    received = [("delivery.received", _receipt(f"L-{one}", ago)) for one in numbers]
    complained = [("quality.complaint_opened", _complaint(f"K-{one}", ago)) for one in numbers]
    tell(site, PROGRAMME, [("partner.registered", _registered())])
    tell(site, _ORDERING, [*placed, *complained])
    tell(site, _AWAITING, [*awaited, *received])
    tell(site, _AWAITING, late, days_ago=20)
    return site


@_ON_EVERY_SCREEN
def test_an_order_is_answered_with_another_day(
    browser: Browser, workshop: Site, screen: Screen
) -> None:
    number = str(screen)
    with opened(browser, workshop, _WORKSHOP, screen) as page:
        page.locator('main a[href*="/send/confirm"]').first.click()
        page.locator("main table").get_by_role("link", name=number, exact=True).click()
        page.locator('input[name="answer-0"][value=accepted]').check()
        page.locator('input[name="answer-1"][value=changed]').check()
        page.locator("summary").last.click()
        page.locator("#date-1").fill(in_days(34))
        page.locator("form.send button").first.click()
        _counted(page, screen.language, number)
        expect(page.locator(".story")).to_contain_text(_NAME)
        # An order that is answered is not in the list.
        page.goto(f"/suppliers/{_WORKSHOP}/send/confirm")
        assert page.get_by_role("link", name=number, exact=True).count() == 0


@_ON_EVERY_SCREEN
def test_a_delivery_is_announced(browser: Browser, workshop: Site, screen: Screen) -> None:
    number = str(screen)
    with opened(browser, workshop, _WORKSHOP, screen) as page:
        page.locator('main a[href*="/send/despatch"]').first.click()
        page.locator(f'main a[href*="buyer={_AWAITING}"]').click()
        page.locator("#despatch_no").fill(f"SJ-{number}")
        page.get_by_label(f"D-{number} ").first.fill("2,5")
        page.locator("#expected_on").fill(in_days(2))
        page.locator("form.send button").click()
        _counted(page, screen.language, f"D-{number}")
        story = page.locator(".story")
        expect(story).to_contain_text(f"SJ-{number}")
        expect(story).to_contain_text("2,5" if screen.language == "id" else "2.5")


@_ON_EVERY_SCREEN
def test_a_step_of_a_complaint_is_answered(
    browser: Browser, workshop: Site, screen: Screen
) -> None:
    number = f"K-{screen}"
    with opened(browser, workshop, _WORKSHOP, screen) as page:
        page.locator('main a[href*="/send/answer"]').first.click()
        page.locator(f'main a[href$="complaint={number}"]').click()
        expect(page.locator("main")).to_contain_text("Lubang miring")
        page.locator("input[value=containment]").check()
        page.locator("#answered_on").fill(in_days(0))
        page.locator("form.send button").click()
        says(page, screen.language, "it has arrived and counts.")
        expect(page.locator("#sent-1")).to_contain_text(number)
        # Only the other step is left to answer.
        page.goto(f"/suppliers/{_WORKSHOP}/send/answer?buyer={_ORDERING}&complaint={number}")
        assert page.locator("input[value=containment]").count() == 0
        expect(page.locator("input[value=corrective_action]")).to_be_visible()


@_ON_EVERY_SCREEN
def test_capacity_is_declared_and_shown(browser: Browser, workshop: Site, screen: Screen) -> None:
    process = f"las {screen}"
    with opened(browser, workshop, _WORKSHOP, screen) as page:
        page.locator('main a[href*="/send/capacity"]').first.click()
        page.locator("#process").fill(process)
        page.locator("#quantity_per_month").fill("1200")
        page.locator("#uom").select_option("H87")
        page.locator("#valid_from").fill(in_days(0))
        page.locator("#others").fill("LAS-1")
        page.locator("form.send button").click()
        says(page, screen.language, "it has arrived and counts.")
        page.goto(f"/suppliers/{_WORKSHOP}/send/capacity")
        row = page.locator("main table tr", has_text=process)
        expect(row).to_contain_text("1.200" if screen.language == "id" else "1,200")


@_ON_EVERY_SCREEN
def test_a_dispute_goes_from_the_supplier_to_the_buyer_and_back(
    browser: Browser, workshop: Site, screen: Screen
) -> None:
    number = str(screen)
    reason, note = f"Barang sampai tepat waktu, {number}.", f"Tanda terima lain, {number}."
    with opened(browser, workshop, _WORKSHOP, screen) as page:
        page.locator('main a[href*="/send/dispute"]').first.click()
        page.locator(f'main table a[href*="order=L-{number}&line=10"]').click()
        page.locator("#reason").fill(reason)
        page.locator("form.send button").click()
        _counted(page, screen.language, f"L-{number}")
        expect(page.locator(".story")).to_contain_text(reason)
        story = page.url
    with on(browser, workshop, screen) as page:
        sign_in(page, workshop.keys[_AWAITING])
        page.locator('main a[href="/buyer/disputes"]').click()
        page.locator("tr", has_text=reason).get_by_role("link").click()
        expect(page.locator("main")).to_contain_text(reason)
        page.locator("input[value=upheld]").check()
        page.locator("#note").fill(note)
        page.locator("form.send button").click()
        says(page, screen.language, "it has arrived and counts.")
        page.goto("/buyer/disputes")
        expect(page.locator("main")).not_to_contain_text(reason)
    with opened(browser, workshop, _WORKSHOP, screen) as page:
        page.goto(story)
        expect(page.locator(".story")).to_contain_text(note)


def _counted(page: Page, language: str, order: str) -> None:
    """Assert that what was sent counts, and open the story of the order's line from there."""
    says(page, language, "it has arrived and counts.")
    sent = page.locator("#sent-1")
    expect(sent).to_contain_text(LANGUAGES[language].text("Counted"))
    sent.get_by_role("link").filter(has_text=order).first.click()
    says(page, language, "What happened")


def _registered() -> dict[str, Any]:
    partner = {"partner_id": _WORKSHOP, "role": "supplier", "name": _NAME}
    return partner | {"cluster": SUPPLIERS[0].cluster.name, "languages": ["id"]}


def _order(buyer: str, number: str, due: int) -> dict[str, Any]:
    order = {"buyer_id": buyer, "supplier_id": _WORKSHOP, "order_no": number}
    about = {"item_no": "BRK-1", "quantity": 5, "uom": "H87", "requested_date": in_days(due)}
    return order | {"lines": [{"line_no": line, **about} for line in ("10", "20")]}


def _receipt(number: str, at: datetime) -> dict[str, Any]:
    receipt = {"buyer_id": _AWAITING, "supplier_id": _WORKSHOP, "receipt_no": f"R-{number}"}
    lines = [{"order_no": number, "line_no": "10", "quantity": 5}]
    return receipt | {"received_at": at.isoformat(), "lines": lines}


def _complaint(number: str, at: datetime) -> dict[str, Any]:
    complaint = {"buyer_id": _ORDERING, "supplier_id": _WORKSHOP, "complaint_no": number}
    about = {"opened_at": at.isoformat(), "severity": "major", "failure_mode": "Lubang miring"}
    return complaint | about
