"""Watch from outside whether the process runs and answers, and how much memory it holds."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.soak.world import Ended, World

_SAMPLE_SECONDS: Final = 2.0
_PROBE_SECONDS: Final = 0.5
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_BROKER: Final = "broker"
_MEGABYTE: Final = 1e6


@dataclass(slots=True)
class Memory:
    """Samples of a process's memory in megabytes, by time in seconds.

    `samples`: anonymous memory, which is what a process holds. `files`: pages of its program's
    own files, which the system may drop at any time; they grow as more of the program is used.
    """

    samples: list[tuple[float, float]] = field(default_factory=list)
    files: list[tuple[float, float]] = field(default_factory=list)

    def add(self, at: float, pid: int | None) -> None:
        """Add a sample of a process, unless it is gone."""
        held = None if pid is None else held_by(pid)
        if held is not None:
            self.samples.append((at, held[0]))
            self.files.append((at, held[1]))

    def write(self, file: Path) -> None:
        """Write the samples as CSV: seconds, anonymous and file megabytes."""
        rows = (
            f"{at:.0f},{anonymous:.1f},{mapped:.1f}"
            for (at, anonymous), (_, mapped) in zip(self.samples, self.files, strict=True)
        )
        file.write_text("\n".join(("seconds,anonymous_mb,file_mb", *rows)) + "\n")

    def slope(self) -> tuple[float, float]:
        """Return the growth in MB per minute over the last two thirds, and its standard error."""
        some = self.samples[len(self.samples) // 3 :]
        return slope_of([(at / 60, held) for at, held in some])


def slope_of(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the least-squares slope of a line through points (x, y), and its standard error."""
    if len(points) < 3:
        return 0.0, math.inf
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0, math.inf
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    left = sum((y - middle_y - slope * (x - middle_x)) ** 2 for x, y in points)
    return slope, math.sqrt(left / (len(points) - 2) / spread)


def grows(slope: float, error: float, least: float = 1.0) -> bool:
    """Return whether memory grows: by more than `least` MB per minute, and beyond the noise."""
    return slope > least and slope > 2 * error


def held_by(pid: int) -> tuple[float, float] | None:
    """Return a process's resident megabytes, anonymous and of files; None if it is gone."""
    try:
        _, whole, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
    except (OSError, ValueError):
        return None
    return (whole - shared) * _PAGE / _MEGABYTE, shared * _PAGE / _MEGABYTE


def embedded_broker(parent: int) -> int | None:
    """Return the pid of the broker that `rantai up` runs as its child; None if there is none."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z" and _BROKER.encode() in command:
            return int(stat.parent.name)
    return None


@dataclass(slots=True)
class Watch:
    """Watches the process during the whole soak and keeps the measurements."""

    world: World
    pid: int
    process: Memory = field(default_factory=Memory)
    broker: Memory = field(default_factory=Memory)
    health_seconds: list[float] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    async def lives(self) -> None:
        """Wait until the process is gone, then raise Ended."""
        while self.world.up.process.alive:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(0.2)
        child = self.world.up.process.child
        status = None if child is None else child.returncode
        took = time.monotonic() - self._began
        raise Ended(f"ended by itself with status {status} after {took:.0f} s")

    async def remember(self) -> None:
        """Sample the memory every 2 s until cancelled."""
        while True:
            at = time.monotonic() - self._began
            self.process.add(at, self.pid)
            if self.world.plan.broker == "embedded":
                self.broker.add(at, await asyncio.to_thread(embedded_broker, self.pid))
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def probe(self) -> None:
        """Check health and readiness until cancelled; only during faults may it be unready."""
        async with self.world.traffic.client() as client:
            while True:
                began = time.monotonic()
                await self.world.traffic.ask("health", "GET", "/healthz", client)
                self.health_seconds.append(time.monotonic() - began)
                ready = await self.world.traffic.ask("ready", "GET", "/readyz", client)
                if (ready is None or ready.status_code != 200) and not self.world.faulty:
                    answer = "no answer" if ready is None else ready.text[:200]
                    at = time.monotonic() - self._began
                    self.world.checks.fail(
                        "it is ready except during faults", f"{at:.0f} s: {answer}"
                    )
                await asyncio.sleep(_PROBE_SECONDS)
