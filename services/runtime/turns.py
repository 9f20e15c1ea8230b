"""Turns at a few threads, and places for those who wait: nobody keeps the others from theirs.

Whoever asks for much waits behind itself. Nothing here knows of HTTP or of the store.
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
    """Runs blocking work in threads of its own; whoever asks takes turns with the others.

    Each asker has a queue of its own, first come first served. A thread that is free takes one
    piece of work of the asker whose last turn is longest ago. `name`: of the threads. `waited`: is
    told of each piece how many seconds it waited for a thread. For any number of event loops.
    """

    def __init__(
        self, threads: int, name: str, waited: Callable[[float], None] = lambda seconds: None
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waited = waited
        self._lock = Lock()
        self._queues: OrderedDict[str, deque[_Piece[Any]]] = OrderedDict()

    async def run(self, who: str, work: Callable[[], Result]) -> Result:
        """Return what the work returns, or raise what it raises, when its turn has come.

        Cancelled while it waits, it is never begun; cancelled while it runs, it runs to its end and
        its outcome is dropped. Raises RuntimeError after `close`.
        """
        future: Future[Result] = Future()
        context = contextvars.copy_context()
        piece = _Piece(future, lambda: context.run(work), time.perf_counter())
        with self._lock:
            self._queues.setdefault(who, deque()).append(piece)
        try:
            # One call for each piece, which takes not this one but the one whose turn it is.
            self._threads.submit(self._run_next)
        except RuntimeError:
            future.cancel()
            raise
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Begin nothing more, and cancel what waits. What runs goes on to its end."""
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
        """Take the piece whose turn it is; its asker goes behind all others."""
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
    """Work that waits for its turn. `since`: when it was asked for."""

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
    """There is no place left. `own`: whether whoever asks holds too many, or all together do."""

    def __init__(self, *, own: bool, most: int) -> None:
        super().__init__(f"{most} places are taken")
        self.own, self.most = own, most


class Places:
    """Bounds how much is under way at once: of each asker, and of all. For one event loop."""

    def __init__(self, each: int, everybody: int) -> None:
        self._each: Final = each
        self._all: Final = everybody
        self._held: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        """How many places are held, by all together."""
        return self._held.total()

    @contextmanager
    def held(self, who: str) -> Iterator[None]:
        """Hold a place. Raises NoPlace at once where there is none."""
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
