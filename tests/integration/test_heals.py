"""Each part of `rantai up` fails in turn: the process survives and loses no acknowledged event."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer

from schemas.catalogue import Role, inbound_topic
from services.access.keys import KeyStore
from services.cli.up import Running, running
from services.exporter.looks import StoreLook
from services.kafka.embedded_broker import EMBEDDED_SESSION_SECONDS, EmbeddedBroker, free_port
from services.kafka.producer import EventProducer
from services.processor.batches import BatchLoop
from services.processor.evaluator import Evaluator
from services.processor.inbound import Inbound
from services.processor.ledger_sink import LedgerSink
from services.settings import Settings
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable
from services.store.ledger import Ledger
from tests.integration.separate import ClickHouseProcess
from tests.reference.cases import order

pytestmark = pytest.mark.anyio
SECONDS = 60
BUYER = "B1"


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    """Run a store in another process: the engine of this process belongs to other tests."""
    store = ClickHouseProcess(tmp_path_factory.mktemp("heals"))
    store.start()
    yield store
    store.process.kill()


@dataclass
class Life:
    """A running `rantai up`, and the ids of the events that it acknowledged."""

    everything: Running
    broker: EmbeddedBroker
    http: httpx.AsyncClient
    key: str
    acknowledged: set[str] = field(default_factory=set)
    number: int = 0

    async def post(self) -> int:
        """Send a new order; return the HTTP status."""
        self.number += 1
        name = f"o-{self.number}"
        answer = await self.http.post(
            "/v1/events",
            json=order("03-01", 5, "03-20", id=name, order_no=name, buyer_id=BUYER),
            headers={
                "authorization": f"Bearer {self.key}",
                "content-type": "application/cloudevents+json",
            },
        )
        if answer.status_code == 202:
            self.acknowledged.add(name)
        return answer.status_code

    async def ready(self) -> bool:
        return (await self.http.get("/readyz")).status_code == 200

    async def well_again(self) -> None:
        """Wait until the process is ready and accepts an event. Fails after a minute."""
        async with asyncio.timeout(SECONDS):
            while not await self.ready() or await self.post() != 202:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def write(self, name: str) -> None:
        """Write an order to the sender's inbound topic with a Kafka client."""
        producer = KafkaProducer(bootstrap_servers=self.broker.bootstrap, acks="all")
        value = httpx.Request(
            "POST", "http://x", json=order("03-01", 5, "03-20", id=name, order_no=name)
        ).content
        producer.send(inbound_topic(BUYER), value=value).get(20)
        producer.close()

    def stored(self) -> list[str]:
        """Return the event id of each row of the ledger."""
        rows = self.everything.store.rows("SELECT id FROM events FINAL WHERE sender = 'B1'")
        return [row["id"] for row in rows]


@asynccontextmanager
async def living(store: ClickHouseProcess, folder: Path, **options: Any) -> AsyncIterator[Life]:
    """Run `rantai up` in this process, with its own embedded broker."""
    broker = EmbeddedBroker()
    settings = Settings(
        kafka=broker.bootstrap,
        clickhouse_url=f"{store.address}/heals_{free_port()}",
        data_dir=folder,
        port=free_port(),
        session_seconds=EMBEDDED_SESSION_SECONDS,
        batch_seconds=0.02,
        inbound_discovery_seconds=0.2,
        evaluation_seconds=0.2,
        **options,
    )
    async with running(settings, broker) as everything:
        serving = asyncio.create_task(everything.server.serve())
        key = KeyStore(settings.keys_path).create(Role.BUYER, BUYER)
        async with httpx.AsyncClient(base_url=settings.base_url, timeout=30) as http:
            life = Life(everything, broker, http, key)
            with suppress(httpx.TransportError):
                await http.get("/healthz")
            async with asyncio.timeout(SECONDS):
                while not everything.server.started:  # noqa: ASYNC110 - uvicorn sets no event
                    await asyncio.sleep(0.05)
            await life.well_again()
            yield life
            assert not serving.done(), "the process ended"
        everything.server.should_exit = True
        await serving


Break = Callable[[pytest.MonkeyPatch, Life], Awaitable[None] | None]


def fails(owner: type, name: str, error: Exception, times: int) -> Break:
    """Return a fault: a method raises `error` the first `times` times."""

    def break_it(patch: pytest.MonkeyPatch, _: Life) -> None:
        real, left = getattr(owner, name), [times]

        def raising(self: Any, *given: Any, **named: Any) -> Any:
            if left[0]:
                left[0] -= 1
                raise error
            return real(self, *given, **named)

        patch.setattr(owner, name, raising)

    return break_it


def killed(_: pytest.MonkeyPatch, life: Life) -> None:
    """Kill the broker, as the kernel does when memory is short."""
    process = life.broker._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


async def written(patch: pytest.MonkeyPatch, life: Life) -> None:
    """Make the reader of inbound topics fail at the next record, and write that record."""
    fails(Inbound, "write", RuntimeError("a simulated bug"), 2)(patch, life)
    await asyncio.to_thread(life.write, f"own-{life.number}")
    life.acknowledged.add(f"own-{life.number}")


OURS, REFUSED = RuntimeError("a simulated bug"), StoreRefused("Code: 49. Logical error")
AWAY = StoreUnavailable("Code: 209. Socket timeout")
FAULTS: dict[str, Break] = {
    "the ledger's consumer": fails(
        BatchLoop, "_fetch", AssertionError("Partition is not assigned"), 2
    ),
    "the ledger's sink": fails(LedgerSink, "write", OURS, 2),
    "the engine, in a fold": fails(Ledger, "finish", REFUSED, 2),
    "the engine, away": fails(ClickHouse, "insert_json_lines", AWAY, 3),
    "the reader of inbound topics": written,
    "the evaluator": fails(Evaluator, "turn", OURS, 2),
    "the producer": fails(EventProducer, "_send_all", OSError("no buffer space"), 2),
    "the exporter": fails(StoreLook, "look", OURS, 2),
    "the broker": killed,
}


async def test_whichever_part_fails_the_process_lives_and_nothing_is_lost(
    clickhouse: ClickHouseProcess, tmp_path: Path
) -> None:
    async with living(clickhouse, tmp_path, answer_seconds=5.0) as life:
        for name, break_it in FAULTS.items():
            with pytest.MonkeyPatch.context() as patch:
                if (broken := break_it(patch, life)) is not None:
                    await broken
                statuses = {await life.post() for _ in range(3)}
                assert statuses <= {202, 503}, name
                await life.well_again()
        async with asyncio.timeout(SECONDS):
            while not life.acknowledged <= set(  # noqa: ASYNC110
                await asyncio.to_thread(life.stored)
            ):
                await asyncio.sleep(0.2)
        stored = await asyncio.to_thread(life.stored)
        assert len(stored) == len(set(stored))
        told = (await life.http.get("/metrics")).text
    for part in ("ledger", "inbound", "evaluations", "broker"):
        assert f'rantai_part_restarts_total{{part="{part}"}}' in told


async def test_new_senders_change_no_running_consumer(
    clickhouse: ClickHouseProcess, tmp_path: Path
) -> None:
    """New keys, their first orders and conflicts, all at once, leave the running consumer alone.

    A consumer that starts again at such a moment can end the process.
    """
    async with living(clickhouse, tmp_path) as life:
        processor: Any = life.everything.parts[0]
        consumer = processor._batches._consumer
        keys = KeyStore(life.everything.settings.keys_path)
        for number in range(8):
            partner = f"NEW-{number}"
            life.key = keys.create(Role.BUYER, partner)
            for quantity in (5, 6):
                event = order("03-01", quantity, "03-20", id="same", buyer_id=partner)
                answer = await life.http.post(
                    "/v1/events",
                    json={**event, "source": f"/erp/{partner}/sap"},
                    headers={
                        "authorization": f"Bearer {life.key}",
                        "content-type": "application/cloudevents+json",
                    },
                )
                assert answer.status_code == 202, answer.text
        assert processor._batches._consumer is consumer
        assert processor._batches.term == 1
        refused = life.everything.store.rows(
            "SELECT sender, reason FROM rejected FINAL ORDER BY sender"
        )
        # Refusals are stored before the answer, because the broker keeps them in memory only.
        assert [(row["sender"], row["reason"]) for row in refused] == [
            (f"NEW-{number}", "conflict") for number in range(8)
        ]


async def test_a_broker_that_grew_is_emptied_while_events_come(
    clickhouse: ClickHouseProcess, tmp_path: Path
) -> None:
    async with living(clickhouse, tmp_path, embedded_log_mb=32) as life:
        process = life.broker._process
        bulk = "x" * 2000

        async def batch(at: int) -> int:
            events = [
                {
                    **order("03-01", 5, "03-20", id=f"{at}-{n}", order_no=f"{at}-{n}"),
                    "subject": bulk,
                }
                for n in range(500)
            ]
            answer = await life.http.post(
                "/v1/events",
                json=events,
                headers={
                    "authorization": f"Bearer {life.key}",
                    "content-type": "application/cloudevents-batch+json",
                },
            )
            if answer.status_code == 202:
                life.acknowledged.update(event["id"] for event in events)
            return answer.status_code

        statuses: set[int] = set()
        async with asyncio.timeout(2 * SECONDS):
            at = 0
            while life.broker._process is process or at < 20:
                statuses |= set(await asyncio.gather(*(batch(at + n) for n in range(4))))
                at += 4
        # Requests that came while the broker was emptied waited; none was refused.
        assert statuses == {202}
        assert life.broker.memory_bytes < 2 * 32 * 1024 * 1024
        stored = await asyncio.to_thread(life.stored)
        assert life.acknowledged <= set(stored)
        assert len(stored) == len(set(stored))
