"""`rantai rejected`: what was refused behind the gateway, and sending it in again."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from services.cli.running import endpoint, fail

app = typer.Typer(
    help="Refused events: list, show, replay.", no_args_is_help=True, rich_markup_mode=None
)
DataDir = Annotated[Path, typer.Option("--data-dir", envvar="RANTAI_DATA_DIR")]
Url = Annotated[str | None, typer.Option(help="a running Rantai elsewhere")]
Key = Annotated[str | None, typer.Option(envvar="RANTAI_KEY", help="a key that may see them")]
Json = Annotated[bool, typer.Option("--json", help="for scripts")]
RejectedId = Annotated[str, typer.Argument(help="as 'rejected list' shows it")]


@app.command("list")
def list_rejected(  # noqa: PLR0913 - options of a command
    *,
    data_dir: DataDir = Path("var/rantai"),
    url: Url = None,
    key: Key = None,
    replayed: Annotated[bool, typer.Option(help="also those that were replayed")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List refused events, newest first.

    Example: rantai rejected list --data-dir var/rantai
    """
    parameters = {"limit": limit, "replayed": str(replayed).lower()}
    answer = endpoint(url, key, data_dir).request("GET", "/v1/rejected", params=parameters).json()
    if as_json:
        typer.echo(json.dumps(answer))
        return
    table = Table("id", "sender", "reason", "event", "what was wrong")
    for row in answer["rejected"]:
        table.add_row(row["id"], row["sender"], row["reason"], row["event_id"], _faults(row))
    Console().print(table)
    typer.echo(f"{len(answer['rejected'])} of {answer['total']}")


@app.command()
def show(
    rejected_id: RejectedId,
    data_dir: DataDir = Path("var/rantai"),
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Show a refused event as it came, as JSON.

    Example: rantai rejected show rantai.inbound.AHM:0:17:1795313164153
    """
    where = endpoint(url, key, data_dir)
    path = f"/v1/rejected/{quote(rejected_id, safe='')}"
    indent = None if as_json else 2
    typer.echo(json.dumps(where.request("GET", path).json(), indent=indent, ensure_ascii=False))


@app.command()
def replay(
    rejected_id: RejectedId,
    data_dir: DataDir = Path("var/rantai"),
    url: Url = None,
    key: Key = None,
    file: Annotated[Path | None, typer.Option(help="the repaired event")] = None,
) -> None:
    """Send a refused event in again, repaired or as it came, in its sender's name.

    Example: rantai rejected replay rantai.inbound.AHM:0:17:1795313164153 --file repaired.json
    """
    body = b"" if file is None else file.read_bytes()
    where = endpoint(url, key, data_dir)
    path = f"/v1/rejected/{quote(rejected_id, safe='')}/replay"
    response = where.request("POST", path, content=body)
    answer = response.json()
    if response.status_code != 202:
        faults = [_faults(row) for row in answer.get("rejected", [])] or [answer.get("detail", "")]
        raise fail("still refused: " + "; ".join(faults), code=1)
    typer.echo("Accepted.")


def _faults(row: dict[str, Any]) -> str:
    return "; ".join(f"{error['pointer']} {error['message']}".strip() for error in row["errors"])
