"""Check the log of the process: a line of level error means that an operator must act."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.soak.world import World

ERRORS: Final = "no error in the log"
_LEVELS: Final = ("error", "critical")
_LISTENS: Final = re.compile(r"Rantai listens on |.*draining", re.IGNORECASE)


@dataclass(slots=True)
class Log:
    """Contents of the log: the number of lines by level, and the routes answered successfully."""

    levels: Counter[str] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)


def read(world: World) -> Log:
    """Read the log of the process; record every error as a finding."""
    log = Log()
    with Path(world.up.process.log_file).open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            _read_line(world, log, line.rstrip("\n"))
    return log


def _read_line(world: World, log: Log, line: str) -> None:
    try:
        entry: dict[str, Any] = json.loads(line)
        level, event = entry["level"], entry["event"]
    except (ValueError, KeyError, TypeError):
        log.levels["not JSON"] += 1
        if line.strip() and not _LISTENS.match(line):
            world.checks.fail(ERRORS, f"not a JSON log line: {line[:300]}")
        return
    log.levels[level] += 1
    if event == "request" and entry["status"] < 400:
        log.routes.add(entry["route"])
    # Also during a fault of the broker: what heals by itself must be logged as a warning.
    if level in _LEVELS:
        world.checks.fail(ERRORS, line[:500])
