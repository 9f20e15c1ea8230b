"""Records which data quality findings appear and disappear, so that pages can show what was fixed.

Only one process of a consumer group does this, the one that also evaluates.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from services.assessment.data_quality import KINDS, DataQuality
from services.readiness.policy import Policy
from services.runtime.turns import Turns
from services.store.client import StoreRefused, StoreUnavailable
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.findings")
_REST: Final = 50
"""Minimum rest after a look, as a multiple of its duration: the store has other users."""

_FIRST_SECONDS: Final = 60.0
"""Delay of the first look: a process that has just started has more urgent work."""


class FindingRecorder:
    """Records findings while this process leads its group; one run of a process part.

    `quality` is called until it succeeds once. `term` returns the number of this process's current
    term (`BatchLoop.term`), or None while another process leads. `seconds`: the minimum between two
    looks.
    """

    def __init__(
        self,
        quality: Callable[[], DataQuality],
        term: Callable[[], int | None],
        policy: Policy,
        seconds: float,
    ) -> None:
        self._make, self._term, self._policy, self._seconds = quality, term, policy, seconds
        self._looked: tuple[date, object] | None = None
        self._stopping = asyncio.Event()
        self._threads = Turns(1, "findings")
        self.ready = asyncio.Event()

    async def stop(self) -> None:
        """Ask `run` to end after the current kind of finding."""
        self._stopping.set()

    async def run(self) -> None:
        """Record findings periodically until `stop`.

        Logs StoreUnavailable and StoreRefused, and tries again.
        """
        self.ready.set()
        quality: DataQuality | None = None
        await self._rest(min(self._seconds, _FIRST_SECONDS))
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                if self._term() is not None:
                    if quality is None:
                        quality = await self._threads.run("", self._make)
                    await self._look(quality)
            except (StoreUnavailable, StoreRefused) as error:
                log(_LOGGER, "findings_failed", level=logging.WARNING, error=str(error)[:300])
            await self._rest(max(self._seconds, _REST * (time.monotonic() - began)))

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _look(self, quality: DataQuality) -> None:
        """Record the findings of every kind, unless neither the day nor the store has changed."""
        today = datetime.now(UTC).astimezone(ZoneInfo(self._policy.zone)).date()
        # Read before the findings, so that changes during the look are seen by the next one.
        looked = (today, await self._threads.run("", quality.mark))
        if looked == self._looked:
            return
        for kind in KINDS:
            if self._stopping.is_set():
                return
            await self._threads.run("", partial(quality.note, kind, today))
        self._looked = looked
