"""A start of the embedded broker that fails leaves no restart of the parts behind."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.cli import broker_life
from services.cli.broker_life import BrokerLife
from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.topics import BrokerUnavailable
from services.processor.app import Processor

SECONDS = 10


async def nothing() -> None:
    """Do nothing."""


def waiting(broker_up: asyncio.Event) -> Awaitable[Any]:
    """Restart parts that have stopped, and wait for the broker."""
    return broker_up.wait()


async def stopping(broker_up: asyncio.Event) -> None:
    """Restart a part that stops slowly: a cancellation meanwhile does not end the restart."""
    try:
        await asyncio.sleep(SECONDS)
    except asyncio.CancelledError:
        await broker_up.wait()


async def failing(broker_up: asyncio.Event) -> None:
    """Restart a part that can't be restarted."""
    raise RuntimeError("the part is broken")


def life(restart: Callable[..., Any], topics: Callable[[], Awaitable[None]], **broker: Any) -> Any:
    """Return a life of a broker, with parts that are restarted by `restart`."""
    still = SimpleNamespace(open=lambda: None, close=lambda: None, restart=lambda: None)
    processor = SimpleNamespace(
        restart=restart,
        in_ledger=still,
        producer=still,
        progress=SimpleNamespace(begin_life=nothing),
    )
    made = SimpleNamespace(**broker)
    return BrokerLife(cast("EmbeddedBroker", made), cast("Processor", processor), topics, limit=1)


def no_start() -> None:
    """Fail to start a broker."""
    raise BrokerUnavailable("the broker did not start")


async def no_topics() -> None:
    """Fail to create topics."""
    raise BrokerUnavailable("the broker has no topics")


async def hanging() -> None:
    """Create topics for longer than anybody waits."""
    await asyncio.sleep(SECONDS)


async def left_by(run: Awaitable[None]) -> tuple[str, list[str], list[str]]:
    """Return the error that a run ends with, the tasks that it leaves, and what asyncio reports."""
    reported: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["message"]))
    error = ""
    try:
        async with asyncio.timeout(SECONDS):
            await run
    except (BrokerUnavailable, RuntimeError) as failure:
        error = str(failure)
    left = [str(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    return error, left, reported


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_life, "_LOOK_SECONDS", 0.01)


@pytest.mark.parametrize("restart", [waiting, stopping, failing])
@pytest.mark.parametrize("fails", ["start", "topics"])
def test_a_failed_start_ends_the_restart(restart: Callable[..., Any], fails: str) -> None:
    made = (
        life(restart, nothing, running=False, start=no_start)
        if fails == "start"
        else life(restart, no_topics, running=True)
    )
    message = "the broker did not start" if fails == "start" else "the broker has no topics"
    assert asyncio.run(left_by(made.run())) == (message, [], [])
    assert not made.ready.is_set()


def test_a_start_that_is_given_up_ends_the_restart() -> None:
    async def cancelled() -> None:
        run = asyncio.create_task(life(waiting, hanging, running=True).run())
        await asyncio.sleep(0.05)
        run.cancel()
        await asyncio.wait({run})
        assert run.cancelled()

    assert asyncio.run(left_by(cancelled())) == ("", [], [])


def test_parts_that_cannot_be_restarted_fail_the_run() -> None:
    made = life(failing, nothing, running=True)
    assert asyncio.run(left_by(made.run())) == ("the part is broken", [], [])


def test_a_start_makes_it_ready() -> None:
    async def started() -> None:
        made = life(waiting, nothing, running=True, memory_bytes=0)
        made._processor.inbound = None
        run = asyncio.create_task(made.run())
        await made.ready.wait()
        await made.stop()
        await run

    assert asyncio.run(left_by(started())) == ("", [], [])
