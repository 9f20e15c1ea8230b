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
WRONG_KEY: Final = "the API key has characters that no key has; was it copied correctly?"
_KEY_FILE: Final = "operator.key"
_LAST_PORT: Final = 65535
_LONGEST_LABEL: Final = 63
"""Of a host's name: the most characters between two dots."""


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
        try:
            response = httpx.request(
                method, self.url + path, headers=self._headers, timeout=330, **options
            )
        except httpx.HTTPError as error:
            raise self.exit_unanswered(error) from None
        if response.status_code in (401, 403, 404, 409, 429, 503):
            raise exit_with_error(f"{response.status_code}: {detail_of(response)}")
        return response

    def get(self, path: str, *required: str, **options: Any) -> dict[str, Any]:
        """Request a JSON object that has the required keys.

        Ends the command with a message if the status is not 200.
        """
        response = self.request("GET", path, **options)
        if response.status_code != 200:
            raise exit_with_error(f"{response.status_code}: {detail_of(response)}")
        return object_of(response, *required)

    @contextmanager
    def stream(self, path: str, body: Any = None) -> Iterator[httpx.Response]:
        """Post a JSON body, and yield a response that may take any time to be read.

        Ends the command with a message if the status is not 200. Raises httpx.HTTPError if nothing
        answers, or if the connection ends before the response does.
        """
        with httpx.stream(
            "POST",
            self.url + path,
            headers=self._headers,
            json=body,
            timeout=None,  # noqa: S113 - the work that it starts takes minutes
        ) as response:
            if response.status_code != 200:
                response.read()
                raise exit_with_error(f"{response.status_code}: {detail_of(response)}")
            yield response

    def exit_unanswered(self, error: httpx.HTTPError) -> typer.Exit:
        """Print that nothing answers, and return the exception that the caller raises."""
        return exit_with_error(f"{self.url} does not answer ({type(error).__name__}); is it up?")

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def detail_of(response: httpx.Response) -> str:
    """Return the error message of a response, of at most 500 characters."""
    try:
        body = response.json()
    except ValueError:
        return _not_from_rantai(response)
    return str(body.get("detail", body))[:500] if isinstance(body, dict) else str(body)[:500]


def object_of(response: httpx.Response, *required: str) -> dict[str, Any]:
    """Return the JSON object of a response.

    Ends the command with a message if it is none, or lacks one of the required keys.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not body.keys() >= set(required):
        raise exit_not_from_rantai(response)
    return body


def exit_not_from_rantai(response: httpx.Response) -> typer.Exit:
    """Print that this is no answer of Rantai, and return the exception that the caller raises."""
    return exit_with_error(_not_from_rantai(response))


def _not_from_rantai(response: httpx.Response) -> str:
    return f"the answer of {response.url} is not from Rantai; is --url right?"


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
    is given without a key, if either can't be one, or if no process on the data directory is ready.
    """
    key = (key or "").strip()
    if key and not could_be_key(key):
        raise exit_with_error(WRONG_KEY)
    if url is not None:
        if not key:
            raise exit_with_error(
                "--url needs an API key with the right to do this; give --key or set RANTAI_KEY"
            )
        if not is_address(url):
            raise exit_with_error(f"{url} is not an address; write --url http://host:port")
        return Endpoint(url.rstrip("/"), key)
    note = read_run_file(data_dir)
    if note is None and in_use(data_dir):
        raise exit_with_error(
            f"the process on {data_dir} is still starting; try again when it is ready"
        )
    if note is None:
        raise exit_with_error(
            f"nothing runs on {data_dir}; start 'rantai up', or give --url and --key"
        )
    store = KeyStore(Path(note["keys"]))
    with exit_on_failure():
        return Endpoint(str(note["url"]), key or operator_key(data_dir, store))


def could_be_key(text: str) -> bool:
    """Return whether a text can be sent as an API key: a header takes not every character."""
    return text.isascii() and text.isprintable() and " " not in text


def is_address(url: str) -> bool:
    """Return whether requests can be sent to a URL: http or https, a host, maybe a port."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    labels = parts.host.removesuffix(".").split(".")
    fits = all(0 < len(label) <= _LONGEST_LABEL for label in labels)
    return fits and parts.scheme in ("http", "https") and (parts.port or 0) <= _LAST_PORT
