"""Progress of the sink: a wait for a record ends once the sink has passed it, not before."""

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


async def test_progress_never_goes_back_and_waiting_for_no_positions_returns_at_once() -> None:
    progress = SinkProgress()
    await progress.advance({("a", 0): 9})
    await progress.advance({("a", 0): 3})  # The same records are read again after a rebalance.
    assert await progress.passed([Position("a", 0, 8)], 0.01)
    assert not await progress.passed([Position("a", 0, 9)], 0.05)
    assert not await progress.passed([Position("a", 1, 0)], 0.05)
    assert await progress.passed([], 0.01)


async def test_each_of_many_waits_ends_with_its_own_position() -> None:
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


async def test_offsets_of_one_life_of_the_broker_do_not_count_in_the_next() -> None:
    progress = SinkProgress()
    await progress.advance({("a", 0): 100})
    waiting = asyncio.create_task(progress.passed([Position("a", 0, 200)], 5))
    before = progress.life
    await asyncio.sleep(0.01)
    await progress.begin_life()
    # Waits end at once, and the low offsets of the new life do not count as passed.
    assert await asyncio.wait_for(waiting, 1) is False
    assert not await progress.passed([Position("a", 0, 3)], 0.05)
    # Progress of a reader that still reads the previous broker is ignored.
    await progress.advance({("a", 0): 999}, before)
    assert not await progress.passed([Position("a", 0, 3)], 0.05)
    await progress.advance({("a", 0): 4}, progress.life)
    assert await progress.passed([Position("a", 0, 3)], 0.05)
    assert not await progress.passed([Position("a", 0, 3)], 0.05, before)
