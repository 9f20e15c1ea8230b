"""The state that all parts of a soak share: plan, findings, acknowledged events, partners."""

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
    """The process under test ended by itself, so the soak cannot go on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: the broker, the duration, the random seed, and the number of broker faults."""

    broker: Literal["embedded", "kafka"]
    minutes: float
    seed: int
    kills: int
    without: frozenset[str] = frozenset()
    """Hostile requests to leave out, to find the one that causes a failure."""

    @property
    def seconds(self) -> float:
        """How long the soak generates load."""
        return self.minutes * 60

    @property
    def short(self) -> bool:
        """Whether this is the short form that CI runs: partners come at shorter intervals."""
        return self.minutes < _SHORT_MINUTES

    @property
    def judges_memory(self) -> bool:
        """Whether the soak is long enough to tell growth of memory from warming up."""
        return self.minutes >= _JUDGED_MINUTES

    def rng(self, *about: object) -> random.Random:
        """Return the random generator of one task, so that its draws do not depend on timing."""
        return random.Random(repr((self.seed, *about)))


class Checks:
    """The checks by name, and the findings against each."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.counted: Counter[str] = Counter()

    def must(self, *names: str) -> None:
        """Declare checks, so that the report lists them as passed if nothing is found."""
        for name in names:
            self.found.setdefault(name, [])

    def fail(self, name: str, detail: str) -> None:
        """Record and print a finding against a check; the first 20 of each check are kept."""
        self.must(name)
        self.counted[name] += 1
        print(f"check failed: {name!r}: {detail[:500]}", file=sys.stderr)
        if len(self.found[name]) < _KEPT_DETAILS:
            self.found[name].append(detail[:2000])

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not any(self.found.values())


@dataclass(slots=True)
class Ledgers:
    """What was sent and what was acknowledged, to be compared with what is stored."""

    acknowledged: dict[Key, str] = field(default_factory=dict)
    """The content digest of each acknowledged event, by source and id."""

    unanswered: set[Key] = field(default_factory=set)
    """Events that were sent and not acknowledged: they may be stored or not."""

    conflicts: set[Key] = field(default_factory=set)
    """Keys under which a second event with other content was acknowledged too."""

    told_conflicts: set[Key] = field(default_factory=set)
    """Keys under which a second event with other content was sent, answered or not."""

    requests: int = 0
    events: int = 0

    def send(self, events: list[Event]) -> None:
        """Record events that are about to be sent."""
        self.unanswered |= {key_of(event) for event in events} - self.acknowledged.keys()

    def acknowledge(self, events: list[Event]) -> None:
        """Record the events of a request that was answered 202, or that the broker confirmed."""
        self.requests += 1
        self.events += len(events)
        for event in events:
            self.acknowledged[key_of(event)] = digest_of(event)
            self.unanswered.discard(key_of(event))


def key_of(event: Event) -> Key:
    """Return source and id, which identify an event."""
    return str(event["source"]), str(event["id"])


def digest_of(event: Event) -> str:
    """Return the content digest of an event, which `schemas.validation` computes."""
    judged = validate(event, Sender(sender_of(event), tuple(Role)))
    assert isinstance(judged, Accepted), judged
    return judged.content.hex()


@dataclass(frozen=True, slots=True)
class Identity:
    """A reader, with either an API key or the address of a link."""

    role: Role
    partner: str
    key: str = ""
    link: str = ""


@dataclass(slots=True)
class Window:
    """The time during which a fault may have effects; `end` is None while it is under way."""

    begin: datetime
    end: datetime | None = None


@dataclass(slots=True)
class World:
    """The state of a running soak.

    `folder` holds the histories and the data. `counts` holds the counters of the report, `readers`
    the partners that can read at the moment.
    """

    plan: Plan
    up: Up
    traffic: Traffic
    folder: Path
    checks: Checks = field(default_factory=Checks)
    ledgers: Ledgers = field(default_factory=Ledgers)
    counts: Counter[str] = field(default_factory=Counter)
    readers: list[Identity] = field(default_factory=list)
    rounds: list[Path] = field(default_factory=list)
    """The files of the histories that were sent completely."""

    faults: list[Window] = field(default_factory=list)
    healed_in: list[float] = field(default_factory=list)
    hostile_sent: set[str] = field(default_factory=set)
    until: float = math.inf
    """When the planned time is over, by `time.monotonic`."""

    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the planned time is over and every one-off task (`soak._load`) is done.

    Nothing new is started then; what was started is finished.
    """

    watcher: str = ""
    """The key of a programme, which is valid during the whole soak."""

    @property
    def time_left(self) -> bool:
        """Whether repeated tasks should start another turn."""
        return time.monotonic() < self.until

    @property
    def faulty(self) -> bool:
        """Whether a fault is under way."""
        return any(window.end is None for window in self.faults)

    async def command(self, *arguments: str) -> str:
        """Run a `rantai` command on the data directory; return the last line that it printed."""
        printed = await asyncio.to_thread(rantai, *arguments, *self.at)
        self.counts["commands"] += 1
        return printed.strip().splitlines()[-1]

    @property
    def at(self) -> tuple[str, str]:
        """The option that names the data directory."""
        return "--data-dir", str(self.up.data_dir)

    async def new_key(self, role: Role, partner: str) -> str:
        """Create a key with `rantai keys create` and return it."""
        key = await self.command("keys", "create", "--role", role.value, "--partner", partner)
        self.counts["keys made"] += 1
        return key

    async def pause(self, seconds: float) -> bool:
        """Wait `seconds`, or until the soak closes; return whether it is still open."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return True
        return False
