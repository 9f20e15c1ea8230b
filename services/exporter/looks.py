"""Looks into the store in the background; scrapes are answered from the last look.

A scrape never waits: it gets the last look, with its age. If the store fails or is slow,
`rantai_exporter_up` is 0, and the values of the last successful look stay while their age grows.
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
from services.exporter.families import families, unlabelled_family
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
"""Minimum pause after a look, as a multiple of its duration: the store has other users."""

_STOP_SECONDS: Final = 1.0


class Look(Protocol):
    """A source of metrics that is read repeatedly in the background."""

    def look(self) -> float:
        """Read the source once; return how many seconds to pause."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metric families of the last look. Must not block."""


_Shown = tuple[str, datetime | None]


def _today(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


@dataclass(slots=True)
class StoreLook:
    """The last look into the store, as metric families.

    `open_store` is called until it succeeds once. `today` returns the current date in a time zone.
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
        """Read the store once; return how many seconds to pause.

        StoreUnavailable and StoreRefused are logged and show as `rantai_exporter_up` 0.
        """
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
        """Yield the families of the last look, its age, and whether it succeeded in time."""
        age = self.clock() - self._began
        late = age > max(LATE_SECONDS, 2 * _SHARE * self._seconds)
        yield unlabelled_family(series.UP, float(self._looked and not (self._failed or late)))
        yield unlabelled_family(series.LOOK_AGE, age)
        if self._looked:
            yield unlabelled_family(series.LOOK_SECONDS, self._seconds)
            yield unlabelled_family(series.STALE_SUPPLIERS, len(self._behind))
            since = min(self._behind.values(), default=None)
            yield unlabelled_family(
                series.STALE_AGE, 0.0 if since is None else self.clock() - since
            )
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
    """All looks as one collector of `prometheus_client`; `watching` registers it."""

    store: StoreLook
    missing: MissingEvents | None = None
    lag: TopicLag | None = None
    quality: QualityLook | None = None

    @property
    def looks(self) -> list[Look]:
        """The looks, each of which runs at its own pace."""
        looks = (self.store, self.missing, self.lag, self.quality)
        return [look for look in looks if look is not None]

    def collect(self) -> Iterator[Metric]:
        """Yield every declared series; one without a known value has only its description."""
        found: Mapping[str, Metric] = {
            family.name: family for look in self.looks for family in look.collect()
        }
        for one in series.SERIES:
            yield found.get(one.name) or one.family()

    def describe(self) -> list[Metric]:
        """Return the declared series without values. The registry calls it on registration."""
        return [one.family() for one in series.SERIES]


@contextmanager
def watching(watch: Watch, registry: CollectorRegistry = REGISTRY) -> Iterator[Watch]:
    """Run the looks repeatedly and expose them in `registry` as long as the context lasts.

    The threads are daemons: a store that never answers must not keep the process from ending.
    """
    stopping = threading.Event()
    threads = [
        threading.Thread(target=_repeat, args=(one.look, stopping), daemon=True, name="look")
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


def _repeat(look: Callable[[], float], stopping: threading.Event) -> None:
    while True:
        try:
            rest = look()
        except Exception:
            # If the thread ended here, the values would stay outdated until a restart.
            _LOGGER.exception("look_failed")
            rest = LOOK_SECONDS
        if stopping.wait(rest):
            return
