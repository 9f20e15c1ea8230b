"""How far behind consumer groups are, as the broker has it: also while no member of them runs."""

from collections.abc import Sequence
from typing import Final

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from schemas.catalogue import CANONICAL_TOPICS, INBOUND_PREFIX, REJECTED
from services.bus.topics import BrokerUnavailable, connect

LEDGER_GROUP: Final = "rantai-ledger"
STREAMS_GROUP: Final = "rantai-streams"
INBOUND_GROUP: Final = "rantai-inbound"
"""A name that offsets are kept under; nobody joins it."""


def lags(bootstrap: str) -> dict[str, int]:
    """Return how many records of each topic wait: those behind what was committed.

    Of the embedded broker it may be less than there are, by a batch: it tells the first offset of
    the last one as the end. Raises BrokerUnavailable. Blocks.
    """
    admin = connect(bootstrap)
    try:
        topics = admin.list_topics()
        inbound = sorted(name for name in topics if name.startswith(INBOUND_PREFIX))
        canonical = [name for name in CANONICAL_TOPICS if name in topics]
        refused = [REJECTED] if REJECTED in topics else []
        return {
            **_waiting(admin, LEDGER_GROUP, canonical),
            **_waiting(admin, STREAMS_GROUP, refused),
            **_waiting(admin, INBOUND_GROUP, inbound),
        }
    except KafkaError as error:
        raise BrokerUnavailable(f"offsets could not be read: {error!r}") from error
    finally:
        admin.close()


def _waiting(admin: KafkaAdminClient, group: str, topics: Sequence[str]) -> dict[str, int]:
    if not topics:
        return {}
    places = [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in admin.describe_topics(list(topics))
        for partition in topic["partitions"]
    ]
    committed = admin.list_group_offsets([group]).get(group, {})
    ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    starts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    found = dict.fromkeys(topics, 0)
    for place in places:
        known = committed.get(place)
        # Nothing committed yet, or what was committed is past its retention.
        reached = max(known.offset if known is not None else 0, starts[place].offset)
        found[place.topic] += max(0, ends[place].offset - reached)
    return found


def offsets_before(bootstrap: str) -> dict[tuple[str, int], int]:
    """Return how far the inbound topics were read when members of a group read them.

    Raises BrokerUnavailable. Blocks.
    """
    admin = connect(bootstrap)
    try:
        committed = admin.list_group_offsets([STREAMS_GROUP]).get(STREAMS_GROUP, {})
    except KafkaError as error:
        raise BrokerUnavailable(f"offsets could not be read: {error!r}") from error
    finally:
        admin.close()
    return {
        (place.topic, place.partition): known.offset
        for place, known in committed.items()
        if place.topic.startswith(INBOUND_PREFIX) and known.offset >= 0
    }
