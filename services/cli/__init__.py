"""`rantai`: the command line.

A command's module is imported when the command is called: `rantai keys` must not wait for the
engine of the store to load.
"""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

_COMMANDS: Final = {
    "up": "services.cli.up:up",
    "demo": "services.cli.demo:demo",
    "init": "services.cli.init:init",
    "keys": "services.cli.keys:app",
    "link": "services.cli.link:link",
    "links": "services.cli.link:app",
    "explain": "services.cli.explain:explain",
    "ingest": "services.cli.ingest:ingest",
    "simulate": "services.cli.simulate:simulate",
    "reconcile": "services.cli.reconcile:reconcile",
    "rejected": "services.cli.rejected:app",
    "policy": "services.cli.policy:app",
    "rebuild": "services.cli.rebuild:rebuild",
    "topics": "services.cli.topics:app",
    "migrate": "services.cli.single:migrate_store",
    "doctor": "services.cli.doctor:doctor",
    "gateway": "services.cli.single:gateway",
    "processor": "services.cli.single:processor",
    "scorecards": "services.cli.single:scorecards",
    "exporter": "services.cli.single:exporter",
}


class LazyCommands(TyperGroup):
    """Commands by name, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command, or None where there is none of this name."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found: Any = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(name=cmd_name)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _rantai() -> None:
    """From a manufacturer's ERP to a small supplier's scorecard. Begin with: rantai demo"""


def main() -> None:
    """Entry point of the command."""
    app()
