"""Cases from public bug reports about incoming events: envelopes, bodies, numbers, texts.

The id of a case names the report, its comment the bug of that product. The expected value is what
the gateway accepts, or the pointer at which it refuses the event.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from schemas.catalogue import Role
from schemas.validation import Accepted, NotParseable, Sender
from services.gateway.cloudevents import BATCHED, LINES, STRUCTURED, Limits
from services.gateway.decoding import decode_steps

SENDER = Sender("AHM", (Role.BUYER,))
LIMITS = Limits(body_bytes=100_000, events=50)
RECEIPT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "r-1",
    "source": "/erp/AHM/sap",
    "type": "id.rantai.delivery.received.v1",
    "time": "2026-03-20T10:00:00+07:00",
    "data": {
        "buyer_id": "AHM",
        "supplier_id": "S1",
        "receipt_no": "GR-1",
        "received_at": "2026-03-20T09:00:00+07:00",
        "lines": [{"order_no": "P1", "line_no": "10", "quantity": 5}],
    },
}


def text(number: int = 1, quantity: str = "5", attributes: Mapping[str, Any] | None = None) -> str:
    """Return the receipt as JSON, with other attributes; `quantity` is inserted as JSON text."""
    written = json.dumps(RECEIPT | {"id": f"r-{number}"} | dict(attributes or {}))
    return written.replace('"quantity": 5', f'"quantity": {quantity}')


def judged(body: str, content_type: str = STRUCTURED, **more: str) -> list[Any]:
    """Return the verdict on each event of a body: the event, or the pointers of its faults."""
    headers: Mapping[str, str] = {
        "content-type": content_type,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    steps = decode_steps(headers, body.encode(), LIMITS, SENDER)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return [
                json.loads(one.value)
                if isinstance(one, Accepted)
                else [fault.pointer for fault in one.faults]
                for one in end.value
            ]


@pytest.mark.parametrize(
    ("time", "taken"),
    [
        # An invalid time was replaced by the time of arrival.
        pytest.param("some invalid time string", None, id="cloudevents/sdk-javascript#386"),
        # An unreadable time was dropped silently.
        pytest.param("2026-13-20T10:00:00Z", None, id="cloudevents/sdk-go#188"),
        # A time had no UTC offset.
        pytest.param("2026-03-20T10:00:00", None, id="cloudevents/sdk-python#152"),
        # A time ended with the name of a zone.
        pytest.param("2026-03-20T10:00:00America/New_York", None, id="cloudevents/sdk-java#200"),
        # A time had a space instead of the T.
        pytest.param("2026-03-20 10:00:00", None, id="myntra/cortex#32"),
        # Only times with three decimals of a second were read.
        pytest.param(
            "2026-03-20T10:00:00.1234Z", "2026-03-20T10:00:00.123400+00:00",
            id="cloudevents/sdk-java#176",
        ),
    ],
)  # fmt: skip
def test_a_time_is_an_instant_or_refused(time: str, taken: str | None) -> None:
    (one,) = judged(text(attributes={"time": time}))
    assert one == ["/time"] if taken is None else one["time"] == taken


@pytest.mark.parametrize(
    "name",
    [
        # A name with a hyphen was passed on, and refused by the receiver.
        pytest.param("example-extension", id="cloudevents/sdk-python#300"),
        # An attribute with a capital letter was kept beside the lower-case one.
        pytest.param("Subject", id="cloudevents/sdk-csharp#59"),
        # A misspelled standard attribute counted as an extension; the error did not name it.
        pytest.param("dataContentType", id="cloudevents/sdk-javascript#364"),
    ],
)
def test_an_attribute_with_an_invalid_name_is_refused_by_name(name: str) -> None:
    assert judged(text(attributes={name: "application/json"})) == [[f"/{name}"]]


def test_headers_are_percent_decoded() -> None:
    """cloudevents/sdk-java#748, sdk-go#1331: values kept their percent escapes."""
    headers = {f"ce_{name}": str(RECEIPT[name]) for name in ("specversion", "id", "source", "type")}
    (one,) = judged(
        json.dumps(RECEIPT["data"]), "application/json", **headers,
        ce_time="2026-03-20T10:00:00%2B07:00", ce_subject="a%20b%C3%A9",
    )  # fmt: skip
    assert (one["subject"], one["time"]) == ("a bé", "2026-03-20T10:00:00+07:00")


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        # One bad event made the whole batch fail.
        pytest.param(
            f"[{text(1)}, {text(2, quantity='-1')}, {text(3)}]",
            ["r-1", ["/data/lines/0/quantity"], "r-3"],
            id="getlago/lago-api#1676",
        ),
        # A null element made the whole batch fail.
        pytest.param(f"[null, {text(1)}]", [[""], "r-1"], id="lvlup-sw/exarchos#1807"),
    ],
)
def test_a_bad_event_of_a_batch_affects_no_other(body: str, outcomes: list[Any]) -> None:
    found = judged(body, BATCHED)
    assert [one["id"] if isinstance(one, dict) else one for one in found] == outcomes


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        # The second of two objects on a line was lost, and the answer reported success.
        pytest.param(f"{text(1)}{text(2)}\n{text(3)}\n", [[""], "r-3"], id="Wave-RF/WaveHouse#398"),
        # An empty line was an error.
        pytest.param(f"{text(1)}\r\n\r\n{text(2)}\n\n", ["r-1", "r-2"], id="cucumber/common#1181"),
        # A line of white space was an error.
        pytest.param(f"{text(1)}\n  \t\n{text(2)}", ["r-1", "r-2"], id="kindly/flatterer#35"),
    ],
)
def test_each_line_is_one_event(body: str, outcomes: list[Any]) -> None:
    found = judged(body, LINES[0])
    assert [one["id"] if isinstance(one, dict) else one for one in found] == outcomes


@pytest.mark.parametrize(
    ("quantity", "taken"),
    [
        # Amounts were converted to double: 100.5 became 100; from 2^53 on the last digit was lost.
        pytest.param("100.5", "100.5", id="formancehq/numscript#156"),
        pytest.param("9007199254740993", None, id="formancehq/numscript#156-large"),
        # Numbers of seventeen digits or more came back changed.
        pytest.param("123456789012.345678", "123456789012.345678", id="valyala/fastjson#15"),
        pytest.param('"0.000001"', "0.000001", id="plaintextaccounting/hledger#1195"),
        # Returned goods were stored as a receipt with a negative quantity.
        pytest.param("-1", None, id="frappe/erpnext#7228"),
        pytest.param('"-2"', None, id="msupply-foundation/open-msupply#10936"),
        # The decimal comma of a text was dropped: 9,99 became 999.
        pytest.param('"9,99"', None, id="dannymcc/may#244"),
        # An empty text became 0.
        pytest.param('""', None, id="mathesar-foundation/mathesar#4684"),
    ],
)
def test_a_quantity_is_exact_or_refused(quantity: str, taken: str | None) -> None:
    (one,) = judged(text(quantity=quantity))
    if taken is None:
        assert one == ["/data/lines/0/quantity"]
    else:
        assert one["data"]["lines"][0]["quantity"] == taken


def test_a_duplicate_json_key_is_refused() -> None:
    """oatpp/oatpp#588, GOCDB/gocdb#46: the last value of a duplicate key was used."""
    twice = text(1).replace('"quantity": 5', '"quantity": 5, "quantity": 500')
    assert judged(f"[{twice}, {text(2)}]", BATCHED)[0] == ["/data/lines/0/quantity"]


def test_a_document_number_in_other_code_points_is_the_same_number() -> None:
    """ArcReel/ArcReel#1578: a name was not found, though it looked the same on the screen."""
    found = []
    for number, written in enumerate(["Hi\u1ebfu-1", "Hie\u0302\u0301u-1"]):
        data = RECEIPT["data"] | {"receipt_no": written}
        (one,) = judged(text(number, attributes={"data": data}))
        found.append(one["data"]["receipt_no"])
    assert found == ["Hi\u1ebfu-1"] * 2


def test_a_truncated_event_is_refused() -> None:
    """gabriel-vasile/mimetype#745: a truncated second line was ignored."""
    with pytest.raises(NotParseable):
        judged(text(1)[:-10])
    whole, cut = judged(f"{text(1)}\n{text(2)[:-10]}", LINES[0])
    assert (whole["id"], cut) == ("r-1", [""])
