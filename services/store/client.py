"""The store: ClickHouse over HTTP, or the same engine embedded in this process.

Both are reached through clickhouse-connect, so they share the SQL and the calling code. A client of
the embedded engine runs one query at a time; a small pool of clients for each kind of work keeps
readers from blocking the insert of a batch.
"""

import copy
import queue
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError
from pydantic_core import from_json

from services.store.engine_limits import OPTIONS, is_too_large, read_limits
from services.store.error_codes import RETRIABLE_CODES, ErrorCode
from services.store.sharding import LOCAL, SETTINGS

_TOO_LARGE: Final = (
    "this needs more memory than one read may take; ask for less: a shorter window, fewer suppliers"
)
DATABASE: Final = "rantai"


class StoreUnavailable(RuntimeError):
    """The store can't be reached or asks for a retry; the statement may or may not have run."""


class ReadTooLarge(StoreUnavailable):
    """A statement needs more memory than one read may use; a query for less would succeed."""


class StoreRefused(RuntimeError):
    """The store rejected the statement or its rows; a retry would fail in the same way."""


@dataclass(frozen=True, slots=True)
class Share:
    """A pool of clients reserved for one kind of work.

    `threads` limits the embedded engine's threads for one statement; 0 = one for each processor.
    """

    clients: int
    threads: int = 0


WRITING: Final = Share(4)
"""For work that senders wait for: the ledger sink needs a client for the insert, two for the fold,
and one for refusals."""

READING: Final = Share(4, threads=1)
"""For figures and pages: as many clients as one assessment has queries in parallel. One thread for
each statement bounds what they take from the processors."""

BACKGROUND: Final = Share(2)
"""For work that nobody waits for: evaluations, the exporter's looks, rebuilds, backtests."""


class ClickHouse:
    """Clients of one database: a pool for writing, and one for each other share (`apart`).

    Give either `url`, `http(s)://user:password@host:port/database`, with `cluster` if the store is
    a ClickHouse cluster, or `path`, the data folder of the embedded engine. Methods may be called
    from any thread; they block, so async code calls them in a thread. All of them raise
    StoreUnavailable and StoreRefused.
    """

    def __init__(
        self, *, url: str | None = None, path: Path | None = None, cluster: str | None = None
    ) -> None:
        if (url is None) == (path is None):
            raise ValueError("give either a url or a path")
        self._url, self._path = url, path
        self.cluster = cluster if path is None else None
        self.database = DATABASE
        if url is not None:
            self.database = urlsplit(url).path.strip("/") or DATABASE
        self.embedded = path is not None
        self._shares: dict[Share, ClickHouse] = {}
        self._shares_lock = Lock()
        with self._reporting():
            client = self._connect(database=None)
            everywhere = f"ON CLUSTER '{self.cluster}'" if self.cluster else ""
            client.command(
                f"CREATE DATABASE IF NOT EXISTS {self.database} {everywhere} ENGINE = Atomic"
            )
            self._read_limits = read_limits(client) if self.embedded else {}
            client.close()
        self._open(WRITING)

    def _open(self, share: Share) -> None:
        self._share = share
        self._clients: queue.LifoQueue[Client] = queue.LifoQueue()
        with self._reporting():
            for _ in range(share.clients):
                client = self._connect(self.database)
                if self.embedded and share.threads:
                    client.command(f"SET max_threads = {share.threads}")
                self._clients.put(client)

    def with_share(self, share: Share) -> "ClickHouse":
        """Return the same store with the clients of another share, which `close` also closes.

        Raises StoreUnavailable.
        """
        with self._shares_lock:
            if share not in self._shares:
                other = copy.copy(self)
                other._shares, other._shares_lock = {}, Lock()
                other._open(share)
                self._shares[share] = other
            return self._shares[share]

    def _connect(self, database: str | None) -> Client:
        if self._path is not None:
            self._path.mkdir(parents=True, exist_ok=True)
            return clickhouse_connect.get_client(
                interface="chdb",
                path=str(self._path),
                database=database,
                tz_mode="aware",
                chdb_options=dict(OPTIONS),
            )
        parts = urlsplit(str(self._url))
        # Without a session id a client may be used by one thread after another. Query parameters
        # travel in the body, because a long list of ids does not fit into a URL.
        return clickhouse_connect.get_client(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            username=parts.username or "default",
            password=parts.password or "",
            secure=parts.scheme == "https",
            database=database or "default",
            autogenerate_session_id=False,
            form_encode_query_params=True,
            connect_timeout=5,
            send_receive_timeout=60,
            query_retries=0,
            settings=dict(SETTINGS) if self.cluster else {},
            # Python would read a naive time in the machine's zone.
            tz_mode="aware",
        )

    def stored(self, table: str) -> str:
        """Return the table that holds the rows, for a statement that deletes rows or partitions.

        On a cluster that is the local table behind the Distributed one, on every node.
        """
        return f"{table}{LOCAL} ON CLUSTER '{self.cluster}'" if self.cluster else table

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except ClickHouseError as error:
            code = error_code(error)
            if code == ErrorCode.MEMORY_LIMIT_EXCEEDED and is_too_large(str(error)):
                raise ReadTooLarge(_TOO_LARGE) from error
            if code is None or code in RETRIABLE_CODES:
                raise StoreUnavailable(str(error)) from error
            raise StoreRefused(str(error)) from error
        except (ConnectionError, TimeoutError) as error:
            raise StoreUnavailable(str(error)) from error

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Borrow a client; waits for a free one. Errors become StoreUnavailable or StoreRefused."""
        client = self._clients.get()
        try:
            with self._reporting():
                yield client
        finally:
            self._clients.put(client)

    def rows(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Run a SELECT and return its rows as dictionaries. Also raises ReadTooLarge."""
        with self.client() as client:
            result = client.query(
                statement,
                parameters=dict(parameters or {}),
                settings={**self._read_limits, **(settings or {})},
            )
            return list(result.named_results())

    def json_rows(
        self, statement: str, settings: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Run a SELECT and return its rows decoded from JSON: UUIDs and ISO times are strings.

        For a statement whose text is very long: `rows` makes the client scan that text several
        times, which takes as long as the query itself.
        """
        with self.client() as client:
            answer = client.raw_query(
                statement, settings={**_JSON_ROWS, **(settings or {})}, fmt="JSONEachRow"
            )
        rows: list[dict[str, Any]] = from_json(answer or b"[]")
        return rows

    def command(
        self,
        statement: str,
        settings: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a statement that returns at most one value."""
        with self.client() as client:
            return client.command(
                statement, parameters=dict(parameters or {}), settings=dict(settings or {})
            )

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        """Insert rows given as JSON lines, one object per row."""
        with self.client() as client:
            client.raw_insert(table, insert_block=lines, fmt="JSONEachRow", settings=_JSON_LINES)

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Insert rows, each a sequence of values in the order of `columns`."""
        with self.client() as client:
            client.insert(table, rows, column_names=list(columns))

    def close(self) -> None:
        """Close every client. The store must not be used afterwards."""
        for share in self._shares.values():
            share.close()
        for _ in range(self._share.clients):
            client = self._clients.get(timeout=10)
            with suppress(Exception):
                client.close()


_JSON_ROWS: Final = {
    "date_time_output_format": "iso",
    "output_format_json_array_of_rows": 1,
    "output_format_json_quote_64bit_integers": 0,
}
_JSON_LINES: Final = {
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": 1,
    "input_format_json_read_objects_as_strings": 1,
    "parallel_view_processing": 1,
}


def error_code(error: Exception) -> int | None:
    """Return the ClickHouse error code of an exception; None if the store was not reached.

    0 means that the store answered with an error whose code is not known.
    """
    if not isinstance(error, DatabaseError):
        return None
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return code
    if isinstance(error, OperationalError):
        # The connection failed, or a proxy answered: this says nothing about the rows.
        return None
    text = str(error)
    for marker in ("Code: ", "error code "):
        if marker in text:
            digits = text.split(marker, 1)[1][:6]
            number = "".join(c for c in digits if c.isdigit())
            if number:
                return int(number)
    return 0
