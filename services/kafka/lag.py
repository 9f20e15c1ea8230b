"""How far behind consumer groups are, as the broker has it: also while no member of them runs."""

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


TopicPartitionKey = tuple[str, int]
"""A topic and the number of one of its partitions."""


def inbound_begins(
    bootstrap: str, places: Iterable[TopicPartitionKey]
) -> dict[TopicPartitionKey, int]:
    """Return where to begin to read partitions of inbound topics.

    It is where their reader ended; else where the members of a group ended that an earlier version
    read them with; else the first record that the broker has. Raises BrokerUnavailable. Blocks.
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
