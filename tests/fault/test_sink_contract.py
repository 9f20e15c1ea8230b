"""The contract of every sink: a repeated batch counts once, a transient failure is raised."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.catalogue import REJECTED, Role, inbound_topic
from schemas.validation import Fault
from services.kafka.safety import OnBroker
from services.processor.inbound import Inbound
from services.processor.ledger_sink import LedgerSink
from services.processor.rejections import Refusal, Rejections, RejectionSink
from services.processor.sink import UNAVAILABLE, Sink
from services.processor.streams import StreamRecord
from services.store.client import ClickHouse, StoreUnavailable
from services.store.ledger import Appended, Ledger, LedgerRecord
from tests.fault.doubles import FailingSink, FakeProducer
from tests.reference.cases import inspect, order, receive
from tests.support.storing import ACCEPTED_MS, contents, empty, record

pytestmark = pytest.mark.anyio

EVENTS = [
    order("03-01", 5, "03-20", id="c-1"),
    receive("03-20", 5, no="R1", id="c-2"),
    inspect("03-20", 0, "accepted", no="Q1") | {"id": "c-3"},
    order("03-02", 5, "03-20", line="20", id="c-4"),
    order("03-03", 5, "03-20", line="30", id="c-5"),
]
BAD = order("03-03", 5, "03-20", id="c-bad") | {"time": "yesterday"}


@dataclass
class Subject:
    """A sink with records for it.

    `fail(n)` makes its next n writes fail; `look` returns what it made safe.
    """

    sink: Sink
    records: list[StreamRecord]
    fail: Callable[[int], None]
    look: Callable[[], Any]


class Failing:
    """A proxy of the ledger and the store that fails a given number of times, then passes on."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self.failures, self._clickhouse = 0, clickhouse

    def _perhaps_fail(self) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise StoreUnavailable("Code: 209. DB::Exception: Timeout exceeded")

    def insert(self, records: Sequence[LedgerRecord], batch: Any) -> Appended:
        self._perhaps_fail()
        return Ledger(self._clickhouse).append(records, batch)

    def finish(self) -> None:
        """Do nothing: what is inserted is finished."""

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        self._perhaps_fail()
        self._clickhouse.insert_json_lines(table, lines)

    def fail(self, times: int) -> None:
        self.failures = times


def published(producer: FakeProducer) -> Callable[[], Any]:
    """Return a function that returns the published records without duplicates.

    Duplicates on a topic are allowed: the ledger stores each event once.
    """

    def look() -> Any:
        rows = []
        for one in producer.published:
            value = json.loads(one.value)
            value.pop("rejected_at", None)
            rows.append((one.topic, one.key, json.dumps(value, sort_keys=True)))
        return sorted(set(rows))

    return look


def of_ledger(clickhouse: ClickHouse) -> Subject:
    before, producer = Failing(clickhouse), FakeProducer()
    records = [record(event, at, partition=at % 3) for at, event in enumerate(EVENTS)]
    records.append(StreamRecord("rantai.orders", 1, 9, ACCEPTED_MS, b"no event", ()))
    look = published(producer)
    return Subject(
        LedgerSink(before, Rejections(producer)),
        records,
        before.fail,
        lambda: (contents(clickhouse), look()),
    )


def of_rejections(clickhouse: ClickHouse) -> Subject:
    before = Failing(clickhouse)
    records = []
    for at, text in enumerate((b"{", b"\xff\xfe", "é\n".encode(), b"")):
        topic = inbound_topic("B1") if at % 2 else "rantai.orders"
        came = StreamRecord(topic, at, at, ACCEPTED_MS, text, ())
        refusal = Refusal.of_record(came, "inbound", "invalid", [Fault("", "not JSON")])
        value = json.dumps(refusal.as_json(), ensure_ascii=False).encode()
        records.append(StreamRecord(REJECTED, 0, at, ACCEPTED_MS, value, ()))
    return Subject(
        RejectionSink(before),
        records,
        before.fail,
        lambda: clickhouse.rows("SELECT * FROM rejected FINAL ORDER BY id"),
    )


def of_inbound(_: ClickHouse) -> Subject:
    producer = FakeProducer()
    records = [
        StreamRecord(inbound_topic("B1"), at % 2, at, ACCEPTED_MS, json.dumps(event).encode(), ())
        for at, event in enumerate([*EVENTS, BAD])
    ]
    forged = json.dumps(EVENTS[0]).encode()
    records.append(StreamRecord(inbound_topic("B2"), 0, 0, ACCEPTED_MS, forged, ()))

    def fail(times: int) -> None:
        producer.failures = times

    sink = Inbound(OnBroker(producer), Rejections(producer), lambda _: (Role.BUYER, Role.SUPPLIER))
    return Subject(sink, records, fail, published(producer))


@pytest.fixture(params=[of_ledger, of_rejections, of_inbound])
def subject(request: pytest.FixtureRequest, own_clickhouse: ClickHouse) -> Subject:
    """Return each sink in turn, on an empty store."""
    empty(own_clickhouse)
    made: Subject = request.param(own_clickhouse)
    return made


async def test_the_same_batch_twice_counts_once(subject: Subject) -> None:
    await subject.sink.write(subject.records)
    once = subject.look()
    await subject.sink.write(subject.records)
    assert subject.look() == once
    # Read again in other portions, as after a crash between write and commit.
    for one in subject.records:
        await subject.sink.write([one])
    await subject.sink.write(subject.records[1:3])
    assert subject.look() == once


async def test_a_transient_failure_is_raised_and_the_same_batch_works_later(
    subject: Subject,
) -> None:
    await subject.sink.write(subject.records)
    expected = subject.look()
    subject.fail(2)
    for _ in range(2):
        with pytest.raises(UNAVAILABLE):
            await subject.sink.write(subject.records)
    await subject.sink.write(subject.records)
    assert subject.look() == expected


async def test_a_failure_at_first_leaves_nothing_half_written(
    subject: Subject, own_clickhouse: ClickHouse
) -> None:
    subject.fail(1)
    with pytest.raises(UNAVAILABLE):
        await subject.sink.write(subject.records)
    await subject.sink.write(subject.records)
    late = subject.look()
    empty(own_clickhouse)
    await subject.sink.write(subject.records)
    assert subject.look() == late


async def test_every_record_is_stored_or_refused(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    subject = of_ledger(own_clickhouse)
    await subject.sink.write(subject.records)
    derived, refused = subject.look()
    assert len(derived["order_versions"]) == 3
    assert (len(derived["receipt_lines"]), len(derived["inspections"])) == (1, 1)
    assert len(refused) == 1
    subject = of_inbound(own_clickhouse)
    await subject.sink.write(subject.records)
    topics = [topic for topic, _, _ in subject.look()]
    assert topics.count(REJECTED) == 2
    assert topics.count("rantai.orders") == 3
    subject = of_rejections(own_clickhouse)
    await subject.sink.write(subject.records)
    assert [(row["encoding"], row["value"]) for row in subject.look()] == [
        ("base64", "//4="),
        ("utf-8", ""),
        ("utf-8", "{"),
        ("utf-8", "é\n"),
    ]


async def test_the_double_keeps_the_contract_too() -> None:
    records = [record(event, at) for at, event in enumerate(EVENTS)]
    sink = FailingSink(1)
    with pytest.raises(UNAVAILABLE):
        await sink.write(records)
    await sink.write(records)
    assert len(sink.written) == len(records)
