"""The ClickHouse HTTP endpoint of the tests, used with the client that production uses."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from tests.clickhouse_http import wire

ROOT = Path(__file__).parents[3]
AUTH = ("--user", "rantai", "--password", "p@ss:word")
RETRIABLE, UNKNOWN_TABLE, CANNOT_PARSE = 252, 60, 27


@contextmanager
def endpoint(path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the endpoint as a process; yield the process, and its address once it answers."""
    command = [sys.executable, "-m", "tests.clickhouse_http", "--path", str(path), "--port", "0"]
    with subprocess.Popen(
        [*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, "the endpoint did not start"
            yield process, url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def connect(url: str, database: str = "supply", **options: Any) -> Client:
    dsn = f"http://rantai:p%40ss%3Aword@{url.removeprefix('http://')}/{database}"
    return clickhouse_connect.get_client(dsn=dsn, **options)


def fetch(url: str, data: bytes | None = None, method: str | None = None) -> tuple[int, bytes, Any]:
    """Send a request without a client library; return status, body and headers."""
    request = urllib.request.Request(url, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with endpoint(tmp_path_factory.mktemp("clickhouse"), *AUTH) as (_, address):
        with connect(address, "default") as first:
            first.command("CREATE DATABASE supply ENGINE = Atomic")
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with connect(url) as connected:
        yield connected


@pytest.fixture
def events(client: Client) -> str:
    """Return the name of an empty table that drops a block sent twice with one token."""
    client.command("DROP TABLE IF EXISTS events")
    client.command(
        "CREATE TABLE events (id UInt32, partner LowCardinality(String)) ENGINE = MergeTree"
        " ORDER BY id SETTINGS non_replicated_deduplication_window = 100"
    )
    return "events"


@pytest.fixture
def fault(url: str) -> Iterator[Any]:
    """Return a function that plans a fault; faults left over by a test are removed."""

    def plan(**wish: Any) -> None:
        assert fetch(f"{url}/__fault__", json.dumps(wish).encode())[0] == 200

    yield plan
    assert fetch(f"{url}/__fault__", method="DELETE")[0] == 200


def rows_of(count: int, start: int = 0) -> bytes:
    lines = (f'{{"id":{at},"partner":"IKM-{at % 7}"}}\n' for at in range(start, start + count))
    return "".join(lines).encode()


def count_of(client: Client, table: str) -> int:
    return int(client.query(f"SELECT count() FROM {table}").result_rows[0][0])


def test_the_production_client_connects(client: Client) -> None:
    assert client.ping()
    assert client.database == "supply"
    assert str(client.server_version).count(".") >= 2
    assert client.command("SELECT currentDatabase()") == "supply"
    assert client.get_client_setting("date_time_input_format") == "best_effort"


def test_ping_and_root_answer_without_credentials(url: str) -> None:
    assert fetch(f"{url}/ping")[:2] == (200, b"Ok.\n")
    assert fetch(url)[:2] == (200, b"Ok.\n")


def test_answer_headers_have_format_zone_query_id_and_summary(url: str) -> None:
    status, body, headers = fetch(
        f"{url}/?user=rantai&password=p%40ss%3Aword&query_id=q1&default_format=JSONEachRow",
        b"SELECT number FROM numbers(2)",
    )
    assert (status, body) == (200, b'{"number":0}\n{"number":1}\n')
    assert headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert headers["X-ClickHouse-Query-Id"] == "q1"
    assert headers["X-ClickHouse-Timezone"]
    assert json.loads(headers["X-ClickHouse-Summary"])["result_rows"] == "2"


@pytest.mark.parametrize("user, password", [("rantai", "wrong"), ("", ""), ("other", "p@ss:word")])
def test_wrong_credentials_are_refused(url: str, user: str, password: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        clickhouse_connect.get_client(
            host="127.0.0.1", port=int(url.rpartition(":")[2]), username=user, password=password
        )
    assert refused.value.code == 516


def test_credentials_may_come_in_headers(url: str) -> None:
    request = urllib.request.Request(f"{url}/?query=SELECT+1")
    request.add_header("X-ClickHouse-User", "rantai")
    request.add_header("X-ClickHouse-Key", "p@ss:word")
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.read() == b"1\n"


def test_a_get_request_can_only_read(url: str, events: str) -> None:
    credentials = "user=rantai&password=p%40ss%3Aword&database=supply"
    status, body, _ = fetch(f"{url}/?{credentials}&query=TRUNCATE+TABLE+{events}")
    assert status == 500
    assert body.startswith(b"Code: 164. DB::Exception: ")


def test_a_materialized_view_follows_raw_inserts(client: Client, events: str) -> None:
    client.command("DROP VIEW IF EXISTS by_partner")
    client.command(
        "CREATE MATERIALIZED VIEW by_partner ENGINE = SummingMergeTree ORDER BY partner"
        f" AS SELECT partner, count() AS orders FROM {events} GROUP BY partner"
    )
    try:
        summary = client.raw_insert(events, insert_block=rows_of(10_000), fmt="JSONEachRow")
        assert summary.written_rows >= 10_000
        assert count_of(client, events) == 10_000
        totals = client.query("SELECT partner, sum(orders) FROM by_partner GROUP BY 1 ORDER BY 1")
        assert totals.result_rows[0] == ("IKM-0", 1429)
        assert sum(row[1] for row in totals.result_rows) == 10_000
    finally:
        client.command("DROP VIEW by_partner")


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", "deflate"])
def test_compressed_bodies_are_unpacked(client: Client, events: str, compression: str) -> None:
    packed, name = wire.compress(rows_of(100), compression)
    assert name == compression
    client.raw_insert(events, insert_block=packed, fmt="JSONEachRow", compression=compression)
    assert count_of(client, events) == 100


# No deflate: the client accepts it in answers but cannot compress an insert with it.
@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_native_inserts_keep_every_type(url: str, compress: bool | str) -> None:
    names = ["id", "day", "at", "price", "tags", "pair", "note"]
    late = datetime(2025, 2, 28, 23, 59, 59, 123000, tzinfo=UTC)
    rows = [
        (1, date(2025, 2, 28), late, Decimal("12345678.9012")),
        (2, date(1970, 1, 1), datetime(2024, 2, 29, tzinfo=UTC), Decimal("-0.0001")),
    ]
    extra = [(["a", "b;\n'"], ("x\n\n;", 7), None), ([], ("FORMAT Native", -1), "Ω '\\' `")]
    data = [row + rest for row, rest in zip(rows, extra, strict=True)]
    with connect(url, compress=compress, tz_mode="aware") as client:
        client.command("DROP TABLE IF EXISTS typed")
        client.command(
            "CREATE TABLE typed (id UInt32, day Date, at DateTime64(3, 'UTC'),"
            " price Decimal(18, 4), tags Array(String), pair Tuple(String, Int32),"
            " note Nullable(String)) ENGINE = MergeTree ORDER BY id"
        )
        assert client.insert("typed", data, column_names=names).written_rows == 2
        read = client.query("SELECT * FROM typed ORDER BY id")
    assert read.column_names == tuple(names)
    assert read.result_rows == data


def test_a_large_native_insert_in_many_blocks_is_stored_completely(
    client: Client, events: str
) -> None:
    data = [(at, f"IKM-{at % 251}") for at in range(200_000)]
    client.insert(events, data, column_names=["id", "partner"])
    total = client.query(f"SELECT count(), uniqExact(id), sum(id) FROM {events}").result_rows[0]
    assert total == (200_000, 200_000, sum(range(200_000)))


def test_every_other_way_to_insert(client: Client, events: str) -> None:
    client.command(f"INSERT INTO {events} VALUES (1, 'semi;colon'), (2, 'it''s')")
    client.command(
        f"INSERT INTO {events} VALUES ({{id:UInt32}}, {{partner:String}})",
        parameters={"id": 3, "partner": "quote ' and\nnewline"},
    )
    client.command(f"INSERT INTO {events} SELECT number + 4, 'many' FROM numbers(5)")
    client.command(f"INSERT INTO {events} FORMAT CSV", data="9,streamed\n")
    client.raw_insert(events, insert_block=(part for part in (b"10\t", b"chunked\n")), fmt="TSV")
    read = client.query(f"SELECT id, partner FROM {events} ORDER BY id").result_rows
    assert read[:3] == [(1, "semi;colon"), (2, "it's"), (3, "quote ' and\nnewline")]
    assert read[-2:] == [(9, "streamed"), (10, "chunked")]
    assert len(read) == 10


@pytest.mark.parametrize("in_form", [False, True], ids=["url", "multipart"])
def test_parameters_survive_quotes_and_line_breaks(url: str, in_form: bool) -> None:
    text = 'it\'s "quoted"\\n\n\ttab; -- {x:String} `` Ω'
    with connect(url, form_encode_query_params=in_form) as client:
        read = client.query(
            "SELECT {x:String}, {many:Array(String)}, {day:Date}, {gone:Nullable(String)}",
            parameters={"x": text, "many": [text, ""], "day": date(2025, 1, 2), "gone": None},
        )
    assert read.result_rows == [(text, [text, ""], date(2025, 1, 2), None)]


def test_a_parameter_too_long_for_an_url(client: Client) -> None:
    text = "panjang'\n" * 20_000
    assert client.query("SELECT {x:String}", parameters={"x": text}).result_rows == [(text,)]


def test_settings_apply_to_one_request(client: Client) -> None:
    read_setting = "SELECT getSetting('max_block_size')"
    before = client.query(read_setting).result_rows
    assert client.query(read_setting, settings={"max_block_size": 1234}).result_rows == [(1234,)]
    assert client.query(read_setting).result_rows == before
    client.set_client_setting("max_block_size", 99)
    assert client.query(read_setting).result_rows == [(99,)]


def test_a_deduplication_token_makes_a_retry_harmless(client: Client, events: str) -> None:
    for token in ("topic-0-100", "topic-0-100", "topic-100-200"):
        settings = {"insert_deduplication_token": token}
        client.raw_insert(events, insert_block=rows_of(100), fmt="JSONEachRow", settings=settings)
    assert count_of(client, events) == 200


def test_a_result_without_rows_is_still_a_result(client: Client) -> None:
    assert client.query("SELECT number FROM numbers(3) LIMIT 0").column_names == ("number",)
    assert client.query("SELECT 1 AS one WHERE 0").result_rows == []
    assert client.command("SELECT 1 WHERE 0") == ""


@pytest.mark.parametrize(
    "statement, code",
    [
        ("SELECT * FROM absent", UNKNOWN_TABLE),
        ("SELEC 1", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT throwIf(1)", 395),
        ("SELECT toUInt8('x')", 6),
        ("SELECT 1 SETTINGS no_such_setting = 1", 115),
        ("DROP DATABASE absent", 81),
    ],
)
def test_errors_carry_the_code_of_clickhouse(client: Client, statement: str, code: int) -> None:
    with pytest.raises(DatabaseError, match=f"Code: {code}[.] DB::Exception") as raised:
        client.command(statement)
    assert raised.value.code == code


def test_a_bad_row_rejects_the_whole_block(client: Client, events: str) -> None:
    bad = rows_of(50) + b'{"id":"no number","partner":"x"}\n'
    with pytest.raises(DatabaseError) as raised:
        client.raw_insert(events, insert_block=bad, fmt="JSONEachRow")
    assert raised.value.code == CANNOT_PARSE
    assert "at row 51" in str(raised.value)
    assert count_of(client, events) == 0


def test_an_insert_that_runs_out_of_time_fails_and_writes_nothing(
    client: Client, events: str
) -> None:
    block, settings = rows_of(300_000), {"max_execution_time": 0.01}
    with pytest.raises(DatabaseError) as raised:
        client.raw_insert(events, insert_block=block, fmt="JSONEachRow", settings=settings)
    assert raised.value.code == 159
    assert count_of(client, events) == 0


def test_eight_threads_read_and_write_at_once(url: str, client: Client, events: str) -> None:
    shared = connect(url, autogenerate_session_id=False)

    def work(worker: int) -> int:
        with connect(url) as own:
            for turn in range(5):
                block = rows_of(100, start=(worker * 5 + turn) * 100)
                own.raw_insert(events, insert_block=block, fmt="JSONEachRow")
                text = f"worker {worker}"
                read = shared.query("SELECT {x:String}, number FROM numbers(1000)", {"x": text})
                assert {row[0] for row in read.result_rows} == {text}
        return worker

    with shared, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    assert count_of(client, events) == 4000


def test_requests_run_side_by_side_but_one_session_is_locked(url: str) -> None:
    clients = [connect(url, session_id=name) for name in ("a", "b", "a")]
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        sleeps = [pool.submit(each.command, "SELECT sleep(0.7)") for each in clients[:2]]
        time.sleep(0.2)
        with pytest.raises(DatabaseError) as locked:
            clients[2].command("SELECT 1")
        assert [done.result() for done in sleeps] == [0, 0]
    assert locked.value.code == 373
    assert time.monotonic() - started < 1.3
    assert clients[2].command("SELECT 1") == 1


def test_a_planned_fault_hits_matching_statements_the_given_number_of_times(
    client: Client, events: str, fault: Any
) -> None:
    fault(code=RETRIABLE, times=3, match="INSERT")
    for _ in range(3):
        with pytest.raises(DatabaseError) as raised:
            client.raw_insert(events, insert_block=rows_of(10), fmt="JSONEachRow")
        assert raised.value.code == RETRIABLE
        assert count_of(client, events) == 0
    client.raw_insert(events, insert_block=rows_of(10), fmt="JSONEachRow")
    assert count_of(client, events) == 10


def test_a_fault_after_the_statement_does_not_undo_it(
    client: Client, events: str, fault: Any
) -> None:
    fault(code=210, match="INSERT", when="after")
    with pytest.raises(DatabaseError) as raised:
        client.raw_insert(events, insert_block=rows_of(10), fmt="JSONEachRow")
    assert raised.value.code == 210
    assert count_of(client, events) == 10


def test_a_dropped_connection_is_a_transport_error(client: Client, fault: Any) -> None:
    fault(drop=True, times=2, match="SELECT 42")
    with pytest.raises(OperationalError):
        client.command("SELECT 42")
    assert client.command("SELECT 42") == 42


def test_a_stall_delays_only_matching_statements(url: str, fault: Any) -> None:
    fault(stall_seconds=0.8, match="slow")
    with connect(url) as stalled, connect(url) as quick, ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        waiting = pool.submit(stalled.command, "SELECT 'slow'")
        assert quick.command("SELECT 'quick'") == "quick"
        assert time.monotonic() - started < 0.7
        assert waiting.result() == "slow"
        assert time.monotonic() - started >= 0.8


def test_an_invalid_fault_is_refused(url: str) -> None:
    for wish in (b"{}", b'{"code": 1, "colour": "red"}', b'{"code": 1, "when": "never"}', b"no"):
        assert fetch(f"{url}/__fault__", wish)[0] == 400
    assert json.loads(fetch(f"{url}/__fault__")[1]) == []


def test_acknowledged_rows_survive_a_kill(tmp_path: Path) -> None:
    with endpoint(tmp_path) as (process, address), connect(address, "default") as writer:
        writer.command("CREATE TABLE kept (id UInt32) ENGINE = MergeTree ORDER BY id")
        writer.insert("kept", [(1,), (2,)])
        process.kill()
    with endpoint(tmp_path) as (process, address), connect(address, "default") as reader:
        assert count_of(reader, "kept") == 2
    assert process.returncode == 0, "SIGTERM must end it with status 0"
