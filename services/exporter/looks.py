"""Looks in the background, and what a scrape is given of them.

A scrape never waits: it is given the last look, with its age. A store that fails, or is slow, shows
as `rantai_exporter_up 0`; what was seen last stays, and grows old.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.assessment.watched import Watched, WatchStore
from services.exporter.bounds import Bounds
from services.exporter.families import families, valued
from services.exporter.missing_events import MissingEvents
from services.exporter.quality_look import QualityLook
from services.exporter.topic_lag import TopicLag
from services.readiness.policy import Policy
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable
from services.telemetry import series
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.exporter")
LOOK_SECONDS: Final = 15.0
LATE_SECONDS: Final = 60.0
"""A look that is older than this is late: the store is slow, or does not answer at all."""

_SHARE: Final = 50
"""The pause after a look is at least so many times its length: the store is for others."""

_STOP_SECONDS: Final = 1.0


class Look(Protocol):
    """Something that is looked at again and again."""

    def look(self) -> float:
        """Look once; return how many seconds to rest."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return what was seen last."""


_Shown = tuple[str, datetime | None]


def _today(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


@dataclass(slots=True)
class StoreLook:
    """The last look into the store, as series. `open_store` is called until it succeeds once.

    `today`: the day it is in a time zone.
    """

    open_store: Callable[[], ClickHouse]
    policy: Policy
    bounds: Bounds
    clock: Callable[[], float] = time.monotonic
    today: Callable[[str], date] = _today
    _store: WatchStore | None = None
    _began: float = field(init=False)
    _looked: bool = False
    _failed: bool = False
    _seconds: float = 0.0
    _seen: tuple[GaugeMetricFamily, ...] = ()
    _behind: Mapping[_Shown, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def look(self) -> float:
        """Look once; return how long to rest. Failures are logged and shown, never raised."""
        began = self.clock()
        try:
            if self._store is None:
                self._store = WatchStore(self.open_store(), self.policy)
            looked = self._store.look(self.today(self.policy.zone))
            seconds = self.clock() - began
            self._seen = tuple(families(looked, self.bounds, self.policy.zone))
            self._behind = {
                shown: self._behind.get(shown, began) for shown in _behind(looked.suppliers)
            }
        except (StoreUnavailable, StoreRefused) as error:
            self._failed = True
            log(_LOGGER, "look_failed", level=logging.WARNING, error=str(error)[:300])
        else:
            self._failed, self._looked = False, True
            self._began, self._seconds = began, seconds
        return max(LOOK_SECONDS, _SHARE * (self.clock() - began))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what was seen last, how old it is, and whether that is as it should be."""
        age = self.clock() - self._began
        late = age > max(LATE_SECONDS, 2 * _SHARE * self._seconds)
        yield valued(series.UP, float(self._looked and not (self._failed or late)))
        yield valued(series.LOOK_AGE, age)
        if self._looked:
            yield valued(series.LOOK_SECONDS, self._seconds)
            yield valued(series.BEHIND, len(self._behind))
            since = min(self._behind.values(), default=None)
            yield valued(series.BEHIND_AGE, 0.0 if since is None else self.clock() - since)
        yield from self._seen


def _behind(suppliers: Iterable[Watched]) -> Iterator[_Shown]:
    """Yield suppliers whose displayed standing is stale, each with the time of that standing."""
    for one in suppliers:
        if one.has_facts and one.standing is None:
            yield one.supplier_id, None
        elif one.has_facts and one.standing is not None and not one.standing.current:
            yield one.supplier_id, one.standing.computed_at


@dataclass(eq=False)
class Watch(Collector):
    """Everything that is looked at, as one collector: in its registry as long as it looks."""

    store: StoreLook
    missing: MissingEvents | None = None
    lag: TopicLag | None = None
    quality: QualityLook | None = None

    @property
    def looks(self) -> list[Look]:
        """What is looked at, each at its own pace."""
        looks = (self.store, self.missing, self.lag, self.quality)
        return [look for look in looks if look is not None]

    def collect(self) -> Iterator[Metric]:
        """Yield every declared series; of one that nothing is known of, its meaning alone."""
        found: Mapping[str, Metric] = {
            family.name: family for look in self.looks for family in look.collect()
        }
        for one in series.SERIES:
            yield found.get(one.name) or one.family()

    def describe(self) -> list[Metric]:
        """Say what there is without looking."""
        return [one.family() for one in series.SERIES]


@contextmanager
def watching(watch: Watch, registry: CollectorRegistry = REGISTRY) -> Iterator[Watch]:
    """Look again and again, and show what is seen, as long as the context lasts.

    The threads are daemons: a store that never answers must not keep the process from ending.
    """
    stopping = threading.Event()
    threads = [
        threading.Thread(target=_again, args=(one.look, stopping), daemon=True, name="look")
        for one in watch.looks
    ]
    registry.register(watch)
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        stopping.set()
        registry.unregister(watch)
        until = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


def _again(look: Callable[[], float], stopping: threading.Event) -> None:
    while True:
        try:
            rest = look()
        except Exception:
            # A look that ends for good would leave what is shown to grow old until a restart.
            _LOGGER.exception("look_failed")
            rest = LOOK_SECONDS
        if stopping.wait(rest):
            return
