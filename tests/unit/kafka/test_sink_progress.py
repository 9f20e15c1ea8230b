"""Progress: whoever waits for a record is told when it is done with, and not before."""

import asyncio

import pytest

from services.kafka.producer import Position
from services.kafka.sink_progress import SinkProgress

pytestmark = pytest.mark.anyio


async def test_a_position_is_passed_once_everything_up_to_it_is_done() -> None:
    progress = SinkProgress()
    waiting = asyncio.create_task(
        progress.passed([Position("a", 0, 4), Position("a", 0, 2), Position("b", 1, 0)], 5)
    )
    for reached in ({("a", 0): 4}, {("b", 1): 1, ("b", 0): 9}):
        await progress.advance(reached)
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await progress.advance({("a", 0): 5})
    assert await asyncio.wait_for(waiting, 1)


async def test_it_never_goes_back_and_nothing_is_passed_at_once() -> None:
    progress = SinkProgress()
    await progress.advance({("a", 0): 9})
    await progress.advance({("a", 0): 3})  # Read again after a rebalance.
    assert await progress.passed([Position("a", 0, 8)], 0.01)
    assert not await progress.passed([Position("a", 0, 9)], 0.05)
    assert not await progress.passed([Position("a", 1, 0)], 0.05)
    assert await progress.passed([], 0.01)


async def test_many_wait_and_each_is_told_its_own() -> None:
    progress = SinkProgress()
    waiting = [
        asyncio.create_task(progress.passed([Position("a", 0, at)], 2.0)) for at in range(50)
    ]
    late = asyncio.create_task(progress.passed([Position("a", 0, 50)], 0.2))
    for at in range(0, 51, 10):
        await progress.advance({("a", 0): at})
        await asyncio.sleep(0)
    assert all(await asyncio.gather(*waiting))
    assert await late is False


async def test_with_a_new_life_of_the_broker_no_offset_of_the_one_before_counts() -> None:
    progress = SinkProgress()
    await progress.advance({("a", 0): 100})
    waiting = asyncio.create_task(progress.passed([Position("a", 0, 200)], 5))
    before = progress.life
    await asyncio.sleep(0.01)
    await progress.begin_life()
    # Who waits is told at once, and a position that is low again is not taken for passed.
    assert await asyncio.wait_for(waiting, 1) is False
    assert not await progress.passed([Position("a", 0, 3)], 0.05)
    # A reader that still reads the broker of before is not heard.
    await progress.advance({("a", 0): 999}, before)
    assert not await progress.passed([Position("a", 0, 3)], 0.05)
    await progress.advance({("a", 0): 4}, progress.life)
    assert await progress.passed([Position("a", 0, 3)], 0.05)
    assert not await progress.passed([Position("a", 0, 3)], 0.05, before)
