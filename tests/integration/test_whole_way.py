"""The whole way of an event: HTTP in, ledger, figures out; over a SIGKILL, against the reference."""

import os
import random
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.integration.comparing import compare
from tests.integration.feeding import feed
from tests.integration.process import Up, rantai
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids

SUPPLIERS, BUYERS = supplier_ids(3), buyer_ids(2)
DATES = (date(2026, 3, 1), date(2026, 5, 17), date(2026, 8, 1))


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Run `rantai up`, with a key for every sender."""
    running = Up(tmp_path / "data")
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.kill()


def keys_of(up: Up) -> dict[str, str]:
    """Make a key for each sender of a generated history."""
    keys = {partner: up.key("supplier", partner) for partner in SUPPLIERS}
    keys |= {partner: up.key("buyer", partner) for partner in BUYERS}
    keys["PROGRAMME"] = up.key("programme", "PROGRAMME")
    return keys


def test_figures_are_exact_and_survive_a_kill(up: Up) -> None:
    rng = random.Random(20261101)
    events = history(rng, suppliers=3, buyers=2, lines=160, start=date(2026, 1, 5), days=150)
    sent = shuffled(rng, events)
    keys = keys_of(up)
    time.sleep(1.0)  # a running gateway takes new keys within a second

    cut = len(sent) // 2
    before = list(feed(rng, up.url, keys, sent[:cut]))
    half = [event for some in before for event in some]
    asked = (SUPPLIERS, BUYERS, DATES, (30, 180))
    assert compare(up.url, keys["PROGRAMME"], half, *asked) > 300

    # The next request is cut off by the kill: it is not acknowledged, so it is sent again.
    up.kill()
    up.start()
    for _ in feed(rng, up.url, keys, sent[cut:]):
        pass
    assert compare(up.url, keys["PROGRAMME"], sent, *asked) > 300
    answer = up.reconcile()
    assert answer["missing"] == 0
    assert answer["total"]["stored"] == len({(event["source"], event["id"]) for event in events})
    assert answer["total"]["accepted"] == answer["total"]["stored"]

    rantai("rebuild", "--data-dir", str(up.data_dir))
    assert compare(up.url, keys["PROGRAMME"], sent, *asked) > 300
    assert up.stop() == 0


def test_ready_soon_small_when_idle_and_stopped_in_time(up: Up) -> None:
    assert up.process is not None
    statm = Path(f"/proc/{up.process.pid}/statm")
    if statm.exists():
        resident = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert resident < 1.2e9
    began = time.monotonic()
    assert up.stop() == 0
    assert time.monotonic() - began < 15
