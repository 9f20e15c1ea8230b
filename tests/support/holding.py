"""Blocks shared resources so that others have to wait: threads of turns, clients of the store."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from threading import Event

from services.runtime.turns import Turns
from services.store.client import ClickHouse, Share

HANG_SECONDS = 30


@asynccontextmanager
async def held(turns: Turns, threads: int = 1) -> AsyncIterator[None]:
    """Occupy all threads while the context lasts, so that other work has to wait."""
    gate, begun = Event(), [Event() for _ in range(threads)]

    def hold(one: Event) -> None:
        one.set()
        assert gate.wait(HANG_SECONDS)

    holding = [asyncio.ensure_future(turns.run("holder", partial(hold, one))) for one in begun]
    try:
        await asyncio.gather(*(asyncio.to_thread(one.wait, HANG_SECONDS) for one in begun))
        yield
    finally:
        gate.set()
        await asyncio.gather(*holding)


@contextmanager
def clients_held(store: ClickHouse, share: Share) -> Iterator[None]:
    """Occupy every client of a share while the context lasts."""
    with ExitStack() as stack:
        for _ in range(share.clients):
            stack.enter_context(store.with_share(share).client())
        yield
