"""Turns at threads, and places: in what order readers are served, and which are refused.

No test depends on timing.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from threading import Event, Lock

import pytest

from services.runtime.turns import NoPlace, Places, Turns
from tests.support.holding import HANG_SECONDS, held

pytestmark = pytest.mark.anyio


async def test_readers_take_turns_and_each_is_served_in_order() -> None:
    turns, served = Turns(1, "test"), list[str]()
    async with held(turns):
        waiting = [
            asyncio.ensure_future(turns.run(name[0], partial(served.append, name)))
            for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1")
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert served == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


async def test_a_late_reader_waits_for_one_turn_of_each_other() -> None:
    turns, served = Turns(1, "test"), list[str]()
    async with held(turns):
        waiting = [
            asyncio.ensure_future(turns.run("many", lambda: served.append("many")))
            for _ in range(50)
        ]
        await asyncio.sleep(0)
        waiting.append(asyncio.ensure_future(turns.run("one", lambda: served.append("one"))))
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert served.index("one") == 1


async def test_no_more_runs_at_once_than_there_are_threads() -> None:
    turns, lock, running, most = Turns(3, "test"), Lock(), 0, 0
    together = Event()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 3:
                together.set()
        together.wait(HANG_SECONDS)
        with lock:
            running -= 1

    await asyncio.gather(*(turns.run(str(n % 5), work) for n in range(20)))
    assert most == 3


async def test_a_result_is_returned_an_error_raised_and_the_thread_goes_on() -> None:
    turns, caller = Turns(1, "test"), ContextVar("caller", default="")
    caller.set("in the context of the caller")
    assert await turns.run("a", caller.get) == "in the context of the caller"

    def fails() -> None:
        raise LookupError("of the work")

    with pytest.raises(LookupError, match="of the work"):
        await turns.run("a", fails)
    assert await turns.run("a", lambda: 7) == 7


async def test_cancelled_work_is_not_run_and_takes_no_turn() -> None:
    turns, served = Turns(1, "test"), list[str]()
    async with held(turns):
        gone = [
            asyncio.ensure_future(turns.run("gone", lambda: served.append("gone")))
            for _ in range(3)
        ]
        stays = asyncio.ensure_future(turns.run("stays", lambda: served.append("stays")))
        await asyncio.sleep(0)
        for one in gone:
            one.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        assert all(one.cancelled() for one in gone)
    await stays
    assert await turns.run("gone", lambda: 1) == 1
    assert served == ["stays"]


async def test_work_cancelled_while_it_runs_frees_its_thread_when_it_ends() -> None:
    turns, begun, gate, ended = Turns(1, "test"), Event(), Event(), list[int]()

    def work() -> None:
        begun.set()
        assert gate.wait(HANG_SECONDS)
        ended.append(1)

    running = asyncio.ensure_future(turns.run("a", work))
    await asyncio.to_thread(begun.wait, HANG_SECONDS)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.set()
    assert await turns.run("b", lambda: list(ended)) == [1]


async def test_the_waiting_time_of_each_piece_of_work_is_reported_once() -> None:
    waited = list[float]()
    turns = Turns(1, "test", waited.append)
    for _ in range(3):
        await turns.run("a", lambda: None)
    assert len(waited) == 3
    assert min(waited) >= 0


async def test_close_cancels_waiting_work_and_refuses_more() -> None:
    turns = Turns(1, "test")
    async with held(turns):
        waits = asyncio.ensure_future(turns.run("a", lambda: 1))
        await asyncio.sleep(0)
        turns.close()
        with pytest.raises(asyncio.CancelledError):
            await waits
        with pytest.raises(RuntimeError):
            await turns.run("a", lambda: 1)


def test_turns_serve_any_number_of_event_loops() -> None:
    turns = Turns(1, "test")
    assert [asyncio.run(turns.run("a", partial(int, n))) for n in range(3)] == [0, 1, 2]


async def test_places_are_bounded_per_reader_and_in_total() -> None:
    places = Places(each=2, everybody=3)
    with places.held("a"), places.held("a"):
        with pytest.raises(NoPlace) as own, places.held("a"):
            pass
        assert (own.value.own, own.value.most) == (True, 2)
        with places.held("b"):
            with pytest.raises(NoPlace) as full, places.held("c"):
                pass
            assert (full.value.own, full.value.most) == (False, 3)
        with places.held("c"):
            pass


@pytest.mark.parametrize("fails", [True, False])
def test_a_place_is_given_back_after_success_and_failure(fails: bool) -> None:
    places = Places(each=1, everybody=1)

    def hold(work: Callable[[], object]) -> None:
        with places.held("a"):
            work()

    if fails:
        with pytest.raises(ZeroDivisionError):
            hold(lambda: 1 // 0)
    else:
        hold(lambda: None)
    hold(lambda: None)
