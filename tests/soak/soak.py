"""The conductor: starts Rantai, lets life go on around it, causes faults, and asks for the account.

Everything is seen from outside: HTTP, the command line, Kafka, the process's log, memory and, once
it has stopped, its ledger.
"""

import asyncio
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from schemas.catalogue import Role
from tests.integration.brokers import Cluster
from tests.integration.process import Up
from tests.integration.separate import BROKER_OPTIONS
from tests.soak import ledger_check, log_check
from tests.soak.faults import BACK, faults
from tests.soak.hostile import BODIES, hostility
from tests.soak.inbound import Inbound
from tests.soak.life import guests
from tests.soak.readers import readers, tours, unread
from tests.soak.report import Report, report_of
from tests.soak.rounds import live
from tests.soak.traffic import Traffic
from tests.soak.watch import Memory, Watch, grows
from tests.soak.world import WATCHER, Ended, Identity, Plan, World

LIVES: Final = "the process never ends"
ENDS: Final = "what was begun comes to its end"
STOPS: Final = "it stops in order within 15 s"
MEMORY: Final = "memory does not grow"
SERVER_FAULT: Final = "no answer is a fault of the server"
PAGES: Final = "every page and route was read"
SENT: Final = "every hostile body was sent"
_MUST: Final = (
    LIVES,
    ledger_check.LOST,
    ledger_check.DOUBLED,
    ledger_check.CONTENT,
    ledger_check.CONFLICTS,
    ledger_check.REFUSED,
    ledger_check.FIGURES,
    "what is valid is taken",
    ENDS,
    "a key works at once",
    "a key taken back stops within 2 s",
    "a link opens at once",
    "a link taken back stops within 2 s",
    "hostile bodies are refused",
    SENT,
    SERVER_FAULT,
    PAGES,
    "it is ready outside of faults",
    BACK,
    log_check.ERRORS,
    STOPS,
)
_AT_ONCE: Final = 3
_TELL_SECONDS: Final = 30
_END_SECONDS: Final = 480
_CLUSTER_OPTIONS: Final = {"RANTAI_REPLICATION": "3", "RANTAI_PARTITIONS": "3"}
"""A topic for each partner, on three brokers of half a gigabyte, on two cores."""


async def soak(plan: Plan, folder: Path) -> Report:
    """Run a soak in an empty folder and return its report. Skips where Kafka is not to be had."""
    cluster = Cluster(folder / "kafka") if plan.broker == "kafka" else None
    try:
        options: tuple[str, ...] = ()
        environment: dict[str, str] = {}
        if cluster is not None:
            await asyncio.to_thread(cluster.start)
            options = ("--kafka", cluster.bootstrap)
            environment = {**BROKER_OPTIONS, **_CLUSTER_OPTIONS}
        up = Up(folder / "data", options, environment)
        try:
            await asyncio.to_thread(up.start)
            return await _around(plan, folder, up, cluster)
        finally:
            up.end()
    finally:
        if cluster is not None:
            await asyncio.to_thread(cluster.end)


async def _around(plan: Plan, folder: Path, up: Up, cluster: Cluster | None) -> Report:
    assert up.process.child is not None
    world = World(plan, up, Traffic(up.url), folder)
    watch = Watch(world, up.process.child.pid)
    world.checks.must(*_MUST)
    try:
        await _alive(world, watch, cluster)
    except* Ended as ended:
        for error in ended.exceptions:
            world.checks.fail(LIVES, f"{error}: {up.log()[-1500:]}")
    await world.traffic.http.aclose()
    status = await asyncio.to_thread(_stopped, world)
    log = log_check.read(world)
    await ledger_check.stored(world)
    _judge(world, watch, log)
    return report_of(world, watch, log, status)


async def _alive(world: World, watch: Watch, cluster: Cluster | None) -> None:
    """Let life go on, then take the account. Raises Ended, in a group, where the process ends."""
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(work) for work in (watch.lives(), watch.probe())]
        beside += [group.create_task(work) for work in (watch.remember(), _tell(world))]
        try:
            async with asyncio.timeout(world.plan.seconds + _END_SECONDS):
                await _life(world, cluster)
        except TimeoutError:
            world.checks.fail(ENDS, f"not {_END_SECONDS} s after nothing new began")
        for task in beside[1:]:
            task.cancel()
        await ledger_check.settled(world)
        await ledger_check.refused(world)
        await ledger_check.figures(world)
        beside[0].cancel()


async def _life(world: World, cluster: Cluster | None) -> None:
    world.watcher = await world.new_key(Role.PROGRAMME, WATCHER)
    world.readers.append(Identity(Role.PROGRAMME, WATCHER, key=world.watcher))
    inbound = Inbound(world)
    world.until = time.monotonic() + world.plan.seconds
    async with asyncio.TaskGroup() as living:
        for part in (_rounds(world, inbound), guests(world), readers(world)):
            living.create_task(part)
        whole = [
            living.create_task(part)
            for part in (
                hostility(world),
                tours(world),
                faults(world, inbound, cluster),
                asyncio.sleep(world.plan.seconds),
            )
        ]
        await asyncio.wait(whole)
        world.closing.set()


async def _rounds(world: World, inbound: Inbound) -> None:
    """Begin a round every few seconds, at most three at once."""
    every = 12 if world.plan.short else 25
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        try:
            await live(world, number, inbound)
        finally:
            places.release()

    async with asyncio.TaskGroup() as here:
        number = 0
        while not world.closing.is_set():
            await places.acquire()
            here.create_task(one(number))
            number += 1
            await world.pause(every)


async def _tell(world: World) -> None:
    """Tell whoever waits how far it is."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        print(
            f"{time.monotonic() - began:.0f} of {world.plan.seconds:.0f} s: "
            f"{len(world.ledgers.acknowledged)} events, {len(world.rounds)} histories, "
            f"{len(world.hostile_sent)} kinds of hostile bodies, {len(world.healed_in)} faults, "
            f"{sum(world.checks.counted.values())} findings",
            file=sys.stderr,
        )


def _stopped(world: World) -> int | None:
    """Stop the process and return its status; None where it does not stop."""
    if not world.up.process.alive:
        return None if world.up.process.child is None else world.up.process.child.returncode
    status: int | None = None
    with suppress(subprocess.TimeoutExpired):
        status = world.up.stop()
    if status != 0:
        world.checks.fail(STOPS, f"status {status}: {world.up.log()[-1000:]}")
        world.up.end()
    return status


def _judge(world: World, watch: Watch, log: log_check.Log) -> None:
    for about in world.traffic.server_faults:
        world.checks.fail(SERVER_FAULT, about)
    for route in sorted(unread(log.routes)):
        world.checks.fail(PAGES, route)
    for name in sorted(BODIES.keys() - world.hostile_sent - world.plan.without):
        world.checks.fail(SENT, name)
    if world.plan.judges_memory:
        world.checks.must(MEMORY)
        for whose, memory in (("the process", watch.process), ("the broker", watch.broker)):
            _judge_memory(world, whose, memory)


def _judge_memory(world: World, whose: str, memory: Memory) -> None:
    slope, error = memory.slope()
    if grows(slope, error):
        about = f"{whose}: {slope:+.2f} ± {error:.2f} MB a minute over the last two thirds"
        world.checks.fail(MEMORY, about)
