"""The watch over the streams: a Faust worker that is silent is started anew.

A worker was seen to stall without an error (faust-streaming #175, #629, #640): its records wait,
and nothing tells. The ledger's batch loop has a watch of its own.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import FaustError
from faust.types import TP
from mode import Service

from services.processor.streams import Stream
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.processor")


class StreamWatch(Service):
    """Calls `on_stall`, once, where a batch of a stream takes longer than `stall_seconds`.

    Or where records wait for so long, none is read, and no batch is finished.
    """

    def __init__(
        self,
        app: faust.App,
        streams: Sequence[Stream],
        stall_seconds: float,
        on_stall: Callable[[], Awaitable[None]],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._app, self._streams = app, streams
        self._stall_seconds, self._on_stall = stall_seconds, on_stall
        self._waiting: dict[TP, tuple[int, float]] = {}
        self._finished = 0

    async def on_start(self) -> None:
        """Begin to look."""
        # Two tasks: a look at the broker that never ends must not keep the other from its watch.
        self.add_future(self._measure())
        self.add_future(self._watch())

    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(self._look_seconds)
            began = [one.working_since for one in self._streams if one.working_since is not None]
            began += [since for _, since in self._waiting.values()]
            stalled = time.monotonic() - min(began) if began else 0.0
            if stalled > self._stall_seconds:
                log(
                    _LOGGER,
                    "streams_stalled",
                    level=logging.WARNING,
                    seconds=round(stalled, 1),
                    waiting=sorted({place.topic for place in self._waiting}),
                )
                await self._on_stall()
                return

    async def _measure(self) -> None:
        while not self.should_stop:
            await self.sleep(self._look_seconds)
            try:
                self._waiting = await self._look()
            except (KafkaError, FaustError, AssertionError):
                self._waiting = {}  # between two assignments, or no broker; the next will tell

    async def _look(self) -> dict[TP, tuple[int, float]]:
        """Return the partitions of which records wait: how far each is read, and since when."""
        finished = sum(one.finished for one in self._streams)
        before = self._waiting if finished == self._finished else {}
        self._finished = finished
        consumer, now = self._app.consumer, time.monotonic()
        assigned = consumer.assignment()
        ends = await consumer.highwaters(*assigned) if assigned else {}
        found: dict[TP, tuple[int, float]] = {}
        for place, end in ends.items():
            position = await consumer.position(place)
            if position is not None and position < end:
                reached, since = before.get(place, (position, now))
                found[place] = (position, since if reached == position else now)
        return found

    @property
    def _look_seconds(self) -> float:
        return min(2.0, self._stall_seconds / 4)
