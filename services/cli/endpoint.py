"""Talking to a running `rantai up`: where it listens, and the key its data directory holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import typer

from schemas.catalogue import Role
from services.access import private_files
from services.access.keys import KeyStore
from services.cli.data_dir import in_use, read_run_file
from services.cli.printing import printable
from services.settings import Settings

OPERATOR: Final = "operator"
_KEY_FILE: Final = "operator.key"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask, and with which key."""

    url: str
    key: str

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request. Ends the command with a message where that is not possible."""
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            response = httpx.request(
                method, self.url + path, headers=headers, timeout=330, **options
            )
        except httpx.HTTPError as error:
            raise fail(f"{self.url} does not answer ({type(error).__name__}); is it up?") from None
        if response.status_code in (401, 403, 404, 409, 429, 503):
            raise fail(f"{response.status_code}: {detail_of(response)}")
        return response

    def get(self, path: str, **options: Any) -> dict[str, Any]:
        """Ask for a JSON object. Ends the command with a message where there is none."""
        response = self.request("GET", path, **options)
        if response.status_code != 200:
            raise fail(f"{response.status_code}: {detail_of(response)}")
        return object_of(response)


def detail_of(response: httpx.Response) -> str:
    """Return what an answer says is wrong, in short."""
    try:
        body = response.json()
    except ValueError:
        return f"{response.url} gives no answer of Rantai's; is --url right?"
    return str(body.get("detail", body))[:500] if isinstance(body, dict) else str(body)[:500]


def object_of(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer. Ends the command with a message where it has none."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise fail(f"{response.url} gives no answer of Rantai's; is --url right?")
    return body


def fail(message: str, code: int = 2) -> typer.Exit:
    """Print what was wrong and return the exit to raise."""
    typer.echo("\n".join(printable(line) for line in message.splitlines()), err=True)
    return typer.Exit(code)


@contextmanager
def failures_told() -> Iterator[None]:
    """End the command with a message where keys or links can't be read, written or found."""
    try:
        yield
    except OSError as error:
        raise fail(
            f"{error.filename or 'the data directory'}: {error.strerror}; "
            "give the command room there, and the right to write"
        ) from None
    except (ValueError, LookupError) as error:
        raise fail(str(error.args[0])) from None


def key_store(data_dir: Path) -> KeyStore:
    """Return the keys that services on a data directory read: RANTAI_KEYS_FILE may name another."""
    settings = Settings.from_environment().model_copy(update={"data_dir": data_dir})
    return KeyStore(settings.keys_path)


def operator_key(data_dir: Path, store: KeyStore) -> str:
    """Return the programme key of whoever owns the data directory; made on first use.

    `store`: the keys that what runs on the directory reads.
    """
    file = data_dir / _KEY_FILE
    if file.exists():
        key = file.read_text().strip()
        if store.authenticate(key) is not None:
            return key
    key = store.create(Role.PROGRAMME, OPERATOR)
    private_files.replace(file, key.encode())
    return key


def endpoint(url: str | None, key: str | None, data_dir: Path) -> Endpoint:
    """Return where to ask: the url and key given, or what runs on the data directory.

    Ends the command with a message where nothing runs there.
    """
    if url is not None:
        if key is None:
            raise fail("--url needs --key (or RANTAI_KEY): a key that may ask for this")
        return Endpoint(url.rstrip("/"), key)
    note = read_run_file(data_dir)
    if note is None and in_use(data_dir):
        raise fail(f"what runs on {data_dir} is still starting; try again when it is ready")
    if note is None:
        raise fail(f"nothing runs on {data_dir}; start 'rantai up', or give --url and --key")
    return Endpoint(str(note["url"]), key or operator_key(data_dir, KeyStore(Path(note["keys"]))))
