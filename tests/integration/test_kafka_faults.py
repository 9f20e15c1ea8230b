"""Faults of a real Kafka cluster and of ClickHouse lose no event and count none twice."""

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

from services.kafka.topics import TOPICS, inbound_declaration
from tests.integration.brokers import Cluster, real_kafka
from tests.integration.comparing import Asked, compare
from tests.integration.feeding import Event, feed, portions, request_of, sender_of
from tests.integration.process import rantai
from tests.integration.separate import Separate
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids

pytestmark = pytest.mark.kafka

SUPPLIERS, BUYERS = supplier_ids(2), buyer_ids(2)
ASKED = Asked(SUPPLIERS, BUYERS, (date(2026, 5, 17),), (180,))
ANSWER_SECONDS = 5
PATIENCE = 60
STALL_SECONDS = 2


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three brokers."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def clustered(cluster: Cluster, tmp_path: Path) -> Iterator[Separate]:
    """Run the services on three brokers, with every topic replicated on all of them."""
    environment = {"RANTAI_ANSWER_SECONDS": str(ANSWER_SECONDS), "RANTAI_REPLICATION": "3"}
    made = Separate(tmp_path / "data", cluster.bootstrap, replication=3, environment=environment)
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def single(tmp_path: Path) -> Iterator[Separate]:
    """Run the services on one broker."""
    made = Separate(tmp_path / "data", real_kafka())
    try:
        made.start()
        yield made
    finally:
        made.end()


def keys_of(running: Separate) -> dict[str, str]:
    """Create a key for each sender."""
    keys = {partner: running.key("supplier", partner) for partner in SUPPLIERS}
    keys |= {partner: running.key("buyer", partner) for partner in BUYERS}
    keys["PROGRAMME"] = running.key("programme", "PROGRAMME")
    return keys


def story(rng: random.Random, lines: int) -> list[Event]:
    """Return the events of a short history, shuffled."""
    told = history(rng, suppliers=2, buyers=2, lines=lines, start=date(2026, 1, 5), days=90)
    return shuffled(rng, told)


def assert_all_there(running: Separate, keys: dict[str, str], sent: list[Event]) -> None:
    """Assert that every acknowledged event is stored once, and that the figures are right."""
    running.settle()
    answer = running.reconcile()
    assert answer["missing"] == 0
    assert answer["total"]["stored"] == len({(event["source"], event["id"]) for event in sent})
    assert answer["total"]["accepted"] == answer["total"]["stored"]
    assert compare(running.scorecards_url, keys["PROGRAMME"], sent, ASKED) == ASKED.figures


def test_brokers_stop_and_come_back(cluster: Cluster, clustered: Separate) -> None:
    rng = random.Random(20261102)
    keys, sent = keys_of(clustered), story(rng, lines=60)
    third = len(sent) // 3

    # One of three brokers is killed: sending goes on through the failover.
    acknowledged = 0

    def feeding() -> None:
        nonlocal acknowledged
        for some in feed(rng, clustered.gateway_url, keys, sent[: 2 * third], patience=PATIENCE):
            acknowledged += len(some)

    with ThreadPoolExecutor(1) as pool:
        fed = pool.submit(feeding)
        while acknowledged < third and not fed.done():
            time.sleep(0.01)
        assert not fed.done()
        cluster.stop_node(1, kill=True)
        fed.result()
    assert_all_there(clustered, keys, sent[: 2 * third])

    # With two of three down, events can't reach two replicas and are not accepted. The answer says
    # when to try again.
    cluster.stop_node(2)
    refused = list(portions(rng, sent[2 * third :]))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda some: timed_post(rng, clustered, keys, some), refused))
    assert len(answers) > 3
    for seconds, answer in answers:
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert seconds < ANSWER_SECONDS + 1, seconds

    # A processor that can't reach its broker still stops on SIGTERM.
    processor = clustered.services[clustered.processors[0]]
    assert processor.stop() == 0

    # Once the brokers are back, the same events are sent again, as an ERP would do.
    cluster.start_node(2)
    cluster.start_node(1)
    clustered.start()
    for _ in feed(rng, clustered.gateway_url, keys, sent[2 * third :], patience=PATIENCE):
        pass
    assert_all_there(clustered, keys, sent)
    assert clustered.stop() == 0


def timed_post(
    rng: random.Random, running: Separate, keys: dict[str, str], some: list[Event]
) -> tuple[float, httpx.Response]:
    """Send a request; return the seconds until its answer, and the answer."""
    headers, body = request_of(rng, some)
    headers["authorization"] = f"Bearer {keys[sender_of(some[0])]}"
    began = time.monotonic()
    url = running.gateway_url + "/v1/events"
    answer = httpx.post(url, headers=headers, content=body, timeout=60)
    return time.monotonic() - began, answer


def test_topics_are_made_once_and_drift_is_corrected(cluster: Cluster) -> None:
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    by_hand = inbound_declaration("by-hand")

    def apply() -> dict[str, str]:
        said = rantai(
            *("topics", "apply", "--kafka", cluster.bootstrap, "--replication", "3"),
            *("--partner", "by-hand", "--json"),
        )
        changes: dict[str, str] = json.loads(said)
        return changes

    def settings(topic: str) -> dict[str, str]:
        asked = ConfigResource(ConfigResourceType.TOPIC, topic)
        answer = admin.describe_configs([asked], config_filter="all")
        return {name: row["value"] for name, row in answer["topic"][topic].items()}

    def alter(topic: str, **configs: str) -> None:
        named = {name.replace("_", "."): value for name, value in configs.items()}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=named)])

    names = {topic.name for topic in TOPICS}
    # A topic that somebody created with another tool has the broker's defaults, to be corrected.
    admin.create_topics([NewTopic(name=by_hand.name, num_partitions=2, replication_factor=3)])
    first = apply()
    assert set(first) == {*names, by_hand.name}
    assert first[by_hand.name] == "changed"
    assert set(apply().values()) == {"unchanged"}
    for topic in (*TOPICS, by_hand):
        assert topic.configs(3).items() <= settings(topic.name).items()
    described: list[dict[str, Any]] = admin.describe_topics(sorted(names))
    replicas = [len(p["replica_nodes"]) for row in described for p in row["partitions"]]
    assert set(replicas) == {3}

    alter("rantai.orders", retention_ms="60000", message_timestamp_type="CreateTime")
    alter("rantai.rejected", cleanup_policy="compact")
    changed = {name for name, change in apply().items() if change == "changed"}
    assert changed == {"rantai.orders", "rantai.rejected"}
    assert settings("rantai.orders")["retention.ms"] == str(90 * 24 * 3600 * 1000)
    assert settings("rantai.orders")["message.timestamp.type"] == "LogAppendTime"
    assert settings("rantai.rejected")["cleanup.policy"] == "delete"
    assert set(apply().values()) == {"unchanged"}
    admin.close()


STORES, LOOKS_UP, MARKS = "INSERT INTO events", "argMin(content", "`batches`"
"""Texts that occur in the three statements of the ledger for a batch, and in no other statement."""

FAULTS: dict[str, dict[str, Any]] = {
    "too many parts, three times": {"code": 252, "times": 3},
    "stalled, then cut off": {"stall_seconds": STALL_SECONDS, "drop": True, "times": 2},
    "connection dropped": {"drop": True, "times": 2},
    "stored, and an error for an answer": {"code": 252, "when": "after", "times": 2},
    "stored, and no answer at all": {"drop": True, "when": "after", "times": 2},
}


def test_faults_of_the_store_lose_and_double_nothing(single: Separate) -> None:
    rng = random.Random(20261103)
    keys, sent = keys_of(single), story(rng, lines=60)
    part = len(sent) // (len(FAULTS) + 1) + 1
    processor, done = single.processors[0], 0
    for name, fault in FAULTS.items():
        retried = single.metric(processor, "rantai_ledger_retries_total")
        single.clickhouse.fault(match=STORES, **fault)
        for _ in feed(rng, single.gateway_url, keys, sent[done : done + part]):
            pass  # The gateway does not notice the fault.
        done += part
        single.settle()
        assert single.clickhouse.faults_left() == [], name
        # After a connection that ends without an answer, the HTTP client itself tries once more.
        retried = single.metric(processor, "rantai_ledger_retries_total") - retried
        assert (fault["times"] if "code" in fault else 1) <= retried <= fault["times"], name
    # Faults in the look-up before the insert, and in the statement that marks the batch complete.
    single.clickhouse.fault(match=LOOKS_UP, code=202, times=2)
    single.clickhouse.fault(match=MARKS, code=202, times=2)
    for _ in feed(rng, single.gateway_url, keys, sent[done:]):
        pass
    assert_all_there(single, keys, sent)
    assert single.clickhouse.faults_left() == []
    assert rows_and_keys(single)[1] == len({(event["source"], event["id"]) for event in sent})
    assert single.services[processor].alive


def rows_and_keys(running: Separate) -> tuple[int, int]:
    """Return the number of rows of the ledger, and the number of events that FINAL leaves."""
    query = "SELECT (SELECT count() FROM rantai.events), count() FROM rantai.events FINAL"
    answer = httpx.post(running.clickhouse.address, content=query)
    rows, keys = answer.text.split()
    return int(rows), int(keys)
