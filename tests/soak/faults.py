"""Faults that the soak causes: it kills the embedded broker, or restarts one of three brokers."""

import asyncio
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.integration.brokers import Cluster
from tests.soak.inbound import Inbound
from tests.soak.watch import embedded_broker
from tests.soak.world import Window, World

BACK: Final = "it becomes ready again by itself after a fault"
_HEAL_SECONDS: Final = 60
_HANG_SECONDS: Final = 180
_AWAY_SECONDS: Final = 8
_QUIET_SECONDS: Final = 10
"""Time after readiness in which the broker's clients may still report the fault."""


async def faults(world: World, inbound: Inbound, cluster: Cluster | None) -> None:
    """Cause the planned faults, spread evenly over the run."""
    start = time.monotonic()
    for number in range(world.plan.kills):
        at = start + world.plan.seconds * (number + 1) / (world.plan.kills + 1)
        await asyncio.sleep(max(0, at - time.monotonic()))
        window = Window(datetime.now(UTC) - timedelta(seconds=1))
        world.faults.append(window)
        began = time.monotonic()
        if cluster is None:
            killed = await _kill_embedded(world)
            await _ready(world, began, killed)
        else:
            node = number % 3 + 1
            await asyncio.to_thread(cluster.stop_node, node, kill=True)
            await asyncio.sleep(_AWAY_SECONDS)
            began = time.monotonic()
            await asyncio.to_thread(cluster.start_node, node)
            await _ready(world, began, None)
        world.counts["faults"] += 1
        if cluster is None:
            await inbound.write_again(began)
        await asyncio.sleep(_QUIET_SECONDS)
        window.end = datetime.now(UTC)


async def _kill_embedded(world: World) -> int:
    child = world.up.process.child
    assert child is not None
    pid = await asyncio.to_thread(embedded_broker, child.pid)
    assert pid is not None, "rantai up has no broker as its child"
    os.kill(pid, signal.SIGKILL)
    return pid


async def _ready(world: World, began: float, killed: int | None) -> None:
    """Wait until Rantai is ready again, with another broker process than `killed` if that is given.

    `began`: when the fault, or the restart of the node, began, by `time.monotonic`.
    """
    while (took := time.monotonic() - began) < _HANG_SECONDS:
        await asyncio.sleep(0.25)
        if killed is not None and not await asyncio.to_thread(_another, world, killed):
            continue
        answer = await world.traffic.ask("ready", "GET", "/readyz")
        if answer is not None and answer.status_code == 200:
            break
    world.healed_in.append(took)
    # A short run may share its machine with other tests, so only long ones judge the time.
    if took > (_HANG_SECONDS if world.plan.short else _HEAL_SECONDS):
        world.checks.fail(BACK, f"fault {len(world.faults)}: not ready after {took:.0f} s")


def _another(world: World, killed: int) -> bool:
    child = world.up.process.child
    found = None if child is None else embedded_broker(child.pid)
    return found is not None and found != killed
