"""The checks of the soak find what they are meant to find."""

import asyncio
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.process import Up
from tests.soak import ledger_check
from tests.soak.ledger_check import CONTENT, DOUBLED, LOST
from tests.soak.life import order_of
from tests.soak.log_check import ERRORS, read
from tests.soak.readers import every_route, kind_of, unread
from tests.soak.traffic import Traffic
from tests.soak.watch import grows, slope_of
from tests.soak.world import Plan, World, digest_of, key_of

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return the state of a soak that has not started."""
    up = Up(tmp_path / "data")
    up.data_dir.mkdir()
    return World(Plan("embedded", 1, 1, 0), up, Traffic(up.url), tmp_path)


def judged(
    world: World, monkeypatch: pytest.MonkeyPatch, change: Any = None
) -> dict[str, list[str]]:
    """Return the findings if two events are acknowledged and the ledger holds them as rows.

    `change` alters the rows first.
    """
    events = [order_of("B1"), order_of("B1")]
    world.ledgers.acknowledge(events)
    rows = [[*key_of(event), [digest_of(event)]] for event in events]
    if change is not None:
        change(rows)
    monkeypatch.setattr(ledger_check, "_rows", lambda store: rows)
    asyncio.run(ledger_check.stored(world))
    return world.checks.found


def test_events_stored_as_acknowledged_are_no_finding(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(world, monkeypatch) == {}
    assert world.counts["stored"] == 2


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (LOST, lambda rows: rows.pop()),
        (DOUBLED, lambda rows: rows[0][2].append("another")),
        (DOUBLED, lambda rows: rows.append(["/erp/B1/sap", "unknown", ["says"]])),
        (CONTENT, lambda rows: rows[0].__setitem__(2, ["another"])),
        (
            "hostile bodies are refused",
            lambda rows: rows.append(["/erp/HOSTILE/sap", "1", ["says"]]),
        ),
    ],
)
def test_events_not_stored_as_acknowledged_are_found(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, change: Any
) -> None:
    found = judged(world, monkeypatch, change)
    assert list(found) == [name]
    assert len(found[name]) == 1


def test_growth_is_distinguished_from_noise() -> None:
    noise = [3.0, -2.0, 1.0, -3.0, 2.0, -1.0]
    flat = [(float(minute), 500 + noise[minute % 6]) for minute in range(60)]
    growing = [(minute, held + 2 * minute) for minute, held in flat]
    slope, error = slope_of(flat)
    assert abs(slope) < 0.05
    assert not grows(slope, error)
    slope, error = slope_of(growing)
    assert slope == pytest.approx(2, abs=0.05)
    assert error < 0.05
    assert grows(slope, error)
    assert slope_of(flat[:2]) == (0.0, math.inf)


@pytest.mark.parametrize(("level", "found"), [("error", 1), ("critical", 1), ("warning", 0)])
def test_an_error_in_the_log_is_found_and_a_warning_is_not(
    world: World, level: str, found: int
) -> None:
    world.up.process.log_file.write_text(
        f'{{"at": "2026-11-28T12:00:00.000+00:00", "level": "{level}", "logger": "rantai.parts", '
        '"event": "part_failed"}\n'
    )
    read(world)
    assert len(world.checks.found.get(ERRORS, [])) == found


def test_a_traceback_in_the_log_is_found(world: World) -> None:
    world.up.process.log_file.write_text(
        '{"at": "2026-11-28T12:00:00.000+00:00", "level": "info", "logger": "rantai.http", '
        '"event": "request", "route": "/buyer", "status": 200}\n'
        "Rantai listens on http://127.0.0.1:8080 (broker 127.0.0.1:9092)\n"
        "Traceback (most recent call last):\n"
    )
    log = read(world)
    assert log.routes == {"/buyer"}
    assert len(world.checks.found[ERRORS]) == 1


def test_a_route_that_nobody_read_is_named() -> None:
    assert "/buyer" in unread(set())
    assert unread(every_route()) == set()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/suppliers/r12.S-1.a/figures/otif?lang=en", "/suppliers/*/figures/*"),
        ("/buyer/items/A%2F1?as_of=2026-11-01&format=csv", "/buyer/items/* as a file"),
        ("/programme/clusters/logam", "/programme/clusters/*"),
    ],
)
def test_an_address_has_a_kind(address: str, kind: str) -> None:
    assert kind_of(address) == kind
