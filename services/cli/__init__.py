"""The command line: `rantai` and its commands.

A command's module is imported only when that command is called, so that `rantai keys` does not wait
for the store's engine to load.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final

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
    "migrate": "services.cli.services:migrate_store",
    "doctor": "services.cli.doctor:doctor",
    "gateway": "services.cli.services:gateway",
    "processor": "services.cli.services:processor",
    "scorecards": "services.cli.services:scorecards",
    "exporter": "services.cli.services:exporter",
}


class LazyCommands(TyperGroup):
    """The commands by name, each imported only when it is called."""

    _completing = False

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return the matching command names and options, without importing a command."""
        self._completing = True
        return super().shell_complete(ctx, incomplete)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the command names in the order in which a newcomer needs them."""
        return list(_COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        """Run a command. A wrong setting ends it with a message and status 2, whatever it is."""
        # Imported here: completing a command must not wait for it.
        from services.settings import SettingsError  # noqa: PLC0415

        try:
            return super().invoke(ctx)
        except SettingsError as error:
            from services.cli.endpoint import exit_with_error  # noqa: PLC0415

            raise exit_with_error(str(error)) from None

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return a command; None if there is none of this name."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        if self._completing:
            return _single(cmd_name, lambda: None)
        module, _, attribute = place.partition(":")
        found: Any = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            return _single(cmd_name, found)
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


def _single(name: str, called: Callable[..., Any]) -> Any:
    """Return a command without subcommands, which calls a function."""
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name=name)(called)
    command = typer.main.get_command(single)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"rantai {version('rantai')}")
        raise typer.Exit


@app.callback()
def _rantai(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """From a manufacturer's ERP to a small supplier's scorecard. Begin with: rantai demo"""


def main() -> None:
    """Run the command line: the entry point of the script `rantai`."""
    app()
