"""Decodes request bodies into validated events, fairly between keys and off the event loop.

A small body is decoded on the event loop: handing it to a thread would cost more than the work. A
large or compressed body is decoded in steps, and keys take turns at the decoder's single thread.
Each key has at most one body being decoded at a time. The bytes of bodies in memory are bounded,
per key and in total.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from schemas.validation import Accepted, Rejected, Sender, max_values_in, validate
from services.gateway.cloudevents import Limits, events_of
from services.gateway.unpacking import unpack
from services.runtime.turns import Turns

Judged = Accepted | Rejected
Steps = Generator[int, None, list[Judged]]
"""Yields wherever a turn may end: the bytes in memory, of the body and its unpacked form."""

SMALL_BYTES: Final = 64 * 1024
"""The largest body that does not count towards `Room`."""

_STEP_BYTES: Final = 64 * 1024
_STEP_EVENTS: Final = 50
_SMALL_VALUES: Final = 4000
"""The most JSON values of a body that is decoded on the event loop: bodies dense with values take a
hundred times longer to parse."""

_NAMED_FAULTS: Final = 1000
"""Faults of one request that are named one by one; beyond it, bad events are reported briefly."""

_STEPS_A_TURN: Final = 4
"""Makes a turn about 20 ms long. Shorter turns would wait longer for the interpreter than work."""


class NoRoom(Exception):
    """There is no room for more of a body. `most`: the limit in bytes.

    `own`: whether the key's own limit is reached; otherwise it is that of all keys together.
    """

    def __init__(self, *, own: bool, most: int) -> None:
        super().__init__(f"bodies would hold more than {most} bytes")
        self.own, self.most = own, most


class Room:
    """Bounds the bytes of bodies in memory, per key and in total. For one event loop.

    The limit per key does not apply to a key's only body, nor the total to the only body of all:
    the size of one body is bounded elsewhere, and a large one could never be sent otherwise.
    """

    def __init__(self, each: int, everybody: int) -> None:
        self._each, self._everybody = each, everybody
        self._held: Counter[str] = Counter()

    @contextmanager
    def held(self, who: str) -> Iterator["HeldRoom"]:
        """Hold room for one body until its request is answered. `who`: the key's id."""
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
    """The room that one body holds: `size` bytes."""

    def __init__(self, grow: Callable[[str, int, int], None], who: str) -> None:
        self._grow, self._who = grow, who
        self.size = 0

    def at_least(self, size: int) -> None:
        """Reserve room for a body that has grown to `size` bytes. Raises NoRoom."""
        if size > max(self.size, SMALL_BYTES):
            self._grow(self._who, self.size, size - self.size)
            self.size = size


class Decoder:
    """Decodes request bodies and validates their events. For one event loop.

    `waited` is called for each turn with the seconds that it waited.
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
        """Return the verdict on each event of a request, in order.

        `who`: the id of the key that takes turns. `held`: the body's room, which grows as it is
        unpacked. Raises NoRoom, NotParseable, TooLarge, UnsupportedMediaType.
        """
        steps = decode_steps(headers, body, self.limits, sender)
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
    return not packed and len(body) <= SMALL_BYTES and max_values_in(body) <= _SMALL_VALUES


def _advance(steps: Steps, count: int) -> int | list[Judged]:
    """Take up to `count` steps; return the bytes last yielded or, at the end, the verdicts."""
    size = 0
    for _ in range(count):
        try:
            size = next(steps)
        except StopIteration as end:
            return list(end.value)
    return size


def decode_steps(headers: Mapping[str, str], body: bytes, limits: Limits, sender: Sender) -> Steps:
    """Unpack, parse and validate a body step by step; return the verdict on each event.

    Raises NotParseable, TooLarge, UnsupportedMediaType: then none of its events may be used.
    """
    content = unpack(headers.get("content-encoding", ""), body, limits.body_bytes)
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
