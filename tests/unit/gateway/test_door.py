"""What the gateway and the inbound reader accept, refuse and answer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from schemas.catalogue import Role, inbound_topic
from schemas.units import UNIT_ALIASES
from schemas.validation import Accepted
from services.access.keys import KeyStore
from services.gateway.cloudevents import BATCHED, LINES, STRUCTURED, Limits
from services.gateway.decoding import Decoder, Room
from services.gateway.events_api import Gateway, routes
from services.http.service import install
from services.processor.inbound import Inbound
from services.processor.rejections import Rejections
from services.processor.streams import StreamRecord
from tests.fault.doubles import FakeProducer
from tests.integration.bad_events import Text, order
from tests.support.documented import documented

CASE = Path(__file__).parents[3] / "../shared/data/cases/14-empty-batch/body.json"
NOTHING = {"accepted": 0, "rejected": []}


class Kept:
    """Stands in for `Safety`: keeps events in a list."""

    def __init__(self) -> None:
        self.events: list[Accepted] = []

    async def keep(self, events: Sequence[Accepted], traces: Any = None) -> None:
        self.events += events


class Door:
    """The routes of the gateway in this process, with a buyer's key and a supplier's key."""

    def __init__(self, folder: Path) -> None:
        keys, self.kept = KeyStore(folder / "keys.json"), Kept()
        self.keys = {
            "AHM": keys.create(Role.BUYER, "AHM"),
            "IKM-1": keys.create(Role.SUPPLIER, "IKM-1"),
        }
        app = FastAPI()
        install(app)
        decoder = Decoder(Limits(1_000_000, 100), Room(10**7, 10**8))
        app.include_router(routes(Gateway(keys, self.kept, decoder, 4)))
        self.http = TestClient(app)

    def post(self, content_type: str, body: bytes, partner: str = "AHM") -> tuple[int, Any]:
        sent = {"content-type": content_type, "authorization": f"Bearer {self.keys[partner]}"}
        answer = self.http.post("/v1/events", headers=sent, content=body)
        return answer.status_code, documented(answer).json()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def at(time: datetime, number: str = "1") -> Text:
    event = order(number)
    return Text({**event.attributes, "time": time.isoformat()}, event.data)


def test_an_empty_batch_is_accepted(door: Door) -> None:
    for content_type, body in ((BATCHED, b"[]"), ("application/json", b"[ ]"), (LINES[0], b"\n")):
        assert door.post(content_type, body) == (202, NOTHING)
    assert door.kept.events == []


def test_the_shared_case_of_an_empty_batch_is_accepted(door: Door) -> None:
    if not CASE.exists():
        pytest.skip("the shared cases (../shared/data/cases) do not exist here")
    assert door.post(BATCHED, CASE.read_bytes()) == (202, NOTHING)


def test_if_no_event_is_accepted_it_is_422_and_an_empty_body_is_400(door: Door) -> None:
    status, answer = door.post(BATCHED, b"[{}]")
    assert (status, answer["accepted"], len(answer["rejected"])) == (422, 0, 1)
    for content_type in (STRUCTURED, BATCHED):
        assert door.post(content_type, b"")[0] == 400


def test_an_event_more_than_a_day_ahead_is_refused_and_its_neighbours_accepted(door: Door) -> None:
    now = datetime.now(UTC)
    times = [now + timedelta(hours=23), now + timedelta(hours=25), now - timedelta(days=400)]
    lines = b"\n".join(at(time, str(n)).json.encode() for n, time in enumerate(times))
    status, answer = door.post(LINES[0], lines)
    assert (status, answer["accepted"]) == (202, 2)
    (refused,) = answer["rejected"]
    assert refused["index"] == 1
    assert [one["pointer"] for one in refused["errors"]] == ["/time"]


def confirmed(sender: str, buyer: str = "AHM") -> bytes:
    line = {"line_no": "10", "status": "accepted"}
    event = {
        "specversion": "1.0",
        "id": f"answer of {sender}",
        "source": f"/erp/{sender}/phone",
        "type": "id.rantai.order.confirmed.v1",
        "time": "2026-03-02T08:00:00+07:00",
        "data": {"buyer_id": buyer, "supplier_id": "IKM-1", "order_no": "1", "lines": [line]},
    }
    return json.dumps(event).encode()


def test_a_buyer_may_confirm_its_own_orders_for_the_supplier(door: Door) -> None:
    assert door.post(STRUCTURED, confirmed("AHM"))[0] == 202
    assert door.post(STRUCTURED, confirmed("IKM-1"), "IKM-1")[0] == 202
    status, answer = door.post(STRUCTURED, confirmed("AHM", buyer="TMMIN"))
    assert (status, answer["rejected"][0]["errors"][0]["pointer"]) == (403, "/type")
    assert [one.sender for one in door.kept.events] == ["AHM", "IKM-1"]


def test_the_catalogue_lists_the_aliases_of_units(door: Door) -> None:
    assert documented(door.http.get("/v1/catalogue")).json()["units"] == UNIT_ALIASES


@pytest.mark.anyio
async def test_the_time_of_an_inbound_record_is_judged_when_it_is_processed() -> None:
    now, kept, producer = datetime.now(UTC), Kept(), FakeProducer()
    sink = Inbound(kept, Rejections(producer), lambda _: (Role.BUYER,))
    times = [now + timedelta(hours=23), now + timedelta(hours=25)]
    await sink.write(
        [
            StreamRecord(inbound_topic("AHM"), 0, n, 0, at(time, str(n)).json.encode(), ())
            for n, time in enumerate(times)
        ]
    )
    assert [one.id for one in kept.events] == ["IKM-1 0"]
    (refused,) = producer.published
    assert '"pointer": "/time"' in json.loads(refused.value)["errors"]
