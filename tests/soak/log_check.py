"""The log of the process, read as its operator would: an error means that somebody must act."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.soak.world import Window, World

ERRORS: Final = "no error in the log that nobody caused"
_LEVELS: Final = ("error", "critical")
_LISTENS: Final = re.compile(r"Rantai listens on |.*draining", re.IGNORECASE)
_CLIENTS: Final = ("aiokafka", "kafka", "faust", "mode")
"""Loggers of the broker's clients: while their broker is away they may say so."""

_CAUSED: Final = frozenset({"broker_ended", "part_failed", "sink_stalled"})
"""Events of our own that tell of a broker's end at error level."""


@dataclass(slots=True)
class Log:
    """What the log holds: lines by level, and the routes that were answered with success."""

    levels: Counter[str] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)


def read(world: World) -> Log:
    """Read the log of the process; note what nobody caused."""
    log = Log()
    with Path(world.up.process.log_file).open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            _read_line(world, log, line.rstrip("\n"))
    return log


def _read_line(world: World, log: Log, line: str) -> None:
    try:
        told: dict[str, Any] = json.loads(line)
        level, event = told["level"], told["event"]
    except (ValueError, KeyError, TypeError):
        log.levels["not JSON"] += 1
        if line.strip() and not _LISTENS.match(line):
            world.checks.fail(ERRORS, f"not a line of the log: {line[:300]}")
        return
    log.levels[level] += 1
    if event == "request" and told["status"] < 400:
        log.routes.add(told["route"])
    if level in _LEVELS and not caused(told, world.faults):
        world.checks.fail(ERRORS, line[:500])


def caused(told: dict[str, Any], faults: list[Window]) -> bool:
    """Whether a line tells of a fault that the soak caused, at its time."""
    at = datetime.fromisoformat(told["at"])
    client = str(told["logger"]).partition(".")[0] in _CLIENTS
    if not client and told["event"] not in _CAUSED:
        return False
    return any(one.begin <= at <= (one.end or datetime.now(UTC)) for one in faults)
