"""Senders with a Kafka client: they write to their inbound topic as soon as they have a key."""

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
"""A record older than this is in the ledger; a younger one may be only in the broker's memory."""


class Inbound:
    """Writes records to inbound topics, and repeats those that a killed broker may have lost.

    The embedded broker confirms records that it holds only in memory; only events that Rantai
    answered over HTTP are safe there.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._written: list[tuple[float, str, list[Event]]] = []

    async def write(self, partner: str, events: list[Event]) -> None:
        """Write a partner's events, 25 at a time."""
        for start in range(0, len(events), _RECORDS):
            some = events[start : start + _RECORDS]
            self._world.ledgers.send(some)
            if await self._safely(partner, some):
                self._world.ledgers.acknowledge(some)
                self._world.counts["inbound records"] += len(some)
                self._written.append((time.monotonic(), partner, some))
            await asyncio.sleep(0.2)

    async def write_again(self, fault_at: float) -> None:
        """Write again what the embedded broker may have lost when it was killed.

        `fault_at`: when it was killed, by `time.monotonic`.
        """
        since = fault_at - _DOUBTFUL_SECONDS
        for _, partner, some in [one for one in self._written if one[0] > since]:
            await self._safely(partner, some)

    async def _safely(self, partner: str, events: list[Event]) -> bool:
        """Write events, retrying for 300 s; return whether the broker confirmed them."""
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
        self._world.checks.fail("valid events are accepted", about)
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
