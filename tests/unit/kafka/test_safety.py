"""`InLedger`: when an event counts as safe on the embedded broker, which keeps only memory."""

import asyncio
from collections.abc import Sequence

import pytest

from services.kafka.producer import EventProducer, Position, Record
from services.kafka.safety import InLedger
from services.kafka.sink_progress import SinkProgress
from services.kafka.topics import BrokerUnavailable
from tests.reference.cases import order
from tests.support.storing import accepted

pytestmark = pytest.mark.anyio
EVENT = accepted(order("03-01", 5, "03-20"))


class Log(EventProducer):
    """Stands in for the producer: a log of one partition that takes records while `let` is set."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:1")
        self.records: list[Record] = []
        self.let = asyncio.Event()
        self.let.set()

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        await self.let.wait()
        first = len(self.records)
        self.records.extend(records)
        return [Position("t", 0, first + at) for at in range(len(records))]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def progress() -> SinkProgress:
    return SinkProgress()


@pytest.fixture
def safety(log: Log, progress: SinkProgress) -> InLedger:
    return InLedger(log, progress, timeout=2.0)


async def test_a_record_published_to_a_restarted_broker_is_not_taken_for_stored(
    log: Log, progress: SinkProgress, safety: InLedger
) -> None:
    """The ledger was past this offset, but of the broker that ended during the publishing."""
    await progress.advance({("t", 0): 500})
    log.let.clear()
    keeping = asyncio.create_task(safety.keep([EVENT]))
    await asyncio.sleep(0.01)
    await progress.begin_life()
    await progress.advance({("t", 0): 500})
    log.let.set()
    with pytest.raises(BrokerUnavailable):
        await keeping


async def test_a_wait_for_the_ledger_fails_when_the_broker_ends(
    progress: SinkProgress, safety: InLedger
) -> None:
    keeping = asyncio.create_task(safety.keep([EVENT]))
    await asyncio.sleep(0.01)
    await progress.begin_life()
    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(keeping, 1)


async def test_while_closed_new_calls_wait_and_calls_in_progress_finish(
    log: Log, progress: SinkProgress, safety: InLedger
) -> None:
    inside = asyncio.create_task(safety.keep([EVENT]))
    await asyncio.sleep(0.01)
    safety.close()
    outside = asyncio.create_task(safety.keep([EVENT]))
    emptied = asyncio.create_task(safety.emptied())
    await asyncio.sleep(0.01)
    assert len(log.records) == 1
    assert not emptied.done()
    await progress.advance({("t", 0): 1})
    await asyncio.wait_for(asyncio.gather(inside, emptied), 1)
    assert not outside.done()
    safety.open()
    await asyncio.sleep(0.01)
    assert len(log.records) == 2
    await progress.advance({("t", 0): 2})
    await asyncio.wait_for(outside, 1)


async def test_a_call_that_waits_too_long_while_closed_fails(safety: InLedger) -> None:
    safety.close()
    with pytest.raises(BrokerUnavailable, match="in time"):
        await safety.keep([EVENT])


async def test_each_event_of_a_call_has_its_own_trace(log: Log, safety: InLedger) -> None:
    traces = [f"00-{digit * 32}-{digit * 16}-01" for digit in "12"]
    keeping = asyncio.create_task(safety.keep([EVENT, EVENT], traces))
    await asyncio.sleep(0.01)
    assert [dict(record.headers)["traceparent"].decode() for record in log.records] == traces
    keeping.cancel()
