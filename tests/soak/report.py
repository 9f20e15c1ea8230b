"""The report of a soak: what happened, and whether each check passed."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.soak.log_check import Log
from tests.soak.watch import Memory, Watch
from tests.soak.world import World

_SHARES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
_WIDTH: Final = 140


@dataclass(slots=True)
class Report:
    """Figures by name, and the findings of each check by its name.

    `found` holds the first findings of a check, `counted` the number of all of them.
    """

    figures: dict[str, str] = field(default_factory=dict)
    found: dict[str, list[str]] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not any(self.found.values())

    def as_json(self) -> str:
        """Return the report as JSON."""
        whole: dict[str, Any] = {"passed": self.passed, "figures": self.figures}
        return json.dumps({**whole, "found": self.found}, indent=2, ensure_ascii=False)

    def print(self, console: Console | None = None) -> None:
        """Print figures and checks as two tables, then the first findings of the failed checks."""
        console = console or Console(width=_WIDTH)
        figures = Table(title="soak", show_header=False)
        for name, value in self.figures.items():
            figures.add_row(name, value)
        console.print(figures)
        verdicts = Table("check", "verdict", "findings")
        for name, details in self.found.items():
            verdicts.add_row(name, "FAILED" if details else "passed", str(self.counted[name] or ""))
        console.print(verdicts)
        for name, details in self.found.items():
            for detail in details[:5]:
                console.print(f"{name}: {detail}", markup=False, soft_wrap=True)


def report_of(world: World, watch: Watch, log: Log, status: int | None) -> Report:
    """Return the report of a finished soak. `status` is the exit status of the process."""
    counts, plan = world.counts, world.plan
    seconds = sorted(world.traffic.single_seconds)
    healed = ", ".join(f"{one:.1f} s" for one in world.healed_in) or "-"
    figures = {
        "run": f"{plan.broker}, {plan.minutes:g} min, seed {plan.seed}, {plan.kills} faults",
        "events acknowledged": f"{len(world.ledgers.acknowledged)} "
        f"(sent {world.ledgers.events} times in {world.ledgers.requests} requests)",
        "events stored": str(counts["stored"]),
        "conflicts acknowledged, refused": f"{len(world.ledgers.conflicts)}, "
        f"{counts['conflicts refused']}",
        "histories, figures compared": f"{len(world.rounds)}, {counts['figures compared']}",
        "records sent by Kafka": str(counts["inbound records"]),
        "keys made, revoked": f"{counts['keys made']}, {counts['keys revoked']}",
        "links made, revoked": f"{counts['links made']}, {counts['links revoked']}",
        "hostile bodies": f"{counts['hostile bodies']} of {len(world.hostile_sent)} kinds",
        "crowds of 64": str(counts["crowds of 64"]),
        **{f"answers, {kind}": text for kind, text in _answers(world).items()},
        "single POSTs": _spread(seconds),
        "health, slowest": f"{max(watch.health_seconds, default=0):.3f} s",
        "faults, ready again after": f"{counts['faults']}: {healed}",
        "memory of the process": _memory(watch.process),
        "pages of its program's files": _files(watch.process),
        "memory of the broker": _memory(watch.broker),
        "log lines": ", ".join(f"{level} {count}" for level, count in sorted(log.levels.items())),
        "exit status": str(status),
    }
    return Report(figures, world.checks.found, world.checks.counted)


def _answers(world: World) -> dict[str, str]:
    kinds = sorted({kind for kind, _ in world.traffic.statuses})
    return {
        kind: ", ".join(
            f"{status}: {count}"
            for (of, status), count in sorted(world.traffic.statuses.items())
            if of == kind
        )
        for kind in kinds
    }


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    shares = [f"{name} {seconds[int(share * (len(seconds) - 1))]:.3f}" for share, name in _SHARES]
    return f"{len(seconds)}: {', '.join(shares)}, max {seconds[-1]:.3f} s"


def _files(memory: Memory) -> str:
    if not memory.files:
        return "-"
    return f"{memory.files[0][1]:.0f} to {memory.files[-1][1]:.0f} MB"


def _memory(memory: Memory) -> str:
    if not memory.samples:
        return "-"
    slope, error = memory.slope()
    first, last = memory.samples[0][1], memory.samples[-1][1]
    return f"{first:.0f} to {last:.0f} MB, slope {slope:+.2f} ± {error:.2f} MB/min"
