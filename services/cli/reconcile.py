"""`rantai reconcile`: was all that was accepted stored or rejected, and is nothing in conflict?"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.endpoint import endpoint
from services.cli.printing import printable


def reconcile(  # noqa: PLR0913 - options of a command
    *,
    data_dir: Annotated[Path, typer.Option(envvar="RANTAI_DATA_DIR")] = Path("var/rantai"),
    url: Annotated[str | None, typer.Option(help="a running Rantai elsewhere")] = None,
    key: Annotated[
        str | None, typer.Option(envvar="RANTAI_KEY", help="yours: your own; a programme's: all")
    ] = None,
    since: Annotated[str | None, typer.Option(help="accepted since then, RFC 3339")] = None,
    wait: Annotated[float, typer.Option(help="seconds to wait for what is on its way")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Count by sender and day: accepted = stored + rejected.

    Exit status 1 if anything is missing, or an event came again with other content (a conflict) and
    nobody has dealt with it: see 'rantai rejected'.

    Example: rantai reconcile --data-dir var/rantai
    """
    parameters: dict[str, Any] = {"wait_seconds": wait}
    if since is not None:
        parameters["since"] = since
    where = endpoint(url, key, data_dir)
    with Console(stderr=True).status("Counting in the broker and in the ledger ..."):
        answer = where.get("/v1/reconciliation", params=parameters)
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        _show(answer)
    if answer["missing"] or answer.get("conflicts"):
        raise typer.Exit(1)


def _show(answer: dict[str, Any]) -> None:
    names = ("accepted", "stored", "rejected", "missing", "resent")
    table = Table("sender", "day", *names)
    for row in [*answer["rows"], {"sender": "all", "day": "", **answer["total"]}]:
        counts = (f"{row[name]:,}" for name in names)
        table.add_row(Text(printable(row["sender"])), row["day"], *counts)
    Console().print(table)
    for event in answer["missing_events"]:
        typer.echo(
            f"missing: {_named(event)} ({event['topic']} {event['partition']}:{event['offset']})"
        )
    for event in answer.get("conflict_events", []):
        typer.echo(f"conflict: {_named(event)} ({printable(event['rejected_id'])})")
    if answer["missing"]:
        typer.echo(f"{answer['missing']} missing. The broker has them; is the sink running?")
    else:
        typer.echo("Nothing is missing.")
    if answer.get("conflicts"):
        typer.echo(
            f"{answer['conflicts']} in conflict: sent again with other content; what was stored "
            "first stands. 'rantai rejected show' has what came; 'replay --file' sends it in under "
            "another id, 'dismiss' leaves it at what is stored."
        )


def _named(event: dict[str, Any]) -> str:
    return f"source={printable(str(event['source']))} id={printable(str(event['id']))}"
