"""A sink: takes batches of Kafka records and makes them safe, in order.

The contract that every sink and every double of one keeps: `write` returns once the batch is safe
or each of its bad records is refused for good, and raises StoreUnavailable where it is worth
trying the same batch again.
"""

from collections.abc import Sequence
from typing import Any, Protocol


class KafkaRecord(Protocol):
    """What a sink reads of a record, whichever client fetched it. `timestamp` is in milliseconds.

    Read-only, so that both a frozen record and a client's own class fit.
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
    """Where batches go."""

    async def write(self, records: Sequence[KafkaRecord]) -> None:
        """Make a batch safe. Raises StoreUnavailable: call again with the same batch."""


class FinishingSink(Sink, Protocol):
    """A sink whose batches are safe once they are finished, several of them at once.

    The next batch may be written while the ones before are finished.
    """

    async def finish(self) -> None:
        """Make safe what was written before. Raises StoreUnavailable: call again."""
