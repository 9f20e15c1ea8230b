"""`rantai simulate`: sends simulated events to a gateway."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from schemas.validation import Accepted, Sender, parse, validate
from services.access.keys import KeyStore
from services.cli.simulate import simulate
from services.simulator import history
from tests.unit.cli.commands import answering, rantai


class Gateway(ThreadingHTTPServer):
    """Validates batches as a gateway does, after a first answer of 503; rejects one event type."""

    def __init__(self, store: KeyStore, unwanted: str | None) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.store, self.unwanted = store, unwanted
        self.away = True
        self.one_at_a_time = threading.Lock()
        self.stored: set[tuple[str, str]] = set()
        self.largest = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def judge(self, bearer: str, batch: list[Any]) -> tuple[int, dict[str, Any]]:
        if self.away:
            self.away = False
            return 503, {}
        principal = self.store.authenticate(bearer.removeprefix("Bearer "))
        if principal is None:
            return 401, {"detail": "unknown key"}
        self.largest = max(self.largest, len(batch))
        rejected = []
        for index, raw in enumerate(batch):
            judged = validate(raw, Sender(principal.partner, (principal.role,)))
            if isinstance(judged, Accepted) and judged.type != self.unwanted:
                self.stored.add((judged.source, judged.id))
            else:
                errors = [{"pointer": "/type", "message": "is unwanted"}]
                rejected.append({"index": index, "id": raw["id"], "errors": errors})
        accepted = len(batch) - len(rejected)
        return 202 if accepted else 422, {"accepted": accepted, "rejected": rejected}


class Answering(BaseHTTPRequestHandler):
    """The HTTP handler of the stand-in gateway."""

    server: Gateway
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.path == "/v1/events"
        assert self.headers["content-type"] == "application/cloudevents-batch+json"
        with self.server.one_at_a_time:
            status, answer = self.server.judge(self.headers["authorization"], parse(body))
        text = json.dumps(answer).encode()
        self.send_response(status)
        if status == 503:
            self.send_header("retry-after", "0")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    server = Gateway(KeyStore(tmp_path / "keys.json"), getattr(request, "param", None))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(gateway_url: str, data_dir: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    app = typer.Typer()
    app.command()(simulate)
    arguments = ["--data-dir", str(data_dir), "--url", gateway_url, "--json", *options]
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, json.loads(result.stdout), result.stderr


def test_the_command_sends_history_and_then_live_events(gateway: Gateway, tmp_path: Path) -> None:
    status, counts, errors = run(
        gateway.url, tmp_path, "--days", "90", "--limit", "30", "--rate", "1000"
    )
    assert status == 0, errors
    assert counts["live"] == {"accepted": 30, "rejected": 0}
    assert counts["history"]["accepted"] == len(gateway.stored) - 30
    assert counts["history"]["accepted"] == pytest.approx(
        len(history(7, datetime.now(UTC), 90)), abs=5
    )
    assert 30 < gateway.largest <= 500
    assert all(record.revoked_at for record in KeyStore(tmp_path / "keys.json").records())


@pytest.mark.parametrize("gateway", ["id.rantai.partner.coached.v1"], indirect=True)
def test_the_command_shows_what_was_rejected_and_fails(gateway: Gateway, tmp_path: Path) -> None:
    status, counts, errors = run(gateway.url, tmp_path, "--days", "60", "--no-live")
    assert status == 1
    assert counts["history"]["rejected"] > 0
    assert "PROGRAMME id.rantai.partner.coached.v1" in errors
    assert "/type is unwanted" in errors


def test_the_command_explains_that_the_gateway_reads_other_keys(
    gateway: Gateway, tmp_path: Path
) -> None:
    status, counts, errors = run(gateway.url, tmp_path / "elsewhere", "--days", "2", "--no-live")
    assert status == 1
    assert "401" in counts["error"]
    assert "same keys file" in errors


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "http://a:b", "http://a..b"])
def test_the_command_says_that_an_address_is_none(url: str, tmp_path: Path) -> None:
    status, counts, errors = run(url, tmp_path, "--days", "2", "--no-live")
    assert status == 1
    assert counts["error"].startswith(f"{url} is not an address; write --url http://host:port")
    assert counts["error"] in errors


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"index": 10**6, "errors": []},
        {"index": 0, "errors": [{}]},
        {"index": 0, "errors": 3},
        {"index": "x", "errors": []},
        3,
    ],
)
def test_the_command_says_that_an_answer_is_no_gateways(row: Any, tmp_path: Path) -> None:
    body = json.dumps({"accepted": 0, "rejected": [row], "said": "\u009b"}, ensure_ascii=False)
    with answering(body.encode(), 422) as (url, _):
        status, counts, errors = run(url, tmp_path, "--days", "2", "--no-live")
    assert status == 1
    assert "is it a Rantai gateway" in counts["error"]
    assert "\\x9b" in errors


def test_the_command_says_which_keys_file_is_broken(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    ended = rantai("simulate", "--data-dir", tmp_path)
    assert ended.exit_code == 2
    assert f"{tmp_path / 'keys.json'} is not a valid list of keys" in ended.stderr
