"""Parts of a process: restarted when they fail, given up only if they keep failing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from services.runtime import parts
from services.runtime.parts import EndedByItself, Healing, OnStall, ProcessPart, Stalled
from services.telemetry.metrics import PART_RESTARTS

pytestmark = pytest.mark.anyio
QUICK = Healing(give_up=5.0, first_pause=0.001, longest_pause=0.004, steady=30.0)


class Away(Exception):
    """Something outside the process can't be reached."""


class Clock:
    """A clock that advances by `step` seconds at each reading."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Run:
    """A run that becomes ready and then does the given work."""

    def __init__(self, work: Callable[["Run"], Awaitable[None]], on_stall: OnStall) -> None:
        self.ready, self.stopping = asyncio.Event(), asyncio.Event()
        self.on_stall, self._work = on_stall, work
        self.ended_well = False

    async def run(self) -> None:
        self.ready.set()
        await self._work(self)
        self.ended_well = True

    async def stop(self) -> None:
        self.stopping.set()


async def healthy(run: Run) -> None:
    await run.stopping.wait()


def failing_with(error: BaseException) -> Callable[[Run], Awaitable[None]]:
    async def work(_: Run) -> None:
        raise error

    return work


async def returning(_: Run) -> None:
    return None


async def cancelled_within(_: Run) -> None:
    raise asyncio.CancelledError


async def stalling(run: Run) -> None:
    await run.on_stall()
    await asyncio.Event().wait()


class ScriptedPart:
    """A part whose runs do the given works in order; the last work is repeated."""

    def __init__(
        self,
        *works: Callable[[Run], Awaitable[None]],
        clock: Clock | None = None,
        healing: Healing = QUICK,
    ) -> None:
        self.runs: list[Run] = []
        self._works = works

        def make(on_stall: OnStall) -> Run:
            work = self._works[min(len(self.runs), len(self._works) - 1)]
            self.runs.append(Run(work, on_stall))
            return self.runs[-1]

        self.part = ProcessPart(
            "tried", make, away=(Away,), healing=healing, clock=clock or Clock()
        )

    @property
    def restarts(self) -> float:
        return float(PART_RESTARTS.labels("tried")._value.get())


@asynccontextmanager
async def started(scripted: ScriptedPart) -> AsyncIterator[ProcessPart]:
    scripted.part.start()
    try:
        yield scripted.part
    finally:
        await scripted.part.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "work",
    [
        failing_with(RuntimeError("a fault")),
        failing_with(AssertionError("Partition is not assigned")),
        failing_with(Away("no broker")),
        returning,
        cancelled_within,
        stalling,
    ],
)
async def test_however_a_run_ends_another_one_follows(
    work: Callable[[Run], Awaitable[None]],
) -> None:
    scripted = ScriptedPart(work, work, work, healthy)
    before = scripted.restarts
    async with started(scripted) as part:
        await until(lambda: len(scripted.runs) == 4 and part.ready)
        assert part.failure is None
        assert scripted.restarts - before == 3
    assert not part.ready


async def test_a_part_that_can_not_be_created_is_tried_again() -> None:
    scripted, made = ScriptedPart(healthy), []
    make = scripted.part._make

    def fails_once(on_stall: OnStall) -> Run:
        made.append(1)
        if len(made) == 1:
            raise OSError("no such file")
        return make(on_stall)  # type: ignore[return-value]

    scripted.part._make = fails_once
    async with started(scripted) as part:
        await until(lambda: part.ready)
    assert len(made) == 2


async def test_a_part_that_fails_for_too_long_is_given_up_with_its_error() -> None:
    scripted = ScriptedPart(failing_with(RuntimeError("a fault")), clock=Clock(step=0.5))
    async with started(scripted) as part:
        await until(lambda: part.failure is not None)
        tried = len(scripted.runs)
        await asyncio.sleep(0.02)
        assert len(scripted.runs) == tried > 3
        assert str(part.failure) == "a fault"
        assert not part.ready


async def test_a_part_with_healthy_runs_between_failures_is_never_given_up() -> None:
    scripted = ScriptedPart(failing_with(RuntimeError("now and then")), clock=Clock(step=40.0))
    async with started(scripted) as part:
        await until(lambda: len(scripted.runs) > 50)
        assert part.failure is None


async def test_while_something_outside_is_away_a_part_is_never_given_up() -> None:
    scripted = ScriptedPart(failing_with(Away("no broker")), clock=Clock(step=1.0))
    async with started(scripted) as part:
        await until(lambda: len(scripted.runs) > 50)
        assert part.failure is None


@pytest.mark.parametrize(("work", "kind"), [(stalling, Stalled), (returning, EndedByItself)])
async def test_the_failure_tells_a_stall_from_a_run_that_ended_by_itself(
    work: Callable[[Run], Awaitable[None]], kind: type[Exception]
) -> None:
    scripted = ScriptedPart(work, clock=Clock(step=3.0))
    async with started(scripted) as part:
        await until(lambda: part.failure is not None)
        assert isinstance(part.failure, kind)


async def test_a_stop_with_time_lets_the_run_finish_and_without_time_cancels_it() -> None:
    for seconds, ended_well in ((5.0, True), (0.0, False)):
        scripted = ScriptedPart(healthy)
        scripted.part.start()
        await until(lambda scripted=scripted: scripted.part.ready)  # type: ignore[misc]
        await scripted.part.stop(seconds)
        assert scripted.runs[0].ended_well is ended_well
        assert len(scripted.runs) == 1


async def test_a_run_that_does_not_end_in_time_is_cancelled() -> None:
    async def deaf(_: Run) -> None:
        await asyncio.Event().wait()

    scripted = ScriptedPart(deaf)
    scripted.part.start()
    await until(lambda: scripted.part.ready)
    await scripted.part.stop(0.05)
    assert not scripted.part.ready


async def test_a_part_stopped_between_two_runs_makes_no_other() -> None:
    slow = Healing(give_up=5.0, first_pause=60.0, longest_pause=60.0)
    scripted = ScriptedPart(failing_with(RuntimeError("a fault")), healing=slow)
    scripted.part.start()
    await until(lambda: len(scripted.runs) == 1)
    await asyncio.sleep(0.01)
    await asyncio.wait_for(scripted.part.stop(5.0), 10)
    assert len(scripted.runs) == 1


async def test_a_part_started_twice_runs_once_and_can_be_started_again_after_a_stop() -> None:
    scripted = ScriptedPart(healthy)
    scripted.part.start()
    scripted.part.start()
    await until(lambda: scripted.part.ready)
    assert len(scripted.runs) == 1
    await scripted.part.stop()
    scripted.part.start()
    await until(lambda: scripted.part.ready)
    assert len(scripted.runs) == 2
    await scripted.part.stop()


async def test_a_run_that_does_not_end_when_cancelled_is_abandoned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Kafka client whose broker is gone may hang even while it is closed."""
    monkeypatch.setattr(parts, "_LET_GO_SECONDS", 0.01)
    released = asyncio.Event()

    async def clinging(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await released.wait()

    scripted = ScriptedPart(clinging, healthy)
    scripted.part.start()
    await until(lambda: scripted.part.ready)
    left = scripted.part._task
    await scripted.part.stop()
    scripted.part.start()
    await until(lambda: scripted.part.ready)
    assert len(scripted.runs) == 2
    released.set()
    assert left is not None
    await asyncio.wait({left}, timeout=5)
    assert scripted.part.ready, "the end of the abandoned run must not end the next one"
    await scripted.part.stop()
