"""Topics: created once, unchanged by a second run, with the right settings."""

import os
import time
from collections.abc import Iterator

import pytest
from kafka.admin import KafkaAdminClient

from schemas.catalogue import CANONICAL_TOPICS, READINESS, REJECTED
from services.kafka.embedded_broker import EmbeddedBroker, free_port
from services.kafka.topics import (
    TOPICS,
    BrokerUnavailable,
    apply,
    inbound_declaration,
    inbound_partitions,
)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def test_apply_creates_missing_topics_and_leaves_the_others(broker: EmbeddedBroker) -> None:
    first = apply(broker.bootstrap, partitions=3, replication=1)
    assert [one.name for one in first] == [topic.name for topic in TOPICS]
    assert {one.change for one in first} == {"created"}
    again = apply(broker.bootstrap, partitions=3, replication=1)
    assert {one.change for one in again} == {"unchanged"}
    # Existing topics keep their partitions: the order of a supplier's events depends on them.
    more = apply(broker.bootstrap, partners=["AHM", "IKM-1"], partitions=12, replication=1)
    assert [one.name for one in more if one.change == "created"] == [
        "rantai.inbound.AHM",
        "rantai.inbound.IKM-1",
    ]
    admin = KafkaAdminClient(bootstrap_servers=[broker.bootstrap])
    try:
        described = admin.describe_topics([*CANONICAL_TOPICS, REJECTED, READINESS])
    finally:
        admin.close()
    partitions = {row["name"]: len(row["partitions"]) for row in described}
    assert partitions == {
        **dict.fromkeys([*CANONICAL_TOPICS, READINESS], 3),
        REJECTED: 1,
    }
    assert list(inbound_partitions(broker.bootstrap)) == [
        "rantai.inbound.AHM",
        "rantai.inbound.IKM-1",
    ]


def test_settings_of_time_replicas_and_retention() -> None:
    for topic in (*TOPICS, inbound_declaration("AHM")):
        alone, three = topic.configs(1), topic.configs(3)
        assert alone["message.timestamp.type"] == "LogAppendTime"
        assert (alone["min.insync.replicas"], three["min.insync.replicas"]) == ("1", "2")
        assert alone["cleanup.policy"] == ("compact" if topic.name == READINESS else "delete")
    kept = {topic.name: int(topic.configs(1)["retention.ms"]) for topic in TOPICS}
    day = 24 * 3600 * 1000
    assert (kept[READINESS], kept[REJECTED]) == (-1, 365 * day)
    assert all(kept[name] >= 90 * day for name in CANONICAL_TOPICS)


def test_ctrl_c_in_a_terminal_does_not_reach_the_broker(
    broker: EmbeddedBroker,
) -> None:
    """Ctrl-C reaches a whole process group: records still being written would be lost."""
    assert broker._process is not None
    assert os.getpgid(broker._process.pid) != os.getpgrp()
    assert broker.running


def test_without_a_broker_the_error_names_its_address() -> None:
    nobody, began = f"127.0.0.1:{free_port()}", time.monotonic()
    with pytest.raises(BrokerUnavailable, match=nobody):
        inbound_partitions(nobody)
    assert time.monotonic() - began < 8
