"""`rantai policy`: checks, shows and compares the rules by which suppliers are judged."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import simplejson
import typer
from rich.console import Console
from rich.table import Table

from schemas.fields import plain
from services.cli.endpoint import exit_with_error
from services.cli.options import Json
from services.cli.policy_backtest import backtest
from services.cli.printing import cell, escaped_json, printable
from services.readiness.policy import DEFAULT_POLICY, Policy, PolicyError, packaged_text
from services.readiness.policy_diff import Difference, differences, flat

PACKAGED: Final = Path("packaged")
"""Stands for the packaged policy in place of a file."""

_WIDEST_PATH: Final = 56
"""In characters; leaves room for the values on a terminal of 80 columns."""

app = typer.Typer(
    help="The rules by which suppliers are judged: check, show, diff, backtest. "
    "RANTAI_POLICY names the file that the services read.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
File = Annotated[Path, typer.Argument(help="policy file (TOML), or the word: packaged")]


@app.command()
def check(file: File, as_json: Json = False) -> None:
    """Check whether a policy can be used, and say what to correct. Exit status 1 if it cannot.

    Example: rantai policy check ours.toml
    """
    try:
        policy = _read(file)
    except PolicyError as error:
        if as_json:
            _print_json({"ok": False, "version": None, "problems": error.problems})
            raise typer.Exit(1) from None
        raise exit_with_error(str(error), code=1) from None
    if as_json:
        _print_json({"ok": True, "version": policy.version, "problems": []})
    else:
        typer.echo(printable(f"{file}: usable, version {policy.version}"))
    _warn_of_version(DEFAULT_POLICY, policy, "the packaged policy", str(file))


@app.command()
def show(
    file: Annotated[
        Path,
        typer.Argument(envvar="RANTAI_POLICY", help="policy file (TOML), or the word: packaged"),
    ] = PACKAGED,
    as_json: Json = False,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="print the file unchanged, as a start for your own")
    ] = False,
) -> None:
    """Show every setting of a policy: a file, the one in RANTAI_POLICY, or the packaged one.

    Example: rantai policy show packaged --toml > ours.toml
    """
    policy = _load(file)
    if as_json:
        _print_json(policy.as_document())
    elif as_toml:
        typer.echo(packaged_text() if file == PACKAGED else file.read_text("utf-8-sig"), nl=False)
    else:
        _print_table(
            ("setting", "value"), [(path, _text(one)) for path, one in flat(policy).items()]
        )


@app.command()
def diff(old: File, new: File, as_json: Json = False) -> None:
    """Show which settings differ, by dotted path. Exit status 0 if none, 1 if any, 2 on error.

    Example: rantai policy diff packaged ours.toml
    """
    before, after = _load(old), _load(new)
    found = differences(before, after)
    if as_json:
        _print_json({"same": not found, "differences": [_row(one) for one in found]})
    elif found:
        _print_table(
            ("setting", "old", "new"),
            [(one.path, _text(one.old), _text(one.new)) for one in found],
        )
    else:
        typer.echo("The same.")
    _warn_of_version(before, after, str(old), str(new))
    if found:
        raise typer.Exit(1)


app.command()(backtest)


def _read(file: Path) -> Policy:
    """Read a policy. Raises PolicyError; ends the command if the file can't be read."""
    if file == PACKAGED:
        return DEFAULT_POLICY
    try:
        return Policy.load(file)
    except OSError as error:
        raise exit_with_error(f"{file} can't be read: {error.strerror}") from None


def _load(file: Path) -> Policy:
    """Read a policy, or end the command and say what is wrong with it."""
    try:
        return _read(file)
    except PolicyError as error:
        raise exit_with_error(str(error)) from None


def _warn_of_version(old: Policy, new: Policy, old_name: str, new_name: str) -> None:
    # Figures name their policy by its version alone: two policies must not share a version.
    if old.version == new.version and differences(old, new):
        names = printable(f"{new_name} and {old_name}")
        typer.echo(
            f"Careful: {names} differ, but both have version {new.version!r}. "
            "Give the new one a version of its own.",
            err=True,
        )


def _row(one: Difference) -> dict[str, Any]:
    return {"path": one.path, "old": one.old, "new": one.new}


def _print_json(content: Any) -> None:
    typer.echo(escaped_json(simplejson.dumps(content, use_decimal=True, ensure_ascii=False)))


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # Paths are not wrapped, so that they can be searched for; values are.
    short = all(len(row[0]) <= _WIDEST_PATH for row in rows)
    table = Table()
    table.add_column(columns[0], overflow="fold", no_wrap=short)
    for column in columns[1:]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(cell, row))
    Console().print(table)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(
            ":".join(map(_text, one)) if isinstance(one, list) else _text(one) for one in value
        )
    return plain(value) if isinstance(value, Decimal) else str(value)
