"""Senders with a Kafka client: they write on their inbound topic as soon as they have a key."""

import asyncio
import json
import time
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.catalogue import inbound_topic
from tests.integration.feeding import Event
from tests.integration.records import STRUCTURED, broker
from tests.soak.traffic import PATIENCE_SECONDS
from tests.soak.world import World

_RECORDS: Final = 25
_DOUBTFUL_SECONDS: Final = 60
"""What was written so long before the embedded broker ended may have stood in its memory alone."""


class Inbound:
    """Writes records, and on the embedded broker writes again what its end may have taken along.

    There the broker's word is worth its memory: only what Rantai answered over HTTP is safe.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._written: list[tuple[float, str, list[Event]]] = []

    async def write(self, partner: str, events: list[Event]) -> None:
        """Write a partner's events, some at a time."""
        for start in range(0, len(events), _RECORDS):
            some = events[start : start + _RECORDS]
            self._world.ledgers.send(some)
            if await self._safely(partner, some):
                self._world.ledgers.acknowledge(some)
                self._world.counts["inbound records"] += len(some)
                self._written.append((time.monotonic(), partner, some))
            await asyncio.sleep(0.2)

    async def write_again(self, fault_at: float) -> None:
        """Write again what may be lost since a broker that keeps memory alone ended."""
        since = fault_at - _DOUBTFUL_SECONDS
        for _, partner, some in [one for one in self._written if one[0] > since]:
            await self._safely(partner, some)

    async def _safely(self, partner: str, events: list[Event]) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                await asyncio.to_thread(self._write, partner, events)
            except KafkaError as error:
                self._world.counts[f"inbound: {type(error).__name__}"] += 1
                await asyncio.sleep(1)
            else:
                return True
        about = f"{len(events)} records of {partner}: not written for {PATIENCE_SECONDS} s"
        self._world.checks.fail("what is valid is taken", about)
        return False

    def _write(self, partner: str, events: list[Event]) -> None:
        headers = [("content-type", STRUCTURED.encode())]
        producer = KafkaProducer(
            bootstrap_servers=broker(self._world.up).split(","), acks="all", max_block_ms=10_000
        )
        try:
            sent = [
                producer.send(inbound_topic(partner), json.dumps(one).encode(), headers=headers)
                for one in events
            ]
            for one in sent:
                one.get(20)
        finally:
            producer.close(5)
