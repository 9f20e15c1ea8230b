"""The interface of a sink, which takes batches of Kafka records and makes them safe, in order.

Every sink and every test double follows this contract: `write` returns once all records of the
batch are safe or refused for good, and raises one of `UNAVAILABLE` if the same batch should be
retried.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from services.kafka.topics import BrokerUnavailable
from services.store.client import StoreUnavailable

UNAVAILABLE: Final = (StoreUnavailable, BrokerUnavailable)
"""What a sink raises while the store or the broker does not take a batch: retry the same batch."""


class KafkaRecord(Protocol):
    """What a sink reads of a record from any Kafka client. `timestamp` is in milliseconds.

    Its members are read-only, so that frozen dataclasses and the clients' own classes match.
    """

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Any: ...  # noqa: D102


class Sink(Protocol):
    """Takes batches of records."""

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Make a batch safe. Raises `UNAVAILABLE`: call again with the same batch."""


class FinishingSink(Sink, Protocol):
    """A sink whose written batches are safe only once they are finished, several at a time.

    The next batch may be written while the previous ones are being finished.
    """

    async def finish(self) -> None:
        """Make all batches written so far safe. Raises `UNAVAILABLE`: call again."""
