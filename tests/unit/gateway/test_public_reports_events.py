"""What other products were caught wrong at as events come in: envelopes, bodies, numbers, texts.

Each case names the report and its fault, and what is taken of it, or where it is refused.
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
    """Write an event with other attributes; its quantity as it stands in the JSON."""
    written = json.dumps(RECEIPT | {"id": f"r-{number}"} | dict(attributes or {}))
    return written.replace('"quantity": 5', f'"quantity": {quantity}')


def judged(body: str, content_type: str = STRUCTURED, **more: str) -> list[Any]:
    """Give what the gateway says of each event of a body: the event, or where it is refused."""
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
        # A time that is none became the time of arrival.
        pytest.param("some invalid time string", None, id="cloudevents/sdk-javascript#386"),
        # A time that could not be read was dropped without a word.
        pytest.param("2026-13-20T10:00:00Z", None, id="cloudevents/sdk-go#188"),
        # A time came without an offset.
        pytest.param("2026-03-20T10:00:00", None, id="cloudevents/sdk-python#152"),
        # The name of a zone stood behind the time.
        pytest.param("2026-03-20T10:00:00America/New_York", None, id="cloudevents/sdk-java#200"),
        # A space stood for the T.
        pytest.param("2026-03-20 10:00:00", None, id="myntra/cortex#32"),
        # Other than three decimals of a second were not read.
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
        # A name with a hyphen was sent on, and refused by who read it.
        pytest.param("example-extension", id="cloudevents/sdk-python#300"),
        # An attribute with a capital stood beside its own name in small letters.
        pytest.param("Subject", id="cloudevents/sdk-csharp#59"),
        # A standard attribute spelled otherwise was an extension, and not named in the error.
        pytest.param("dataContentType", id="cloudevents/sdk-javascript#364"),
    ],
)
def test_an_attribute_has_a_lawful_name_or_is_named(name: str) -> None:
    assert judged(text(attributes={name: "application/json"})) == [[f"/{name}"]]


def test_headers_are_percent_decoded() -> None:
    """cloudevents/sdk-java#748, sdk-go#1331: values were taken over with their escapes."""
    headers = {f"ce_{name}": str(RECEIPT[name]) for name in ("specversion", "id", "source", "type")}
    (one,) = judged(
        json.dumps(RECEIPT["data"]), "application/json", **headers,
        ce_time="2026-03-20T10:00:00%2B07:00", ce_subject="a%20b%C3%A9",
    )  # fmt: skip
    assert (one["subject"], one["time"]) == ("a bé", "2026-03-20T10:00:00+07:00")


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        # One bad event of a batch failed them all.
        pytest.param(
            f"[{text(1)}, {text(2, quantity='-1')}, {text(3)}]",
            ["r-1", ["/data/lines/0/quantity"], "r-3"],
            id="getlago/lago-api#1676",
        ),
        # An element that is null threw the batch over.
        pytest.param(f"[null, {text(1)}]", [[""], "r-1"], id="lvlup-sw/exarchos#1807"),
    ],
)
def test_an_event_of_a_batch_spoils_itself_only(body: str, outcomes: list[Any]) -> None:
    found = judged(body, BATCHED)
    assert [one["id"] if isinstance(one, dict) else one for one in found] == outcomes


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        # Of two objects on one line, the second was lost, and the answer said success.
        pytest.param(f"{text(1)}{text(2)}\n{text(3)}\n", [[""], "r-3"], id="Wave-RF/WaveHouse#398"),
        # An empty line was an error.
        pytest.param(f"{text(1)}\r\n\r\n{text(2)}\n\n", ["r-1", "r-2"], id="cucumber/common#1181"),
        # A line of blanks was an error.
        pytest.param(f"{text(1)}\n  \t\n{text(2)}", ["r-1", "r-2"], id="kindly/flatterer#35"),
    ],
)
def test_each_line_is_one_event(body: str, outcomes: list[Any]) -> None:
    found = judged(body, LINES[0])
    assert [one["id"] if isinstance(one, dict) else one for one in found] == outcomes


@pytest.mark.parametrize(
    ("quantity", "taken"),
    [
        # Amounts went through a double: 100.5 became 100, and from 2^53 on the last digit was lost.
        pytest.param("100.5", "100.5", id="formancehq/numscript#156"),
        pytest.param("9007199254740993", None, id="formancehq/numscript#156-large"),
        # Seventeen and more digits came back as others.
        pytest.param("123456789012.345678", "123456789012.345678", id="valyala/fastjson#15"),
        pytest.param('"0.000001"', "0.000001", id="plaintextaccounting/hledger#1195"),
        # Goods that went back were a receipt of less than nothing.
        pytest.param("-1", None, id="frappe/erpnext#7228"),
        pytest.param('"-2"', None, id="msupply-foundation/open-msupply#10936"),
        # A decimal comma of a text was thrown away: 9,99 became 999.
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


def test_a_key_that_stands_twice_is_refused() -> None:
    """oatpp/oatpp#588, GOCDB/gocdb#46: of a key that stands twice the last value was taken."""
    twice = text(1).replace('"quantity": 5', '"quantity": 5, "quantity": 500')
    assert judged(f"[{twice}, {text(2)}]", BATCHED)[0] == ["/data/lines/0/quantity"]


def test_a_number_in_other_code_points_is_the_same_number() -> None:
    """ArcReel/ArcReel#1578: a name was not registered, though it looked the same on the screen."""
    found = []
    for number, written in enumerate(["Hi\u1ebfu-1", "Hie\u0302\u0301u-1"]):
        data = RECEIPT["data"] | {"receipt_no": written}
        (one,) = judged(text(number, attributes={"data": data}))
        found.append(one["data"]["receipt_no"])
    assert found == ["Hi\u1ebfu-1"] * 2


def test_a_body_that_breaks_off_is_no_event() -> None:
    """gabriel-vasile/mimetype#745: a second line that was cut off was passed over."""
    with pytest.raises(NotParseable):
        judged(text(1)[:-10])
    whole, cut = judged(f"{text(1)}\n{text(2)[:-10]}", LINES[0])
    assert (whole["id"], cut) == ("r-1", [""])
