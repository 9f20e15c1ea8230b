"""The broker dies while events are sent: those answered 202 are stored, the rest is sent again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import httpx
import pytest

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.kafka.embedded_broker import EmbeddedBroker, free_port
from services.kafka.topics import apply
from tests.integration.asking import Asking
from tests.integration.bad_events import LINES, STRUCTURED, order, request
from tests.integration.process import RANTAI, Process, Up

SUPPLIER = "IKM-AWAY"
SENDERS = 4
PER_REQUEST = 5
END_SECONDS = 30
"""For the process to notice that its broker is gone, to answer open requests, and to recover."""

ANSWER_SECONDS = 1


@dataclass
class Feed:
    """The order numbers that were sent, by outcome, and the statuses of the answers.

    `open`: not acknowledged at least once.
    """

    acknowledged: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    def send(self, url: str, key: str, orders: list[str]) -> None:
        """Send orders in one request. They are acknowledged if it is answered 202."""
        headers, body = request(LINES, *(order(number, SUPPLIER) for number in orders))
        headers["authorization"] = f"Bearer {key}"
        try:
            answer = httpx.post(f"{url}/v1/events", headers=headers, content=body, timeout=60)
        except httpx.TransportError:
            self.open.update(orders)
            return
        self.statuses.add(answer.status_code)
        if answer.status_code == 202:
            assert answer.json() == {"accepted": len(orders), "rejected": []}
            self.acknowledged.update(orders)
        else:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            self.open.update(orders)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Return a `rantai up` that soon gives up on a dead broker, but not on a slow machine."""
    up = Up(tmp_path / "data", environment={"RANTAI_ANSWER_SECONDS": str(5 * ANSWER_SECONDS)})
    yield up
    up.end()


def child_of(up: Up) -> int:
    """Return the process id of the embedded broker, a child of `rantai up`."""
    assert up.process.child is not None
    threads = list(Path(f"/proc/{up.process.child.pid}/task").glob("*/children"))
    if not threads:
        pytest.skip("needs /proc to find the broker's process")
    children = [pid for thread in threads for pid in thread.read_text().split()]
    brokers = [int(pid) for pid in children if "broker" in _command_line(pid)]
    assert len(brokers) == 1, children
    return brokers[0]


def _command_line(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def test_no_event_is_acknowledged_and_then_lost(up: Up) -> None:
    asking = Asking(up)
    up.start()
    feed, key, killed = Feed(), asking.keys["AHM"], Event()

    def one_sender(number: int) -> None:
        place = 0
        while not (killed.is_set() and feed.open) and place < 2000:
            orders = [f"{number}-{place + more}" for more in range(PER_REQUEST)]
            feed.send(up.url, key, orders)
            place += PER_REQUEST

    with ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(one_sender, number) for number in range(SENDERS)]
        while len(feed.acknowledged) < 100:
            time.sleep(0.05)
        os.kill(child_of(up), signal.SIGKILL)
        killed.set()
        for one in senders:
            one.result()
    assert feed.open, "the feed ended before the broker did"
    assert feed.statuses <= {202, 503}
    # The process starts another broker, so the events that were not acknowledged can be sent again.
    again = sorted(feed.open)
    deadline = time.monotonic() + END_SECONDS
    while not set(again) <= feed.acknowledged:
        assert time.monotonic() < deadline, up.log()
        feed.send(up.url, key, again)
    assert up.process.alive
    up.process.await_answer(up.url + "/readyz")
    assert set(asking.orders(SUPPLIER)) == feed.acknowledged
    assert asking.counted()["stored"] == len(feed.acknowledged)
    assert up.reconcile()["missing"] == 0


def test_a_gateway_outlives_its_broker(tmp_path: Path) -> None:
    """A separate gateway answers 503 while the broker is away, and 202 once it is back."""
    key = KeyStore(tmp_path / "keys.json").create(Role.BUYER, "AHM")
    port, broker = free_port(), EmbeddedBroker()
    environment = {
        "RANTAI_KAFKA": broker.bootstrap,
        "RANTAI_DATA_DIR": str(tmp_path),
        "RANTAI_PORT": str(port),
        "RANTAI_ANSWER_SECONDS": str(ANSWER_SECONDS),
    }
    gateway = Process([*RANTAI, "gateway"], tmp_path / "gateway.log", environment)
    url = f"http://127.0.0.1:{port}"
    headers, body = request(STRUCTURED, order("again", SUPPLIER))
    headers["authorization"] = f"Bearer {key}"

    def post() -> httpx.Response:
        return httpx.post(f"{url}/v1/events", headers=headers, content=body, timeout=60)

    try:
        gateway.start()
        gateway.await_answer(f"{url}/healthz")
        for _ in range(2):
            _is_told_to_come_again(post)
            # Answers that need no broker are given.
            assert httpx.post(f"{url}/v1/events").status_code == 401
            invalid = httpx.post(f"{url}/v1/events", headers=headers, content=b"{}")
            assert invalid.status_code == 422
            with broker:
                apply(broker.bootstrap, partitions=2, replication=1)
                deadline = time.monotonic() + END_SECONDS
                while (answer := post()).status_code != 202:
                    assert answer.status_code == 503, answer.text
                    assert time.monotonic() < deadline, gateway.log()
                assert httpx.get(f"{url}/readyz").status_code == 200
    finally:
        if gateway.alive:
            gateway.kill()
    assert "request_failed" not in gateway.log()


def _is_told_to_come_again(post: Callable[[], httpx.Response]) -> None:
    began = time.monotonic()
    answer = post()
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert time.monotonic() - began < ANSWER_SECONDS + 3
