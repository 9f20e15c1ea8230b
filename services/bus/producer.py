"""The producer: idempotent, acks=all, and no answer before the delivery report."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kafka import KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    OutOfOrderSequenceNumberError,
    UnknownProducerIdError,
)

from schemas.validation import Accepted
from services.bus.topics import MAX_RECORD_BYTES, BrokerUnavailable

SOURCE_HEADER: Final = "source"
ID_HEADER: Final = "id"
CONTENT_HEADER: Final = "content"
_FATAL: Final = (InvalidProducerEpochError, OutOfOrderSequenceNumberError, UnknownProducerIdError)
"""After these, as after an error without a class of its own, an idempotent client works no more:
the broker has forgotten it, because its memory ended or its log was cut."""

_CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Record:
    """What is written: its topic, key, value and headers."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record stands, once every in-sync replica has it."""

    topic: str
    partition: int
    offset: int


def event_record(accepted: Accepted, traceparent: str | None = None) -> Record:
    """Return the record of a valid event for its canonical topic.

    The headers hold what the ledger sink needs to know an event, so that it parses nothing.
    """
    headers = [
        _CONTENT_TYPE,
        (SOURCE_HEADER, accepted.source.encode()),
        (ID_HEADER, accepted.id.encode()),
        (CONTENT_HEADER, accepted.content.hex().encode()),
    ]
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return Record(accepted.topic, accepted.supplier_id.encode(), accepted.value, tuple(headers))


class EventProducer:
    """Writes records and says where they stand.

    `timeout` (s) bounds one `publish` as a whole. The client connects on first use and again after
    a failure, so that a broker that comes late or comes back is found.
    """

    def __init__(self, bootstrap: str, *, timeout: float = 20.0) -> None:
        self._bootstrap = bootstrap.split(",")
        self._timeout = timeout
        self._client: KafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        """Write records and return where they stand, in their order.

        Raises BrokerUnavailable where not all of them are known to be on every in-sync replica;
        some may be. Sending the same events again is safe: the ledger keeps each once.
        """
        if not records:
            return []
        try:
            async with asyncio.timeout(self._timeout):
                client = await self._connected()
                return await asyncio.to_thread(self._send_all, client, records)
        except (KafkaError, TimeoutError, AssertionError) as error:
            if isinstance(error, _FATAL) or type(error) is KafkaError:
                self._let_go()
            raise BrokerUnavailable(f"the broker did not take the events: {error!r}") from error

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            closing = asyncio.create_task(asyncio.to_thread(client.close, 0))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _connected(self) -> KafkaProducer:
        async with self._connecting:
            if self._client is None:
                self._client = await asyncio.to_thread(self._connect)
            return self._client

    def _connect(self) -> KafkaProducer:
        milliseconds = int(self._timeout * 1000)
        return KafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=1,
            batch_size=256 * 1024,
            max_request_size=MAX_RECORD_BYTES,
            max_block_ms=milliseconds,
            bootstrap_timeout_ms=milliseconds,
            # With the default of 30 s a gateway says 503 for half a minute after a broker is back.
            reconnect_backoff_max_ms=1000,
            request_timeout_ms=milliseconds // 2,
            delivery_timeout_ms=milliseconds,
        )

    def _send_all(self, client: KafkaProducer, records: Sequence[Record]) -> list[Position]:
        futures = [
            client.send(r.topic, key=r.key, value=r.value, headers=list(r.headers)) for r in records
        ]
        positions = []
        for future in futures:
            done = future.get(timeout=self._timeout)
            positions.append(Position(done.topic, done.partition, done.offset))
        return positions

    async def close(self) -> None:
        """Send what is under way and let go of the broker."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close, 5)
