"""How commands reach a running Rantai: its address, and a key from its data directory."""

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
    """The address of a running Rantai, and the API key to use there."""

    url: str
    key: str

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request and return the response, which may have other error statuses.

        Ends the command with a message if nothing answers within 330 s, or if the answer is 401,
        403, 404, 409, 429 or 503.
        """
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            response = httpx.request(
                method, self.url + path, headers=headers, timeout=330, **options
            )
        except httpx.HTTPError as error:
            raise exit_with_error(f"{self.url} does not answer ({type(error).__name__}); is it up?") from None
        if response.status_code in (401, 403, 404, 409, 429, 503):
            raise exit_with_error(f"{response.status_code}: {detail_of(response)}")
        return response

    def get(self, path: str, **options: Any) -> dict[str, Any]:
        """Request a JSON object. Ends the command with a message if the status is not 200."""
        response = self.request("GET", path, **options)
        if response.status_code != 200:
            raise exit_with_error(f"{response.status_code}: {detail_of(response)}")
        return object_of(response)


def detail_of(response: httpx.Response) -> str:
    """Return the error message of a response, of at most 500 characters."""
    try:
        body = response.json()
    except ValueError:
        return f"the answer of {response.url} is not from Rantai; is --url right?"
    return str(body.get("detail", body))[:500] if isinstance(body, dict) else str(body)[:500]


def object_of(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of a response. Ends the command with a message if it has none."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise exit_with_error(f"the answer of {response.url} is not from Rantai; is --url right?")
    return body


def exit_with_error(message: str, code: int = 2) -> typer.Exit:
    """Print an error message to standard error, and return the exception that the caller raises."""
    typer.echo("\n".join(printable(line) for line in message.splitlines()), err=True)
    return typer.Exit(code)


@contextmanager
def exit_on_failure() -> Iterator[None]:
    """End the command with a message if keys or links can't be read, written or found."""
    try:
        yield
    except OSError as error:
        raise exit_with_error(
            f"{error.filename or 'the data directory'}: {error.strerror}; "
            "make sure that there is disk space and that this user may write there"
        ) from None
    except (ValueError, LookupError) as error:
        raise exit_with_error(str(error.args[0])) from None


def key_store(data_dir: Path) -> KeyStore:
    """Return the keys of the services on a data directory: in RANTAI_KEYS_FILE if that is set."""
    settings = Settings.from_environment().model_copy(update={"data_dir": data_dir})
    return KeyStore(settings.keys_path)


def operator_key(data_dir: Path, store: KeyStore) -> str:
    """Return the programme key of the data directory's owner; create it if there is no valid one.

    The key is kept in a file that only the owner can read. `store` holds the keys that the services
    on the directory accept.
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
    """Return `url` and `key` if a url is given, otherwise those of the process on `data_dir`.

    For that process, the key defaults to the operator's. Ends the command with a message if a url
    is given without a key, or if no process on the data directory is ready.
    """
    if url is not None:
        if key is None:
            raise exit_with_error(
                "--url needs an API key with the right to do this; give --key or set RANTAI_KEY"
            )
        return Endpoint(url.rstrip("/"), key)
    note = read_run_file(data_dir)
    if note is None and in_use(data_dir):
        raise exit_with_error(f"the process on {data_dir} is still starting; try again when it is ready")
    if note is None:
        raise exit_with_error(f"nothing runs on {data_dir}; start 'rantai up', or give --url and --key")
    return Endpoint(str(note["url"]), key or operator_key(data_dir, KeyStore(Path(note["keys"]))))
