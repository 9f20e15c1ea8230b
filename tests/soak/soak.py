"""Runs a soak: starts Rantai, generates load and faults, and checks the result.

Everything is observed from outside: over HTTP, the command line and Kafka, in the process's log and
memory and, once it has stopped, in its ledger.
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

LIVES: Final = "the process never ends by itself"
ENDS: Final = "everything that was started finishes"
STOPS: Final = "it stops cleanly within 15 s"
MEMORY: Final = "memory does not grow"
SERVER_FAULT: Final = "no answer is a server error other than 503"
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
    "valid events are accepted",
    ENDS,
    "a key works at once",
    "a revoked key stops working within 2 s",
    "a link opens at once",
    "a revoked link stops working within 2 s",
    "hostile bodies are refused",
    SENT,
    SERVER_FAULT,
    PAGES,
    "it is ready except during faults",
    BACK,
    log_check.ERRORS,
    STOPS,
)
_AT_ONCE: Final = 3
_PROGRESS_SECONDS: Final = 30
_END_SECONDS: Final = 480
_CLUSTER_OPTIONS: Final = {"RANTAI_REPLICATION": "3", "RANTAI_PARTITIONS": "3"}
"""Few partitions: each partner has a topic, and the brokers have half a gigabyte on two cores."""


async def soak(plan: Plan, folder: Path) -> Report:
    """Run a soak in an empty folder and return its report. Skips the test if Kafka is missing."""
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
        await _load_and_check(world, watch, cluster)
    except* Ended as ended:
        for error in ended.exceptions:
            world.checks.fail(LIVES, f"{error}: {up.log()[-1500:]}")
    await world.traffic.http.aclose()
    status = await asyncio.to_thread(_stopped, world)
    log = log_check.read(world)
    await ledger_check.stored(world)
    _judge(world, watch, log)
    watch.process.write(world.folder / "memory.csv")
    return report_of(world, watch, log, status)


async def _load_and_check(world: World, watch: Watch, cluster: Cluster | None) -> None:
    """Run the load, then the checks. Raises a group with `Ended` if the process ends by itself."""
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(work) for work in (watch.lives(), watch.probe())]
        beside += [group.create_task(work) for work in (watch.remember(), _print_progress(world))]
        try:
            async with asyncio.timeout(world.plan.seconds + _END_SECONDS):
                await _load(world, cluster)
        except TimeoutError:
            world.checks.fail(ENDS, f"not finished {_END_SECONDS} s after the planned time")
        for task in beside[1:]:
            task.cancel()
        await ledger_check.settled(world)
        await ledger_check.refused(world)
        await ledger_check.figures(world)
        beside[0].cancel()


async def _load(world: World, cluster: Cluster | None) -> None:
    """Run all load until the planned time is over and every one-off task is done, then close."""
    world.watcher = await world.new_key(Role.PROGRAMME, WATCHER)
    world.readers.append(Identity(Role.PROGRAMME, WATCHER, key=world.watcher))
    inbound = Inbound(world)
    world.until = time.monotonic() + world.plan.seconds
    async with asyncio.TaskGroup() as living:
        for part in (_rounds(world, inbound), guests(world), readers(world)):
            living.create_task(part)
        one_off = [
            living.create_task(part)
            for part in (
                hostility(world),
                tours(world),
                faults(world, inbound, cluster),
                asyncio.sleep(world.plan.seconds),
            )
        ]
        await asyncio.wait(one_off)
        world.closing.set()


async def _rounds(world: World, inbound: Inbound) -> None:
    """Start a round every few seconds, at most three at once."""
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


async def _print_progress(world: World) -> None:
    """Print the progress every 30 s until cancelled."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        print(
            f"{time.monotonic() - began:.0f} of {world.plan.seconds:.0f} s: "
            f"{len(world.ledgers.acknowledged)} events, {len(world.rounds)} histories, "
            f"{len(world.hostile_sent)} kinds of hostile bodies, {len(world.healed_in)} faults, "
            f"{sum(world.checks.counted.values())} findings",
            file=sys.stderr,
        )


def _stopped(world: World) -> int | None:
    """Stop the process and return its exit status; None if it does not stop."""
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
