"""`rantai keys`: creates, lists and revokes API keys."""

import json
from typing import Annotated

import typer

from schemas.catalogue import Role
from schemas.spelling import one_spelling
from services.cli.endpoint import exit_on_failure, key_store
from services.cli.options import DATA_DIR, DataDir, Json
from services.cli.printing import printable

app = typer.Typer(
    help="API keys: create, list, revoke. Running services apply a change at once.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="what the key may do")],
    partner: Annotated[str, typer.Option(help="id of the partner whose key it is")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Create a key and print it alone on the last line. It can't be shown again.

    Example: rantai keys create --data-dir var/rantai --role buyer --partner AHM
    """
    partner = one_spelling(partner)
    with exit_on_failure():
        key = key_store(data_dir).create(role, partner)
    typer.echo(f"A key for {role.value} {partner}. Keep it safe: it is not shown again.")
    typer.echo(key)


@app.command("list")
def list_keys(
    data_dir: DataDir = DATA_DIR,
    as_json: Json = False,
) -> None:
    """List the keys, without their secrets.

    Example: rantai keys list --data-dir var/rantai
    """
    with exit_on_failure():
        records = key_store(data_dir).records()
    rows = [
        {
            "key_id": record.key_id,
            "role": record.role.value,
            "partner": record.partner,
            "created_at": record.created_at,
            "revoked_at": record.revoked_at,
        }
        for record in records
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        state = f"revoked {row['revoked_at']}" if row["revoked_at"] else "valid"
        line = (
            f"{row['key_id']}  {row['role']:<9}  {row['partner']:<20}  {row['created_at']}  {state}"
        )
        typer.echo(printable(line))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="as 'keys list' shows it, or the key itself")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Revoke a key, at once and for good.

    Example: rantai keys revoke 3d39aa4ab549 --data-dir var/rantai
    """
    name = key_id.split("_")[1] if key_id.startswith("rtk_") and "_" in key_id[4:] else key_id
    with exit_on_failure():
        record = key_store(data_dir).revoke(name)
    typer.echo(printable(f"Revoked: {record.key_id} ({record.role.value} {record.partner})"))
