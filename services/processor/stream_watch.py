"""Detects stalled Faust streams, so that they are restarted.

Faust workers are known to stall without an error (faust-streaming #175, #629, #640): records wait
and nothing reports it. The batch loop of the ledger has its own watch.
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
    """Calls `on_stall` once if a stream stalls for more than `stall_seconds`.

    A stream stalls if a batch takes that long, or if records wait that long while none is read and
    no batch is finished.
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
        """Start measuring and watching. Faust calls it."""
        # Two tasks: a request to the broker that hangs must not stop the stall watch.
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
                self._waiting = {}  # during a reassignment, or no broker: the next look finds out

    async def _look(self) -> dict[TP, tuple[int, float]]:
        """Return the partitions with unread records.

        Each has its read position, and the time since which that position has not moved.
        """
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
