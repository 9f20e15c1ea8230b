"""Faults on demand: the answers of an overloaded or half-broken cluster, when a test asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Fault:
    """What happens to the next requests whose statement contains `match`.

    code           answer with this ClickHouse error
    times          number of requests that the fault affects
    stall_seconds  wait this long before anything else
    when           "before": the statement does not run; "after": it runs, then the answer is lost
    drop           close the connection instead of answering
    """

    code: int | None = None
    times: int = 1
    match: str = ""
    stall_seconds: float = 0.0
    when: str = "before"
    drop: bool = False

    def __post_init__(self) -> None:
        if self.when not in ("before", "after"):
            raise ValueError("when must be 'before' or 'after'")
        if self.times < 1 or self.stall_seconds < 0:
            raise ValueError("times must be 1 or more, stall_seconds 0 or more")
        if self.code is None and not self.stall_seconds and not self.drop:
            raise ValueError("a fault needs a code, stall_seconds or drop")


class FaultPlan:
    """The planned faults, in the order in which they were planned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, wish: Mapping[str, Any]) -> Fault:
        """Plan a fault from fields of `Fault`. Raises ValueError or TypeError if one is wrong."""
        fault = Fault(**wish)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Drop all planned faults."""
        with self._lock:
            self._faults.clear()

    def take(self, sql: str) -> Fault | None:
        """Return the first fault that matches a statement, and count it as used once."""
        with self._lock:
            for fault in self._faults:
                if fault.match in sql:
                    fault.times -= 1
                    if not fault.times:
                        self._faults.remove(fault)
                    return fault
        return None

    def as_json(self) -> bytes:
        """Return the faults that are still planned, as JSON."""
        with self._lock:
            return json.dumps([asdict(fault) for fault in self._faults]).encode()
