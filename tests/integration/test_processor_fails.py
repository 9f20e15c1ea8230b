"""A processor whose sink keeps failing ends with an error instead of skipping records."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cli import compose, services
from services.kafka.embedded_broker import EMBEDDED_SESSION_SECONDS, EmbeddedBroker, free_port
from services.kafka.producer import EventProducer, event_record
from services.kafka.topics import apply
from services.processor.ledger_sink import LedgerSink
from services.settings import Settings
from tests.integration.separate import ClickHouseProcess
from tests.reference.cases import order
from tests.support.storing import accepted

END_SECONDS = 40


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Run a broker and a store, and return settings with their addresses."""
    store = ClickHouseProcess(tmp_path)
    with EmbeddedBroker() as broker:
        apply(broker.bootstrap, partitions=1, replication=1)
        store.start()
        try:
            yield Settings(
                kafka=broker.bootstrap,
                clickhouse_url=store.url,
                data_dir=tmp_path,
                port=free_port(),
                session_seconds=EMBEDDED_SESSION_SECONDS,
                heal_seconds=2.0,
            )
        finally:
            store.process.kill()


def test_the_process_ends_with_a_sink_that_fails_again_and_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_sink: LedgerSink, _records: Any) -> None:
        raise RuntimeError("a simulated bug")

    monkeypatch.setattr(LedgerSink, "write", fail)

    async def run() -> None:
        producer = EventProducer(settings.kafka)
        await producer.publish([event_record(accepted(order("03-01", 5, "03-20")))])
        await producer.close()
        async with asyncio.timeout(END_SECONDS):
            await services._processor(settings)

    with pytest.raises(compose.PartFailed, match="a simulated bug"):
        asyncio.run(run())
