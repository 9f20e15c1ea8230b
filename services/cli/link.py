"""`rantai link`: a signed link to a supplier's scorecard."""

import re
from pathlib import Path
from typing import Annotated

import typer

from schemas.catalogue import Role
from services.access.links import LINK_SECONDS, LinkHolder, Links
from services.cli.running import fail, read_run_file


def link(
    partner: Annotated[str, typer.Argument(metavar="SUPPLIER", help="the partner's id")],
    data_dir: Annotated[Path, typer.Option(envvar="RANTAI_DATA_DIR")] = Path("var/rantai"),
    role: Annotated[Role, typer.Option(help="whose page it opens")] = Role.SUPPLIER,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="RANTAI_PUBLIC_URL", help="what the link begins with; default: what runs here"
        ),
    ] = None,
) -> None:
    """Make a link that opens a scorecard without a password; the URL is alone on the last line.

    Example: rantai link IKM-CPR-01 --data-dir var/rantai
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", partner):
        raise fail(f"partner id {partner!r} must be 1 to 64 of A-Z a-z 0-9 . _ -")
    note = read_run_file(data_dir)
    base = url or (str(note["url"]) if note else "http://127.0.0.1:8080")
    typer.echo(f"Opens the page of {partner} for {LINK_SECONDS // 86400} days, for whoever has it:")
    typer.echo(page_url(base, Links(data_dir / "link.secret"), LinkHolder(role, partner)))


def page_url(base: str, links: Links, holder: LinkHolder) -> str:
    """Return the address of a holder's page."""
    page = "s" if holder.role is Role.SUPPLIER else "p"
    return f"{base.rstrip('/')}/{page}/{links.token(holder)}"
