"""Progress of a sink, for requests in the same process that wait for their events to be stored."""

import asyncio
from collections.abc import Iterable

from services.kafka.producer import Position


class SinkProgress:
    """For each partition, the next offset that a sink has not yet made safe.

    Advanced and awaited on one event loop. A position is passed once its record is stored or
    finally refused, so that nobody waits for a record that is never stored.

    The embedded broker counts offsets from 0 again when it restarts, so offsets of one life mean
    nothing in the next. `life` is the number of the current life: a publisher notes it before it
    publishes, a reader when it begins to read.
    """

    def __init__(self) -> None:
        self.life = 0
        self._next: dict[tuple[str, int], int] = {}
        self._advanced = asyncio.Condition()

    async def begin_life(self) -> None:
        """Forget all offsets: the broker restarts. `passed` returns False to everyone waiting."""
        async with self._advanced:
            self.life += 1
            self._next.clear()
            self._advanced.notify_all()

    async def advance(self, reached: dict[tuple[str, int], int], life: int | None = None) -> None:
        """Record that every record before these offsets is stored or refused.

        Ignored if `life` is an earlier life of the broker (None = the current one).
        """
        async with self._advanced:
            if life is not None and life != self.life:
                return
            for place, offset in reached.items():
                self._next[place] = max(offset, self._next.get(place, 0))
            self._advanced.notify_all()

    async def passed(
        self, positions: Iterable[Position], seconds: float, life: int | None = None
    ) -> bool:
        """Wait until all positions are passed; return whether they are.

        False after `seconds`, or if the broker's life is not or no longer `life` (None = the
        current one).
        """
        awaited = self.life if life is None else life
        last: dict[tuple[str, int], int] = {}
        for position in positions:
            place = (position.topic, position.partition)
            last[place] = max(position.offset, last.get(place, -1))
        try:
            async with asyncio.timeout(seconds), self._advanced:
                await self._advanced.wait_for(
                    lambda: (
                        self.life != awaited
                        or all(self._next.get(p, 0) > offset for p, offset in last.items())
                    )
                )
        except TimeoutError:
            return False
        return self.life == awaited
