"""Re-evaluates suppliers as events arrive, freezes month ends, and announces changes.

Only one process of a consumer group does this: the one that holds the first partition of the first
canonical topic. A supplier is judged once no events about it have arrived for a moment, so that
loading a history does not cause an evaluation after each batch.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.standings import Standings
from services.kafka.topics import BrokerUnavailable
from services.processor.announcer import Announcer
from services.readiness.month_ends import month_ends
from services.runtime.turns import Turns
from services.store.client import StoreRefused, StoreUnavailable
from services.telemetry.logs import log
from services.telemetry.metrics import EVALUATED, FROZEN

_LOGGER: Final = logging.getLogger("rantai.evaluations")
_STEADY_SECONDS: Final = 0.5
_LONGEST_STALE_SECONDS: Final = 60.0
"""A supplier that waits this long is judged even while events about it keep arriving."""

_JUDGED_AT_ONCE: Final = 25
_FROZEN_AT_ONCE: Final = 5
"""Kept small so that a turn ends soon: a stopping process waits for it."""

_ALL_SUPPLIERS: Final = Selection(date(2000, 1, 1), WINDOW_DAYS)
_REST: Final = 2.0
"""Rest after a turn, as a multiple of its duration: ingesting events has priority."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long evaluations wait, in seconds.

    `turn`: between two turns. `quiet`: without events about a supplier, before its month ends are
    frozen. `grace`: after a month end, before it is frozen.
    """

    turn: float
    quiet: float
    grace: float


@dataclass(slots=True)
class _Seen:
    """What the evaluator knows about one supplier.

    `mark`: of its facts, unchanged since `since`. `stale_since`: when its last judgement became
    outdated. `judged` and `frozen`: the day, or the last month end, up to which that was done, and
    the mark of the facts it was done with. Times are those of `time.monotonic`.
    """

    mark: int
    since: float
    stale_since: float
    judged: tuple[date, int] | None = None
    frozen: tuple[date, int] | None = None


class Evaluator:
    """Finds suppliers whose facts changed; judges them and freezes their month ends when due."""

    def __init__(
        self, standings: Standings, store: EvaluationStore, announcer: Announcer, waits: Waits
    ) -> None:
        self._standings, self._store, self._announcer = standings, store, announcer
        self._waits = waits
        # A thread of its own: it must neither delay the sink nor wait behind readers.
        self._threads = Turns(1, "evaluator")
        self._seen: dict[str, _Seen] = {}
        self._ends: dict[str, set[date]] | None = None
        self._unfinished: set[str] = set()

    def forget(self) -> None:
        """Drop everything cached: another process may have evaluated in the meantime."""
        self._seen.clear()
        self._ends = None
        self._announcer.forget()

    async def turn(self, at: datetime | None = None) -> int:
        """Judge and freeze some of the suppliers that are due; return how many were done.

        `at`: the time to evaluate at (default: now). Raises BrokerUnavailable, StoreUnavailable or
        StoreRefused.
        """
        local = (at or datetime.now(UTC)).astimezone(ZoneInfo(self._standings.policy.zone))
        await self._threads.run("", self._look)
        judging = self._to_judge(local.date())[:_JUDGED_AT_ONCE]
        done = await self._judge(local.date(), judging) if judging else 0
        last = (local - timedelta(seconds=self._waits.grace)).date().replace(day=1)
        freezing = self._to_freeze(last)[:_FROZEN_AT_ONCE]
        if freezing:
            done += await self._threads.run("", lambda: self._freeze(last, freezing))
        return done

    def _look(self) -> None:
        now = time.monotonic()
        self._unfinished = self._store.unfinished()
        for name, mark in self._standings.marks(_ALL_SUPPLIERS).items():
            seen = self._seen.get(name)
            if seen is None:
                self._seen[name] = _Seen(mark, now, now)
            elif seen.mark != mark:
                if seen.judged is not None and seen.judged[1] == seen.mark:
                    seen.stale_since = now
                seen.mark, seen.since = mark, now

    def _to_judge(self, today: date) -> list[str]:
        now = time.monotonic()
        return [
            name
            for name, seen in self._seen.items()
            if seen.judged != (today, seen.mark)
            and name not in self._unfinished
            and (
                now - seen.since >= _STEADY_SECONDS
                or now - seen.stale_since >= _LONGEST_STALE_SECONDS
            )
        ]

    def _unchanged(self, marks: Mapping[str, int], hurried: Collection[str] = ()) -> list[str]:
        """Return the suppliers whose facts did not change during the read. Call after reading.

        During a rebuild only some of the facts exist, and no marks. While a batch is being
        finished its events are stored, but the marks are still the old ones. `hurried`: suppliers
        about which events keep arriving; they are returned even if their mark changed.
        """
        selection = Selection(_ALL_SUPPLIERS.as_of, WINDOW_DAYS, list(marks))
        unfinished = self._store.unfinished()
        now = self._standings.marks(selection)
        return [
            name
            for name, mark in marks.items()
            if (now.get(name) == mark and name not in unfinished)
            or (name in now and name in hurried)
        ]

    async def _judge(self, today: date, names: Sequence[str]) -> int:
        marks = {name: self._seen[name].mark for name in names}
        now = time.monotonic()
        hurried = {name for name in names if now - self._seen[name].since < _STEADY_SECONDS}
        selection = Selection(today, WINDOW_DAYS, names)
        summaries = await self._threads.run("", lambda: self._standings.summaries(selection))
        unchanged = await self._threads.run("", lambda: self._unchanged(marks, hurried))
        await self._announcer.tell(today, {name: summaries[name] for name in unchanged})
        for name in unchanged:
            self._seen[name].judged = (today, marks[name])
        EVALUATED.inc(len(unchanged))
        return len(unchanged)

    def _to_freeze(self, last: date) -> list[str]:
        now = time.monotonic()
        return [
            name
            for name, seen in self._seen.items()
            if seen.frozen != (last, seen.mark)
            and name not in self._unfinished
            and seen.judged is not None
            and now - seen.since >= self._waits.quiet
        ]

    def _freeze(self, last: date, names: Sequence[str]) -> int:
        if self._ends is None:
            self._ends = self._store.frozen_ends()
        marks = {name: self._seen[name].mark for name in names}
        inputs = self._store.high_water()
        selection = Selection(last, WINDOW_DAYS, names)
        firsts = self._standings.first_days(selection)
        missing = {
            name: [day for day in month_ends(first, last) if day not in self._ends.get(name, ())]
            for name, first in firsts.items()
        }
        missing = {name: days for name, days in missing.items() if days}
        found = list(self._standings.assessor.assessed_at(selection, missing))
        unchanged = set(self._unchanged(marks))
        found = [one for one in found if one[0] in unchanged]
        FROZEN.inc(self._store.freeze(self._standings.policy.version, inputs, found))
        # This also keeps the standings of the month end, which group views compare with today's.
        self._standings.summaries(selection)
        for name, day, _ in found:
            self._ends.setdefault(name, set()).add(day)
        for name in unchanged:
            self._seen[name].frozen = (last, marks[name])
        return len(unchanged)


class Evaluations:
    """Runs an evaluator while this process leads its group; one run of a process part.

    `evaluator` builds the evaluator on first use. `term` returns the number of this process's
    current term (`BatchLoop.term`), or None while another process leads.
    """

    def __init__(
        self,
        evaluator: Callable[[], Evaluator],
        term: Callable[[], int | None],
        waits: Waits,
    ) -> None:
        self._make, self._term, self._waits = evaluator, term, waits
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()
        self._threads = Turns(1, "evaluator")

    async def stop(self) -> None:
        """Ask `run` to end after the current turn."""
        self._stopping.set()

    async def run(self) -> None:
        """Evaluate in turns until `stop`.

        Logs BrokerUnavailable, StoreUnavailable and StoreRefused, and tries again.
        """
        self.ready.set()
        evaluator: Evaluator | None = None
        last: int | None = None
        while not self._stopping.is_set():
            began, done = time.monotonic(), 0
            term = self._term()
            try:
                if evaluator is not None and term != last:
                    # Between two terms, however short, another process may have evaluated.
                    evaluator.forget()
                last = term
                if term is not None:
                    if evaluator is None:
                        evaluator = await self._threads.run("", self._make)
                    done = await evaluator.turn()
            except (BrokerUnavailable, StoreUnavailable, StoreRefused) as error:
                log(
                    _LOGGER,
                    "evaluation_failed",
                    level=logging.WARNING,
                    error=str(error)[:300],
                )
            rest = _REST * (time.monotonic() - began)
            # If something was due, more may be: the next turn begins sooner.
            with suppress(TimeoutError):
                pause = rest if done else max(self._waits.turn, rest)
                await asyncio.wait_for(self._stopping.wait(), pause)
