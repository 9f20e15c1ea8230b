"""Forms refuse other visitors, forged and repeated requests, and invalid text, without errors."""

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from schemas.catalogue import Role
from services.access.links import Rights
from services.store.client import ClickHouse
from services.web.forms.form_pages import KINDS
from tests.integration.acting import (
    BUYER,
    OTHER_BUYER,
    OTHER_SUPPLIER,
    SUPPLIER,
    Phone,
    Shop,
    day,
    form_of,
    open_shop,
    words,
)

SEND = f"/suppliers/{SUPPLIER}/send"
CONFIRM = f"{SEND}/confirm?buyer={BUYER}&order=A1"
CAPACITY = f"{SEND}/capacity"
MINE = [name for name, kind in KINDS.items() if kind.role is Role.SUPPLIER]


@pytest.fixture(scope="module")
def shop(new_database: Callable[[], ClickHouse], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return open_shop(new_database(), tmp_path_factory.mktemp("shop"))


@pytest.fixture
def phone(shop: Shop) -> Phone:
    shop.open()
    shop.broker.away = shop.broker.unheard = False
    shop.broker.seconds, shop.broker.failures, shop.broker.stores = 0, 0, True
    return shop.phone(SUPPLIER)


def stored(shop: Shop) -> int:
    """Return how many stored events were sent with forms."""
    query = "SELECT uniqExact(source, id) AS n FROM events WHERE source LIKE '%/rantai'"
    return int(shop.clickhouse.rows(query)[0]["n"])


def declaration(**more: str) -> dict[str, str]:
    """Return the complete fields of a capacity declaration, for a process with a new name."""
    typed = {"process": f"p-{uuid.uuid4().hex}", "quantity_per_month": "10", "others": "X"}
    return {**typed, "valid_from": day(0).isoformat(), **more}


def refused(answer: httpx.Response, status: int, says: str) -> None:
    """Assert that a page states the reason of a refusal, and contains no traceback."""
    assert answer.status_code == status, words(answer)
    assert says in words(answer)
    assert "Traceback" not in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("name", MINE)
def test_forms_of_another_supplier_are_closed(shop: Shop, phone: Phone, name: str) -> None:
    address = f"/suppliers/{OTHER_SUPPLIER}/send/{name}"
    before = stored(shop)
    refused(phone.get(address), 403, "milik pihak lain")
    token = form_of(phone.get(CAPACITY))[1]["form"]
    refused(phone.post(address, {"form": token, **declaration()}), 403, "milik pihak lain")
    refused(phone.get(f"/suppliers/{OTHER_SUPPLIER}/sent"), 403, "milik pihak lain")
    assert stored(shop) == before


@pytest.mark.parametrize("name", KINDS)
def test_forms_of_another_role_are_closed(shop: Shop, phone: Phone, name: str) -> None:
    others = {
        Role.BUYER: shop.phone(BUYER, Role.BUYER),
        Role.PROGRAMME: shop.phone("AC-P", Role.PROGRAMME),
        Role.SUPPLIER: phone,
    }
    for role, other in others.items():
        if role is not KINDS[name].role:
            refused(other.get(f"{SEND}/{name}"), 403, "milik pihak lain")
            refused(other.post(f"{SEND}/{name}", {}), 403, "milik pihak lain")
    refused(phone.get("/buyer/disputes"), 403, "milik pihak lain")
    refused(phone.get("/buyer/sent"), 403, "milik pihak lain")
    refused(others[Role.BUYER].get(f"/suppliers/{SUPPLIER}/sent"), 403, "milik pihak lain")


def test_a_buyer_answers_its_own_disputes_alone(shop: Shop, phone: Phone) -> None:
    sent = phone.fill(f"{SEND}/dispute?buyer={BUYER}&order=A1&line=20", reason="RAHASIA")
    assert sent.status_code == 303
    form = f"{SEND}/dispute-answer?order=A1&line=20"
    own, other = shop.phone(BUYER, Role.BUYER), shop.phone(OTHER_BUYER, Role.BUYER)
    stranger = shop.phone("AC-STRANGER", Role.BUYER)
    for page in (other.get(form), other.get("/buyer/disputes")):
        assert page.status_code == 200
        assert "RAHASIA" not in page.text
    token = form_of(own.get(form))[1]["form"]
    before = stored(shop)
    for answer in ({"form": token, "answer": "corrected"}, {"answer": "corrected"}):
        assert other.post(form, answer).status_code == 403
    refused(stranger.get(form), 404, "Tidak ada apa-apa")
    assert stored(shop) == before


def test_nobody_who_is_not_signed_in(shop: Shop) -> None:
    nobody = Phone(shop)
    for path in (f"{SEND}/confirm", f"/suppliers/{SUPPLIER}/sent", "/buyer/disputes"):
        refused(nobody.get(path), 401, "Anda belum masuk")
    refused(nobody.post(CAPACITY, declaration()), 401, "Anda belum masuk")


def test_a_link_for_reading_sends_nothing(shop: Shop) -> None:
    reading = shop.phone(SUPPLIER, rights=Rights.READ)
    before = stored(shop)
    for name in MINE:
        refused(reading.get(f"{SEND}/{name}"), 403, "hanya untuk melihat")
        refused(reading.post(f"{SEND}/{name}", declaration()), 403, "hanya untuk melihat")
    assert reading.get(f"/suppliers/{SUPPLIER}/sent").status_code == 200
    assert stored(shop) == before


def test_a_form_needs_a_token_of_its_own(shop: Shop, phone: Phone) -> None:
    token = form_of(phone.get(CAPACITY))[1]["form"]
    session = shop.phone(SUPPLIER)
    elsewhere = form_of(session.get(CAPACITY))[1]["form"]
    other_purpose = form_of(phone.get(CONFIRM))[1]["form"]
    before = stored(shop)
    for forged in ("", "x", token[:-1], token + "x", "." + token, elsewhere, other_purpose):
        refused(phone.post(CAPACITY, declaration(form=forged)), 403, "terlalu lama")
    refused(phone.post(CAPACITY, declaration()), 403, "terlalu lama")
    assert stored(shop) == before
    assert phone.post(CAPACITY, declaration(form=token)).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_elsewhere_is_refused(
    shop: Shop, phone: Phone, headers: dict[str, str]
) -> None:
    token = form_of(phone.get(CAPACITY))[1]["form"]
    before = stored(shop)
    answer = phone.post(CAPACITY, declaration(form=token), headers)
    refused(answer, 403, "dari tempat lain")
    assert stored(shop) == before


def test_a_form_sent_twice_counts_once(shop: Shop, phone: Phone) -> None:
    page, typed = phone.get(CAPACITY), declaration()
    before = stored(shop)
    assert phone.send(page, **typed).status_code == 303
    again = phone.send(page, **typed)
    refused(again, 409, "sudah terkirim")
    assert f'href="/suppliers/{SUPPLIER}/sent"' in again.text
    assert stored(shop) == before + 1


@pytest.mark.parametrize("stores", [True, False])
def test_a_form_sent_twice_at_the_same_time_counts_once(
    shop: Shop, phone: Phone, stores: bool
) -> None:
    action, fields = form_of(phone.get(CAPACITY))
    # An event that is only safe on the broker is not in the ledger, so the ledger can't tell that
    # it was sent.
    shop.broker.seconds, shop.broker.stores = 0.2, stores
    kept = len(shop.broker.kept)
    before = stored(shop)
    answers = phone.post_all(action, {**fields, **declaration()}, times=4)
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert phone.post(action, {**fields, **declaration()}).status_code == 409
    assert len(shop.broker.kept) == kept + 1
    assert stored(shop) == before + stores


def test_of_two_at_the_same_time_the_second_is_taken_where_the_first_fails(
    shop: Shop, phone: Phone
) -> None:
    action, fields = form_of(phone.get(CAPACITY))
    shop.broker.seconds, shop.broker.failures = 0.2, 1
    before = stored(shop)
    answers = phone.post_all(action, {**fields, **declaration()}, times=3)
    assert sorted(answer.status_code for answer in answers) == [303, 409, 503]
    assert stored(shop) == before + 1


def test_a_form_sent_again_after_a_restart_counts_once(shop: Shop, phone: Phone) -> None:
    page, typed = phone.get(CAPACITY), declaration()
    assert phone.send(page, **typed).status_code == 303
    before = stored(shop)
    shop.open()
    refused(phone.send(page, **typed), 409, "sudah terkirim")
    assert stored(shop) == before


def test_the_broker_away_keeps_what_was_typed(shop: Shop, phone: Phone) -> None:
    shop.broker.away = True
    typed = declaration()
    before = stored(shop)
    answer = phone.fill(CAPACITY, **typed)
    refused(answer, 503, "Belum terkirim")
    assert answer.headers["retry-after"]
    _, fields = form_of(answer)
    assert {name: fields[name] for name in typed} == typed
    assert typed["process"] not in words(phone.get(f"/suppliers/{SUPPLIER}/sent"))
    shop.broker.away = False
    assert phone.send(answer).status_code == 303
    assert stored(shop) == before + 1


def test_what_arrived_unheard_counts_once(shop: Shop, phone: Phone) -> None:
    shop.broker.unheard = True
    before = stored(shop)
    page = phone.fill(CAPACITY, **declaration())
    assert page.status_code == 503
    assert stored(shop) == before + 1
    shop.broker.unheard = False
    refused(phone.send(page), 409, "sudah terkirim")
    assert stored(shop) == before + 1


def test_what_is_sent_again_is_the_same_event(shop: Shop, phone: Phone) -> None:
    shop.broker.unheard, shop.broker.stores = True, False
    page = phone.fill(CAPACITY, **declaration())
    shop.broker.unheard = False
    assert phone.send(page).status_code == 303
    first, second = shop.broker.kept[-2:]
    assert (first.id, first.content) == (second.id, second.content)


def test_a_body_past_all_bounds(shop: Shop, phone: Phone) -> None:
    token = form_of(phone.get(CAPACITY))[1]["form"]
    before = stored(shop)
    large = declaration(form=token, others="x" * 70_000)
    refused(phone.post(CAPACITY, large), 413, "terlalu banyak")
    many = urlencode([("form", token), *((f"item-{n}", '["X"]') for n in range(600))])
    assert phone.post(CAPACITY, many.encode()).status_code == 403
    for body in (b"\xff\xfe", b"form=%ff", b"{}", b"", b"&&&=;"):
        assert phone.post(CAPACITY, body).status_code == 403
    assert stored(shop) == before


NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} %(x)s %s",
    "x" * 10_000,
    "a\r\nb: c",
    "\x00",
    "\u202e\u2066",
    "1e9",
    "NaN",
    "-1",
    "31/02/2027",
    "٣",
    "' OR 1=1 --",
    "../../etc",
    "𝟙🏭",
]


ABOUT = {
    "confirm": f"?buyer={BUYER}&order=A1",
    "despatch": f"?buyer={BUYER}",
    "answer": f"?buyer={BUYER}&complaint={quote('K<1>')}",
    "capacity": "",
    "dispute": f"?buyer={BUYER}&order=LATE&line=10",
}


@pytest.mark.parametrize("name", MINE)
def test_whatever_is_typed_it_is_no_error_of_ours(phone: Phone, name: str) -> None:
    page = phone.get(f"{SEND}/{name}{ABOUT[name]}")
    for text in NASTY:
        action, fields = form_of(page)
        names = [field for field in fields if field != "form"] + ["answer-0", "step", "all", "x"]
        answer = phone.post(action, {"form": fields["form"], **dict.fromkeys(names, text)})
        if len(text) * len(names) > 64 * 1024:
            assert answer.status_code == 413
            continue
        assert answer.status_code in (303, 422), (text, words(answer))
        if answer.status_code == 303:
            answer = phone.get(answer.headers["location"])
            page = phone.get(f"{SEND}/{name}{ABOUT[name]}")
        assert answer.status_code in (200, 422)
        assert "<script" not in answer.text
        assert "<img" not in answer.text


@pytest.mark.parametrize("name", MINE)
def test_whatever_an_address_says_it_is_no_error_of_ours(phone: Phone, name: str) -> None:
    keys = ("buyer", "order", "line", "complaint", "process", "step", "lang", "new")
    token = form_of(phone.get(CAPACITY))[1]["form"]
    for text in NASTY:
        asked = urlencode(dict.fromkeys(keys, text[:1000]))
        for path in (f"{SEND}/{name}?{asked}", f"/suppliers/{SUPPLIER}/sent?{asked}"):
            found = phone.get(path)
            assert found.status_code == 200, (text, words(found))
            assert "<script" not in found.text
        assert phone.post(f"{SEND}/{name}?{asked}", {"form": token}).status_code in (403, 422)


@pytest.mark.parametrize("name", ["confirm", "answer", "dispute"])
def test_a_form_about_nothing_says_so(shop: Shop, phone: Phone, name: str) -> None:
    _, fields = form_of(phone.get(f"{SEND}/{name}{ABOUT[name]}"))
    before = stored(shop)
    gone = {"buyer": BUYER, "order": "C1", "line": "10", "complaint": "K2"}
    for asked in ("", f"?{urlencode(gone)}", f"?{urlencode({**gone, 'buyer': 'NOBODY'})}"):
        answer = phone.post(f"{SEND}/{name}{asked}", {**fields, "line-0": '["C1", "10"]'})
        refused(answer, 422, "Ini tidak bisa diterima")
    assert stored(shop) == before


def test_lines_of_others_are_not_taken(shop: Shop, phone: Phone) -> None:
    """A form may name only lines that the store has for this supplier, also if it is forged."""
    action, fields = form_of(phone.get(f"{SEND}/despatch?buyer={BUYER}"))
    forged: dict[str, Any] = {
        **fields,
        "despatch_no": "SJ-F",
        "line-0": json.dumps(["C1", "10"]),
        "quantity-0": "5",
    }
    before = stored(shop)
    answer = phone.post(action, forged)
    assert answer.status_code == 422
    assert "Pesanan C1 baris 10 sudah tidak terbuka di sini" in words(answer)
    assert stored(shop) == before


def test_unknown_forms_are_nothing(phone: Phone) -> None:
    refused(phone.get(f"{SEND}/place-order"), 404, "Tidak ada apa-apa")
    refused(phone.post(f"{SEND}/place-order", {}), 404, "Tidak ada apa-apa")
