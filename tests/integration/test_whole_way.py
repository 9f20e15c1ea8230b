"""Events go over HTTP into the ledger, through a kill, and yield the reference's figures."""

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest

from tests.integration.brokers import real_kafka
from tests.integration.comparing import Asked, compare
from tests.integration.feeding import Event, feed
from tests.integration.process import Running, Up, rantai
from tests.integration.separate import BROKER_OPTIONS, ClickHouseProcess, Separate
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids

SUPPLIERS, BUYERS = supplier_ids(3), buyer_ids(2)
DATES = (date(2026, 3, 1), date(2026, 5, 17), date(2026, 8, 1))
ALL = Asked(SUPPLIERS, BUYERS, DATES, (30, 180))
SOME = Asked(SUPPLIERS, BUYERS, DATES, (180,))
FEW = Asked(SUPPLIERS, BUYERS, DATES[1:2], (180,))
RESTART_SECONDS = 90
ODD = {"RANTAI_PARTITIONS": "3"}
"""Partitions are assigned to processors in turn, topic after topic. With an odd number of them in
each topic, both of two processors get events of every supplier. With an even number, all of the few
suppliers may fall to one processor."""

STORED = "rantai_events_stored_total"

R = TypeVar("R", bound=Running)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Run `rantai up` with the embedded broker and store."""
    made = Up(tmp_path / "data")
    yield from _running(made)


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("kafka", marks=pytest.mark.kafka),
        pytest.param("kafka-clickhouse", marks=pytest.mark.kafka),
        pytest.param("separate", marks=pytest.mark.kafka),
        pytest.param("scaled-out", marks=pytest.mark.kafka),
    ]
)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """Run Rantai in each combination of processes, broker and store."""
    data_dir, shape = tmp_path / "data", request.param
    if shape == "embedded":
        yield from _running(Up(data_dir))
    elif shape == "kafka":
        yield from _running(Up(data_dir, ("--kafka", real_kafka()), BROKER_OPTIONS))
    elif shape == "kafka-clickhouse":
        store = ClickHouseProcess(tmp_path / "clickhouse")
        store.start()
        try:
            options = ("--kafka", real_kafka(), "--clickhouse", store.url)
            yield from _running(Up(data_dir, options, BROKER_OPTIONS))
        finally:
            store.process.kill()
    else:
        processors = 2 if shape == "scaled-out" else 1
        made = Separate(data_dir, real_kafka(), processors=processors, environment=ODD)
        yield from _running(made)


def _running(made: R) -> Iterator[R]:
    try:
        made.start()
        yield made
    finally:
        made.end()


def keys_of(running: Running) -> dict[str, str]:
    """Create a key for each sender of a generated history."""
    keys = {partner: running.key("supplier", partner) for partner in SUPPLIERS}
    keys |= {partner: running.key("buyer", partner) for partner in BUYERS}
    keys["PROGRAMME"] = running.key("programme", "PROGRAMME")
    return keys


def asked_of(running: Running) -> tuple[Asked, Asked]:
    """Return what to compare before the kill and after the rebuild, and what after the kill.

    The engine is the same in every combination, so only the embedded one compares all each time.
    """
    if running.stored_when_answered:
        return ALL, ALL
    return FEW, ALL if isinstance(running, Separate) else SOME


def test_figures_are_exact_and_survive_a_kill(running: Running) -> None:
    rng = random.Random(20261101)
    events = history(rng, suppliers=3, buyers=2, lines=160, start=date(2026, 1, 5), days=150)
    sent = shuffled(rng, events)
    keys = keys_of(running)
    key = keys["PROGRAMME"]

    cut = len(sent) // 2
    fed = list(feed(rng, running.gateway_url, keys, sent[:cut]))
    half = [event for some in fed for event in some]
    running.settle()
    if isinstance(running, Separate):
        assert all(running.metric(name, STORED) > 0 for name in running.processors)
    early, late = asked_of(running)
    assert compare(running.scorecards_url, key, half, early) == early.figures

    feed_over_a_kill(rng, running, keys, sent[cut:])
    running.settle()
    assert compare(running.scorecards_url, key, sent, late) == late.figures
    if isinstance(running, Separate) and running.taken_over:
        # The other processor takes over. It may store again the batch that the killed one did not
        # complete, so its count may be anything up to all events.
        assert running.metric(running.processors[1], STORED) > 0
    answer = running.reconcile()
    assert answer["missing"] == 0
    assert answer["total"]["stored"] == len({(event["source"], event["id"]) for event in events})
    assert answer["total"]["accepted"] == answer["total"]["stored"]

    rantai("rebuild", *running.reached_by())
    assert compare(running.scorecards_url, key, sent, early) == early.figures
    assert running.stop() == 0


def feed_over_a_kill(
    rng: random.Random, running: Running, keys: dict[str, str], events: list[Event]
) -> None:
    """Send events; when a third is acknowledged, kill the process that writes the ledger.

    The process is started again unless another one takes over its work. A request that the kill
    cuts off is not acknowledged, so it is sent again.
    """
    acknowledged = 0

    def feeding() -> None:
        nonlocal acknowledged
        for some in feed(rng, running.gateway_url, keys, events, patience=RESTART_SECONDS):
            acknowledged += len(some)

    with ThreadPoolExecutor(1) as pool:
        fed = pool.submit(feeding)
        while acknowledged < len(events) // 3 and not fed.done():
            time.sleep(0.01)
        assert not fed.done(), "all events were sent before the kill"
        running.kill()
        if not running.taken_over:
            running.start()
        fed.result()


def test_ready_soon_small_when_idle_and_stopped_in_time(up: Up) -> None:
    child = up.process.child
    assert child is not None
    statm = Path(f"/proc/{child.pid}/statm")
    if statm.exists():
        resident = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert resident < 1.2e9
    began = time.monotonic()
    assert up.stop() == 0
    assert time.monotonic() - began < 15
