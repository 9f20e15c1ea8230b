"""Guests: partners that get a key, send with it at once, and lose it again, every few seconds."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.catalogue import Role
from tests.integration.feeding import Event
from tests.soak.rounds import post, revoke
from tests.soak.world import World

_AT_ONCE: Final = 4
_GUESTS: Final = 40
"""Number of different guests, which return with new keys: each one adds a topic for good."""


async def guests(world: World) -> None:
    """Start a guest every few seconds until the soak closes; at most four are there at once."""
    every = 4 if world.plan.short else 5
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        try:
            await _visit(world, number)
        finally:
            places.release()

    async with asyncio.TaskGroup() as here:
        number = 0
        while await world.pause(every):
            await places.acquire()
            here.create_task(one(number))
            number += 1


async def _visit(world: World, number: int) -> None:
    rng = world.plan.rng("guest", number)
    partner = f"guest-{number % _GUESTS}"
    key = await world.new_key(Role.BUYER, partner)
    # No pause: a user who pastes the two commands of the README makes none either.
    await post(world, rng, key, [order_of(partner)])
    await world.pause(rng.uniform(0, 4))
    await revoke(world, key)


def order_of(buyer: str) -> Event:
    """Return an order that a buyer places with a supplier that no other buyer has."""
    now = datetime.now(UTC)
    number = str(uuid.uuid4())
    line = {"line_no": "10", "item_no": "BRKT-0042", "quantity": 500, "uom": "PCS"}
    line["requested_date"] = (now + timedelta(days=9)).date().isoformat()
    return {
        "specversion": "1.0",
        "id": number,
        "source": f"/erp/{buyer}/sap",
        "type": "id.rantai.order.placed.v1",
        "time": now.isoformat(),
        "data": {
            "buyer_id": buyer,
            "supplier_id": f"of-{buyer}",
            "order_no": number,
            "lines": [line],
        },
    }
