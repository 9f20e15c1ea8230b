"""Decoding: from the bytes of a request to judged events, fair between keys and off the event loop.

A small body is done at once, where it came in: a thread would cost it more than it needs. A large
or packed one is cut into steps, and keys take turns at a thread of the decoder's own. Of one key
one body is decoded at a time. What waits is bounded in bytes, for each key and for all.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from schemas.validation import Accepted, Rejected, Sender, validate, values_in
from services.gateway.cloudevents import Limits, events_of
from services.gateway.unpacking import unpacked
from services.runtime.turns import Turns

Judged = Accepted | Rejected
Steps = Generator[int, None, list[Judged]]
"""Yields wherever a turn may end: how many bytes of the body are in memory."""

SMALL_BYTES: Final = 64 * 1024
"""Up to this a body needs no room."""

_STEP_BYTES: Final = 64 * 1024
_STEP_EVENTS: Final = 50
_SMALL_VALUES: Final = 4000
"""JSON values of a body that is done at once: dense ones take a hundred times longer to parse."""

_NAMED_FAULTS: Final = 1000
"""Of one request, before bad events are told of in brief."""

_STEPS_A_TURN: Final = 4
"""A turn is some 20 ms. Shorter ones would wait for the interpreter longer than they work."""


class NoRoom(Exception):
    """No room for more of a body. `own`: the key holds too much, or all keys together do."""

    def __init__(self, *, own: bool, most: int) -> None:
        super().__init__(f"{most} bytes are held")
        self.own, self.most = own, most


class Room:
    """Bounds the bytes of bodies in memory, of each key and of all. For one event loop.

    A body that is its key's only one, or the only one at all, always has room: how large it may be
    is bounded elsewhere, and it could never be sent otherwise.
    """

    def __init__(self, each: int, everybody: int) -> None:
        self._each, self._everybody = each, everybody
        self._held: Counter[str] = Counter()

    @contextmanager
    def held(self, who: str) -> Iterator["HeldRoom"]:
        """Hold room for one body until its request is answered."""
        body = HeldRoom(self._grow, who)
        try:
            yield body
        finally:
            self._held[who] -= body.size
            if not self._held[who]:
                del self._held[who]

    def _grow(self, who: str, has: int, more: int) -> None:
        of_others = self._held[who] - has
        if of_others and of_others + has + more > self._each:
            raise NoRoom(own=True, most=self._each)
        total = self._held.total()
        if total - has and total + more > self._everybody:
            raise NoRoom(own=False, most=self._everybody)
        self._held[who] += more


class HeldRoom:
    """The room of one body. `size`: bytes that it holds."""

    def __init__(self, grow: Callable[[str, int, int], None], who: str) -> None:
        self._grow, self._who = grow, who
        self.size = 0

    def at_least(self, size: int) -> None:
        """Take room for a body that has grown to this many bytes. Raises NoRoom."""
        if size > max(self.size, SMALL_BYTES):
            self._grow(self._who, self.size, size - self.size)
            self.size = size


class Decoder:
    """Judges the events of requests. `waited`: is told of each turn how many seconds it waited.

    For one event loop.
    """

    def __init__(
        self, limits: Limits, room: Room, waited: Callable[[float], None] = lambda seconds: None
    ) -> None:
        self.limits, self.room = limits, room
        self._turns = Turns(1, "decoder", waited)
        self._one_of: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def judged(
        self, headers: Mapping[str, str], body: bytes, sender: Sender, who: str, held: HeldRoom
    ) -> list[Judged]:
        """Return what is to be said of each event of a request, in their order.

        `who`: whose turn it is. Raises NoRoom, NotParseable, TooLarge, UnsupportedMediaType.
        """
        steps = judging(headers, body, self.limits, sender)
        if _is_small(headers, body):
            done = _advance(steps, 1)
            if isinstance(done, list):
                return done
        lock = self._one_of.setdefault(who, asyncio.Lock())
        async with lock:
            while True:
                done = await self._turns.run(who, partial(_advance, steps, _STEPS_A_TURN))
                if isinstance(done, list):
                    return done
                held.at_least(done)


def _is_small(headers: Mapping[str, str], body: bytes) -> bool:
    packed = bool(headers.get("content-encoding"))
    return not packed and len(body) <= SMALL_BYTES and values_in(body) <= _SMALL_VALUES


def _advance(steps: Steps, count: int) -> int | list[Judged]:
    """Take some steps; return what the last of them yields, or the result behind it."""
    size = 0
    for _ in range(count):
        try:
            size = next(steps)
        except StopIteration as end:
            return list(end.value)
    return size


def judging(headers: Mapping[str, str], body: bytes, limits: Limits, sender: Sender) -> Steps:
    """Unpack, parse and validate a body step by step; give what is to be said of each event.

    Raises NotParseable, TooLarge, UnsupportedMediaType: then nothing of it is to be made use of.
    """
    content = unpacked(headers.get("content-encoding", ""), body, limits.body_bytes)
    in_memory = len(body) + (0 if content is body else len(content))
    if content is not body:
        yield in_memory
    now = datetime.now(UTC)
    judged: list[Judged] = []
    bytes_done = events_done = faults = 0
    for event, size in events_of(headers, content, limits):
        one = validate(event, sender, brief=faults >= _NAMED_FAULTS, now=now)
        judged.append(one)
        faults += len(one.faults) if isinstance(one, Rejected) else 0
        bytes_done += size
        events_done += 1
        if bytes_done >= _STEP_BYTES or events_done >= _STEP_EVENTS:
            yield in_memory
            bytes_done = events_done = 0
    return judged
