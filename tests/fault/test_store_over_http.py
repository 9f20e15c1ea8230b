"""The store over HTTP: if it is down, busy or behind a failing proxy, no row is blamed."""

import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.kafka.embedded_broker import free_port
from services.processor.ledger_sink import LedgerSink
from services.processor.rejections import Rejections
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable
from services.store.ledger import Ledger
from services.store.migrate import Placement, migrate
from services.store.rebuild import rebuild
from tests.fault.doubles import FakeProducer
from tests.reference.cases import order, receive
from tests.support.storing import contents, empty, record, row

ROOT = Path(__file__).parents[2]


@contextmanager
def endpoint(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `tests.clickhouse_http`; yield its process and its address."""
    command = [sys.executable, "-m", "tests.clickhouse_http", "--path", str(folder), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with endpoint(tmp_path_factory.mktemp("http")) as (_, url):
        yield url


@pytest.fixture(scope="module")
def over_http(server: str) -> Iterator[ClickHouse]:
    """Return a migrated store behind HTTP."""
    store = ClickHouse(url=f"{server}/rantai")
    migrate(store, Placement(fsync=False))
    yield store
    store.close()


def plan(server: str, **fault: Any) -> None:
    """Plan a fault of the endpoint: see `tests.clickhouse_http.faults`."""
    request = urllib.request.Request(f"{server}/__fault__", data=json.dumps(fault).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def forget_plans(server: str) -> None:
    request = urllib.request.Request(f"{server}/__fault__", method="DELETE")
    urllib.request.urlopen(request, timeout=10).close()


def test_a_closed_port_is_an_unavailable_store() -> None:
    with pytest.raises(StoreUnavailable):
        ClickHouse(url=f"http://127.0.0.1:{free_port()}/rantai")


class Busy(http.server.BaseHTTPRequestHandler):
    """A proxy whose server is down: it answers 503."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(503)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None: ...


def test_a_proxy_that_answers_503_is_an_unavailable_store() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        with pytest.raises(StoreUnavailable):
            ClickHouse(url=f"http://127.0.0.1:{proxy.server_port}/rantai")
        proxy.shutdown()


@pytest.mark.anyio
async def test_a_store_that_dies_refuses_no_event(tmp_path: Path) -> None:
    with endpoint(tmp_path / "dies") as (process, url):
        store = ClickHouse(url=f"{url}/rantai")
        migrate(store, Placement(fsync=False))
        process.kill()
        process.wait()
        producer = FakeProducer()
        sink = LedgerSink(Ledger(store), Rejections(producer))
        with pytest.raises(StoreUnavailable):
            await sink.write([record(order("03-01", 5, "03-20"))])
        assert producer.published == []


EVENTS = [receive("03-20", 1, no=f"R{at}", id=f"h-{at}") for at in range(20)]


@pytest.mark.parametrize(
    "fault",
    [
        {"code": 252},
        {"code": 241},
        {"code": 516},
        {"code": 159, "when": "after"},
        # The client itself sends again when a connection is cut.
        {"drop": True, "times": 3},
        {"drop": True, "times": 3, "when": "after"},
    ],
    ids=str,
)
def test_an_insert_with_a_faulty_answer_is_retried_and_counts_once(
    server: str, over_http: ClickHouse, fault: dict[str, Any]
) -> None:
    empty(over_http)
    ledger, batch = Ledger(over_http), uuid4()
    rows = [row(event, at) for at, event in enumerate(EVENTS)]
    plan(server, match="INSERT INTO events", **fault)
    with pytest.raises(StoreUnavailable):
        ledger.append(rows, batch)
    forget_plans(server)
    assert ledger.append(rows, batch).stored == len(EVENTS)
    assert ledger.append(rows, uuid4()).resent == len(EVENTS)
    assert len(contents(over_http)["receipt_lines"]) == len(EVENTS)
    assert over_http.rows("SELECT count() AS n FROM events FINAL") == [{"n": len(EVENTS)}]


def test_a_bad_row_is_the_rows_fault(over_http: ClickHouse) -> None:
    empty(over_http)
    good = row(EVENTS[0])
    broken = type(good)(
        good.source, "b", good.content, b'{"time": "rubbish"}', good.topic, 0, 0, good.timestamp
    )
    with pytest.raises(StoreRefused):
        Ledger(over_http).append([good, broken], uuid4())
    assert over_http.rows("SELECT id FROM events") == []


def test_a_lookup_of_many_senders_and_long_ids_fits(over_http: ClickHouse) -> None:
    empty(over_http)
    events = [
        EVENTS[0] | {"source": f"/erp/B{at % 97}/sap", "id": "é" * 300 + str(at)}
        for at in range(400)
    ]
    rows = [row(event, at) for at, event in enumerate(events)]
    assert Ledger(over_http).append(rows, uuid4()).stored == 400
    assert Ledger(over_http).append(rows, uuid4()).resent == 400


def test_times_carry_their_zone_over_http_and_in_process(
    over_http: ClickHouse, own_clickhouse: ClickHouse
) -> None:
    at = datetime(2026, 11, 22, 17, 5, tzinfo=UTC)
    query = "SELECT toDateTime64('2026-11-22 17:05:00', 3, 'UTC') AS at, [(1, at)] AS inside"
    for store in (over_http, own_clickhouse):
        assert store.rows(query) == [{"at": at, "inside": [(1, at)]}]
        assert [datetime.fromisoformat(one["at"]) for one in store.json_rows(query)] == [at]
        assert store.json_rows("SELECT 1 WHERE 0") == []


def test_a_rebuild_over_http_changes_nothing(over_http: ClickHouse) -> None:
    empty(over_http)
    rows = [row(event, at) for at, event in enumerate(EVENTS)]
    Ledger(over_http).append(rows, uuid4())
    before = contents(over_http)
    rebuild(over_http, Placement(fsync=False))
    assert contents(over_http) == before
    assert Ledger(over_http).repair() == 0


def doctor(**environment: str) -> dict[str, dict[str, Any]]:
    """Run `rantai doctor` with environment variables; return its rows by check."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "doctor", "--json"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    rows = json.loads(done.stdout)
    assert done.returncode == int(not all(row["ok"] for row in rows)), done.stderr
    return {row["check"]: row for row in rows}


def test_doctor_asks_the_store_and_the_broker_that_the_environment_names(
    server: str, over_http: ClickHouse, tmp_path: Path
) -> None:
    port = server.rpartition(":")[2]
    where = {"RANTAI_DATA_DIR": str(tmp_path), "RANTAI_KAFKA": f"127.0.0.1:{free_port()}"}
    url = f"http://somebody:secret@127.0.0.1:{port}"
    found = doctor(**where, RANTAI_CLICKHOUSE_URL=f"{url}/{over_http.database}")
    assert found["store"]["ok"], found
    assert found["store"]["found"].endswith(f"{server}; {over_http.database} has a ledger")
    assert "secret" not in str(found)
    assert found["broker"] == {
        "check": "broker",
        "ok": False,
        "found": f"no broker answers at {where['RANTAI_KAFKA']}; is it up?",
    }
    empty_one = doctor(**where, RANTAI_CLICKHOUSE_URL=f"{url}/nobodys")["store"]
    assert empty_one["found"] == f"nobodys at {server} has no ledger yet; run 'rantai migrate'"
    away = doctor(**where, RANTAI_CLICKHOUSE_URL=f"http://127.0.0.1:{free_port()}/rantai")["store"]
    assert not away["ok"]
    wrong = doctor(**where, RANTAI_PORT="eighty")["settings"]
    assert wrong["found"].startswith("RANTAI_PORT: must be a whole number")
