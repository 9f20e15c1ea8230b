"""`rantai rejected`: lists events refused behind the gateway, and replays or dismisses them."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from services.cli.endpoint import detail_of, endpoint, exit_with_error, object_of
from services.cli.options import DATA_DIR, DataDir, Json, Url
from services.cli.printing import cell, printable_json

app = typer.Typer(
    help="Refused events: list, show, replay, dismiss.", no_args_is_help=True, rich_markup_mode=None
)
SenderKey = Annotated[
    str | None, typer.Option(envvar="RANTAI_KEY", help="API key; a sender's sees its own events")
]
RejectedId = Annotated[str, typer.Argument(help="as 'rejected list' shows it")]


@app.command("list")
def list_rejected(  # noqa: PLR0913 - options of a command
    *,
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: SenderKey = None,
    replayed: Annotated[bool, typer.Option(help="also those that were replayed")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List refused events, newest first; with a sender's key only its own.

    Example: rantai rejected list --data-dir var/rantai
    """
    parameters = {"limit": limit, "replayed": str(replayed).lower()}
    answer = endpoint(url, key, data_dir).get(
        "/v1/rejected", "rejected", "total", params=parameters
    )
    if as_json:
        typer.echo(json.dumps(answer))
        return
    table = Table("id", "sender", "reason", "event", "what was wrong")
    for row in answer["rejected"]:
        cells = (row["id"], row["sender"], row["reason"], row["event_id"] or "", _faults(row))
        table.add_row(*map(cell, cells))
    Console().print(table)
    typer.echo(f"{len(answer['rejected'])} of {answer['total']}")


@app.command()
def show(
    rejected_id: RejectedId,
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: SenderKey = None,
    as_json: Json = False,
) -> None:
    """Show a refused event as it was received, as JSON.

    Example: rantai rejected show rantai.inbound.AHM:0:17:1795313164153
    """
    where = endpoint(url, key, data_dir)
    path = f"/v1/rejected/{quote(rejected_id, safe='')}"
    typer.echo(printable_json(where.get(path), None if as_json else 2))


@app.command()
def replay(
    rejected_id: RejectedId,
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: SenderKey = None,
    file: Annotated[Path | None, typer.Option(help="the repaired event")] = None,
) -> None:
    """Send a refused event again in its sender's name, repaired or unchanged.

    Example: rantai rejected replay rantai.inbound.AHM:0:17:1795313164153 --file repaired.json
    """
    try:
        body = b"" if file is None else file.read_bytes()
    except OSError as error:
        raise exit_with_error(f"{file}: {error.strerror}") from None
    where = endpoint(url, key, data_dir)
    path = f"/v1/rejected/{quote(rejected_id, safe='')}/replay"
    response = where.request("POST", path, content=body)
    if response.status_code != 202:
        rejected = object_of(response).get("rejected", [])
        faults = [_faults(row) for row in rejected] or [detail_of(response)]
        raise exit_with_error("still refused: " + "; ".join(faults), code=1)
    object_of(response, "accepted")
    typer.echo("Accepted.")


@app.command()
def dismiss(
    rejected_id: RejectedId,
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: SenderKey = None,
) -> None:
    """Take a refused event off the list without sending it: what is stored is right.

    Example: rantai rejected dismiss rantai.orders:0:17:1795313164153
    """
    where = endpoint(url, key, data_dir)
    response = where.request("POST", f"/v1/rejected/{quote(rejected_id, safe='')}/dismiss")
    if response.status_code != 200:
        raise exit_with_error(f"{response.status_code}: {detail_of(response)}")
    object_of(response, "dismissed")
    typer.echo("Dismissed.")


def _faults(row: dict[str, Any]) -> str:
    return "; ".join(f"{error['pointer']} {error['message']}".strip() for error in row["errors"])
