"""Counts the records that wait on the broker, which works even while no processor runs."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.core import GaugeMetricFamily

from schemas.catalogue import INBOUND_PREFIX
from services.exporter.families import unlabelled_family
from services.kafka.topics import BrokerUnavailable
from services.telemetry import series
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.exporter")
_SECONDS: Final = 15.0

Lags = Callable[[], Mapping[str, int]]
"""Returns the number of waiting records by topic."""


@dataclass(slots=True)
class TopicLag:
    """The last lags that the broker reported.

    `lags` may raise BrokerUnavailable. `most`: how many inbound topics have a label of their own.
    """

    lags: Lags
    most: int
    _up: bool = False
    _seen: Mapping[str, int] = field(default_factory=dict)

    def look(self) -> float:
        """Ask the broker once; return how many seconds to pause. BrokerUnavailable is logged."""
        try:
            self._seen, self._up = _bounded(self.lags(), self.most), True
        except BrokerUnavailable as error:
            # The lag is unknown: the last values would look like an answer.
            self._seen, self._up = {}, False
            log(_LOGGER, "lag_unknown", level=logging.WARNING, error=str(error)[:300])
        return _SECONDS

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the number of waiting records by topic, and whether the broker answered."""
        yield unlabelled_family(series.BROKER_UP, float(self._up))
        family = series.TOPIC_LAG.family()
        for topic, waiting in self._seen.items():
            family.add_metric([topic], waiting)
        yield family


def _bounded(lags: Mapping[str, int], most: int) -> dict[str, int]:
    inbound = [topic for topic in lags if topic.startswith(INBOUND_PREFIX)]
    inbound.sort(key=lambda topic: (-lags[topic], topic))
    shown = {topic: lags[topic] for topic in lags if topic not in inbound[most:]}
    if inbound[most:]:
        shown[series.OTHER] = sum(lags[topic] for topic in inbound[most:])
    return shown
