"""Counts data quality findings; a separate look, because it runs costly queries."""

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
"""Minimum pause between two looks: a finding stays until somebody sends something."""

_SHARE: Final = 50
"""Minimum pause after a look, as a multiple of its duration: the store has other users."""


def _today(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


@dataclass(slots=True)
class QualityLook:
    """Counts findings by kind, over all buyers.

    `open_store` is called until it succeeds once. `today` returns the current date in a time zone.
    """

    open_store: Callable[[], ClickHouse]
    policy: Policy
    clock: Callable[[], float] = time.monotonic
    today: Callable[[str], date] = _today
    _quality: DataQuality | None = None
    _counts: Mapping[str, int] | None = None

    def look(self) -> float:
        """Count once; return how many seconds to pause.

        StoreUnavailable and StoreRefused are logged. The counts are not shown after a failure, as
        an old count would look like a current one.
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
        """Yield the number of findings of each kind, including 0; nothing if it is unknown."""
        if self._counts is None:
            return
        family = series.DATA_QUALITY.family()
        for kind, count in self._counts.items():
            family.add_metric([kind], count)
        yield family
