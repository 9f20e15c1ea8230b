"""`rantai init`: the secrets of docker-compose.yml, drawn by chance into `.env`."""

import base64
import os
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli.endpoint import fail

_ASSIGNED: Final = re.compile(r"^(?:export +)?([A-Za-z_]\w*)=([^\s#]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Secret:
    """A variable that the containers can't do without, what it is for, and how it is drawn."""

    name: str
    meaning: str
    draw: Callable[[], str]


def _password() -> str:
    # 192 bits in letters that a URL, a shell and a .env file take as they are.
    return secrets.token_urlsafe(24)


def _cluster_id() -> str:
    # What Kafka's own `random-uuid` gives: 16 bytes in URL-safe base64, never with a `-` in front.
    while True:
        drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn


SECRETS: Final = (
    Secret(
        "RANTAI_KAFKA_CLUSTER_ID", "names the broker's data; no secret, never changed", _cluster_id
    ),
    Secret("RANTAI_CLICKHOUSE_PASSWORD", "of the services, in the store", _password),
    Secret("RANTAI_GRAFANA_CLICKHOUSE_PASSWORD", "of Grafana, in the store: reads only", _password),
    Secret(
        "RANTAI_GRAFANA_ADMIN_PASSWORD", "of 'admin' at the first sign-in to Grafana", _password
    ),
    Secret(
        "RANTAI_CLICKHOUSE_CLUSTER_SECRET", "between the nodes of a store of several", _password
    ),
)

_HEAD: Final = """\
# Secrets of docker-compose.yml, drawn by 'rantai init'. Keep a copy: the broker's and the store's
# data are used with these. Not for version control.
"""

_OPTIONS: Final = """
# What may be set too, with its default:
# RANTAI_BIND=127.0.0.1            address on which gateway, scorecards and Grafana are published
# RANTAI_GATEWAY_PORT=8080
# RANTAI_SCORECARDS_PORT=8081
# RANTAI_GRAFANA_PORT=3000
# RANTAI_PUBLIC_URL=http://127.0.0.1:8081      what links begin with
# RANTAI_SMTP_PASSWORD_FILE=       file with the mail password for alerts, readable by uid 65534
"""


def init(
    directory: Annotated[Path, typer.Option(help="where docker-compose.yml is")] = Path(),
) -> None:
    """Draw the secrets of docker-compose.yml into .env, readable by its owner alone.

    A value that is there is never changed: data was made with it. One that is missing or empty is
    added. To begin anew, remove the file and the volumes.

    Example: rantai init && docker compose up --detach
    """
    file = directory / ".env"
    try:
        added = write_secrets(file)
    except OSError as error:
        raise fail(f"{file} can't be written: {error.strerror}") from None
    if not added:
        typer.echo(f"{file} has every secret already; nothing was changed.")
    else:
        typer.echo(f"{file}: {', '.join(added)}")


def write_secrets(file: Path) -> list[str]:
    """Add the secrets that a file lacks; return their names. Raises OSError."""
    there = file.read_text() if file.exists() else ""
    given = {name for name, value in _ASSIGNED.findall(there) if value}
    missing = [secret for secret in SECRETS if secret.name not in given]
    if missing:
        lines = [f"# {secret.meaning}\n{secret.name}={secret.draw()}\n" for secret in missing]
        if there and not there.endswith("\n"):
            there += "\n"
        text = there + "".join(lines) if there else _HEAD + "".join(lines) + _OPTIONS
        _replace(file, text)
    elif file.stat().st_mode & 0o077:
        file.chmod(0o600)
    return [secret.name for secret in missing]


def _replace(file: Path, text: str) -> None:
    # Written beside, for its owner alone from the first byte, and renamed: one cut off leaves the
    # secrets that data was made with.
    beside = file.with_name(f".env-{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
