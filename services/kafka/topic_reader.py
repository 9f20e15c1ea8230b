"""Reading topics from a time, or from their beginning, up to the end they have now."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.kafka.topics import BrokerUnavailable

EPOCH: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""Earlier than any record: read from the beginning."""

_POLL_MS: Final = 500
_QUIET_SECONDS: Final = 2.0
_SILENCE_SECONDS: Final = 20.0


def records_of(
    bootstrap: str, wanted: Callable[[str], bool], since: datetime = EPOCH
) -> Iterator[Any]:
    """Yield every record that the topics hold now, from `since` on.

    `wanted` tells by its name whether to read a topic. Blocks. Raises BrokerUnavailable.
    """
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            enable_auto_commit=False,
            bootstrap_timeout_ms=5_000,
            group_id=None,
            # If retention deletes records during the read, only those are skipped.
            auto_offset_reset="earliest",
            fetch_max_bytes=32 * 1024 * 1024,
            max_partition_fetch_bytes=8 * 1024 * 1024,
            max_poll_records=5000,
            check_crcs=False,
        )
    except KafkaError as error:
        raise BrokerUnavailable(f"no broker at {bootstrap}: {error!r}") from error
    try:
        places = _partitions(consumer, wanted)
        if not places:
            return
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        starts = _starts(consumer, places, since, ends)
        for place, start in starts.items():
            consumer.seek(place, start)
        yield from _until(consumer, starts, ends, bootstrap)
    except KafkaError as error:
        raise BrokerUnavailable(f"the topics could not be read: {error!r}") from error
    finally:
        consumer.close()


def _until(
    consumer: Any, reached: dict[Any, int], ends: dict[Any, int], bootstrap: str
) -> Iterator[Any]:
    """Yield every record up to the end that each partition had when it was first fetched.

    `reached`, the next offset of each partition, is updated here. Asking the client instead makes
    it look at all partitions for the position of each one: with hundreds of senders' topics on a
    busy broker that takes minutes.
    """
    left, read_at = set(ends), time.monotonic()
    unfetched = set(ends)
    while left:
        polled = consumer.poll(timeout_ms=_POLL_MS)
        # The embedded broker reports the first offset of a partition's last batch as its end; a
        # fetch reports the true end.
        marks = {place: consumer.highwater(place) for place in unfetched}
        for place, mark in marks.items():
            if mark is not None:
                ends[place] = max(ends[place], mark)
                unfetched.discard(place)
        for place, records in polled.items():
            yield from (record for record in records if record.offset < ends[place])
            reached[place] = records[-1].offset + 1
        silence = time.monotonic() - read_at
        if silence > _QUIET_SECONDS:
            # After the last record there may be offsets without a record: compacted, or control
            # records of the broker.
            reached.update({place: consumer.position(place) for place in left})
        checked = left if silence > _QUIET_SECONDS else left - unfetched
        done = {place for place in checked if reached[place] >= ends[place]}
        if polled or done:
            read_at = time.monotonic()
        elif silence > _SILENCE_SECONDS:
            # The client keeps polling a broker that is gone, for ever and without an error.
            raise BrokerUnavailable(f"the broker at {bootstrap} stopped answering during the read")
        left -= done
        consumer.pause(*done)


def _partitions(consumer: Any, wanted: Callable[[str], bool]) -> list[Any]:
    names = [name for name in consumer.topics() if wanted(name)]
    return [
        TopicPartition(name, partition)
        for name in sorted(names)
        for partition in sorted(consumer.partitions_for_topic(name) or ())
    ]


def _starts(
    consumer: Any, places: list[Any], since: datetime, ends: dict[Any, int]
) -> dict[Any, int]:
    """Return the offset at which to begin each partition."""
    if since <= EPOCH:
        beginnings: dict[Any, int] = consumer.beginning_offsets(places)
        return beginnings
    milliseconds = int(since.timestamp() * 1000)
    found = consumer.offsets_for_times(dict.fromkeys(places, milliseconds))
    return {
        place: ends[place] if at is None else at.offset
        for place in places
        for at in (found.get(place),)
    }
