"""Each form of the pages, from the list that offers it to the order line and figure it changes."""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from schemas.catalogue import Role
from services.access.links import Rights
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.store.ledger import Ledger
from services.text.language import LANGUAGES
from services.web.forms import form_pages
from services.web.site import Visit
from tests.integration.acting import (
    BUYER,
    NASTY,
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
from tests.integration.pages_story import Story, Tags

SEND = f"/suppliers/{SUPPLIER}/send"
SOURCE = f"/erp/{SUPPLIER}/rantai"


@pytest.fixture
def shop(new_database: Callable[[], ClickHouse], tmp_path: Path) -> Shop:
    """Return pages over a story for one test, because an answer that is sent can't be undone."""
    return open_shop(new_database(), tmp_path)


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.phone(SUPPLIER)


@pytest.fixture(scope="module")
def reader(
    new_database: Callable[[], ClickHouse], tmp_path_factory: pytest.TempPathFactory
) -> Phone:
    """Return a phone on pages that several tests share, as their forms are all refused."""
    return open_shop(new_database(), tmp_path_factory.mktemp("shop")).phone(SUPPLIER)


def line(shop: Shop, order: str, line_no: str = "10") -> dict[str, Any]:
    """Return an order line as the JSON API shows it with tomorrow as T."""
    reader = ScorecardReader(shop.clickhouse, DEFAULT_POLICY)
    asked = Selection(day(1), 180, [SUPPLIER])
    found = reader.lines(SUPPLIER, asked, "any", 1000, 0)["lines"]
    return next(one for one in found if (one["order_no"], one["line_no"]) == (order, line_no))


def figure(shop: Shop, key: str, ahead: int = 3) -> dict[str, Any]:
    """Return a figure of the scorecard with T `ahead` days from today."""
    reader = ScorecardReader(shop.clickhouse, DEFAULT_POLICY)
    card = json.loads(reader.scorecard(SUPPLIER, Selection(day(ahead), 180, [SUPPLIER])))
    found: dict[str, Any] = card["kpis"][key]
    return found


def arrived(phone: Phone, answer: httpx.Response) -> str:
    """Assert that a form was accepted; return the text of the page of sent events that follows."""
    assert answer.status_code == 303, words(answer)
    page = phone.get(answer.headers["location"])
    assert page.status_code == 200
    assert 'role="status"' in page.text
    return words(page)


def from_here(shop: Shop, order: str, line_no: str = "10") -> int:
    """Return how many events of an order line were sent with forms."""
    return sum(event["source"] == SOURCE for event in line(shop, order, line_no)["events"])


def test_an_order_is_confirmed_and_its_line_and_figure_change(shop: Shop, phone: Phone) -> None:
    before = figure(shop, "confirmation_in_time")
    listed = phone.get(f"{SEND}/confirm")
    assert "A1 PT Astra & Kawan 3 baris" in words(listed)
    address = re.search(r'href="([^"]*send/confirm[^"]*A1[^"]*)"', listed.text)
    assert address is not None
    later = day(14)
    answer = phone.fill(
        address[1].replace("&amp;", "&"),
        answer__0="accepted",
        answer__1="changed",
        date__1=f"{later.day}/{later.month}/{later.year}",
        quantity__1="90,5",
    )
    said = arrived(phone, answer)
    assert "Jawaban untuk pesanan A1: sudah sampai dan dihitung." in said
    assert "A1 baris 10: disanggupi sesuai permintaan" in said
    assert f"A1 baris 20: Anda usulkan {LANGUAGES['id'].day(later)}, 90,5" in said
    assert "Sudah dihitung" in said
    assert line(shop, "A1", "20")["due_date"] == later.isoformat()
    assert line(shop, "A1", "20")["due_set_by"]["source"] == SOURCE
    assert from_here(shop, "A1", "10") == 1
    assert from_here(shop, "A1", "30") == 0
    after = figure(shop, "confirmation_in_time")
    assert after["numerator"] == before["numerator"] + 2
    assert after["denominator"] == before["denominator"]
    assert "A1 PT Astra & Kawan 1 baris" in words(phone.get(f"{SEND}/confirm"))


def test_every_line_is_accepted_at_once(shop: Shop, phone: Phone) -> None:
    address = f"{SEND}/confirm?buyer={BUYER}&order=A1"
    said = arrived(phone, phone.fill(address, answer__1="rejected", all="accepted"))
    assert said.count("disanggupi sesuai permintaan") == 2
    assert "A1 baris 20: ditolak" in said
    assert line(shop, "A1", "20")["out_because"] == "rejected"
    assert "Tidak ada lagi yang terbuka" not in words(phone.get(address))
    accepted = phone.get(f"{address}&line=10")
    assert "Jawaban pertama untuk suatu baris menetapkan tanggalnya" in words(accepted)


def test_an_order_number_with_blanks_and_markup_is_answered(shop: Shop, phone: Phone) -> None:
    address = f"{SEND}/confirm?buyer={BUYER}&order={quote(NASTY)}"
    page = phone.get(address)
    assert "<b>&" not in page.text
    arrived(phone, phone.send(page, answer__0="accepted"))
    assert from_here(shop, NASTY.strip()) == 1  # The number is stored in its normalised spelling.


def test_a_day_that_has_passed_is_not_offered_and_not_taken(reader: Phone) -> None:
    page = reader.get(f"{SEND}/confirm?buyer={BUYER}&order=LATE")
    assert 'value="accepted"' not in page.text
    answer = reader.send(page, answer__0="accepted")
    assert answer.status_code == 422
    assert "Tanggal yang diminta sudah lewat" in words(answer)


def test_a_delivery_of_several_lines_is_announced_once_and_replaced(
    shop: Shop, phone: Phone
) -> None:
    assert "PT Astra & Kawan: 5 baris terbuka" in words(phone.get(f"{SEND}/despatch"))
    address = f"{SEND}/despatch?buyer={BUYER}"
    page = phone.get(address)
    shown = words(page)
    assert OTHER_BUYER not in shown
    places = {
        (order, number): place
        for place, order, number in re.findall(
            r'name="line-(\d+)"\s+value="\[&#34;(.*?)&#34;, &#34;(.*?)&#34;\]', page.text
        )
    }
    lines = {
        f"quantity__{places['A1', '10']}": "60",
        f"quantity__{places['A1', '30']}": "100,5",
    }
    said = arrived(
        phone,
        phone.send(
            page, despatch_no="SJ-1", expected_on=day(2).isoformat(), vehicle="G 1 A", **lines
        ),
    )
    assert f"Kiriman SJ-1, tiba {LANGUAGES['id'].day(day(2))}" in said
    assert "A1 baris 10: 60" in said
    assert "A1 baris 30: 100,5" in said
    assert "masih kurang 100 buah; di jalan 60 buah" in words(phone.get(address))

    again = phone.fill(address, despatch_no="SJ-1", quantity__0="1")
    assert again.status_code == 422
    assert "Kiriman dengan nomor ini sudah diberitahukan pada" in words(again)
    assert 'name="replace"' in again.text
    arrived(phone, phone.send(again, replace="1"))
    assert "di jalan 60 buah" not in words(phone.get(address))


def test_a_despatch_notice_counts(shop: Shop, phone: Phone) -> None:
    arrived(phone, phone.fill(f"{SEND}/despatch?buyer={BUYER}&order=LATE&line=10", despatch_no="S"))
    story = Story()
    story.tell(
        BUYER,
        "delivery.received",
        f"{day(1)}T08:00:00+07:00",
        buyer_id=BUYER,
        supplier_id=SUPPLIER,
        receipt_no="R1",
        received_at=f"{day(1)}T08:00:00+07:00",
        despatch_no="S",
        lines=[{"order_no": "LATE", "line_no": "10", "quantity": 100}],
    )
    # Story numbers its events from 0, so this one would have the id of an event already stored.
    record = story.records[0]._replace(
        id="receipt", value=story.records[0].value.replace(b'"id":"pages-0"', b'"id":"receipt"')
    )
    Ledger(shop.clickhouse).append([record], uuid.uuid4())
    assert figure(shop, "despatch_notice_rate")["numerator"] == 1


def test_the_rest_of_a_line_stands_in_its_field(reader: Phone) -> None:
    address = f"{SEND}/despatch?buyer={BUYER}&order=A1&line=30"
    _, fields = form_of(reader.get(address))
    assert [text for name, text in fields.items() if name.startswith("quantity")] == [
        "100,5",
        "",
        "",
    ]


def test_a_step_of_a_complaint_is_answered(shop: Shop, phone: Phone) -> None:
    listed = words(phone.get(f"{SEND}/answer"))
    assert "Keluhan K<1> dari PT Astra & Kawan" in listed
    assert "pengamanan barang), paling lambat" in listed
    address = f"{SEND}/answer?buyer={BUYER}&complaint={quote('K<1>')}"
    before = figure(shop, "complaint_response")
    page = phone.get(address)
    assert "Lubang <miring> & gerinda" in words(page)
    said = arrived(
        phone, phone.send(page, step="containment", answered_on=day(-3).strftime("%d/%m/%Y"))
    )
    assert "Keluhan K<1>: barangnya sudah diamankan" in said
    assert figure(shop, "complaint_response")["numerator"] == before["numerator"] + 1
    assert "pengamanan barang" not in words(phone.get(address))
    arrived(phone, phone.fill(address, step="corrective_action"))
    assert "tidak lagi menunggu langkah Anda" in words(phone.get(address))
    assert "Tidak ada keluhan yang menunggu" in words(phone.get(f"{SEND}/answer"))


def test_capacity_is_declared_and_changed(shop: Shop, phone: Phone) -> None:
    assert figure(shop, "capacity_load")["processes"] == {}
    page = phone.get(f"{SEND}/capacity")
    _, fields = form_of(page)
    items = dict(re.findall(r'name="(item-\d+)"\s+value="\[&#34;(.*?)&#34;\]', page.text))
    place = next(name for name, item in items.items() if item == "BRK-&lt;1&gt;")
    said = arrived(
        phone,
        phone.send(
            page,
            process="bubut <CNC>",
            quantity_per_month="1000",
            uom="H87",
            others="LAIN-1\nLAIN-2",
            **{place.replace("-", "__"): '["BRK-<1>"]'},
        ),
    )
    assert "Kapasitas bubut <CNC>: 1.000 buah sebulan mulai" in said
    load = figure(shop, "capacity_load")["processes"]["bubut <CNC>"]
    assert (load["numerator"], load["denominator"]) == (400, 1000)
    again = phone.get(f"{SEND}/capacity?process={quote('bubut <CNC>')}")
    _, fields = form_of(again)
    assert fields["process"] == "bubut <CNC>"
    assert fields["quantity_per_month"] == "1000"
    assert sorted(text for name, text in fields.items() if name.startswith("item-")) == [
        '["BRK-<1>"]',
        '["LAIN-1"]',
        '["LAIN-2"]',
    ]


def test_a_dispute_and_its_answer(shop: Shop, phone: Phone) -> None:
    listed = phone.get(f"{SEND}/dispute")
    assert "LATE baris 10" in words(listed)
    address = f"{SEND}/dispute?buyer={BUYER}&order=LATE&line=10"
    said = arrived(
        phone,
        phone.fill(
            address, reason="Diterima <tepat>\nditandatangani", evidence="https://foto.example/1"
        ),
    )
    assert "LATE baris 10: Diterima <tepat>" in said
    assert line(shop, "LATE")["dispute_open"]
    assert "sudah Anda sanggah dan pembeli belum menjawab" in words(phone.get(address))

    desk = shop.phone(BUYER, Role.BUYER)
    waiting = desk.get("/buyer/disputes")
    assert "Jawab: LATE baris 10" in words(waiting)
    assert "CV Ukir <Logam>" in words(waiting)
    form = f"{SEND}/dispute-answer?order=LATE&line=10"
    shown = desk.get(form)
    assert "Diterima <tepat> ditandatangani" in words(shown)
    assert 'href="https://foto.example/1" rel="noreferrer noopener nofollow"' in shown.text
    refused = desk.send(shown, answer="upheld")
    assert refused.status_code == 422
    answered = desk.send(refused, note="Tanda tangan tidak ada")
    assert answered.headers["location"].startswith("/buyer/sent?new=")
    assert "LATE baris 10: data tetap: Tanda tangan tidak ada" in arrived(desk, answered)
    assert not line(shop, "LATE")["dispute_open"]
    assert "Tidak ada sanggahan yang menunggu" in words(desk.get("/buyer/disputes"))
    assert "Tidak ada sanggahan atas baris ini" in words(desk.get(form))


def test_what_is_safe_and_not_stored_is_sent_and_not_counted(shop: Shop, phone: Phone) -> None:
    shop.broker.stores = False
    answer = phone.fill(f"{SEND}/confirm?buyer={BUYER}&order=A1", answer__0="accepted")
    said = arrived(phone, answer)
    assert "Jawaban untuk pesanan A1: sudah aman." in said
    assert "Terkirim, belum dihitung" in said
    assert "Sudah dihitung Yang bisa" not in said
    shop.broker.store(shop.broker.kept)
    after = words(phone.get(f"/suppliers/{SUPPLIER}/sent"))
    assert "Terkirim, belum dihitung" not in after
    assert after.count("Jawaban untuk pesanan A1") == 1


def test_what_is_stored_and_not_complete_does_not_count_yet(shop: Shop, phone: Phone) -> None:
    answer = phone.fill(f"{SEND}/confirm?buyer={BUYER}&order=A1", answer__0="accepted")
    number = answer.headers["location"].partition("=")[2]
    event = shop.clickhouse.rows(f"SELECT batch FROM events WHERE id = '{number}'")[0]
    shop.clickhouse.command(f"DELETE FROM batches WHERE batch = '{event['batch']}'")
    assert "Terkirim, belum dihitung" in words(phone.get(f"/suppliers/{SUPPLIER}/sent"))


FORMS = {
    "confirm": f"?buyer={BUYER}&order=A1",
    "despatch": f"?buyer={BUYER}",
    "answer": f"?buyer={BUYER}&complaint={quote('K<1>')}",
    "capacity": "",
    "dispute": f"?buyer={BUYER}&order=LATE&line=10",
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("language", ["id", "en"])
def test_faults_are_told_at_their_fields_and_what_was_typed_stays(
    reader: Phone, name: str, language: str
) -> None:
    page = reader.get(
        f"{SEND}/{name}{FORMS[name]}&lang={language}".replace("capacity&", "capacity?")
    )
    action, fields = form_of(page)
    typed = {
        field: f"<bad> {field}\x01"
        for field in fields
        if not field.startswith(("line", "form", "item"))
    }
    typed |= {"step": "x", "answer-0": "x"} if name in ("answer", "confirm") else {}
    answer = reader.post(action, {**fields, **typed})
    assert answer.status_code == 422
    assert f'<html lang="{language}">' in answer.text
    tags = Tags()
    tags.feed(answer.text.replace("<!doctype html>", ""))
    assert not tags.open
    assert len(set(tags.ids)) == len(tags.ids)
    described = [
        value for _, attribute, value in tags.attributes if attribute == "aria-describedby"
    ]
    wrong = [name for name in tags.ids if name.endswith("-wrong")]
    assert wrong
    assert set(wrong) <= set(" ".join(described).split())
    assert {one for text in described for one in text.split()} <= set(tags.ids)
    links = [
        value
        for tag, attribute, value in tags.attributes
        if tag == "a" and attribute == "href" and value.startswith("#")
    ]
    assert {f"#{one.removesuffix('-wrong')}" for one in wrong} <= set(links)
    assert {link.removeprefix("#") for link in links} <= set(tags.ids)
    assert sum(attribute == "aria-invalid" for _, attribute, _ in tags.attributes) == len(wrong)
    _, shown = form_of(answer)
    for field, text in typed.items():
        if field in shown and field not in ("uom", "step", "answer-0"):
            assert shown[field] == text.strip()
    assert "<bad>" not in answer.text
    assert "style=" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_put_right_a_form_is_sent_with_its_first_number(phone: Phone) -> None:
    page = phone.get(f"{SEND}/confirm?buyer={BUYER}&order=A1")
    refused = phone.send(page, answer__0="changed", date__0="kemarin")
    assert form_of(refused)[1]["form"] == form_of(page)[1]["form"]
    assert "Tulis tanggal seperti 25/11/2026" in words(refused)
    arrived(phone, phone.send(refused, date__0=day(5).isoformat()))


def test_what_can_be_done_is_shown_to_those_who_may(shop: Shop, phone: Phone) -> None:
    told = {
        "supplier_id": SUPPLIER,
        "buyer_id": BUYER,
        "order_no": "A1",
        "line_no": "10",
        "status": ["open"],
        "dispute_open": True,
    }

    def offered(who: Phone, about: dict[str, Any]) -> list[str]:
        visit = visit_of(shop, who)
        return [address for address, _ in form_pages.line_actions(visit, about)]

    query = f"?buyer={BUYER}&order=A1&line=10"
    assert offered(phone, told) == [
        f"{SEND}/{one}{query}" for one in ("confirm", "despatch", "dispute")
    ]
    assert offered(phone, {**told, "status": []}) == [f"{SEND}/dispute{query}"]
    buyer = shop.phone(BUYER, Role.BUYER)
    assert offered(buyer, told) == [f"{SEND}/dispute-answer?order=A1&line=10"]
    assert offered(buyer, {**told, "dispute_open": False}) == []
    reading = shop.phone(SUPPLIER, rights=Rights.READ)
    others = [
        reading,
        shop.phone(OTHER_SUPPLIER),
        shop.phone(OTHER_BUYER, Role.BUYER),
        shop.phone("AC-PROGRAMME", Role.PROGRAMME),
    ]
    for who in others:
        assert offered(who, told) == []
        assert form_pages.supplier_actions(visit_of(shop, who), SUPPLIER) == []
    for address, _ in form_pages.supplier_actions(visit_of(shop, phone), SUPPLIER):
        assert phone.get(address).status_code == 200
    for address in offered(phone, told):
        assert phone.get(address).status_code == 200
    assert "Jawab pesanan" not in words(reading.get(f"/suppliers/{SUPPLIER}/sent"))


def visit_of(shop: Shop, phone: Phone) -> Visit:
    """Return the visit that a page would have for this phone."""
    visitor = shop.site.sessions.visitor(phone.cookies.get("rantai_session"))
    assert visitor is not None
    return Visit(shop.site, None, visitor, LANGUAGES["id"])  # type: ignore[arg-type]
