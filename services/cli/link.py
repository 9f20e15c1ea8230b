"""`rantai link` creates a signed link to a page; `rantai links` lists and revokes links."""

import json
import re
from typing import Annotated, Final

import typer

from schemas.catalogue import Role
from schemas.spelling import one_spelling
from services.access.links import LINK_DAYS, LinkHolder, Links, Rights
from services.cli.data_dir import read_run_file
from services.cli.endpoint import exit_on_failure, exit_with_error
from services.cli.options import DATA_DIR, DataDir, Json
from services.cli.printing import printable

app = typer.Typer(
    help="Links: list, revoke. Running services apply a change at once.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def link(  # noqa: PLR0913, PLR0917 - options of a command
    partner: Annotated[str, typer.Argument(metavar="SUPPLIER", help="partner id")],
    data_dir: DataDir = DATA_DIR,
    role: Annotated[
        Role, typer.Option(help="role of the partner whose page it opens")
    ] = Role.SUPPLIER,
    rights: Annotated[Rights, typer.Option(help="read: look only; act: send as well")] = Rights.ACT,
    days: Annotated[float, typer.Option(help="days until it expires")] = LINK_DAYS,
    buyer: Annotated[
        str | None, typer.Option(help="on a supplier's page, only this buyer's orders")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="RANTAI_PUBLIC_URL",
            help="what the link begins with; default: the URL of the process on the data directory",
        ),
    ] = None,
) -> None:
    """Create a link that opens a page without a password; the last line is its URL alone.

    Example: rantai link IKM-CPR-01 --data-dir var/rantai
    """
    partner, buyer = one_spelling(partner), None if buyer is None else one_spelling(buyer)
    if not _ID.fullmatch(partner):
        raise exit_with_error(f"partner id {partner!r} must be 1 to 64 of A-Z a-z 0-9 . _ -")
    if buyer is not None and not _ID.fullmatch(buyer):
        raise exit_with_error(f"buyer id {buyer!r} must be 1 to 64 of A-Z a-z 0-9 . _ -")
    note = read_run_file(data_dir)
    base = url or (str(note["url"]) if note else "http://127.0.0.1:8080")
    with exit_on_failure():
        holder = LinkHolder(role, partner, rights, buyer)
        token = Links(data_dir / "link.secret").create(holder, days)
    may = "look and send" if rights is Rights.ACT else "look"
    what = "" if buyer is None else f", orders of {buyer} only"
    typer.echo(f"Whoever has this link may {may} as {partner}{what}, for {days:g} days:")
    typer.echo(page_url(base, token))


@app.command("list")
def list_links(
    data_dir: DataDir = DATA_DIR,
    as_json: Json = False,
) -> None:
    """List the links, without their addresses.

    Example: rantai links list --data-dir var/rantai
    """
    with exit_on_failure():
        records = Links(data_dir / "link.secret").records()
    if as_json:
        rows = [
            {
                "link_id": one.link_id,
                "role": one.role.value,
                "partner": one.partner,
                "rights": one.rights.value,
                "buyer_id": one.buyer,
                "created_at": one.created_at,
                "expires_at": one.expires_at,
                "made_by": one.made_by or None,
                "state": one.refusal.value if one.refusal else "valid",
            }
            for one in records
        ]
        typer.echo(json.dumps(rows))
        return
    for one in records:
        state = one.refusal.value if one.refusal else "valid"
        line = (
            f"{one.link_id}  {one.role.value:<9}  {one.partner:<20}  {one.rights.value:<4}  "
            f"until {one.expires_at}  {state}"
        )
        typer.echo(printable(line))


@app.command()
def revoke(
    link_id: Annotated[str, typer.Argument(help="as 'links list' shows it")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Revoke a link, and sign out everybody who signed in by it.

    Example: rantai links revoke 3d39aa4ab5491f02 --data-dir var/rantai
    """
    with exit_on_failure():
        record = Links(data_dir / "link.secret").revoke(link_id)
    typer.echo(printable(f"Revoked: {record.link_id} ({record.role.value} {record.partner})"))


def page_url(base: str, token: str) -> str:
    """Return the address that opens the link of a token."""
    return f"{base.rstrip('/')}/s/{token}"
