"""A cache that is bounded by weight and drops the least recently used value first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """A least-recently-used cache whose values together weigh at most `most`.

    `weight` returns the weight of a value, by default 1. For keys that requests can vary without
    end: dates, windows, names. Thread-safe.
    """

    def __init__(self, most: int, weight: Callable[[Value], int] = lambda _: 1) -> None:
        self._most, self._weight = most, weight
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._heavy = 0
        self._lock = Lock()

    @property
    def heavy(self) -> int:
        """The total weight of all values."""
        return self._heavy

    def get(self, key: Key) -> Value | None:
        """Return the value of a key, or None if there is none or it was dropped."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Store a value in place of the one before. A value heavier than the bound is not kept."""
        weight = self._weight(value)
        with self._lock:
            before = self._values.pop(key, None)
            if before is not None:
                self._heavy -= self._weight(before)
            if weight > self._most:
                return
            self._values[key] = value
            self._heavy += weight
            while self._heavy > self._most:
                _, dropped = self._values.popitem(last=False)
                self._heavy -= self._weight(dropped)
