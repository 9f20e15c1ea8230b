"""Lag and committed offsets of Rantai's consumer groups, read from the broker.

The broker knows them even while no member of a group runs.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from schemas.catalogue import CANONICAL_TOPICS, INBOUND_PREFIX, REJECTED
from services.kafka.topics import BrokerUnavailable, connect

LEDGER_GROUP: Final = "rantai-ledger"
STREAMS_GROUP: Final = "rantai-streams"
INBOUND_GROUP: Final = "rantai-inbound"
"""The inbound reader commits its offsets under this name; no consumer joins the group."""


def lags(bootstrap: str) -> dict[str, int]:
    """Return the lag of each topic: the number of records after the committed offsets.

    On the embedded broker the number may be too low by one batch, because it reports the first
    offset of its last batch as the end. Raises BrokerUnavailable. Blocks.
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
        # The start counts if nothing is committed yet, or if retention passed the committed offset.
        reached = max(known.offset if known is not None else 0, starts[place].offset)
        found[place.topic] += max(0, ends[place].offset - reached)
    return found


TopicPartitionKey = tuple[str, int]
"""A topic and the number of one of its partitions."""


def inbound_start_offsets(
    bootstrap: str, places: Iterable[TopicPartitionKey]
) -> dict[TopicPartitionKey, int]:
    """Return the offset at which to begin reading each of these inbound partitions.

    That is the offset that the inbound reader committed; else the one that the group of an earlier
    release committed (STREAMS_GROUP); else the first record on the broker. Raises
    BrokerUnavailable. Blocks.
    """
    some = [TopicPartition(*place) for place in places]
    admin = connect(bootstrap)
    try:
        committed = [
            admin.list_group_offsets([group]).get(group, {})
            for group in (INBOUND_GROUP, STREAMS_GROUP)
        ]
        starts = admin.list_partition_offsets(dict.fromkeys(some, OffsetSpec.EARLIEST))
    except KafkaError as error:
        raise BrokerUnavailable(f"offsets could not be read: {error!r}") from error
    finally:
        admin.close()

    def begin(place: TopicPartition) -> int:
        kept = (of[place].offset for of in committed if place in of and of[place].offset >= 0)
        return max(int(next(kept, 0)), int(starts[place].offset))

    return {(place.topic, place.partition): begin(place) for place in some}
