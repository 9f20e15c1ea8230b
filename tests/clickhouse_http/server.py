"""The HTTP server: reads requests and writes answers as ClickHouse does; the engine runs them."""

from __future__ import annotations

import argparse
import base64
import binascii
import hmac
import json
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO, cast
from urllib.parse import parse_qsl, urlsplit

from . import wire
from .cluster import OneNodeCluster
from .engine import Answer, Engine, Query, QueryError
from .faults import Fault, FaultPlan

BAD_ARGUMENTS = 36
SESSION_IS_LOCKED = 373
HTTP_LENGTH_REQUIRED = 381
AUTHENTICATION_FAILED = 516

# URL parameters of the HTTP interface itself; every other parameter is a setting.
_OWN_PARAMETERS = frozenset(
    (
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "role",
        "compress",
        "decompress",
        "buffer_size",
        "wait_end_of_query",
        "stacktrace",
        "client_protocol_version",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "close_session",
    )
)


# The HTTP status of each error code in ClickHouse; all others have 500.
_STATUS_OF_CODE: dict[int, int] = {
    **dict.fromkeys((6, 25, 26, 27, 38, 41, 53, 62, 72, 117), 400),
    **dict.fromkeys((167, 168, 223), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336), 404),
    **dict.fromkeys((192, 193, AUTHENTICATION_FAILED), 403),
    **dict.fromkeys((76, 209, 439), 503),
    48: 501,
    159: 408,
    194: 401,
    HTTP_LENGTH_REQUIRED: 411,
}
# How much of a statement faults are matched against: its beginning, not the rows of an INSERT.
_STATEMENT_HEAD = 4096


class ClickHouseServer(ThreadingHTTPServer):
    """A server with one thread per connection and one engine for all of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        path: str,
        port: int,
        user: str | None = None,
        password: str = "",
        *,
        verbose: bool = False,
        cluster: str | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = Engine(path, OneNodeCluster(cluster) if cluster else None)
        self.faults = FaultPlan()
        self.user = user
        self.password = password
        self.verbose = verbose
        self._sessions: set[str] = set()
        self._sessions_lock = threading.Lock()

    @property
    def url(self) -> str:
        """The address of this server."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def allows(self, user: str, password: str) -> bool:
        """Return whether the credentials are right; without a configured user, all are."""
        if self.user is None:
            return True
        given, wanted = f"{user}\0{password}", f"{self.user}\0{self.password}"
        return hmac.compare_digest(given.encode(), wanted.encode())

    @contextmanager
    def session(self, session_id: str) -> Iterator[None]:
        """Hold a session for one request. Like ClickHouse, refuse a second one, do not wait."""
        if not session_id:
            yield
            return
        with self._sessions_lock:
            if session_id in self._sessions:
                text = f"Session {session_id} is locked by a concurrent client. (SESSION_IS_LOCKED)"
                raise QueryError.of_code(SESSION_IS_LOCKED, text)
            self._sessions.add(session_id)
        try:
            yield
        finally:
            with self._sessions_lock:
                self._sessions.discard(session_id)


class Handler(BaseHTTPRequestHandler):
    """Handles one connection: each request is answered completely before the next is read."""

    server: ClickHouseServer
    protocol_version = "HTTP/1.1"
    # Send head and body in one packet: in two, each answer would wait 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer read-only queries, `/ping`, and the list of planned faults."""
        path = urlsplit(self.path).path
        if path == "/__fault__":
            kind = {"Content-Type": "application/json"}
            self._send(HTTPStatus.OK, self.server.faults.as_json(), kind)
        elif path in ("/ping", "/replicas_status") or (path == "/" and "?" not in self.path):
            self._send(HTTPStatus.OK, b"Ok.\n", {})
        else:
            self._serve(readonly=True)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Run any statement, or plan a fault."""
        if urlsplit(self.path).path == "/__fault__":
            self._plan_fault()
        else:
            self._serve(readonly=False)

    def do_DELETE(self) -> None:
        """Drop all planned faults."""
        self.server.faults.clear()
        self._send(HTTPStatus.OK, b"Ok.\n", {})

    def log_message(self, format: str, *args: object) -> None:
        """Log requests only with --verbose, to keep the output of tests short."""
        if self.server.verbose:
            super().log_message(format, *args)

    # ---- one statement --------------------------------------------------------------------------

    def _serve(self, *, readonly: bool) -> None:
        url = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query_id = (
            url.get("query_id") or self.headers.get("X-ClickHouse-Query-Id") or str(uuid.uuid4())
        )
        common = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Timezone": self.server.engine.timezone,
        }
        try:
            body = self._body()
            self._authenticate(url)
            query = self._query(url, body, readonly)
            with self.server.session(url.get("session_id", "")):
                answer = self._run(query)
            if answer is None:
                self.close_connection = True
                return
        except QueryError as error:
            self._send_error(error, common)
            return
        if query.settings.get("session_timezone"):
            common["X-ClickHouse-Timezone"] = query.settings["session_timezone"]
        self._send_answer(answer, query, common)

    def _run(self, query: Query) -> Answer | None:
        """Run a query, or the fault planned for it; None if the connection is to be dropped."""
        head = query.sql[:_STATEMENT_HEAD].decode(errors="replace")
        fault = self.server.faults.take(head)
        if fault is None:
            return self.server.engine.run(query)
        time.sleep(fault.stall_seconds)
        if fault.when == "before":
            _raise_planned_error(fault)
        # A statement that runs and loses its answer is the case in which a sender writes twice.
        answer = None if fault.when == "before" and fault.drop else self.server.engine.run(query)
        if fault.when == "after":
            _raise_planned_error(fault)
        return None if fault.drop else answer

    def _body(self) -> bytes:
        stream = cast("BinaryIO", self.rfile)
        length = self.headers.get("Content-Length")
        try:
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                body = wire.read_chunked(stream)
            elif length is not None:
                body = stream.read(int(length))
                if len(body) != int(length):
                    raise wire.WireError("the request body is shorter than its Content-Length")
            elif self.command == "POST":
                text = "The Transfer-Encoding is not chunked and there is no Content-Length header"
                raise QueryError.of_code(HTTP_LENGTH_REQUIRED, f"{text}. (HTTP_LENGTH_REQUIRED)")
            else:
                body = b""
            return wire.decompress(body, self.headers.get("Content-Encoding", "").lower())
        except wire.WireError as error:
            # How much of the body is unread is unknown, so the connection cannot be used again.
            self.close_connection = True
            raise QueryError.of_code(BAD_ARGUMENTS, f"{error}. (BAD_ARGUMENTS)") from error

    def _authenticate(self, url: dict[str, str]) -> None:
        user = self.headers.get("X-ClickHouse-User") or url.get("user", "default")
        password = self.headers.get("X-ClickHouse-Key") or url.get("password", "")
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(credentials).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                user = ""
        if not self.server.allows(user, password):
            text = (
                f"{user}: Authentication failed: password is incorrect,"
                " or there is no user with such name. (AUTHENTICATION_FAILED)"
            )
            raise QueryError.of_code(AUTHENTICATION_FAILED, text)

    def _query(self, url: dict[str, str], body: bytes, readonly: bool) -> Query:
        content_type = self.headers.get("Content-Type", "")
        sql = url.get("query", "").encode()
        fields = dict(url)
        if content_type.lower().startswith("multipart/form-data"):
            try:
                form = wire.form_fields(body, content_type)
            except wire.WireError as error:
                raise QueryError.of_code(BAD_ARGUMENTS, f"{error}. (BAD_ARGUMENTS)") from error
            sql += form.pop("query", b"")
            fields.update({name: value.decode() for name, value in form.items()})
        elif sql and body:
            # Statement in the URL and rows in the body: ClickHouse reads them as one text.
            sql += b"\n" + body
        else:
            sql = sql or body
        return Query(
            sql=sql,
            database=fields.get("database") or self.headers.get("X-ClickHouse-Database") or "",
            default_format=fields.get("default_format")
            or self.headers.get("X-ClickHouse-Format")
            or "TabSeparated",
            settings={
                name: value
                for name, value in fields.items()
                if name not in _OWN_PARAMETERS and not name.startswith("param_")
            },
            params={
                name.removeprefix("param_"): value
                for name, value in fields.items()
                if name.startswith("param_")
            },
            readonly=readonly,
        )

    # ---- answers --------------------------------------------------------------------------------

    def _send_answer(self, answer: Answer, query: Query, headers: dict[str, str]) -> None:
        headers["X-ClickHouse-Summary"] = json.dumps(answer.summary)
        if answer.format is not None:
            headers["X-ClickHouse-Format"] = answer.format
        headers["Content-Type"] = "text/plain; charset=UTF-8"
        body = answer.body
        # The client must ask for compression both by the header and by the setting.
        if body and query.settings.get("enable_http_compression") == "1":
            body, encoding = wire.compress(body, self.headers.get("Accept-Encoding", ""))
            if encoding is not None:
                headers["Content-Encoding"] = encoding
        self._send(HTTPStatus.OK, body, headers)

    def _send_error(self, error: QueryError, headers: dict[str, str]) -> None:
        headers["X-ClickHouse-Exception-Code"] = str(error.code)
        headers["Content-Type"] = "text/plain; charset=UTF-8"
        text = error.message
        if "(version " not in text:
            text += f" (version {self.server.engine.version})"
        self._send(_STATUS_OF_CODE.get(error.code, 500), text.encode() + b"\n", headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            # The client gave up on a stalled request and has disconnected.
            self.close_connection = True

    def _plan_fault(self) -> None:
        try:
            wish = json.loads(self._body())
            self.server.faults.add(wish)
        except (QueryError, ValueError, TypeError) as error:
            self._send(HTTPStatus.BAD_REQUEST, f"{error}\n".encode(), {})
            return
        self._send(HTTPStatus.OK, b"Ok.\n", {})


def _raise_planned_error(fault: Fault) -> None:
    if fault.code is not None:
        text = f"Injected fault {fault.when} the statement. (INJECTED_FAULT)"
        raise QueryError.of_code(fault.code, text)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; print the address once requests are answered."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.clickhouse_http",
        description="ClickHouse's HTTP interface over the in-process engine chdb, for tests.",
        epilog="example: python -m tests.clickhouse_http --path /tmp/ch --user u --password p",
    )
    parser.add_argument("--path", required=True, help="data folder, created if missing")
    parser.add_argument(
        "--port", type=int, default=8123, help="port; 0 picks a free one (default: 8123)"
    )
    parser.add_argument(
        "--user", help="the only user; without it, any name and password is accepted"
    )
    parser.add_argument("--password", default="")
    parser.add_argument("--cluster", help="act as the only node of a cluster with this name")
    parser.add_argument("--verbose", action="store_true", help="log every request to stderr")
    options = parser.parse_args(arguments)
    try:
        server = ClickHouseServer(
            options.path,
            options.port,
            options.user,
            options.password,
            verbose=options.verbose,
            cluster=options.cluster,
        )
    except OSError as error:
        sys.exit(f"port {options.port} cannot be used: {error}")

    def stop(_signal: int, _frame: object) -> None:
        # In another thread: shutdown() waits for serve_forever, which runs in this one.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(server.url, flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    server.engine.close()
