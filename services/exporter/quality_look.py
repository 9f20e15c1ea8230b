"""How many findings of data quality there are: a look of its own, for it works things out."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily

from services.assessment.data_quality import DataQuality, Scope
from services.assessment.figure_store import FigureStore
from services.readiness.policy import Policy
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable
from services.telemetry import series
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.exporter")
_REST_SECONDS: Final = 600.0
"""Between two looks at least: what is wrong stays so until somebody sends something."""

_SHARE: Final = 50
"""The rest is at least so many times a look's length: the store is for others."""


def _today(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


@dataclass(slots=True)
class QualityLook:
    """Counts findings by kind, over all buyers. `open_store` is called until it succeeds once.

    `today`: the day it is in a time zone.
    """

    open_store: Callable[[], ClickHouse]
    policy: Policy
    clock: Callable[[], float] = time.monotonic
    today: Callable[[str], date] = _today
    _quality: DataQuality | None = None
    _counts: Mapping[str, int] | None = None

    def look(self) -> float:
        """Count once; return how many seconds to rest. Failures are logged, never raised.

        What could not be counted is not shown any more: an old count would look like a new one.
        """
        began = self.clock()
        try:
            if self._quality is None:
                self._quality = DataQuality(FigureStore(self.open_store(), self.policy))
            self._counts = self._quality.counts(Scope(self.today(self.policy.zone)))
        except (StoreUnavailable, StoreRefused) as error:
            self._counts = None
            log(_LOGGER, "quality_look_failed", level=logging.WARNING, error=str(error)[:300])
        return max(_REST_SECONDS, _SHARE * (self.clock() - began))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield how many findings of each kind there are, 0 too; nothing where it is not known."""
        if self._counts is None:
            return
        family = series.DATA_QUALITY.family()
        for kind, count in self._counts.items():
            family.add_metric([kind], count)
        yield family
