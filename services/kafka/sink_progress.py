"""How far a sink has come, told to whoever waits for it in the same process."""

import asyncio
from collections.abc import Iterable

from services.kafka.producer import Position


class SinkProgress:
    """The next offset of each partition that a sink has not yet made safe.

    Advanced and awaited on one event loop. A position is passed once its record is stored, or
    refused for good: nobody waits for what will never come.

    A broker that keeps memory only counts from 0 again when it is started anew: an offset of one
    life says nothing in the next one. `life` is the number of the one at hand; whoever publishes
    notes it before, and whoever advances when it begins to read.
    """

    def __init__(self) -> None:
        self.life = 0
        self._next: dict[tuple[str, int], int] = {}
        self._advanced = asyncio.Condition()

    async def begin_life(self) -> None:
        """Forget all offsets: the broker starts anew. Who waits for one of before waits in vain."""
        async with self._advanced:
            self.life += 1
            self._next.clear()
            self._advanced.notify_all()

    async def advance(self, reached: dict[tuple[str, int], int], life: int | None = None) -> None:
        """Say that every record before these offsets is done with; `life`: by default this one.

        What a reader of an earlier life has to say is not heard.
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
        """Wait until all positions are done with.

        False where `seconds` end first, or another life than `life` (by default this one) begins.
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
