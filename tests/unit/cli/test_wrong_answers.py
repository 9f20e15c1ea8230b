"""What commands say when no Rantai answers at an address, or something else does."""

import json
from pathlib import Path

import pytest

from services.cli.data_dir import hold_data_dir, write_run_file
from services.cli.doctor import _running, _store
from services.kafka.embedded_broker import free_port
from tests.unit.cli.commands import HTML, KEY, answering, rantai

BACKTEST = ("policy", "backtest", "--from", "packaged", "--to", "packaged", "--as-of", "2026-11-01")
LONG = {"rebuild": ("rebuild",), "backtest": BACKTEST}
COMMANDS = {
    **LONG,
    "explain": ("explain", "S1", "otif"),
    "reconcile": ("reconcile",),
    "rejected list": ("rejected", "list"),
    "rejected show": ("rejected", "show", "x:0:1"),
    "rejected replay": ("rejected", "replay", "x:0:1"),
    "rejected dismiss": ("rejected", "dismiss", "x:0:1"),
}
of_each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
of_long_work = pytest.mark.parametrize("work", LONG)


def said(*command: str, url: str, key: str = KEY) -> tuple[int, str]:
    """Return the exit status of a command and what it wrote to standard error."""
    ended = rantai(*command, "--url", url, "--key", key)
    return ended.exit_code, ended.stderr


@of_each_command
@pytest.mark.parametrize("status", [200, 202, 302, 400, 404, 405, 500, 502, 503])
def test_a_page_is_no_answer(command: tuple[str, ...], status: int) -> None:
    with answering(HTML, status) as (url, _):
        code, message = said(*command, url=url)
    assert code == 2
    assert "is not from Rantai; is --url right?" in message


@of_each_command
@pytest.mark.parametrize("body", [b"{}", b"[]", b"3", b'"x"', b"{\xff"])
def test_json_of_something_else_is_no_answer(command: tuple[str, ...], body: bytes) -> None:
    if command[1:2] == ("show",) and body == b"{}":
        return  # it shows an object, whatever is in it
    with answering(body, 202 if command[1:2] == ("replay",) else 200) as (url, _):
        code, message = said(*command, url=url)
    assert code == 2
    assert "is not from Rantai; is --url right?" in message


@of_each_command
def test_what_was_wrong_is_said(command: tuple[str, ...]) -> None:
    with answering(json.dumps({"detail": "use \x1b another"}).encode(), 400) as (url, _):
        code, message = said(*command, url=url)
    assert code in (1, 2)
    assert "use \\x1b another" in message


@of_each_command
def test_nothing_at_the_address(command: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, message = said(*command, url=url)
    assert code == 2
    assert f"{url} does not answer (ConnectError); is it up?" in message


@of_each_command
@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "localhost:8080", "http://a:b", "http://", "http://a..b", "x" * 70]
)
def test_no_address(command: tuple[str, ...], url: str) -> None:
    code, message = said(*command, url=url)
    assert code == 2
    assert f"{url} is not an address; write --url http://host:port" in message


@of_each_command
@pytest.mark.parametrize("key", ["rtk_é", "rtk_1\nrtk_2", "rtk_1 rtk_2"])
def test_no_key(command: tuple[str, ...], key: str) -> None:
    code, message = said(*command, url="http://127.0.0.1:9", key=key)
    assert code == 2
    assert "the API key has characters that no key has" in message


@of_long_work
@pytest.mark.parametrize("lines", [b"", b'{"table": "t", "stage": "t", "done": 0, "total": 2}\n'])
def test_a_connection_that_ends_before_the_work(work: str, lines: bytes) -> None:
    with answering(lines, length=2 * len(lines)) as (url, _):
        code, message = said(*LONG[work], url=url)
    assert code == 1
    assert f"the connection ended before the {work} did; run it again" in message


@of_long_work
def test_work_that_fails(work: str) -> None:
    with answering(b'{"finished": false, "error": "no \\u001b room"}\n') as (url, _):
        code, message = said(*LONG[work], url=url)
    assert code == 1
    assert f"the {work} failed: no \\x1b room" in message


def test_work_that_is_done() -> None:
    lines = b'{"table": "[/x]", "done": 1, "total": 2}\n{"tables": 2, "finished": true}\n'
    with answering(lines) as (url, _):
        ended = rantai("rebuild", "--url", url, "--key", KEY)
    assert (ended.exit_code, ended.stdout) == (0, "2 tables rebuilt from the ledger.\n")


@of_long_work
def test_a_store_that_cannot_be_reached(work: str) -> None:
    store = f"http://127.0.0.1:{free_port()}/rantai"
    ended = rantai(*LONG[work], RANTAI_CLICKHOUSE_URL=store)
    assert (ended.exit_code, f"the {work} failed: " in ended.stderr) == (1, True)


@of_long_work
def test_a_directory_without_a_store(work: str, tmp_path: Path) -> None:
    ended = rantai(*LONG[work], "--data-dir", tmp_path)
    assert (ended.exit_code, f"{tmp_path} has no store" in ended.stderr) == (2, True)


def test_a_keys_file_that_cannot_be_read(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text("{")
    with hold_data_dir(tmp_path, "rantai up"):
        write_run_file(tmp_path, "http://127.0.0.1:9", "127.0.0.1:9", keys)
        ended = rantai("explain", "S1", "otif", "--data-dir", tmp_path)
    assert ended.exit_code == 2
    assert f"{keys} is not a valid list of keys" in ended.stderr


def test_an_id_is_one_step_of_the_path() -> None:
    with answering() as (url, asked):
        said("explain", "S/1?x=#é", "otif", url=url)
    assert asked[0].partition("?")[0] == "/v1/suppliers/S%2F1%3Fx%3D%23%C3%A9/scorecard/explain"


def test_doctor_says_what_the_process_on_the_directory_answers(tmp_path: Path) -> None:
    not_ready = json.dumps({"status": "not ready", "waiting_for": "broker, ledger"}).encode()
    with hold_data_dir(tmp_path, "rantai up"):
        for body, message in (
            (not_ready, "is not ready: waiting for broker, ledger"),
            (HTML, "is not ready: it answers 503, which is not what Rantai answers"),
            (b"[]", "is not ready: it answers 503, which is not what Rantai answers"),
        ):
            with answering(body, 503) as (url, _):
                write_run_file(tmp_path, url, "127.0.0.1:9", tmp_path / "keys.json")
                with pytest.raises(RuntimeError, match=f"^{url} {message}$"):
                    _running(tmp_path)
        with pytest.raises(RuntimeError, match=rf"^{url} does not answer \(ConnectError\), though"):
            _running(tmp_path)


@pytest.mark.parametrize("status", [200, 404])
def test_doctor_finds_no_store_in_a_page(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(HTML, status) as (url, _):
        monkeypatch.setenv("RANTAI_CLICKHOUSE_URL", f"{url}/rantai")
        with pytest.raises(RuntimeError, match=rf"^the answer \({status}\) of {url} is not Click"):
            _store()


@pytest.mark.parametrize("url", ["clickhouse:8123/rantai", "http://a:b/rantai", "ftp://a/b"])
def test_doctor_says_that_an_address_is_none(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANTAI_CLICKHOUSE_URL", url)
    with pytest.raises(RuntimeError, match=r"^RANTAI_CLICKHOUSE_URL is not an address; write "):
        _store()
