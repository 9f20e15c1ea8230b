"""The log of the process, read as its operator would: an error means that somebody must act."""

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
    """What the log holds: lines by level, and the routes that were answered with success."""

    levels: Counter[str] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)


def read(world: World) -> Log:
    """Read the log of the process; note every error."""
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
    # Also while a broker is away: what heals by itself is a warning.
    if level in _LEVELS:
        world.checks.fail(ERRORS, line[:500])
