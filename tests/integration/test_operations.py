"""Reconciliation and rebuilding on an embedded broker and a store, as functions and over HTTP."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from kafka import KafkaConsumer, TopicPartition

from schemas.catalogue import CANONICAL_TOPICS, DELIVERIES, ORDERS, REJECTED, Role
from services.access.keys import KeyStore
from services.http.service import install
from services.kafka.embedded_broker import EmbeddedBroker, free_port
from services.kafka.producer import EventProducer, Record, event_record
from services.kafka.safety import OnBroker
from services.kafka.topics import BrokerUnavailable, apply
from services.operations.operations_api import Operations, routes
from services.operations.reconciliation import reconcile
from services.processor.ledger_sink import LedgerSink
from services.processor.rejections import Rejections, RejectionSink
from services.store.client import ClickHouse, StoreUnavailable
from services.store.ledger import Ledger
from services.store.migrate import migrate, migrations
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.integration.process import run as run_rantai
from tests.reference.cases import Event, order, receive
from tests.support.documented import documented
from tests.support.storing import accepted, contents, empty, row, store

ZONE = "Asia/Jakarta"


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """Run an embedded broker. It keeps records in memory only, so each test starts with none."""
    with EmbeddedBroker() as running:
        apply(running.bootstrap, partners=["B9"], partitions=3, replication=1)
        yield running


@pytest.fixture(scope="module")
def own_store(new_database: Callable[[], ClickHouse]) -> ClickHouse:
    made = new_database()
    migrate(made, NOT_SYNCED)
    return made


@pytest.fixture
def clickhouse(own_store: ClickHouse) -> ClickHouse:
    """Return an empty store, because a reconciliation counts everything that is in it."""
    empty(own_store)
    own_store.command("TRUNCATE TABLE rejected")
    return own_store


def publish(broker: EmbeddedBroker, records: list[Record]) -> None:
    async def send() -> None:
        producer = EventProducer(broker.bootstrap)
        await producer.publish(records)
        await producer.close()

    asyncio.run(send())


def of(events: list[Event]) -> list[Record]:
    return [event_record(accepted(event)) for event in events]


def read(broker: EmbeddedBroker, *topics: str) -> list[Any]:
    """Return every record of these topics, read by a consumer."""
    consumer = KafkaConsumer(bootstrap_servers=[broker.bootstrap], group_id=None)
    try:
        there = {topic: consumer.partitions_for_topic(topic) or () for topic in topics}
        consumer.assign([TopicPartition(topic, at) for topic in topics for at in there[topic]])
        consumer.seek_to_beginning()
        found: list[Any] = []
        while polled := consumer.poll(timeout_ms=400):
            found += [record for some in polled.values() for record in some]
        return found
    finally:
        consumer.close()


def sink(broker: EmbeddedBroker, clickhouse: ClickHouse) -> None:
    """Do what the processor does once: write all canonical records, then all refusals."""

    async def write() -> None:
        producer = EventProducer(broker.bootstrap)
        ledger = LedgerSink(Ledger(clickhouse), Rejections(producer))
        await ledger.write(await asyncio.to_thread(read, broker, *CANONICAL_TOPICS))
        await ledger.finish()
        await producer.close()
        refused = await asyncio.to_thread(read, broker, REJECTED)
        if refused:
            await RejectionSink(clickhouse).write(refused)

    asyncio.run(write())


def events_of(buyer: str, count: int) -> list[Event]:
    made = [
        order("03-01", at + 1, "03-20", id=f"{buyer}-{at}", order_no=f"P{at}", buyer_id=buyer)
        for at in range(count)
    ]
    made.append(receive("03-20", 5, no=f"R-{buyer}", id=f"{buyer}-received", buyer_id=buyer))
    return made


def today() -> str:
    return datetime.now(ZoneInfo(ZONE)).date().isoformat()


def test_counts_by_sender_and_day_with_resends(
    broker: EmbeddedBroker, clickhouse: ClickHouse
) -> None:
    first, second = events_of("B1", 30), events_of("B2", 7)
    publish(broker, of([*first, *second, *first[:4], first[0], second[-1]]))
    sink(broker, clickhouse)
    result = reconcile(clickhouse, broker.bootstrap, zone=ZONE)
    answer = result.as_json()
    counted = {row["sender"]: row for row in answer["rows"]}
    assert {row["day"] for row in answer["rows"]} == {today()}
    expected = {"stored": 31, "accepted": 31, "rejected": 0, "missing": 0, "resent": 5}
    assert {name: counted["B1"][name] for name in expected} == expected
    assert (counted["B2"]["stored"], counted["B2"]["resent"]) == (8, 1)
    assert answer["total"] == {
        "accepted": 39, "stored": 39, "rejected": 0, "missing": 0, "resent": 6,
    }  # fmt: skip
    # Every record is read, also those after the first record of a partition's last batch.
    assert answer["records_read"] == 45


def test_what_was_refused_balances(broker: EmbeddedBroker, clickhouse: ClickHouse) -> None:
    first = events_of("B1", 3)
    conflict = first[0] | {"data": first[0]["data"] | {"order_no": "OTHER"}}
    by_hand = json.dumps(first[1] | {"id": "no-order", "data": {}}).encode()
    publish(broker, of([*first, conflict]))
    publish(
        broker,
        [
            Record(ORDERS, b"S1", b"no event at all"),
            Record(ORDERS, b"S1", by_hand),
            Record(DELIVERIES, b"S1", b"{}", (("source", b"\xff"), ("id", b"x"))),
            Record(DELIVERIES, b"S1", b"{}", (("source", b"x"), ("id", b"x"), ("content", b"0"))),
        ],
    )
    sink(broker, clickhouse)
    answer = reconcile(clickhouse, broker.bootstrap, zone=ZONE).as_json()
    assert answer["missing_events"] == []
    assert answer["total"] == {
        "accepted": 9, "stored": 4, "rejected": 5, "missing": 0, "resent": 0,
    }  # fmt: skip


def test_a_sender_counts_its_own_alone_and_its_conflicts_are_named(
    broker: EmbeddedBroker, clickhouse: ClickHouse
) -> None:
    first, second = events_of("B1", 3), events_of("B2", 5)
    conflict = first[0] | {"data": first[0]["data"] | {"order_no": "OTHER"}}
    publish(broker, of([*first, *second, conflict, second[0]]))
    sink(broker, clickhouse)
    publish(broker, of(events_of("B1", 5)[3:4]))
    one, other, none = (
        reconcile(clickhouse, broker.bootstrap, zone=ZONE, sender=sender).as_json()
        for sender in ("B1", "B2", "B")
    )
    assert {row["sender"] for row in one["rows"]} == {"B1"}
    assert one["total"] == {
        "accepted": 6, "stored": 4, "rejected": 1, "missing": 1, "resent": 0,
    }  # fmt: skip
    assert [event["id"] for event in one["missing_events"]] == ["B1-3"]
    (named,) = one["conflict_events"]
    assert (one["conflicts"], named["id"], named["source"]) == (1, "B1-0", "/erp/B1/sap")
    assert (other["total"]["stored"], other["total"]["resent"]) == (6, 1)
    assert (other["missing"], other["conflicts"], other["records_read"]) == (0, 0, 7)
    assert (none["rows"], none["records_read"]) == ([], 0)
    everybody = reconcile(clickhouse, broker.bootstrap, zone=ZONE).as_json()
    assert (everybody["missing"], everybody["conflicts"]) == (1, 1)


def test_what_is_neither_stored_nor_refused_is_missing(
    broker: EmbeddedBroker, clickhouse: ClickHouse
) -> None:
    publish(broker, of(events_of("B1", 3)))
    sink(broker, clickhouse)
    inbound = json.dumps(events_of("B9", 1)[0]).encode()
    publish(broker, [Record(ORDERS, b"S1", b"{"), Record("rantai.inbound.B9", b"", inbound)])
    answer = reconcile(clickhouse, broker.bootstrap, zone=ZONE).as_json()
    found = {(row["topic"], row["id"], row["sender"]) for row in answer["missing_events"]}
    assert found == {(ORDERS, None, ORDERS), ("rantai.inbound.B9", "B9-0", "B9")}
    assert answer["missing"] == 2


def test_since_counts_what_was_accepted_from_then_on(
    broker: EmbeddedBroker, clickhouse: ClickHouse
) -> None:
    publish(broker, of(events_of("B1", 10)))
    time.sleep(0.05)
    since = datetime.now(UTC)
    time.sleep(0.05)
    publish(broker, of(events_of("B2", 5)))
    sink(broker, clickhouse)
    answer = reconcile(clickhouse, broker.bootstrap, zone=ZONE, since=since).as_json()
    assert [(row["sender"], row["stored"]) for row in answer["rows"]] == [("B2", 6)]
    assert answer["missing"] == 0
    later = since + timedelta(hours=1)
    answer = reconcile(clickhouse, broker.bootstrap, zone=ZONE, since=later).as_json()
    assert (answer["rows"], answer["missing"]) == ([], 0)


def test_a_broker_without_its_memory_is_balanced(clickhouse: ClickHouse) -> None:
    with EmbeddedBroker() as before:
        apply(before.bootstrap, partitions=3, replication=1)
        publish(before, of(events_of("B1", 20)))
        sink(before, clickhouse)
    with EmbeddedBroker() as after:
        apply(after.bootstrap, partitions=3, replication=1)
        answer = reconcile(clickhouse, after.bootstrap, zone=ZONE).as_json()
        assert answer["total"]["accepted"] == answer["total"]["stored"] == 21
        assert (answer["missing"], answer["records_read"]) == (0, 0)
        # The same events on the new broker are resends of those in the ledger.
        publish(after, of([*events_of("B1", 20), *events_of("B2", 1)]))
        sink(after, clickhouse)
        answer = reconcile(clickhouse, after.bootstrap, zone=ZONE).as_json()
        assert answer["total"]["accepted"] == answer["total"]["stored"] == 23
        assert answer["missing"] == 0


def test_a_broker_that_is_away_is_told(clickhouse: ClickHouse) -> None:
    with pytest.raises(BrokerUnavailable):
        reconcile(clickhouse, f"127.0.0.1:{free_port()}", zone=ZONE)


@contextmanager
def served(
    broker: EmbeddedBroker, clickhouse: ClickHouse, folder: Path
) -> Iterator[tuple[str, str]]:
    """Serve the routes of operations; yield their address and an operator's key."""
    keys = KeyStore(folder / "keys.json")
    key = keys.create(Role.PROGRAMME, "operator")
    app, port = FastAPI(), free_port()
    install(app)
    safety = OnBroker(EventProducer(broker.bootstrap))
    app.include_router(
        routes(Operations(keys, clickhouse, broker.bootstrap, ZONE, safety, NOT_SYNCED))
    )
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", key
    finally:
        server.should_exit = True
        thread.join(10)


def run(*arguments: str) -> tuple[int, str]:
    done = run_rantai(*arguments)
    return done.returncode, done.stdout


def test_an_event_that_vanished_from_the_ledger_is_named_by_the_command(
    broker: EmbeddedBroker, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    publish(broker, of(events_of("B1", 12)))
    sink(broker, clickhouse)
    with served(broker, clickhouse, tmp_path) as (url, key):
        arguments = ("reconcile", "--url", url, "--key", key, "--wait", "0")
        status, output = run(*arguments)
        assert status == 0, output
        assert "Nothing is missing" in output
        gone = "B1-7"
        clickhouse.command(
            f"ALTER TABLE events DELETE WHERE id = '{gone}'", settings={"mutations_sync": 2}
        )
        status, output = run(*arguments)
        assert status == 1
        assert f"source=/erp/B1/sap id={gone} ({ORDERS} " in output
        assert "1 missing" in output
        status, output = run(*arguments, "--json")
        answer = json.loads(output)
        assert status == 1
        assert (answer["missing"], answer["missing_events"][0]["id"]) == (1, gone)
        assert answer["total"]["accepted"] - answer["total"]["stored"] == 1
        # Reading the broker's records again restores the event.
        sink(broker, clickhouse)
        assert run(*arguments)[0] == 0


def test_a_rebuild_over_http_tells_its_progress(
    broker: EmbeddedBroker, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    store(clickhouse, events_of("B1", 12))
    before = contents(clickhouse)
    clickhouse.command("TRUNCATE TABLE order_versions")
    with served(broker, clickhouse, tmp_path) as (url, key):
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.post(f"{url}/v1/rebuild", headers=headers, timeout=60)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        *steps, last = [json.loads(line) for line in documented(answer).text.splitlines()]
        made = len({table for one in migrations() if one.derived for table in one.tables})
        assert last == {"tables": made, "finished": True}
        assert all(step["done"] < step["total"] for step in steps)
        # The first step fills tables from the ledger, the last one folds.
        assert steps[0]["done"] == steps[-1]["total"] - steps[-1]["done"] - 1 == 0
        assert contents(clickhouse) == before
        status, output = run("rebuild", "--url", url, "--key", key)
        assert (status, f"{made} tables" in output) == (0, True)
        other = KeyStore(tmp_path / "keys.json").create(Role.BUYER, "B1")
        refused = httpx.post(f"{url}/v1/rebuild", headers={"Authorization": f"Bearer {other}"})
        assert refused.status_code == 403
        for method, path in (("POST", "/v1/rebuild"), ("GET", "/v1/reconciliation")):
            assert httpx.request(method, url + path).status_code == 401


def test_an_append_between_two_rebuilds_is_kept(clickhouse: ClickHouse) -> None:
    events = events_of("B1", 400)
    store(clickhouse, events)
    expected = contents(clickhouse)
    empty(clickhouse)
    stop, failures = threading.Event(), []

    def append() -> None:
        ledger = Ledger(clickhouse)
        rows = [row(event, at) for at, event in enumerate(events)]
        for start in range(0, len(rows), 20):
            batch = uuid4()
            while not stop.is_set():
                try:
                    ledger.append(rows[start : start + 20], batch)
                    break
                except StoreUnavailable:
                    time.sleep(0.02)
                except Exception as error:
                    failures.append(error)
                    return

    thread = threading.Thread(target=append)
    thread.start()
    for _ in range(2):
        rebuild(clickhouse, NOT_SYNCED)
    # Wait for the last append: events that are not appended would be missing below.
    thread.join(300)
    stop.set()
    assert failures == []
    assert contents(clickhouse) == expected
