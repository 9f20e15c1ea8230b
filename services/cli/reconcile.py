"""`rantai reconcile`: checks that accepted events are stored or rejected, and not in conflict."""

import json
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from services.cli.endpoint import endpoint
from services.cli.options import DATA_DIR, DataDir, Json, Url
from services.cli.printing import cell, printable

_REQUIRED: Final = ("rows", "total", "missing", "missing_events")


def reconcile(  # noqa: PLR0913 - options of a command
    *,
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="RANTAI_KEY", help="API key; a programme's counts all events, another its own"
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="only events accepted since then, RFC 3339")
    ] = None,
    wait: Annotated[float, typer.Option(help="seconds to wait for events on their way")] = 10.0,
    as_json: Json = False,
) -> None:
    """Count by sender and day, and check that accepted = stored + rejected.

    Exit status 1 if an event is missing, or if an event was sent again with other content (a
    conflict) and nobody has replayed or dismissed it: see 'rantai rejected'.

    Example: rantai reconcile --data-dir var/rantai
    """
    parameters: dict[str, Any] = {"wait_seconds": wait}
    if since is not None:
        parameters["since"] = since
    where = endpoint(url, key, data_dir)
    with Console(stderr=True).status("Counting in the broker and in the ledger ..."):
        answer = where.get("/v1/reconciliation", *_REQUIRED, params=parameters)
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
        table.add_row(*map(cell, (row["sender"], row["day"], *counts)))
    Console().print(table)
    for event in answer["missing_events"]:
        place = f"{event['topic']} {event['partition']}:{event['offset']}"
        typer.echo(f"missing: {_named(event)} ({printable(place)})")
    for event in answer.get("conflict_events", []):
        typer.echo(f"conflict: {_named(event)} ({printable(event['rejected_id'])})")
    if answer["missing"]:
        typer.echo(f"{answer['missing']} missing. The broker has them; is the processor running?")
    else:
        typer.echo("Nothing is missing.")
    if answer.get("conflicts"):
        typer.echo(
            f"{answer['conflicts']} in conflict: sent again with other content; what was stored "
            "first stands. 'rantai rejected show' shows what was sent, 'replay --file' sends it "
            "under another id, 'dismiss' keeps what is stored."
        )


def _named(event: dict[str, Any]) -> str:
    return f"source={printable(str(event['source']))} id={printable(str(event['id']))}"
