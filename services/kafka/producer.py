"""The producer: idempotent, acks=all; it returns only when the broker has confirmed delivery."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.envelope import valid_traceparent
from schemas.validation import Accepted
from services.kafka.record_headers import TRACE_HEADER
from services.kafka.topics import MAX_RECORD_BYTES, BrokerUnavailable
from services.telemetry.logs import log

_T = TypeVar("_T")
_LOGGER: Final = logging.getLogger("rantai.bus")
SOURCE_HEADER: Final = "source"
ID_HEADER: Final = "id"
CONTENT_HEADER: Final = "content"
_THREADS: Final = 32
"""Publishes in progress at once. They have their own threads: when they wait for an unreachable
broker, they must not use up those that decode requests and query the store."""

_CLOSE_SECONDS: Final = 5
_CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Record:
    """A record to write: topic, key, value and headers."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a record that every in-sync replica has."""

    topic: str
    partition: int
    offset: int


def event_record(accepted: Accepted, traceparent: str | None = None) -> Record:
    """Return the record of a valid event for its canonical topic.

    The headers hold source, id and content digest, so that the ledger sink need not parse the
    value, and the event's trace. If the event has none, that is `traceparent`, the trace of the
    request or record that carried it, if it is valid.
    """
    headers = [
        _CONTENT_TYPE,
        (SOURCE_HEADER, accepted.source.encode()),
        (ID_HEADER, accepted.id.encode()),
        (CONTENT_HEADER, accepted.content.hex().encode()),
    ]
    trace = accepted.traceparent or valid_traceparent(traceparent)
    if trace is not None:
        headers.append((TRACE_HEADER, trace.encode()))
    return Record(accepted.topic, accepted.supplier_id.encode(), accepted.value, tuple(headers))


class EventProducer:
    """Writes records and returns their positions.

    `timeout` (s) bounds one `publish` as a whole. The client connects on first use and again after
    a failure, so the broker may start later than this process, or restart.
    """

    def __init__(self, bootstrap: str, *, timeout: float = 20.0) -> None:
        self._bootstrap = bootstrap.split(",")
        self._timeout = timeout
        self._client: KafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="producer")
        self._given_up: dict[KafkaProducer, asyncio.Task[None]] = {}

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        """Write records and return their positions, in the same order.

        Raises BrokerUnavailable unless all of them are known to be on every in-sync replica; some
        may be there all the same. Sending the events again is safe: the ledger keeps each once.
        """
        if not records:
            return []
        client: KafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                client = await self._connected()
                return await self._run(self._send_all, client, records)
        except Exception as error:
            # Whatever the error, the next publish creates a new client.
            self._give_up(client, error)
            raise BrokerUnavailable(f"the broker did not take the events: {error!r}") from error

    async def _run(self, function: Callable[..., _T], *arguments: Any) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    def _give_up(self, client: KafkaProducer | None, error: Exception) -> None:
        # An idempotent client never sends again once one of its batches has expired (kafka-python
        # 3.0), or once the broker has forgotten it. The next publish creates a new one.
        if client is None or client is not self._client:
            return
        log(_LOGGER, "producer_given_up", level=logging.WARNING, error=repr(error)[:300])
        self._client = None
        self._given_up[client] = asyncio.create_task(self._close_later(client))

    def restart(self) -> None:
        """Drop the client: the broker was restarted and does not know its producer id."""
        self._give_up(self._client, BrokerUnavailable("the broker was restarted"))

    async def _close_later(self, client: KafkaProducer) -> None:
        # Other requests may still be using it; within this time each of them is answered.
        await asyncio.sleep(self._timeout)
        await self._run(_close, client, 0)
        del self._given_up[client]

    async def _connected(self) -> KafkaProducer:
        async with self._connecting:
            if self._client is None:
                self._client = await self._run(self._connect)
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
            # With the default of 30 s a gateway answers 503 for half a minute after the broker is
            # back.
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
        """Send the pending records and close the client."""
        client, self._client = self._client, None
        for task in self._given_up.values():
            task.cancel()
        closing = [self._run(_close, one, 0) for one in self._given_up]
        if client is not None:
            closing.append(self._run(_close, client, _CLOSE_SECONDS))
        await asyncio.gather(*closing)
        self._threads.shutdown(wait=False)


def _close(client: KafkaProducer, seconds: float) -> None:
    try:
        client.close(seconds)
    except KafkaError:
        # `close` raises on records that can't be sent, before it has ended the client's thread.
        client._sender.force_close()
