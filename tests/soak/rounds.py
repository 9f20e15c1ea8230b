"""Rounds: random histories of events, each with its own partners, who send at the same time.

No partner takes part in two rounds, so the figures of a round can be compared with the reference.
"""

import asyncio
import gzip
import json
import random
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from schemas.catalogue import Role
from tests.integration.feeding import Event, request_of, sender_of
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.soak.access import stopped_after
from tests.soak.inbound import Inbound
from tests.soak.traffic import PATIENCE_SECONDS
from tests.soak.world import Identity, World, key_of

DAYS: Final = 120
AGO: Final = 150
"""How many days ago a history begins: within the 180 days that pages show."""

SUPPLIERS, BUYERS = supplier_ids(2), buyer_ids(2)
PROGRAMME: Final = "PROGRAMME"
_LINES: Final = 24
_LANES: Final = 2
_SIZES: Final = (1, 1, 1, 1, 2, 7, 40, 200)
_KAFKA_EVERY: Final = 3
_LOGGED: Final = 300


@dataclass(slots=True)
class Round:
    """A history and its senders.

    `kafka_sender` is the partner that sends with a Kafka client, if any. `keys` holds the API key
    of each partner.
    """

    number: int
    events: list[Event]
    kafka_sender: str | None
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def suppliers(self) -> list[str]:
        """The suppliers of the round."""
        return [named(self.number, one) for one in SUPPLIERS]

    @property
    def buyers(self) -> list[str]:
        """The buyers of the round."""
        return [named(self.number, one) for one in BUYERS]

    def roles(self) -> dict[str, Role]:
        """Return the role of each sender."""
        roles = dict.fromkeys(self.suppliers, Role.SUPPLIER)
        roles |= dict.fromkeys(self.buyers, Role.BUYER)
        return {**roles, named(self.number, PROGRAMME): Role.PROGRAMME}

    def of(self, sender: str) -> list[Event]:
        """Return the events that a partner sends, in order."""
        return [event for event in self.events if sender_of(event) == sender]

    def keep(self, folder: Path) -> Path:
        """Write the history to a file, for `ledger_check.figures`; return its path."""
        path = folder / f"round-{self.number:04}.json.gz"
        content = {
            "suppliers": self.suppliers,
            "buyers": self.buyers,
            "events": list({key_of(event): event for event in self.events}.values()),
        }
        path.write_bytes(gzip.compress(json.dumps(content).encode(), 1))
        return path


def named(number: int, partner: str) -> str:
    """Return the id of a partner in a round."""
    return f"r{number}.{partner}"


def draw(world: World, number: int) -> Round:
    """Draw a random round: its events are out of order, and a tenth of them are sent twice."""
    rng = world.plan.rng("round", number)
    start = datetime.now(UTC).date() - timedelta(days=AGO)
    drawn = history(rng, suppliers=2, buyers=2, lines=_LINES, start=start, days=DAYS, calm=0.5)
    names = {one: named(number, one) for one in (*SUPPLIERS, *BUYERS, PROGRAMME)}
    events = [_renamed(event, names) for event in shuffled(rng, drawn, resend=0.1)]
    by_kafka = named(number, BUYERS[0]) if number % _KAFKA_EVERY == 1 else None
    return Round(number, events, by_kafka)


def _renamed(event: Event, names: dict[str, str]) -> Event:
    """Replace the partner ids of an event, also in its source."""

    def walk(value: Any, field_name: str = "") -> Any:
        if isinstance(value, dict):
            return {name: walk(of, name) for name, of in value.items()}
        if isinstance(value, list):
            return [walk(one) for one in value]
        known = field_name in ("supplier_id", "buyer_id", "partner_id")
        return names.get(value, value) if known else value

    start, root, sender, *rest = str(event["source"]).split("/")
    source = "/".join([start, root, names[sender], *rest])
    return {**event, "source": source, "data": walk(event["data"])}


async def live(world: World, number: int, inbound: Inbound) -> None:
    """Run a round: create keys, send all events, share a link, and revoke some of the keys."""
    this = draw(world, number)
    async with asyncio.TaskGroup() as sending:
        for sender, role in this.roles().items():
            key = this.keys[sender] = await world.new_key(role, sender)
            world.readers.append(Identity(role, sender, key=key))
            events = this.of(sender)
            if sender == this.kafka_sender:
                sending.create_task(inbound.write(sender, events))
                continue
            for lane in range(_LANES):
                rng = world.plan.rng("lane", number, sender, lane)
                sending.create_task(_lane(world, rng, key, events[lane::_LANES]))
    world.rounds.append(this.keep(world.folder))
    await _links(world, this)
    if number == 0:
        return  # the partners of the first round stay, for `readers.tours`
    await world.pause(world.plan.rng("leave", number).uniform(3, 12))
    for sender in (*this.suppliers, this.buyers[1]):
        await revoke(world, this.keys[sender])


async def _lane(world: World, rng: random.Random, key: str, events: list[Event]) -> None:
    """Send a sender's events one request after another; contradict some acknowledged events."""
    start = 0
    while start < len(events):
        some = events[start : start + rng.choice(_SIZES)]
        start += len(some)
        if await post(world, rng, key, some):
            for one in [one for one in some if rng.random() < 0.03]:
                await _contradict(world, rng, key, one)
        await asyncio.sleep(rng.uniform(0, 0.25))


async def post(world: World, rng: random.Random, key: str, events: list[Event]) -> bool:
    """Send events in a random content mode and record the result.

    Return whether all were acknowledged.
    """
    headers, body = request_of(rng, events)
    headers["authorization"] = f"Bearer {key}"
    if rng.random() < 0.25:
        headers["content-encoding"], body = "gzip", gzip.compress(body, 1)
    world.ledgers.send(events)
    answer = await world.traffic.send(headers, body, events)
    if answer is not None and answer.status_code == 401:
        world.checks.fail("a key works at once", f"{sender_of(events[0])}: {answer.text[:_LOGGED]}")
        await asyncio.sleep(3)
        answer = await world.traffic.send(headers, body, events)
    if answer is None:
        world.checks.fail(
            "valid events are accepted", f"{len(events)} events: no answer for {PATIENCE_SECONDS} s"
        )
        return False
    if answer.status_code != 202 or answer.json()["accepted"] != len(events):
        about = f"{answer.status_code} {answer.text[:_LOGGED]}"
        world.checks.fail("valid events are accepted", f"{len(events)} events: {about}")
        return False
    world.ledgers.acknowledge(events)
    return True


async def _contradict(world: World, rng: random.Random, key: str, event: Event) -> None:
    """Send a conflict: other content under the key of an acknowledged event, which stands."""
    other = deepcopy(event)
    other["time"] = (datetime.fromisoformat(event["time"]) - timedelta(hours=1)).isoformat()
    headers, body = request_of(rng, [other])
    headers["authorization"] = f"Bearer {key}"
    world.ledgers.told_conflicts.add(key_of(event))
    answer = await world.traffic.send(headers, body, [other])
    if answer is not None and answer.status_code == 202:
        world.ledgers.conflicts.add(key_of(event))


async def _links(world: World, this: Round) -> None:
    """Create a link to a supplier's page, let readers use it, revoke it."""
    # In round 0 not the first supplier: `readers.tours` has a link to its page.
    supplier = this.suppliers[1 - this.number % 2]
    address = await world.command("link", supplier, "--days", "1")
    world.counts["links made"] += 1
    async with world.traffic.client() as visitor:
        opened = await _opened(world, visitor, address)
        if opened != 200:
            world.checks.fail("a link opens at once", f"{supplier}: {opened}")
        reader = Identity(Role.SUPPLIER, supplier, link=address)
        world.readers.append(reader)
        await world.pause(world.plan.rng("link", this.number).uniform(4, 10))
        made = json.loads(await world.command("links", "list", "--json"))
        (link_id,) = [row["link_id"] for row in made if row["partner"] == supplier]
        await world.command("links", "revoke", link_id)
        world.counts["links revoked"] += 1
        world.readers.remove(reader)

        async def ask() -> list[int]:
            page = await world.traffic.ask("revoked link", "GET", f"/suppliers/{supplier}", visitor)
            link = await world.traffic.ask("revoked link", "GET", address)
            return [answer.status_code for answer in (page, link) if answer is not None]

        await stopped_after(world, "a revoked link stops working within 2 s", supplier, ask)


async def _opened(world: World, visitor: Any, address: str) -> int | None:
    """Open a link, retrying on 429 and 503; return the status, or None if all tries failed."""
    for _ in range(10):
        answer = await world.traffic.ask("page by link", "GET", address, visitor)
        if answer is not None and answer.status_code not in (429, 503):
            return int(answer.status_code)
        await asyncio.sleep(2)
    return None


async def revoke(world: World, key: str) -> None:
    """Revoke a key with `rantai keys revoke`, and check that it stops working."""
    await world.command("keys", "revoke", key)
    world.counts["keys revoked"] += 1
    world.readers[:] = [one for one in world.readers if one.key != key]

    async def ask() -> list[int]:
        bearer = {"authorization": f"Bearer {key}"}
        answer = await world.traffic.ask("revoked key", "GET", "/v1/suppliers", headers=bearer)
        return [] if answer is None else [answer.status_code]

    await stopped_after(world, "a revoked key stops working within 2 s", key[:16], ask)


def dates() -> tuple[date, ...]:
    """Return the days T at which figures are compared."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=AGO - 60), today
