"""How far a sink has come, told to whoever waits for it in the same process."""

import asyncio
from collections.abc import Iterable

from services.bus.producer import Position


class Progress:
    """The next offset of each partition that a sink has not yet made safe.

    Advanced and awaited on one event loop. A position is passed once its record is stored, or
    refused for good: nobody waits for what will never come.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[str, int], int] = {}
        self._advanced = asyncio.Condition()

    async def advance(self, reached: dict[tuple[str, int], int]) -> None:
        """Say that every record before these offsets is done with."""
        async with self._advanced:
            for place, offset in reached.items():
                self._next[place] = max(offset, self._next.get(place, 0))
            self._advanced.notify_all()

    async def passed(self, positions: Iterable[Position], seconds: float) -> bool:
        """Wait until all positions are done with; False where `seconds` end first."""
        last: dict[tuple[str, int], int] = {}
        for position in positions:
            place = (position.topic, position.partition)
            last[place] = max(position.offset, last.get(place, -1))
        try:
            async with asyncio.timeout(seconds), self._advanced:
                await self._advanced.wait_for(
                    lambda: all(self._next.get(p, 0) > offset for p, offset in last.items())
                )
        except TimeoutError:
            return False
        return True
