"""Parts of a process: a part that fails is restarted inside the process.

A failing part must not end its process: `rantai up` has no supervisor, and the other parts go on
working meanwhile. Only a part that keeps failing ends the process.
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
"""How long to wait for a cancelled run to end; one that hangs in a thread is abandoned."""


class Runs(Protocol):
    """One run of a part, from its start until it ends or fails."""

    ready: asyncio.Event
    """Set while the run does its work; `/readyz` names the parts that are not ready."""

    async def run(self) -> None:
        """Work until `stop` is called; raise an exception if that is not possible."""

    async def stop(self) -> None:
        """Ask `run` to finish its work and return."""


OnStall = Callable[[], Awaitable[None]]
"""Called by a run that makes no progress for no known reason; the run is ended and replaced."""


class Stalled(RuntimeError):
    """A run that made no progress."""


class EndedByItself(RuntimeError):
    """A run that ended without being told to stop."""


@dataclass(frozen=True, slots=True)
class Healing:
    """How a part is restarted. Times in seconds.

    The pause before a restart doubles from `first_pause` to `longest_pause`. A run that lasted at
    least `steady` was healthy. A part that had no healthy run for `give_up` is not restarted again.
    """

    give_up: float = 600.0
    first_pause: float = 0.2
    longest_pause: float = 15.0
    steady: float = 30.0


class ProcessPart:
    """One part of a process, restarted when it fails.

    `make` creates the next run; its argument is what the run calls when it stalls. `away` are
    errors that mean something outside the process can't be reached: the part retries for as long
    as they last, while other errors count towards giving up.
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
        # Created at 0: Prometheus sees no increase if a counter appears with its first restart.
        PART_RESTARTS.labels(name)
        self.failure: BaseException | None = None
        """The error on which the part was given up; None while it runs or is restarted."""

    @property
    def ready(self) -> bool:
        """Whether its current run does its work."""
        return self._current is not None and self._current.ready.is_set()

    def start(self) -> None:
        """Start the part unless it is running. Call it on the event loop.

        A run that `stop` had to abandon does not prevent a new start.
        """
        if self._stopping or self._task is None or self._task.done():
            self._stopping, self.failure = False, None
            self._task = asyncio.get_running_loop().create_task(self._keep_running())

    async def stop(self, seconds: float = 0.0) -> None:
        """Ask the run to end, and cancel it after `seconds`; return when it has ended.

        A run that can't be cancelled because it hangs in a thread is abandoned.
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
            # Jitter: processes that failed together should not restart together.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, self._healing.longest_pause)

    async def _run_once(self) -> Exception | None:
        """Make and await one run; return the error that ended it, or None if told to stop."""
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
                # A library cancelled its own task; nobody told this part to end.
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
    """Cancel a task and wait for its end, but no longer than `_LET_GO_SECONDS`."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait({task}, timeout=_LET_GO_SECONDS)
    if task.done() and not task.cancelled():
        task.exception()  # retrieved, or asyncio logs that it never was
