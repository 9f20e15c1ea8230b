"""Check that a revoked key or link is refused after 2 s."""

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
    """Wait 2 s after a key or link was revoked, then check that every request with it is refused.

    `ask` sends the requests and returns their statuses. An answer 429 or 503 proves nothing, so
    the requests are then repeated. `who` names the key or the supplier in the finding.
    """
    await asyncio.sleep(STOP_SECONDS)
    for _ in range(_TRIES):
        statuses = await ask()
        if statuses and not set(statuses) & set(_BUSY):
            if any(status not in (401, 403) for status in statuses):
                world.checks.fail(check, f"{who}: {statuses}")
            return
        await asyncio.sleep(1)
    world.checks.fail(check, f"{who}: no conclusive answer, only 429, 503 or lost connections")
