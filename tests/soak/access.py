"""What is taken back must be refused 2 s later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tests.soak.world import World

STOP_SECONDS: Final = 2.0
_TRIES: Final = 20
_BUSY: Final = (429, 503)


async def stopped_after(
    world: World, check: str, who: str, ask: Callable[[], Awaitable[list[int]]]
) -> None:
    """Ask with what was just taken back, 2 s later: every answer must refuse it.

    One that says "later" tells nothing, so it is asked again.
    """
    await asyncio.sleep(STOP_SECONDS)
    for _ in range(_TRIES):
        statuses = await ask()
        if statuses and not set(statuses) & set(_BUSY):
            if any(status not in (401, 403) for status in statuses):
                world.checks.fail(check, f"{who}: {statuses}")
            return
        await asyncio.sleep(1)
    world.checks.fail(check, f"{who}: no answer that tells")
