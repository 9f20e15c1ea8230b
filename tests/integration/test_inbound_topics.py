"""Inbound topics are read at whatever moment of a running Rantai they are created."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from kafka.errors import KafkaError

from schemas.catalogue import ORDERS, REJECTED
from tests.integration.brokers import real_kafka
from tests.integration.process import Up
from tests.integration.records import traces, write
from tests.reference.cases import order

PARTNERS: Final = [f"NEW-{number}" for number in range(6)]
TOPIC_SECONDS: Final = 30
STALL_SECONDS: Final = 10


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Up]:
    options = () if request.param == "embedded" else ("--kafka", real_kafka())
    impatient = {
        "RANTAI_INBOUND_DISCOVERY_SECONDS": "0.2",
        "RANTAI_STALL_SECONDS": str(STALL_SECONDS),
    }
    made = Up(tmp_path / "data", options, impatient)
    try:
        made.start()
        yield made
    finally:
        made.end()


def test_topics_that_come_while_a_group_forms_are_read(up: Up) -> None:
    """Forming a consumer group takes seconds, and some of these topics are created meanwhile."""
    for partner in PARTNERS:
        up.key("buyer", partner)
        event = order("03-01", 5, "03-20", id=partner, order_no="P", buyer_id=partner)
        _write_once_there(up, partner, event)
    bad = {**order("03-01", 5, "03-20", id="bad", buyer_id=PARTNERS[0]), "type": "unheard"}
    write(up, PARTNERS[0], [(bad, {})])
    assert set(traces(up, ORDERS, len(PARTNERS))) == set(PARTNERS)
    assert set(traces(up, REJECTED, 1)) == {"refused"}
    # A consumer that is idle because everything is read is not taken for stalled.
    time.sleep(1.5 * STALL_SECONDS)
    assert up.process.alive, up.log()


def _write_once_there(up: Up, partner: str, event: dict[str, object]) -> None:
    deadline = time.monotonic() + TOPIC_SECONDS
    while True:
        try:
            write(up, partner, [(event, {})])
            return
        except KafkaError:
            assert time.monotonic() < deadline, up.log()
