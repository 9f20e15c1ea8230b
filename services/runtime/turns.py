"""Fair sharing of a few threads (`Turns`), and bounds on what is in progress at once (`Places`).

An asker with much work waits behind its own work and does not delay the others. This module knows
nothing of HTTP or the store.
"""

import asyncio
import contextvars
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final, Generic, NamedTuple, TypeVar

Result = TypeVar("Result")


class Turns:
    """Runs blocking work in its own threads, which the askers take in turns.

    Each asker has its own queue, first come first served. A free thread takes one piece of work of
    the asker whose last turn is longest ago. `name` is the prefix of the threads' names. `waited`
    is called for each piece with the seconds that it waited for a thread. May be used from any
    number of event loops.
    """

    def __init__(
        self, threads: int, name: str, waited: Callable[[float], None] = lambda seconds: None
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waited = waited
        self._lock = Lock()
        self._queues: OrderedDict[str, deque[_Piece[Any]]] = OrderedDict()

    async def run(self, who: str, work: Callable[[], Result]) -> Result:
        """Run `work` when the turn of asker `who` comes, and return its result or raise its error.

        If the call is cancelled while the work waits, the work never starts; if it is cancelled
        while the work runs, the work finishes and its result is dropped. Raises RuntimeError after
        `close`.
        """
        future: Future[Result] = Future()
        context = contextvars.copy_context()
        piece = _Piece(future, lambda: context.run(work), time.perf_counter())
        with self._lock:
            self._queues.setdefault(who, deque()).append(piece)
        try:
            # One call for each piece; it runs the piece whose turn it is, which may be another one.
            self._threads.submit(self._run_next)
        except RuntimeError:
            future.cancel()
            raise
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Cancel the work that waits and accept no more. Running work finishes."""
        self._threads.shutdown(wait=False)
        while (piece := self._next()) is not None:
            piece.future.cancel()

    def _run_next(self) -> None:
        while (piece := self._next()) is not None:
            if piece.future.set_running_or_notify_cancel():
                self._waited(time.perf_counter() - piece.since)
                _finish(piece)
                return

    def _next(self) -> "_Piece[Any] | None":
        """Take the piece whose turn it is and move its asker behind all others."""
        with self._lock:
            for who, queue in self._queues.items():
                piece = queue.popleft()
                if queue:
                    self._queues.move_to_end(who)
                else:
                    del self._queues[who]
                return piece
        return None


class _Piece(NamedTuple, Generic[Result]):
    """Work that waits for its turn. `since`: when it was queued (`time.perf_counter`)."""

    future: "Future[Result]"
    work: Callable[[], Result]
    since: float


def _finish(piece: _Piece[Any]) -> None:
    try:
        result = piece.work()
    except BaseException as error:
        piece.future.set_exception(error)
    else:
        piece.future.set_result(result)


class NoPlace(Exception):
    """All places are taken. `own`: by the asker itself (else by all askers together).

    `most` is the limit that was reached.
    """

    def __init__(self, *, own: bool, most: int) -> None:
        super().__init__(f"{most} places are taken")
        self.own, self.most = own, most


class Places:
    """Bounds how many requests are in progress at once, of each asker and of all together.

    For one event loop.
    """

    def __init__(self, each: int, everybody: int) -> None:
        self._each: Final = each
        self._all: Final = everybody
        self._held: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        """How many places all askers hold together."""
        return self._held.total()

    @contextmanager
    def held(self, who: str) -> Iterator[None]:
        """Hold a place of the asker `who`. Raises NoPlace immediately if none is free."""
        if self._held.get(who, 0) >= self._each:
            raise NoPlace(own=True, most=self._each)
        if self._held.total() >= self._all:
            raise NoPlace(own=False, most=self._all)
        self._held[who] += 1
        try:
            yield
        finally:
            self._held[who] -= 1
            if not self._held[who]:
                del self._held[who]
