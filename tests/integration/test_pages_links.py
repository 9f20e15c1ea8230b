"""Links that a buyer or the programme creates on a page: what they open, and what ends them."""

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, LinkRecord, Rights
from services.access.sessions import Sessions
from services.store.client import ClickHouse
from services.web.form_tokens import Forms
from tests.integration.groups_story import (
    ASKED,
    ONE,
    OTHER,
    PROGRAMME,
    SUPPLIERS,
    Browser,
    Site,
    open_site,
)
from tests.integration.pages_story import text
from tests.integration.test_pages_buyer import whole

S1 = SUPPLIERS[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("links")


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, folder: Path) -> Site:
    return open_site(own_clickhouse, folder / "secret")


@pytest.fixture
def buyer(site: Site) -> Browser:
    return site.sign_in(Role.BUYER, ONE)


@pytest.fixture
def manager(site: Site) -> Browser:
    return site.sign_in(Role.PROGRAMME, PROGRAMME)


def token_of(page: httpx.Response, action: str) -> str:
    field = r'<input type="hidden" name="form" value="([^"]*)"'
    found = re.search(rf'action="{action}">\s*{field}', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def made(browser: Browser, supplier: str = S1, rights: str = "read", days: str = "30") -> str:
    """Create a link with the form; return its path."""
    token = token_of(browser.get("/links"), "/links")
    response = browser.post("/links", form=token, supplier=supplier, rights=rights, days=days)
    assert response.status_code == 200, response.text
    address = re.search(r'id="address"\s+value="([^"]*)"\s+readonly', response.text)
    assert address is not None
    share = re.search(r'href="(https://wa\.me/[^"]*)"', response.text)
    assert share is not None
    (message,) = parse_qs(urlsplit(html.unescape(share[1])).query)["text"]
    assert message == f"Halaman Anda di Rantai: {html.unescape(address[1])}"
    return urlsplit(html.unescape(address[1])).path


def newest(site: Site) -> LinkRecord:
    return site.links.records()[-1]


def test_a_programmes_link_opens_the_whole_page(site: Site, manager: Browser) -> None:
    path = made(manager, rights="act")
    record = newest(site)
    assert (record.partner, record.role, record.rights) == (S1, Role.SUPPLIER, Rights.ACT)
    assert (record.made_by, record.buyer) == (PROGRAMME, None)
    left = datetime.fromisoformat(record.expires_at) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    supplier = Browser(site.app)
    shown = supplier.get(f"{path}?{ASKED}")
    assert "PT Rahasia Dua" in shown.text
    assert "RAHASIA-1" in shown.text


PLACES = (
    "{page}?as_of=2026-11-22",
    "{page}?as_of=2026-11-22&buyer_id=" + OTHER,
    "/suppliers/GR-S01?as_of=2026-11-22&lang=en",
    "/suppliers/GR-S01?as_of=2026-11-22&buyer_id=" + OTHER,
    "/suppliers/GR-S01?as_of=2026-11-22&table=any&format=csv",
    "/suppliers/GR-S01?as_of=2026-11-22&buyer_id=" + OTHER + "&table=figures&format=csv",
    "/suppliers/GR-S01?as_of=2026-11-22&table=months&format=csv",
)


def test_a_buyers_link_shows_its_own_orders_alone(site: Site, buyer: Browser) -> None:
    page = made(buyer)
    record = newest(site)
    assert (record.made_by, record.buyer, record.rights) == (ONE, ONE, Rights.READ)
    supplier = Browser(site.app)
    for place in PLACES:
        response = supplier.get(place.format(page=page))
        assert response.status_code == 200
        assert "RAHASIA" not in response.text.upper(), place
        assert OTHER not in response.text.replace(f"buyer_id={OTHER}", "")
    # The figures are those that the buyer sees, not those of all buyers.
    own = text(supplier.get(f"/suppliers/{S1}?{ASKED}"))
    seen = text(buyer.get(f"/suppliers/{S1}?{ASKED}"))
    for one in (own, seen):
        assert "3 dari 4 baris tepat waktu dan lengkap" in one
        assert "Hanya pesanan dari PT Satu & Rekan" in one
    assert "3 dari 8 baris" in text(site.sign_in(Role.SUPPLIER, S1).get(f"/suppliers/{S1}?{ASKED}"))


def test_what_is_over_all_buyers_is_not_for_one(site: Site, buyer: Browser) -> None:
    supplier = Browser(site.app)
    supplier.get(made(buyer))
    refused = supplier.get(f"/suppliers/{S1}/sent")
    assert refused.status_code == 403
    for browser in (supplier, buyer):
        assert browser.get(f"/suppliers/{S1}/evaluations/2026-11-01.pdf").status_code == 403
        assert browser.get(f"/suppliers/{S1}/send/confirm").status_code == 403
        refused = browser.get(f"/suppliers/{S1}?table=month-ends&format=csv")
        assert refused.status_code == 403
        assert "Nilai dan skor setiap akhir bulan" not in text(
            browser.get(f"/suppliers/{S1}?{ASKED}")
        )


def test_a_buyers_link_for_one_it_does_not_buy_from(site: Site, buyer: Browser) -> None:
    before = len(site.links.records())
    for supplier in ("GR-S99", "NOBODY", ""):
        token = token_of(buyer.get("/links"), "/links")
        refused = buyer.post("/links", form=token, supplier=supplier, rights="read", days="30")
        assert refused.status_code == 422
        assert "Di sini tidak ada pemasok" in html.unescape(refused.text)
    offered = buyer.get("/links").text
    assert "GR-S99" not in offered
    assert "GR-S02" in offered
    assert len(site.links.records()) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"rights": "own", "days": "30"},
        # A buyer must not use such a link itself and confirm orders in the supplier's name.
        {"rights": "act", "days": "30"},
        {"rights": "read", "days": "99999"},
        {"rights": "read", "days": "-1"},
        {"rights": "", "days": ""},
    ],
)
def test_what_the_form_does_not_offer_makes_nothing(
    site: Site, buyer: Browser, fields: dict[str, str]
) -> None:
    before = len(site.links.records())
    token = token_of(buyer.get("/links"), "/links")
    assert buyer.post("/links", form=token, supplier=S1, **fields).status_code == 403
    assert len(site.links.records()) == before


def test_a_form_counts_once_and_only_for_who_has_it(site: Site, buyer: Browser) -> None:
    token = token_of(buyer.get("/links"), "/links")
    asked = {"form": token, "supplier": S1, "rights": "read", "days": "7"}
    assert buyer.post("/links", **asked).status_code == 200
    other = site.sign_in(Role.BUYER, OTHER)
    before = len(site.links.records())
    assert buyer.post("/links", **asked).status_code == 409
    assert other.post("/links", **asked).status_code == 403
    assert other.post("/links", **{**asked, "form": ""}).status_code == 403
    assert len(site.links.records()) == before


def test_a_form_sent_twice_at_the_same_time_makes_one_link(site: Site, buyer: Browser) -> None:
    token = token_of(buyer.get("/links"), "/links")
    before = len(site.links.records())
    fields = {"form": token, "supplier": S1, "rights": "read", "days": "7"}
    answers = buyer.post_at_once("/links", 3, **fields)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert len(site.links.records()) == before + 1


def test_the_address_is_shown_once_and_the_list_says_what_was_made(
    site: Site, buyer: Browser
) -> None:
    path = made(buyer, supplier=SUPPLIERS[1], rights="read", days="7")
    listed = buyer.get("/links")
    assert path not in listed.text
    assert path.removeprefix("/s/") not in listed.text
    assert "CV S02 <Jaya> hanya melihat Dibuat: " in text(listed)
    assert "berlaku Cabut" in text(listed)
    # Nobody else sees the link: neither another buyer nor a programme with the same partner id.
    for browser in (site.sign_in(Role.BUYER, OTHER), site.sign_in(Role.PROGRAMME, ONE)):
        assert newest(site).link_id not in browser.get("/links").text


def test_a_link_taken_back_opens_nothing_and_signs_out(site: Site, buyer: Browser) -> None:
    path = made(buyer)
    supplier = Browser(site.app)
    assert supplier.get(path).status_code == 200
    link_id = newest(site).link_id
    action = f"/links/{link_id}/revoke"
    token = token_of(buyer.get("/links"), action)
    other = site.sign_in(Role.BUYER, OTHER)
    # Another visitor cannot use this form.
    assert other.post(action, form=token).status_code == 403
    assert site.links.valid(link_id) is not None
    taken = buyer.post(action, form=token)
    assert (taken.status_code, taken.headers["location"]) == (303, "/links")
    assert "dicabut" in text(buyer.get("/links"))
    assert action not in buyer.get("/links").text
    assert supplier.get(f"/suppliers/{S1}").status_code == 401
    refused = Browser(site.app).get(path)
    assert refused.status_code == 403
    assert "Tautan ini sudah dicabut" in html.unescape(refused.text)


def test_a_link_made_by_who_came_by_a_link_ends_with_that(site: Site) -> None:
    token = site.links.create(LinkHolder(Role.PROGRAMME, PROGRAMME), days=7)
    own_link, manager = site.links.open(token), Browser(site.app)
    assert manager.get(f"/s/{token}").status_code == 200
    path = made(manager, days="365")
    assert newest(site).expires_at == own_link.expires_at
    assert Browser(site.app).get(path).status_code == 200
    site.links.revoke(own_link.link_id)
    assert Browser(site.app).get(path).status_code == 403


def test_only_its_own_links_are_taken_back(
    site: Site, buyer: Browser, manager: Browser, tmp_path: Path
) -> None:
    made(manager)
    link_id = newest(site).link_id
    sessions = Sessions(KeyStore(tmp_path / "keys.json"), site.links)
    visitor = sessions.visitor(buyer.cookies["rantai_session"])
    assert visitor is not None
    # A form token for that link, which no page offers to this visitor, does not help: the link
    # belongs to another.
    token = Forms(site.links.secret).token(visitor, f"take-back-{link_id}")
    assert buyer.post(f"/links/{link_id}/revoke", form=token).status_code == 404
    assert site.links.valid(link_id) is not None


def test_an_expired_link_says_so(site: Site, buyer: Browser) -> None:
    token = site.links.create(
        LinkHolder(Role.SUPPLIER, S1, Rights.READ, ONE), days=1e-9, made_by=ONE
    )
    refused = Browser(site.app).get(f"/s/{token}")
    assert refused.status_code == 403
    assert "Tautan ini sudah tidak berlaku" in html.unescape(refused.text)
    assert "tidak berlaku lagi" in text(buyer.get("/links"))


def test_who_may_make_links(site: Site) -> None:
    assert Browser(site.app).get("/links").status_code == 401
    assert site.sign_in(Role.SUPPLIER, S1).get("/links").status_code == 403
    for role, partner in ((Role.BUYER, ONE), (Role.PROGRAMME, PROGRAMME)):
        reading = site.sign_in(role, partner, Rights.READ)
        refused = reading.get("/links")
        assert refused.status_code == 403
        assert "hanya untuk melihat" in refused.text


def test_a_page_with_many_suppliers_asks_for_the_id(
    site: Site, manager: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert '<select id="supplier"' in manager.get("/links").text
    monkeypatch.setattr("services.web.link_pages._MOST_OPTIONS", 3)
    few = manager.get(f"/links?supplier={S1}")
    field = re.search(r'<input id="supplier"\s+name="supplier"\s+value="([^"]*)"', few.text)
    assert field is not None, few.text
    assert field[1] == S1
    assert made(manager, supplier=SUPPLIERS[4])


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_page_is_whole(site: Site, buyer: Browser, manager: Browser, language: str) -> None:
    for browser in (buyer, manager):
        whole(browser.get(f"/links?lang={language}"), language)


def test_where_links_cannot_be_written_none_is_made_and_the_page_says_so(
    site: Site, manager: Browser, folder: Path
) -> None:
    lock = folder / ".links.json.lock"
    before = site.links.records()
    token = token_of(manager.get("/links"), "/links")
    form = {"form": token, "supplier": S1, "rights": "read", "days": "30"}
    lock.unlink(missing_ok=True)
    lock.mkdir()  # Removing permissions would not stop tests that run as root.
    try:
        refused = manager.post("/links", **form)
    finally:
        lock.rmdir()
    assert refused.status_code == 503
    assert "Tidak ada yang diubah" in refused.text
    assert site.links.records() == before
    assert manager.post("/links", **form).status_code == 200
    assert len(site.links.records()) == len(before) + 1
