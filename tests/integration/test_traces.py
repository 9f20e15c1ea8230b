"""An event's trace is carried into the headers of its record and into the log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from schemas.catalogue import ORDERS, REJECTED
from tests.integration.brokers import real_kafka
from tests.integration.process import Up
from tests.integration.records import STRUCTURED, traces, write
from tests.reference.cases import order

BUYER: Final = "TRACED"


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Up]:
    options = () if request.param == "embedded" else ("--kafka", real_kafka())
    made = Up(tmp_path / "data", options, {"RANTAI_INBOUND_DISCOVERY_SECONDS": "1"})
    try:
        made.start()
        yield made
    finally:
        made.end()


def trace(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def event(name: str, traceparent: str | None = None) -> dict[str, Any]:
    made = order("03-01", 5, "03-20", id=name, order_no=name, buyer_id=BUYER)
    return made if traceparent is None else {**made, "traceparent": traceparent}


def test_a_trace_goes_from_the_sender_to_the_record_and_the_log(up: Up) -> None:
    key = up.key("buyer", BUYER)

    def post(body: Any, kind: str = STRUCTURED, **headers: str) -> None:
        answer = httpx.post(
            up.url + "/v1/events",
            content=json.dumps(body),
            headers={"authorization": f"Bearer {key}", "content-type": kind, **headers},
            timeout=60,
        )
        assert answer.status_code == 202, answer.text

    post(event("its own", trace(1)))
    post(event("of the request"), traceparent=trace(2))
    post(event("its own before the request's", trace(3)), traceparent=trace(4))
    post(event("malformed", "of another make"), traceparent="nor this")
    batch = [event("first of two", trace(5)), event("second of two", trace(6))]
    post(batch, "application/cloudevents-batch+json", traceparent=trace(7))
    binary = {f"ce-{name}": str(text) for name, text in event("binary").items() if name != "data"}
    binary["ce-id"] = "binary"
    post(event("binary")["data"], "application/json", traceparent=trace(8), **binary)

    inbound = {
        "Kafka, its own": (event("Kafka, its own", trace(11)), {"traceparent": trace(12)}),
        "Kafka, the record's": (event("Kafka, the record's"), {"traceparent": trace(13)}),
        "Kafka, none": (event("Kafka, none"), {}),
    }
    bad = {**event("bad"), "type": "id.rantai.order.unheard.v1"}
    write(up, BUYER, [*inbound.values(), (bad, {"traceparent": trace(14)})])

    expected = {
        "its own": trace(1),
        "of the request": trace(2),
        "its own before the request's": trace(3),
        "malformed": None,
        "first of two": trace(5),
        "second of two": trace(6),
        "binary": trace(8),
        "Kafka, its own": trace(11),
        "Kafka, the record's": trace(13),
        "Kafka, none": None,
    }
    assert traces(up, ORDERS, len(expected)) == expected
    assert list(traces(up, REJECTED, 1).values()) == [trace(14)]

    lines = [json.loads(one) for one in up.process.log_file.read_text().splitlines() if "{" in one]
    told = [one["trace_ids"] for one in lines if one["event"] == "events_taken"]
    ids = {number: trace(number)[3:35] for number in range(1, 9)}
    assert told == [[ids[1]], [ids[2]], [ids[3]], [], [ids[5], ids[6]], [ids[8]]]
    asked = [one["trace_id"] for one in lines if one.get("route") == "/v1/events"]
    assert asked == [None, ids[2], ids[4], None, ids[7], ids[8]]
