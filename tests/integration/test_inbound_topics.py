"""Inbound topics that appear while Rantai runs are read, whenever they appear."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from kafka.errors import KafkaError

from schemas.catalogue import ORDERS
from tests.integration.brokers import real_kafka
from tests.integration.process import Up
from tests.integration.records import traces, write
from tests.reference.cases import order

PARTNERS: Final = [f"NEW-{number}" for number in range(6)]
TOPIC_SECONDS: Final = 30


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Up]:
    options = () if request.param == "embedded" else ("--kafka", real_kafka())
    made = Up(tmp_path / "data", options, {"RANTAI_INBOUND_DISCOVERY_SECONDS": "0.2"})
    try:
        made.start()
        yield made
    finally:
        made.end()


def test_topics_that_come_while_a_group_forms_are_read(up: Up) -> None:
    """A group forms for seconds: some of these topics come while it does."""
    for partner in PARTNERS:
        up.key("buyer", partner)
        event = order("03-01", 5, "03-20", id=partner, order_no="P", buyer_id=partner)
        _write_once_there(up, partner, event)
    assert set(traces(up, ORDERS, len(PARTNERS))) == set(PARTNERS)


def _write_once_there(up: Up, partner: str, event: dict[str, object]) -> None:
    deadline = time.monotonic() + TOPIC_SECONDS
    while True:
        try:
            write(up, partner, [(event, {})])
            return
        except KafkaError:
            assert time.monotonic() < deadline, up.log()
