"""Parts of a process: each is started anew, inside the process, where it fails.

A part that fails must not take its process with it: `rantai up` has no supervisor beside it, and
the parts that are well go on meanwhile. Only what fails again and again ends the process.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from services.telemetry.logs import log
from services.telemetry.metrics import PART_RESTARTS

_LOGGER: Final = logging.getLogger("rantai.parts")
_LET_GO_SECONDS: Final = 3.0
"""For a run that was cancelled; one that hangs in a thread is left behind."""


class Runs(Protocol):
    """One run of a part, from its start to its end or its failure."""

    ready: asyncio.Event
    """Set while it does its work; whoever asks for readiness is told of a part without it."""

    async def run(self) -> None:
        """Work until `stop`; raise where that is not possible."""

    async def stop(self) -> None:
        """Ask `run` to return in good order."""


OnStall = Callable[[], Awaitable[None]]
"""A run calls it where it makes no progress and can't tell why: it is ended and made anew."""


class Stalled(RuntimeError):
    """A run that made no progress."""


class EndedByItself(RuntimeError):
    """A run that returned without being told to."""


@dataclass(frozen=True, slots=True)
class Healing:
    """How a part is started anew. Times in seconds.

    The pause before a start doubles from `first_pause` to `longest_pause`. A run of at least
    `steady` was well. A part that was not well for `give_up` has failed for good.
    """

    give_up: float = 600.0
    first_pause: float = 0.2
    longest_pause: float = 15.0
    steady: float = 30.0


class ProcessPart:
    """One part of a process. `make` makes its next run, and is given what to call on a stall.

    `away`: errors which say that something outside of the process can't be reached. They are
    waited out for as long as it takes; others count towards giving up.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[OnStall], Runs],
        *,
        away: tuple[type[Exception], ...] = (),
        healing: Healing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._make, self._away = make, away
        self._healing, self._clock = healing or Healing(), clock
        self._task: asyncio.Task[None] | None = None
        self._current: Runs | None = None
        self._stopping = False
        self._stalled = asyncio.Event()
        # It begins at nothing: a counter that appears with its first restart shows no increase.
        PART_RESTARTS.labels(name)
        self.failure: BaseException | None = None
        """Why it was given up; None while it runs or is started anew."""

    @property
    def ready(self) -> bool:
        """Whether its run at hand does its work."""
        return self._current is not None and self._current.ready.is_set()

    def start(self) -> None:
        """Begin to run, unless it runs already. Call it on the event loop.

        A run that `stop` had to leave behind keeps nobody from the next one.
        """
        if self._stopping or self._task is None or self._task.done():
            self._stopping, self.failure = False, None
            self._task = asyncio.get_running_loop().create_task(self._keep_running())

    async def stop(self, seconds: float = 0.0) -> None:
        """Ask the run to end, and cancel it after `seconds`; return when it has ended.

        One that can't be cancelled, as it hangs in a thread, is left behind.
        """
        self._stopping = True
        task = self._task
        if task is None:
            return
        if seconds > 0 and self._current is not None:
            await self._current.stop()
            await asyncio.wait({task}, timeout=seconds)
        await _let_go(task)

    async def _keep_running(self) -> None:
        pause, unwell_since = self._healing.first_pause, None
        while not self._stopping:
            began = self._clock()
            error = await self._run_once()
            if self._stopping or error is None:
                return
            now = self._clock()
            if now - began >= self._healing.steady:
                pause, unwell_since = self._healing.first_pause, None
            if not isinstance(error, self._away):
                unwell_since = now if unwell_since is None else unwell_since
                if now - unwell_since >= self._healing.give_up:
                    self._give_up(error, now - unwell_since)
                    return
            PART_RESTARTS.labels(self.name).inc()
            log(
                _LOGGER,
                "part_restarts",
                level=logging.WARNING,
                part=self.name,
                error=repr(error)[:300],
                again_in_seconds=round(pause, 2),
            )
            # Jitter: processes that failed together should not come back together.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, self._healing.longest_pause)

    async def _run_once(self) -> Exception | None:
        """Run to the end; return why it ended, or None where it was told to."""
        self._stalled.clear()
        stalled = asyncio.create_task(self._stalled.wait())
        running: asyncio.Task[None] | None = None
        try:
            self._current = self._make(self._stall)
            running = asyncio.create_task(self._current.run())
            await asyncio.wait({running, stalled}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                return Stalled(f"{self.name} made no progress")
            if running.cancelled():
                # A library cancels what it waits for; nobody told this part to end.
                return EndedByItself(f"{self.name} was cancelled from within")
            running.result()
        except Exception as error:
            return error
        else:
            return None if self._stopping else EndedByItself(f"{self.name} ended")
        finally:
            self._current = None
            stalled.cancel()
            if running is not None:
                await _let_go(running)

    async def _stall(self) -> None:
        self._stalled.set()

    def _give_up(self, error: Exception, seconds: float) -> None:
        self.failure = error
        log(
            _LOGGER,
            "part_failed",
            level=logging.CRITICAL,
            part=self.name,
            error=repr(error)[:500],
            seconds=round(seconds, 1),
        )


async def _let_go(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait for its end, not for ever."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait({task}, timeout=_LET_GO_SECONDS)
    if task.done() and not task.cancelled():
        task.exception()  # looked at: else it is told as never retrieved
