"""What every part of a soak shares: the plan, what was found, and what was acknowledged."""

import asyncio
import math
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, validate
from tests.integration.feeding import Event, sender_of
from tests.integration.process import Up, rantai
from tests.soak.traffic import Traffic

Key = tuple[str, str]
WATCHER: Final = "WATCHER"
_SHORT_MINUTES: Final = 5
_JUDGED_MINUTES: Final = 10
_KEPT_DETAILS: Final = 20


class Ended(Exception):
    """The process under test ended by itself: the rest of the soak makes no sense."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run: on which broker, for how long, with how many faults, drawn from which seed."""

    broker: Literal["embedded", "kafka"]
    minutes: float
    seed: int
    kills: int
    without: frozenset[str] = frozenset()
    """Hostile bodies that are left out: to find which of them does the harm."""

    @property
    def seconds(self) -> float:
        """How long partners come and go."""
        return self.minutes * 60

    @property
    def short(self) -> bool:
        """Whether it is the form that CI runs: everything happens more often, once or twice."""
        return self.minutes < _SHORT_MINUTES

    @property
    def judges_memory(self) -> bool:
        """Whether it is long enough to tell growth from warming up."""
        return self.minutes >= _JUDGED_MINUTES

    def rng(self, *about: object) -> random.Random:
        """Return numbers for one task: those of other tasks do not change with how fast it is."""
        return random.Random(repr((self.seed, *about)))


class Checks:
    """What must hold, by name, and what was found against it."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.counted: Counter[str] = Counter()

    def must(self, *names: str) -> None:
        """Name what is judged: without a finding it passed."""
        for name in names:
            self.found.setdefault(name, [])

    def fail(self, name: str, detail: str) -> None:
        """Note a finding; of one kind the first 20 are kept."""
        self.must(name)
        self.counted[name] += 1
        print(f"found against {name!r}: {detail[:500]}", file=sys.stderr)
        if len(self.found[name]) < _KEPT_DETAILS:
            self.found[name].append(detail[:2000])

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not any(self.found.values())


@dataclass(slots=True)
class Ledgers:
    """What senders were told is safe, to be held against what is stored."""

    acknowledged: dict[Key, str] = field(default_factory=dict)
    """Source and id, with the digest of what the event says."""

    unanswered: set[Key] = field(default_factory=set)
    """Sent, and not yet acknowledged: whether they are stored is for nobody to say."""

    conflicts: set[Key] = field(default_factory=set)
    """Those of which a second event with other content was acknowledged too."""

    told_conflicts: set[Key] = field(default_factory=set)
    """Those of which one was sent, answered or not."""

    requests: int = 0
    events: int = 0

    def send(self, events: list[Event]) -> None:
        """Note events that are about to be sent."""
        self.unanswered |= {key_of(event) for event in events} - self.acknowledged.keys()

    def acknowledge(self, events: list[Event]) -> None:
        """Note events of a request that was answered 202."""
        self.requests += 1
        self.events += len(events)
        for event in events:
            self.acknowledged[key_of(event)] = digest_of(event)
            self.unanswered.discard(key_of(event))


def key_of(event: Event) -> Key:
    """Return what identifies an event."""
    return str(event["source"]), str(event["id"])


def digest_of(event: Event) -> str:
    """Return the digest of what an event says, however it is written, as the contract has it."""
    judged = validate(event, Sender(sender_of(event), tuple(Role)))
    assert isinstance(judged, Accepted), judged
    return judged.content.hex()


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who reads: by a key, or by the link that opens a page."""

    role: Role
    partner: str
    key: str = ""
    link: str = ""


@dataclass(slots=True)
class Window:
    """A time in which a fault that the soak caused, and its healing, may show."""

    begin: datetime
    end: datetime | None = None


@dataclass(slots=True)
class World:
    """A running soak."""

    plan: Plan
    up: Up
    traffic: Traffic
    folder: Path
    checks: Checks = field(default_factory=Checks)
    ledgers: Ledgers = field(default_factory=Ledgers)
    counts: Counter[str] = field(default_factory=Counter)
    readers: list[Identity] = field(default_factory=list)
    rounds: list[Path] = field(default_factory=list)
    """The histories that were sent whole, one a file."""

    faults: list[Window] = field(default_factory=list)
    healed_in: list[float] = field(default_factory=list)
    hostile_sent: set[str] = field(default_factory=set)
    until: float = math.inf
    """When nothing new needs to begin any more, on the clock that never goes back."""

    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing new begins any more, which is after `until`, and after everything that a
    soak must have done was done; what has begun is brought to its end."""

    watcher: str = ""
    """A programme's key that lasts all the time."""

    @property
    def time_left(self) -> bool:
        """Whether what is done again and again is done once more."""
        return time.monotonic() < self.until

    @property
    def faulty(self) -> bool:
        """Whether a fault is under way."""
        return any(window.end is None for window in self.faults)

    async def command(self, *arguments: str) -> str:
        """Run `rantai` as its owner does and return the last line of what it printed."""
        printed = await asyncio.to_thread(rantai, *arguments, *self.at)
        self.counts["commands"] += 1
        return printed.strip().splitlines()[-1]

    @property
    def at(self) -> tuple[str, str]:
        """The option that names the data directory."""
        return "--data-dir", str(self.up.data_dir)

    async def new_key(self, role: Role, partner: str) -> str:
        """Make a key by the command."""
        key = await self.command("keys", "create", "--role", role.value, "--partner", partner)
        self.counts["keys made"] += 1
        return key

    async def pause(self, seconds: float) -> bool:
        """Wait; return whether anything new may still begin."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return True
        return False
