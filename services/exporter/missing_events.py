"""Counts accepted events that the ledger does not have, by reconciling in the background.

Events may still be on their way, so an event counts as missing only if two reconciliations in a row
did not find it. Each reconciliation reads what was accepted since shortly before the previous one
began. While anything is missing, the start does not move forward, so that a missing event is
counted until the ledger has it.
"""

import logging
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client.core import GaugeMetricFamily

from services.exporter.families import unlabelled_family
from services.kafka.topics import BrokerUnavailable
from services.store.client import StoreRefused, StoreUnavailable
from services.telemetry import series
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.exporter")
_FIRST: Final = timedelta(hours=24)
_OVERLAP: Final = timedelta(minutes=5)

RecordPlace = Hashable
Reconcile = Callable[[datetime], Collection[RecordPlace]]
"""Returns the places of the records accepted since then that are neither stored nor refused."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class MissingEvents:
    """Reconciles repeatedly, with `every` seconds between two reconciliations.

    `reconcile` may raise BrokerUnavailable, StoreUnavailable or StoreRefused.
    """

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
        """Reconcile once; return how many seconds to pause. A failure is logged; the age grows."""
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
            # All that is unfound was accepted after the last reconciliation began, or that one
            # would have missed it too: the next one need not read from earlier.
            since = self._last_began - _OVERLAP
        self._since, self._last_began = since, began
        self._unfound, self._missing, self._done = unfound, len(missing), self.clock()
        return self.every

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield how many events are missing, and the seconds since they were counted."""
        if self._missing is not None:
            yield unlabelled_family(series.MISSING, self._missing)
        yield unlabelled_family(series.MISSING_AGE, self.clock() - self._done)
