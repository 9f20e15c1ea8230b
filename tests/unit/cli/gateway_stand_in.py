"""A server that answers as a gateway does, and helpers to run `rantai ingest` against it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import typer
from typer.testing import CliRunner, Result

from schemas.catalogue import Role
from schemas.validation import Rejected, Sender, parse, validate
from services.cli.ingest import ingest

KEY = "rtk_0123456789ab_SECRETSECRETSECRETSECRETSECRETSECRETSECRETS"
MAPPING = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/sap"
[constants]
buyer = "AHM"
[columns]
who = { from = "Vendor", kind = "identifier" }
no = { from = "No", kind = "code" }
closed_at = { from = "Closed", kind = "time", formats = ["DD-MMM-YY"] }
[[leave_out]]
column = "No"
equals = "Total"
[[events]]
type = "id.rantai.quality.complaint_closed.v1"
id = "closed/{no}"
time = "closed_at"
data = { buyer_id = "buyer", supplier_id = "who", complaint_no = "no", closed_at = "closed_at" }
"""

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class StandIn:
    """Answers as a gateway and its settlement service do.

    `queued` and `settling`: answers to give first, to posted events and to settlement requests.
    After those, posted events are validated by the contract. `requests`: headers and lines of every
    post of events. `contents`: content digest of each accepted event, by source and id. `asked`:
    the events of every settlement request. `late`: how many settlement requests with events are
    answered "pending". `refusing`: ids of events that are refused after they were accepted.
    """

    url: str = ""
    queued: list[Answer] = field(default_factory=list)
    requests: list[tuple[dict[str, str], list[bytes]]] = field(default_factory=list)
    contents: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[list[dict[str, str]]] = field(default_factory=list)
    settling: list[Answer] = field(default_factory=list)
    late: int = 0
    refusing: set[str] = field(default_factory=set)
    zone: str = "Asia/Jakarta"

    @property
    def stored(self) -> set[tuple[str, str]]:
        return set(self.contents)

    def settle(self, body: bytes) -> Answer:
        events = json.loads(body)["events"]
        self.asked.append(events)
        if self.settling:
            return self.settling.pop(0)
        answer: dict[str, Any] = {"stored": 0, "conflicts": [], "rejected": [], "pending": []}
        answer["zone"] = self.zone
        if events:
            self.late -= 1
        for at, one in enumerate(events):
            errors = [{"pointer": "/data", "message": "does not fit"}]
            if self.late >= 0:
                answer["pending"].append(at)
            elif one["id"] in self.refusing:
                answer["rejected"].append({"index": at, "errors": errors})
            elif self.contents.get((one["source"], one["id"]), one["content"]) != one["content"]:
                answer["conflicts"].append(at)
            else:
                answer["stored"] += 1
        return 200, {}, json.dumps(answer).encode()

    def answer(self, headers: dict[str, str], body: bytes) -> Answer:
        lines = [line for line in body.split(b"\n") if line]
        self.requests.append((headers, lines))
        if self.queued:
            return self.queued.pop(0)
        outcomes = [validate(parse(line), Sender("AHM", (Role.BUYER,))) for line in lines]
        rejected = []
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Rejected):
                errors = [fault.as_json() for fault in outcome.faults]
                rejected.append({"index": index, "id": outcome.id, "errors": errors})
            else:
                self.contents.setdefault((outcome.source, outcome.id), outcome.content.hex())
        accepted = len(lines) - len(rejected)
        forbidden = all(isinstance(each, Rejected) and each.forbidden for each in outcomes)
        return judged(accepted, rejected, 202 if accepted else 403 if forbidden else 422)


def judged(accepted: int, rejected: list[dict[str, Any]], status: int = 202) -> Answer:
    body = {"accepted": accepted, "rejected": rejected}
    return status, {}, json.dumps(body).encode()


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """Run the stand-in gateway on a free port while the context lasts."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Authorization"] == f"Bearer {KEY}"
            if self.path == "/v1/settlement":
                status, headers, answer = stand_in.settle(body)
            else:
                assert self.path == "/v1/events"
                status, headers, answer = stand_in.answer(dict(self.headers), body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield stand_in
    server.shutdown()
    thread.join()
    server.server_close()


app = typer.Typer()
app.command()(ingest)


def run(*arguments: object, key: str | None = KEY, stdin: bytes | None = None) -> Result:
    environment = {"RANTAI_KEY": key, "COLUMNS": "200"}
    result = CliRunner().invoke(app, [str(each) for each in arguments], stdin, environment)
    assert KEY not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def report(*arguments: object, stdin: bytes | None = None) -> tuple[int, dict[str, Any]]:
    result = run(*arguments, "--json", stdin=stdin)
    return result.exit_code, json.loads(result.stdout)


def event(number: int, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/erp/AHM/x",
        "type": "id.rantai.quality.complaint_closed.v1",
        "time": "2026-11-01T00:00:00+07:00",
        "data": {
            "buyer_id": "AHM",
            "supplier_id": "S1",
            "complaint_no": str(number),
            "closed_at": "2026-11-01T00:00:00+07:00",
            **data,
        },
    }
