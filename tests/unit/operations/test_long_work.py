"""Long work that a request starts in a thread: streamed lines, its end, one at a time."""

import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from fastapi.responses import StreamingResponse

from services.http.service import Problem
from services.operations.long_work import LongWork, Row
from services.runtime.turns import Turns

pytestmark = pytest.mark.anyio


def lines_of(response: StreamingResponse) -> AsyncIterator[bytes]:
    return cast("AsyncIterator[bytes]", response.body_iterator)


@pytest.fixture
def threads() -> Turns:
    return Turns(2, "tested")


async def test_progress_comes_first_and_the_result_last(threads: Turns) -> None:
    def run(tell: Callable[[Row], None]) -> Row:
        tell({"done": 1})
        return {"tables": 2}

    work = LongWork("rebuild", run, threading.Lock())
    rows = [json.loads(line) async for line in lines_of(work.stream(threads))]
    assert rows == [{"done": 1}, {"finished": True, "tables": 2}]
    assert not work.busy.locked()


async def test_an_error_is_the_last_line_and_lets_the_next_one_run(threads: Turns) -> None:
    def run(_: Callable[[Row], None]) -> Row:
        raise ValueError("no room")

    busy = threading.Lock()
    for _ in range(2):
        response = LongWork("rebuild", run, busy).stream(threads)
        rows = [json.loads(line) async for line in lines_of(response)]
        assert rows == [{"finished": False, "error": "no room"}]


async def test_after_a_client_disconnects_no_second_one_starts_before_the_first_ends(
    threads: Turns,
) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def run(tell: Callable[[Row], None]) -> Row:
        tell({"done": 1})
        go_on.wait(10)
        ended.set()
        return {}

    busy = threading.Lock()
    work = LongWork("rebuild", run, busy)
    lines = lines_of(work.stream(threads))
    assert json.loads(await anext(lines)) == {"done": 1}
    await lines.aclose()  # type: ignore[attr-defined]
    assert work.abandoned.is_set()
    with pytest.raises(Problem, match="a rebuild is running already"):
        LongWork("rebuild", run, busy).stream(threads)
    go_on.set()
    assert busy.acquire(timeout=10)
    assert ended.is_set()
