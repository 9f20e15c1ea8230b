"""Runs a command as its user does, and stands in for what answers at an address."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from services.cli import app
from services.settings import Settings

KEY = "rtk_0123456789ab_SECRETSECRETSECRETSECRETSECRETSECRETSECRETS"
HTML = b"<html><body>It works!</body></html>"


def rantai(*arguments: str | Path, columns: int = 200, **environment: str) -> Result:
    """Run a command in an environment without other settings. No error of it may be unexpected."""
    none = {f"RANTAI_{name.upper()}": None for name in (*Settings.model_fields, "key", "read_url")}
    result = CliRunner().invoke(
        app, list(map(str, arguments)), env={**none, "COLUMNS": str(columns), **environment}
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@contextmanager
def answering(
    body: bytes = HTML,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """Run a server that answers everything alike; yield its address and the paths it was asked.

    A `length` above that of the body makes the answer look cut off.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.path)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
