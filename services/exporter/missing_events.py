"""Accepted events that the ledger does not have: a reconciliation in the background.

What is on its way is no loss, so an event counts as missing where two reconciliations in a row did
not find it. Each reads what was accepted since a while before the last one began; while anything is
missing, since a while before it was missed first, so that it counts until it is there.
"""

import logging
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client.core import GaugeMetricFamily

from services.exporter.families import valued
from services.kafka.topics import BrokerUnavailable
from services.store.client import StoreRefused, StoreUnavailable
from services.telemetry import series
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.exporter")
_FIRST: Final = timedelta(hours=24)
_OVERLAP: Final = timedelta(minutes=5)

RecordPlace = Hashable
Reconcile = Callable[[datetime], Collection[RecordPlace]]
"""Returns where those records stand that were accepted since then and are not accounted for."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class MissingEvents:
    """Reconciles again and again. `every`: seconds between two."""

    reconcile: Reconcile
    every: float
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now
    _since: datetime | None = None
    _last_began: datetime | None = None
    _unfound: frozenset[RecordPlace] = frozenset()
    _missing: int | None = None
    _done: float = field(init=False)

    def __post_init__(self) -> None:
        self._done = self.clock()

    def look(self) -> float:
        """Reconcile once; return how long to rest. Failures are logged, and show as an age."""
        began = self.now()
        since = self._since or began - _FIRST
        try:
            unfound = frozenset(self.reconcile(since))
        except (BrokerUnavailable, StoreUnavailable, StoreRefused) as error:
            log(_LOGGER, "reconcile_failed", level=logging.WARNING, error=str(error)[:300])
            return self.every
        missing = unfound & self._unfound
        if missing:
            log(_LOGGER, "events_missing", level=logging.ERROR, events=len(missing))
        elif self._last_began is not None:
            # What is unfound now came after the last one began, or that would have missed it too.
            since = self._last_began - _OVERLAP
        self._since, self._last_began = since, began
        self._unfound, self._missing, self._done = unfound, len(missing), self.clock()
        return self.every

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield how many events are missing, and how long ago that was counted."""
        if self._missing is not None:
            yield valued(series.MISSING, self._missing)
        yield valued(series.MISSING_AGE, self.clock() - self._done)
