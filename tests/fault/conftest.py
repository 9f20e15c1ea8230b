"""The embedded broker that the fault tests of one module share."""

from collections.abc import Iterator

import pytest

from services.kafka.embedded_broker import EmbeddedBroker
from services.kafka.topics import apply


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """Run an embedded broker with the canonical topics."""
    with EmbeddedBroker() as running:
        apply(running.bootstrap, partitions=3, replication=1)
        yield running
