"""Parts: started anew where they fail, given up only where they fail again and again."""

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
    """Something outside of the process can't be reached."""


class Clock:
    """A clock that goes on by as much as each look at it is told to."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Run:
    """A run whose work is given: what `run` does, after it said that it is ready."""

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


async def well(run: Run) -> None:
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


class Parted:
    """A part whose runs do, one after the other, what is given; the last again and again."""

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
async def started(parted: Parted) -> AsyncIterator[ProcessPart]:
    parted.part.start()
    try:
        yield parted.part
    finally:
        await parted.part.stop()


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
async def test_whatever_ends_a_run_another_one_follows(
    work: Callable[[Run], Awaitable[None]],
) -> None:
    parted = Parted(work, work, work, well)
    before = parted.restarts
    async with started(parted) as part:
        await until(lambda: len(parted.runs) == 4 and part.ready)
        assert part.failure is None
        assert parted.restarts - before == 3
    assert not part.ready


async def test_a_part_that_can_not_be_made_is_made_again() -> None:
    parted, made = Parted(well), []
    make = parted.part._make

    def fails_once(on_stall: OnStall) -> Run:
        made.append(1)
        if len(made) == 1:
            raise OSError("no such file")
        return make(on_stall)  # type: ignore[return-value]

    parted.part._make = fails_once
    async with started(parted) as part:
        await until(lambda: part.ready)
    assert len(made) == 2


async def test_one_that_fails_for_too_long_is_given_up_with_its_reason() -> None:
    parted = Parted(failing_with(RuntimeError("a fault")), clock=Clock(step=0.5))
    async with started(parted) as part:
        await until(lambda: part.failure is not None)
        tried = len(parted.runs)
        await asyncio.sleep(0.02)
        assert len(parted.runs) == tried > 3
        assert str(part.failure) == "a fault"
        assert not part.ready


async def test_one_that_was_well_between_its_failures_is_never_given_up() -> None:
    parted = Parted(failing_with(RuntimeError("now and then")), clock=Clock(step=40.0))
    async with started(parted) as part:
        await until(lambda: len(parted.runs) > 50)
        assert part.failure is None


async def test_what_is_away_is_waited_for_as_long_as_it_takes() -> None:
    parted = Parted(failing_with(Away("no broker")), clock=Clock(step=1.0))
    async with started(parted) as part:
        await until(lambda: len(parted.runs) > 50)
        assert part.failure is None


@pytest.mark.parametrize(("work", "kind"), [(stalling, Stalled), (returning, EndedByItself)])
async def test_the_reason_says_what_kind_of_end_it_was(
    work: Callable[[Run], Awaitable[None]], kind: type[Exception]
) -> None:
    parted = Parted(work, clock=Clock(step=3.0))
    async with started(parted) as part:
        await until(lambda: part.failure is not None)
        assert isinstance(part.failure, kind)


async def test_stopped_with_time_it_ends_well_and_without_it_is_cancelled() -> None:
    for seconds, ended_well in ((5.0, True), (0.0, False)):
        parted = Parted(well)
        parted.part.start()
        await until(lambda parted=parted: parted.part.ready)  # type: ignore[misc]
        await parted.part.stop(seconds)
        assert parted.runs[0].ended_well is ended_well
        assert len(parted.runs) == 1


async def test_one_that_does_not_end_in_its_time_is_cancelled() -> None:
    async def deaf(_: Run) -> None:
        await asyncio.Event().wait()

    parted = Parted(deaf)
    parted.part.start()
    await until(lambda: parted.part.ready)
    await parted.part.stop(0.05)
    assert not parted.part.ready


async def test_stopped_between_two_runs_it_makes_no_other() -> None:
    slow = Healing(give_up=5.0, first_pause=60.0, longest_pause=60.0)
    parted = Parted(failing_with(RuntimeError("a fault")), healing=slow)
    parted.part.start()
    await until(lambda: len(parted.runs) == 1)
    await asyncio.sleep(0.01)
    await asyncio.wait_for(parted.part.stop(5.0), 10)
    assert len(parted.runs) == 1


async def test_started_twice_it_runs_once_and_stopped_it_can_be_started_again() -> None:
    parted = Parted(well)
    parted.part.start()
    parted.part.start()
    await until(lambda: parted.part.ready)
    assert len(parted.runs) == 1
    await parted.part.stop()
    parted.part.start()
    await until(lambda: parted.part.ready)
    assert len(parted.runs) == 2
    await parted.part.stop()


async def test_one_that_does_not_even_end_when_cancelled_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that waits for a broker that is gone does so also while it is closed."""
    monkeypatch.setattr(parts, "_LET_GO_SECONDS", 0.01)
    released = asyncio.Event()

    async def clinging(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await released.wait()

    parted = Parted(clinging, well)
    parted.part.start()
    await until(lambda: parted.part.ready)
    left = parted.part._task
    await parted.part.stop()
    parted.part.start()
    await until(lambda: parted.part.ready)
    assert len(parted.runs) == 2
    released.set()
    assert left is not None
    await asyncio.wait({left}, timeout=5)
    assert parted.part.ready, "the end of the one left behind is no end of the next"
    await parted.part.stop()
