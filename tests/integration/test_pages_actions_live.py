"""A form on a running Rantai: from the page through intake and ledger into the figures."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.acting import day, form_in, words_of
from tests.integration.brokers import real_kafka
from tests.integration.process import Running, Up, rantai
from tests.integration.separate import Separate

SUPPLIER, BUYER = "LIVE-IKM", "LIVE-AHM"
SEND = f"/suppliers/{SUPPLIER}/send"
WAIT_SECONDS = 60


@pytest.fixture(params=["embedded", pytest.param("separate", marks=pytest.mark.kafka)])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    data_dir = tmp_path / "data"
    made = Up(data_dir) if request.param == "embedded" else Separate(data_dir, real_kafka())
    try:
        made.start()
        yield made
    finally:
        made.end()


def order() -> dict[str, Any]:
    """Return an order of two lines that was placed yesterday."""
    lines = [
        {
            "line_no": number,
            "item_no": "BRK",
            "quantity": 100,
            "uom": "PCS",
            "requested_date": day(9).isoformat(),
        }
        for number in ("10", "20")
    ]
    return {
        "specversion": "1.0",
        "id": "live-1",
        "source": f"/erp/{BUYER}/sap",
        "type": "id.rantai.order.placed.v1",
        "time": f"{day(-1)}T08:00:00+07:00",
        "data": {"buyer_id": BUYER, "supplier_id": SUPPLIER, "order_no": "PO-1", "lines": lines},
    }


@contextmanager
def phone(running: Running) -> Iterator[httpx.Client]:
    """Yield a browser in which a link of the supplier was opened."""
    made = rantai("link", SUPPLIER, "--data-dir", str(running.data_dir)).strip().splitlines()[-1]
    with httpx.Client(base_url=running.scorecards_url, timeout=60) as client:
        assert client.get("/s/" + made.rpartition("/")[2]).status_code == 200
        yield client


def test_an_answer_is_sent_counted_and_moves_the_line(running: Running) -> None:
    key = running.key("buyer", BUYER)
    answer = httpx.post(
        running.gateway_url + "/v1/events",
        json=order(),
        headers={"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
    running.settle()
    with phone(running) as browser:
        page = browser.get(f"{SEND}/confirm?buyer={BUYER}&order=PO-1")
        action, fields = form_in(page.text)
        later = day(20).isoformat()
        typed = {"answer-0": "accepted", "answer-1": "changed", "date-1": later}
        headers = {"origin": running.scorecards_url, "sec-fetch-site": "same-origin"}
        sent = browser.post(action, data={**fields, **typed}, headers=headers)
        assert sent.status_code == 303, words_of(sent.text)
        again = browser.post(action, data={**fields, **typed}, headers=headers)
        assert again.status_code == 409
        assert counted(browser, sent.headers["location"])

        asked = {"as_of": day(1).isoformat(), "status": "any"}
        lines = running.get(key, f"/v1/suppliers/{SUPPLIER}/lines", **asked)["lines"]
        found = {line["line_no"]: line for line in lines}
        number = re.sub(r".*new=", "", sent.headers["location"])
        event = {"source": f"/erp/{SUPPLIER}/rantai", "id": number}
        assert found["20"]["due_date"] == later
        assert found["20"]["due_set_by"] == event
        assert event in found["10"]["events"]
        card = running.get(key, f"/v1/suppliers/{SUPPLIER}/scorecard", as_of=day(3).isoformat())
        in_time = card["kpis"]["confirmation_in_time"]
        assert (in_time["numerator"], in_time["denominator"]) == (2, 2)

    running.stop()
    running.start()
    with phone(running) as browser:
        assert counted(browser, f"/suppliers/{SUPPLIER}/sent?new={number}")
    assert running.reconcile()["missing"] == 0


def counted(browser: httpx.Client, address: str) -> bool:
    """Return whether the page of sent events reports the newest one as counted within a minute.

    Until then the page has to report it as safe.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        said = words_of(browser.get(address).text)
        if "Jawaban untuk pesanan PO-1: sudah sampai dan dihitung." in said:
            assert "Sudah dihitung" in said
            return True
        assert "Jawaban untuk pesanan PO-1: sudah aman." in said
        time.sleep(0.2)
    return False
