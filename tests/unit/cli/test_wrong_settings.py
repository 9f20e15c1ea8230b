"""A wrong setting ends every command that reads the settings with a message and status 2."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from services.cli import app, demo, services, up
from tests.unit.cli.commands import KEY, rantai

COMMANDS = {
    "up": (),
    "demo": (),
    "keys create": ("--role", "buyer", "--partner", "AHM"),
    "keys list": (),
    "keys revoke": ("3d39aa4ab549",),
    "ingest": ("orders.json", "--key", KEY),
    "simulate": (),
    "policy backtest": ("--from", "packaged", "--to", "packaged", "--as-of", "2026-11-01"),
    "rebuild": (),
    "topics apply": (),
    "migrate": (),
    "gateway": (),
    "processor": (),
    "scorecards": (),
    "exporter": (),
}
"""Every command that reads the settings, with the arguments that it can't be without."""

OTHERS = {
    "doctor",  # it reports a wrong setting as one of its findings
    "init",
    "link",
    "links list",
    "links revoke",
    "explain",
    "reconcile",
    "rejected list",
    "rejected show",
    "rejected replay",
    "rejected dismiss",
    "policy check",
    "policy show",
    "policy diff",
}


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave the logging and the heaps of this process alone, and start in an empty folder."""
    for module in (demo, services, up):
        monkeypatch.setattr(module, "configure", lambda *_: None)
        monkeypatch.setattr(module, "bound_heaps", lambda: None)
    monkeypatch.chdir(tmp_path)


def names(command: Any, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the name of each command below this one, with those of the groups that it is in."""
    if not hasattr(command, "list_commands"):
        yield " ".join(before)
        return
    context = typer.Context(command)
    for name in command.list_commands(context):
        yield from names(command.get_command(context, name), (*before, name))


def test_every_command_is_known_here() -> None:
    assert set(names(typer.main.get_command(app))) == COMMANDS.keys() | OTHERS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_variable_is_named(command: str) -> None:
    ended = rantai(*command.split(), *COMMANDS[command], RANTAI_BATCH_ROWS="many")
    assert ended.exit_code == 2
    assert "RANTAI_BATCH_ROWS: must be a whole number" in ended.stderr


@pytest.mark.parametrize("command", ["up", "demo", "rebuild", "migrate", "scorecards", "exporter"])
def test_a_policy_that_is_not_there_is_named(command: str) -> None:
    store = "" if command == "rebuild" else "http://127.0.0.1:9"
    ended = rantai(command, RANTAI_POLICY="ours.toml", RANTAI_CLICKHOUSE_URL=store)
    assert (ended.exit_code, "RANTAI_POLICY: ours.toml can't be read" in ended.stderr) == (2, True)
