"""A Faust application that crashes is replaced by a new one in the same process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from faust.transport.consumer import Consumer

from schemas.catalogue import REJECTED
from services.kafka.embedded_broker import EMBEDDED_SESSION_SECONDS, EmbeddedBroker
from services.kafka.producer import EventProducer, Record
from services.kafka.topics import apply
from services.processor import faust_app
from services.processor.streams import Stream
from services.runtime.parts import OnStall, ProcessPart, Runs
from services.settings import Settings
from services.telemetry.metrics import PART_RESTARTS
from tests.fault.doubles import FailingSink
from tests.fault.loops import until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def streaming(
    broker: EmbeddedBroker, folder: Path, sink: FailingSink
) -> AsyncIterator[ProcessPart]:
    """Run the application that reads `rantai.rejected` as a process part that writes to `sink`."""
    settings = Settings(
        kafka=broker.bootstrap, data_dir=folder, session_seconds=EMBEDDED_SESSION_SECONDS
    )

    def make(on_stall: OnStall) -> Runs:
        app, streams = faust_app.make(settings), [Stream(sink)]
        faust_app.add_stream(app, REJECTED, streams[0])
        faust_app.add_draining(app, streams)
        faust_app.add_watch(app, streams, settings.stall_seconds, on_stall)
        return faust_app.FaustRun(app)

    part = ProcessPart("streams", make)
    part.start()
    try:
        yield part
    finally:
        await part.stop(5.0)


async def test_a_consumer_that_fails_as_in_a_rebalance_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Observed: `AssertionError: Partition is not assigned` in the fetcher ended the process."""
    sink, failures, restarts = FailingSink(), [1], PART_RESTARTS.labels("streams")._value
    take = Consumer._wait_next_records

    async def assigned(self: Any, seconds: float) -> Any:
        found = await take(self, seconds)
        if found[0] and failures[0]:
            failures[0] -= 1
            raise AssertionError("Partition is not assigned")
        return found

    monkeypatch.setattr(Consumer, "_wait_next_records", assigned)
    with EmbeddedBroker() as broker:
        apply(broker.bootstrap, partitions=1, replication=1)
        producer = EventProducer(broker.bootstrap)
        before = restarts.get()
        async with streaming(broker, tmp_path, sink) as part:
            await until(lambda: part.ready)
            for number in range(20):
                await producer.publish([Record(REJECTED, b"S", b"%d" % number)])
                await asyncio.sleep(0.05)
            await until(lambda: len(sink.written) >= 20, 60)
        assert restarts.get() - before == 1
        await producer.close()
    assert {offset for _, _, offset in sink.written} == set(range(20))
