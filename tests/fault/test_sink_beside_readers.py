"""The sink has threads and store clients of its own: readers cannot hold it up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from threading import Event
from uuid import uuid4

import httpx
import pytest

from schemas.catalogue import CANONICAL_TOPICS, Role
from services.access.keys import KeyStore
from services.cli import compose
from services.kafka.embedded_broker import EMBEDDED_SESSION_SECONDS, EmbeddedBroker
from services.kafka.producer import EventProducer
from services.kafka.safety import InLedger
from services.kafka.sink_progress import SinkProgress
from services.processor.batches import BatchLoop, Subscription
from services.processor.ledger_sink import LedgerSink
from services.processor.rejections import Rejections
from services.readiness.policy import DEFAULT_POLICY
from services.settings import Settings
from services.store.client import BACKGROUND, READING, ClickHouse
from services.store.ledger import Ledger
from tests.fault.loops import Stalls
from tests.reference.cases import order
from tests.support.holding import HANG_SECONDS, clients_held, held

pytestmark = pytest.mark.anyio
_DEFAULT_THREADS = 64
"""More threads than asyncio's default executor has on any machine."""


async def test_a_post_is_answered_and_counted_while_readers_hold_all_they_can(
    broker: EmbeddedBroker, own_clickhouse: ClickHouse, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, kafka=broker.bootstrap)
    keys = KeyStore(settings.keys_path)
    key, reads = keys.create(Role.BUYER, "B1"), compose.reads(settings, keys)
    async with AsyncExitStack() as stack:
        producer = EventProducer(broker.bootstrap)
        stack.push_async_callback(producer.close)
        progress = await stack.enter_async_context(_sinking(broker, own_clickhouse, producer))
        safety = InLedger(producer, progress, HANG_SECONDS)
        routers = [
            compose.gateway_routes(settings, keys, safety),
            *compose.scorecard_routes(settings, keys, own_clickhouse, DEFAULT_POLICY, safety),
        ]
        app = compose.application("test", routers, _ready, reads)
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="http://test", timeout=None)
        await stack.enter_async_context(client)
        for share in (READING, BACKGROUND):
            stack.enter_context(clients_held(own_clickhouse, share))
        await stack.enter_async_context(held(reads.turns, settings.read_threads))
        await stack.enter_async_context(_default_threads_held())
        name = f"O-{uuid4()}"
        event = order("01-05", 10, "02-02", order_no=name)
        answer = await client.post(
            "/v1/events",
            headers={
                "authorization": f"Bearer {key}",
                "content-type": "application/cloudevents+json",
            },
            json=event,
        )
        assert answer.status_code == 202, answer.text
        assert (await client.get("/healthz")).status_code == 200
        found = own_clickhouse.rows(
            "SELECT count() AS events FROM order_line_facts FINAL WHERE order_no = {order:String}",
            {"order": name},
        )
        assert found == [{"events": 1}]


async def _ready() -> None:
    return None


@asynccontextmanager
async def _sinking(
    broker: EmbeddedBroker, store: ClickHouse, producer: EventProducer
) -> AsyncIterator[SinkProgress]:
    """Run the ledger's batch loop as the processor does; yield its progress when it is ready."""
    progress = SinkProgress()
    loop = BatchLoop(
        Subscription(
            broker.bootstrap,
            f"test-{uuid4()}",
            CANONICAL_TOPICS,
            *(1000, 0.0, 60.0, EMBEDDED_SESSION_SECONDS),
        ),
        LedgerSink(Ledger(store), Rejections(producer)),
        progress=progress,
        on_stall=Stalls(),
    )
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(HANG_SECONDS):
        await loop.ready.wait()
    yield progress
    await loop.stop()
    await task


@asynccontextmanager
async def _default_threads_held() -> AsyncIterator[None]:
    """Hold every thread of asyncio's default executor."""
    gate = Event()
    loop = asyncio.get_running_loop()
    waiting = [
        loop.run_in_executor(None, gate.wait, HANG_SECONDS * 2) for _ in range(_DEFAULT_THREADS)
    ]
    try:
        yield
    finally:
        gate.set()
        await asyncio.gather(*waiting)
