"""`rantai reconcile`: is everything that was accepted stored or rejected?"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.running import endpoint


def reconcile(  # noqa: PLR0913 - options of a command
    *,
    data_dir: Annotated[Path, typer.Option(envvar="RANTAI_DATA_DIR")] = Path("var/rantai"),
    url: Annotated[str | None, typer.Option(help="a running Rantai elsewhere")] = None,
    key: Annotated[str | None, typer.Option(envvar="RANTAI_KEY", help="programme key")] = None,
    since: Annotated[str | None, typer.Option(help="accepted since then, RFC 3339")] = None,
    wait: Annotated[float, typer.Option(help="seconds to wait for what is on its way")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Count by sender and day: accepted = stored + rejected. Exit status 1 if anything is missing.

    Example: rantai reconcile --data-dir var/rantai
    """
    parameters: dict[str, Any] = {"wait_seconds": wait}
    if since is not None:
        parameters["since"] = since
    where = endpoint(url, key, data_dir)
    with Console(stderr=True).status("Counting in the broker and in the ledger ..."):
        response = where.request("GET", "/v1/reconciliation", params=parameters)
    answer = response.json()
    if response.status_code != 200:
        typer.echo(answer.get("detail", response.text), err=True)
        raise typer.Exit(2)
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        _show(answer)
    if answer["missing"]:
        raise typer.Exit(1)


def _show(answer: dict[str, Any]) -> None:
    names = ("accepted", "stored", "rejected", "missing", "resent")
    table = Table("sender", "day", *names)
    for row in [*answer["rows"], {"sender": "all", "day": "", **answer["total"]}]:
        table.add_row(row["sender"], row["day"], *(f"{row[name]:,}" for name in names))
    Console().print(table)
    for event in answer["missing_events"]:
        typer.echo(
            f"missing: source={event['source']} id={event['id']} "
            f"({event['topic']} {event['partition']}:{event['offset']})"
        )
    if answer["missing"]:
        typer.echo(f"{answer['missing']} missing. The broker has them; is the sink running?")
    else:
        typer.echo("Nothing is missing.")
