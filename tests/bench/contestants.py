"""Three ways from the broker to queryable facts: the batch loop, a plain Faust agent, the engine.

`python -m tests.bench.contestants WAY --bootstrap HOST:PORT --events FILE --path DIR` runs one of
them and prints one JSON line with the seconds from the first record read (for the engine alone: the
first byte inserted) until the ledger and the line facts contain every event.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import faust

from schemas.catalogue import CANONICAL_TOPICS
from services.assessment.figure_store import FigureStore, Selection
from services.processor.batches import BatchLoop, Subscription
from services.processor.ledger_sink import LedgerSink, ledger_record, read_ahead
from services.processor.streams import stream_record
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.store.ledger import Ledger, LedgerRecord, json_lines
from services.store.migrate import Placement, migrate
from tests.bench.workload import UNTIL, load

BATCH = 20_000


def queryable(clickhouse: ClickHouse, count: int) -> dict[str, Any]:
    """Assert that the ledger has every event; return how many suppliers and lines are judged."""
    rows = clickhouse.rows("SELECT uniqExact(source, id) AS events FROM events")
    assert rows[0]["events"] == count, (rows, count)
    sums = FigureStore(clickhouse, DEFAULT_POLICY).sums(Selection(UNTIL.date(), 180))
    judged = [row for row in sums if row["family"] == "due"]
    return {"suppliers": len(judged), "lines": sum(row["n"] for row in judged)}


class Counting:
    """The ledger's sink; notes when the first batch began and when all records are finished."""

    def __init__(self, clickhouse: ClickHouse, count: int) -> None:
        self._sink = LedgerSink(Ledger(clickhouse), None)  # type: ignore[arg-type]
        self._left = count
        self.began: float | None = None
        self.done = asyncio.Event()

    async def write(self, records: Any) -> None:
        """Write a batch."""
        self.began = self.began or time.perf_counter()
        await self._sink.write(records)
        self._left -= len(records)

    async def finish(self) -> None:
        """Finish the batches written so far."""
        left = self._left
        await self._sink.finish()
        if left <= 0:
            self.done.set()


async def ours(clickhouse: ClickHouse, bootstrap: str, count: int) -> float:
    """Read with the batch loop of the processor; return when it began."""
    sink = Counting(clickhouse, count)

    async def stalled() -> None:
        raise SystemExit("stalled")

    loop = BatchLoop(
        Subscription(bootstrap, f"bench-{uuid4()}", CANONICAL_TOPICS, BATCH, 0.2, 120, 8),
        sink,
        ahead=read_ahead,
        on_stall=stalled,
    )
    task = asyncio.create_task(loop.run())
    await sink.done.wait()
    await loop.stop()
    await task
    assert sink.began is not None
    return sink.began


async def agent(clickhouse: ClickHouse, bootstrap: str, count: int) -> float:
    """Read with a plain Faust agent and its `take_events`; return when it began.

    Everything after Faust is the same as in `ours`, so the difference is the cost of Faust.
    """
    app = faust.App(
        f"bench-{uuid4()}",
        broker=f"aiokafka://{bootstrap}",
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=8.0,
        broker_heartbeat_interval=0.8,
        broker_rebalance_timeout=5.0,
        datadir=mkdtemp(),
    )
    channel = app.topic(*CANONICAL_TOPICS, value_serializer="raw", value_type=bytes)
    began: list[float] = []
    done = asyncio.Event()
    ledger = Ledger(clickhouse)

    async def take(stream: Any) -> None:
        left = count
        async for events in stream.take_events(BATCH, within=1.0):
            rows = [ledger_record(stream_record(event)) for event in events]
            await asyncio.to_thread(ledger.append, rows, uuid4())
            left -= len(rows)
            if left <= 0:
                done.set()

    async def note(value: bytes) -> bytes:
        if not began:
            began.append(time.perf_counter())
        return value

    async def noted(stream: Any) -> None:
        stream.add_processor(note)
        await take(stream)

    app.agent(channel)(noted)
    await app.start()
    await done.wait()
    await app.stop()
    return began[0]


def engine(clickhouse: ClickHouse, events: Path) -> float:
    """Insert the same bytes, prepared beforehand, in blocks of the same size; return the start."""
    batch = uuid4()
    rows = [
        LedgerRecord(source, name, content, value, topic, 0, offset, 1_795_000_000_000)
        for offset, (topic, _, source, name, content, value) in enumerate(load(events))
    ]
    blocks = [
        json_lines(rows[start : start + BATCH], batch) for start in range(0, len(rows), BATCH)
    ]
    began = time.perf_counter()
    for block in blocks:
        clickhouse.insert_json_lines("events", block)
    return began


def main() -> None:
    """Run one contestant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=["ours", "agent", "engine"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--path", type=Path, required=True)
    arguments = parser.parse_args()
    clickhouse = ClickHouse(path=arguments.path)
    migrate(clickhouse, Placement(fsync=True))
    count = len(load(arguments.events))
    if arguments.way == "engine":
        began = engine(clickhouse, arguments.events)
    else:
        way = ours if arguments.way == "ours" else agent
        began = asyncio.run(way(clickhouse, arguments.bootstrap, count))
    stored = time.perf_counter()
    facts = queryable(clickhouse, count)
    ended = time.perf_counter()
    line = {"seconds": ended - began, "stored_seconds": stored - began, "events": count, **facts}
    print(json.dumps(line))
    clickhouse.close()


if __name__ == "__main__":
    main()
