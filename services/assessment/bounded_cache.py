"""What was worked out, remembered within a bound: what was not asked for longest goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """Values by key that weigh at most `most` together, each `weight` (by default 1).

    For what whoever asks can make grow: dates, windows, names. For any thread.
    """

    def __init__(self, most: int, weight: Callable[[Value], int] = lambda _: 1) -> None:
        self._most, self._weight = most, weight
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._heavy = 0
        self._lock = Lock()

    @property
    def heavy(self) -> int:
        """What all values weigh."""
        return self._heavy

    def get(self, key: Key) -> Value | None:
        """Return a value, or None where there is none or it had to go."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember a value in place of the one before. One that alone weighs too much is not."""
        with self._lock:
            before = self._values.pop(key, None)
            if before is not None:
                self._heavy -= self._weight(before)
            self._values[key] = value
            self._heavy += self._weight(value)
            while self._heavy > self._most:
                _, gone = self._values.popitem(last=False)
                self._heavy -= self._weight(gone)
