"""The producer: idempotent, acks=all, and no answer before the delivery report."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.envelope import lawful_trace
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
"""Publishes under way at once. They have threads of their own: waiting for a broker that is away,
they would take those in which requests are read and the store is asked."""

_CLOSE_SECONDS: Final = 5
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

    The headers hold what the ledger sink needs to know an event, so that it parses nothing, and
    the event's trace; where it names none, `traceparent` (that of what carried it), if lawful.
    """
    headers = [
        _CONTENT_TYPE,
        (SOURCE_HEADER, accepted.source.encode()),
        (ID_HEADER, accepted.id.encode()),
        (CONTENT_HEADER, accepted.content.hex().encode()),
    ]
    trace = accepted.traceparent or lawful_trace(traceparent)
    if trace is not None:
        headers.append((TRACE_HEADER, trace.encode()))
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
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="producer")
        self._given_up: dict[KafkaProducer, asyncio.Task[None]] = {}

    async def publish(self, records: Sequence[Record]) -> list[Position]:
        """Write records and return where they stand, in their order.

        Raises BrokerUnavailable where not all of them are known to be on every in-sync replica;
        some may be. Sending the same events again is safe: the ledger keeps each once.
        """
        if not records:
            return []
        client: KafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                client = await self._connected()
                return await self._run(self._send_all, client, records)
        except Exception as error:
            # Whatever it was: the next publish begins with another client.
            self._give_up(client, error)
            raise BrokerUnavailable(f"the broker did not take the events: {error!r}") from error

    async def _run(self, function: Callable[..., _T], *arguments: Any) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    def _give_up(self, client: KafkaProducer | None, error: Exception) -> None:
        # An idempotent client of which a batch once expired never sends again (kafka-python 3.0),
        # nor does one that the broker has forgotten: the next publish makes another.
        if client is None or client is not self._client:
            return
        log(_LOGGER, "producer_given_up", level=logging.WARNING, error=repr(error)[:300])
        self._client = None
        self._given_up[client] = asyncio.create_task(self._close_later(client))

    def start_anew(self) -> None:
        """Let go of the broker at hand: another one takes its place, which does not know us."""
        self._give_up(self._client, BrokerUnavailable("the broker was started anew"))

    async def _close_later(self, client: KafkaProducer) -> None:
        # Other requests may still be served by it; within this time each of them has its answer.
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
        # It gives up over what can't be sent, before it has ended its own thread.
        client._sender.force_close()
