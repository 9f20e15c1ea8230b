"""What ends `rantai demo`, and what it says then; what it starts is replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.access.record_file import RecordFileError
from services.cli import demo
from services.cli.simulate import SendingError
from tests.unit.cli.commands import rantai


class Server:
    """A server that runs until it is told to stop, at most so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.stopped = False
        self._seconds, self._told = seconds, asyncio.Event()

    @property
    def should_exit(self) -> bool:
        return self._told.is_set()

    @should_exit.setter
    def should_exit(self, _: bool) -> None:
        self._told.set()

    async def serve(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._told.wait(), self._seconds)
        self.stopped = True


Feed = Callable[..., Coroutine[Any, Any, None]]
Play = Callable[[Server, Feed, BaseException | None], tuple[int, str]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Play:
    """Return a function that plays the demo; it returns the exit status and what was said."""

    def run(server: Server, feed: Feed, failure: BaseException | None) -> tuple[int, str]:
        @asynccontextmanager
        async def running(*_: object) -> AsyncIterator[SimpleNamespace]:
            yield SimpleNamespace(server=server, parts=[SimpleNamespace(failure=failure)])

        monkeypatch.setattr(demo, "running", running)
        monkeypatch.setattr(demo, "_feed", feed)
        monkeypatch.setattr(demo, "configure", lambda *_: None)
        monkeypatch.setattr(demo, "bound_heaps", lambda: None)
        ended = rantai("demo", "--data-dir", tmp_path)
        assert server.stopped
        return ended.exit_code, ended.stderr

    return run


async def endless(*_: object) -> None:
    await asyncio.Event().wait()


def failing(error: Exception) -> Feed:
    async def feed(*_: object) -> None:
        raise error

    return feed


def test_a_server_that_is_told_to_stop(play: Play) -> None:
    assert play(Server(0.05), endless, None)[0] == 0


def test_a_part_that_failed_for_good(play: Play) -> None:
    status, message = play(Server(0.05), endless, RuntimeError("no room"))
    assert (status, "a part kept failing, most recently with RuntimeError" in message) == (70, True)


@pytest.mark.parametrize(
    ("error", "status"), [(SendingError("no gateway"), 1), (RecordFileError("no keys"), 2)]
)
def test_a_feed_that_fails_stops_the_server(play: Play, error: Exception, status: int) -> None:
    ended = play(Server(30), failing(error), None)
    assert (ended[0], str(error) in ended[1]) == (status, True)
