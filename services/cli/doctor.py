"""`rantai doctor`: checks whether this machine can run Rantai, and whether what runs is healthy."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx
import typer

from services.access import private_files
from services.cli.data_dir import in_use, read_run_file
from services.cli.endpoint import key_store
from services.cli.options import DATA_DIR, DataDir, Json
from services.cli.printing import printable
from services.kafka import topics
from services.kafka.embedded_broker import EmbeddedBroker
from services.settings import Settings
from services.store.client import DATABASE
from services.store.sql_files import sql

_SECONDS: Final = 5
_VERSION_AND_LEDGERS: Final = re.compile(r"(\S+)\s+([0-9]+)")
_PORTS: Final = {"http": 8123, "https": 8443}


def doctor(
    data_dir: DataDir = DATA_DIR,
    as_json: Json = False,
) -> None:
    """Check the machine, the data directory and what runs on it. Exit status 1 if a check fails.

    If RANTAI_KAFKA or RANTAI_CLICKHOUSE_URL is set, that broker or store is checked instead of the
    embedded one. Example: rantai doctor --data-dir var/rantai
    """
    rows = [_row(name, check) for name, check in _checks(data_dir)]
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        for row in rows:
            found = printable(row["found"])
            typer.echo(f"{'ok  ' if row['ok'] else 'FAIL'}  {row['check']:<16}  {found}")
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


def _row(name: str, check: Callable[[], str]) -> dict[str, Any]:
    """Return the outcome of a check: what it found, or what is wrong."""
    try:
        return {"check": name, "ok": True, "found": check()}
    except OSError as error:
        found = f"{error.filename or name}: {error.strerror or type(error).__name__}"
        return {"check": name, "ok": False, "found": found}
    except Exception as error:
        return {"check": name, "ok": False, "found": str(error) or repr(error)}


def _checks(data_dir: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", _python
    yield "settings", _settings
    yield "store", _store
    yield "broker", _broker
    yield "data directory", lambda: _writable(data_dir)
    yield "keys", lambda: _keys(data_dir)
    yield "running", lambda: _running(data_dir)


def _python() -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _settings() -> str:
    Settings.from_environment()
    named = sorted(name for name in os.environ if name.startswith("RANTAI_"))
    return ", ".join(named) + " can be used" if named else "no RANTAI_* variable is set"


def _store() -> str:
    url = os.environ.get("RANTAI_CLICKHOUSE_URL")
    if not url:
        return f"the embedded engine, chdb {import_module('chdb').__version__}"
    try:
        parts = urlsplit(url)
        # Without user and password: users show the report to others.
        where = f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
    except (ValueError, KeyError):
        raise RuntimeError(
            "RANTAI_CLICKHOUSE_URL is not an address; write http://user:password@host:port/database"
        ) from None
    database = parts.path.strip("/") or DATABASE
    sign_in = (unquote(parts.username or "default"), unquote(parts.password or ""))
    try:
        answer = httpx.post(
            where,
            params={"param_database": database},
            content=sql("ledger_there"),
            auth=sign_in,
            timeout=_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        raise RuntimeError(f"no ClickHouse answers at {where}; is it up?") from None
    if answer.status_code in (401, 403):
        raise RuntimeError(
            f"ClickHouse at {where} rejects the user or password in RANTAI_CLICKHOUSE_URL"
        )
    found = _VERSION_AND_LEDGERS.fullmatch(answer.text.strip())
    if answer.status_code != 200 or found is None:
        raise RuntimeError(
            f"the answer ({answer.status_code}) of {where} is not ClickHouse's; "
            "is it the HTTP port of ClickHouse?"
        )
    version, ledgers = found.groups()
    if ledgers == "0":
        raise RuntimeError(f"{database} at {where} has no ledger yet; run 'rantai migrate'")
    return f"ClickHouse {version} at {where}; {database} has a ledger"


def _broker() -> str:
    bootstrap = os.environ.get("RANTAI_KAFKA")
    if bootstrap:
        try:
            topics.check_reachable(bootstrap)
        except topics.BrokerUnavailable:
            raise RuntimeError(f"no broker answers at {bootstrap}; is it up?") from None
        return f"{bootstrap} answers"
    with EmbeddedBroker() as broker:
        return f"the embedded broker starts and answers on {broker.bootstrap}"


def _writable(data_dir: Path) -> str:
    private_files.make_folder(data_dir)
    probe = data_dir / ".doctor"
    probe.touch()
    probe.unlink()
    return str(data_dir.resolve())


def _keys(data_dir: Path) -> str:
    records = key_store(data_dir).records()
    valid = sum(record.revoked_at is None for record in records)
    if not valid:
        return "none yet; create one with 'rantai keys create'"
    return f"{valid} valid, {len(records) - valid} revoked"


def _running(data_dir: Path) -> str:
    note = read_run_file(data_dir)
    if note is None and in_use(data_dir):
        raise RuntimeError(f"the process on {data_dir} is still starting")
    if note is None:
        return "nothing runs on this data directory"
    try:
        answer = httpx.get(f"{note['url']}/readyz", timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RuntimeError(
            f"{note['url']} does not answer ({type(error).__name__}), though process {note['pid']} "
            "runs; see its log"
        ) from None
    if answer.status_code != 200:
        raise RuntimeError(f"{note['url']} is not ready: {_waiting_for(answer)}")
    return f"{note['url']} is ready (process {note['pid']})"


def _waiting_for(answer: httpx.Response) -> str:
    """Return what an answer of /readyz says that its process waits for."""
    try:
        return f"waiting for {answer.json()['waiting_for']}"
    except (ValueError, KeyError, TypeError):
        return f"it answers {answer.status_code}, which is not what Rantai answers"
