"""`rantai policy backtest`, by a running process and offline, and the route that it uses."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.http.service import install
from services.kafka.embedded_broker import free_port
from services.operations import backtest_api
from services.operations.backtest import BacktestError, OnProgress
from services.operations.backtest_api import add_backtest
from services.readiness.policy import packaged_text
from services.runtime.turns import Turns
from services.store.client import ClickHouse
from services.store.migrate import migrate
from tests.conftest import NOT_SYNCED
from tests.integration.feeding import feed
from tests.integration.process import Up, run
from tests.reference.histories import buyer_ids, history, supplier_ids
from tests.support.documented import documented
from tests.support.storing import contents, store

START = date(2026, 1, 1)
LATER = packaged_text().replace("late_days = 0", "late_days = 3")
WRONG = packaged_text().replace("late_days = 0", "late_days = -1")
BODY = {"from": packaged_text(), "to": LATER, "as_of": "2026-11-01", "months": 3}


def told_events() -> list[dict[str, Any]]:
    rng = random.Random(6)
    return history(rng, suppliers=2, buyers=1, lines=80, start=START, days=280, calm=0.9)


@pytest.fixture
def later(tmp_path: Path) -> Path:
    file = tmp_path / "later.toml"
    file.write_text(LATER)
    return file


def backtest(later: Path, *arguments: str) -> CompletedProcess[str]:
    return run(
        "policy", "backtest", "--from", "packaged", "--to", str(later), "--as-of", "2026-11-01",
        *arguments,
    )  # fmt: skip


def test_a_running_process_is_asked_and_offline_the_answer_is_the_same(
    tmp_path: Path, later: Path
) -> None:
    up = Up(tmp_path / "data")
    up.data_dir.mkdir()
    absent = backtest(later, *up.reached_by())
    assert (absent.returncode, absent.stderr.count("has no store")) == (2, 1)
    try:
        up.start()
        keys = {name: up.key("supplier", name) for name in supplier_ids(2)}
        keys |= {name: up.key("buyer", name) for name in buyer_ids(1)}
        keys["PROGRAMME"] = up.key("programme", "PROGRAMME")
        time.sleep(1)
        for _ in feed(random.Random(1), up.url, keys, told_events()):
            pass
        up.settle()
        running = backtest(later, *up.reached_by(), "--json", "--months", "5")
        assert running.returncode == 0, running.stderr
        assert up.stop() == 0
    finally:
        up.end()
    answer = json.loads(running.stdout)
    assert answer["suppliers"] == 2
    assert answer["moves"]
    assert len(answer["month_ends"]) == 5
    offline = backtest(later, *up.reached_by(), "--json", "--months", "5")
    assert (offline.returncode, json.loads(offline.stdout)) == (0, answer), offline.stderr
    table = backtest(later, *up.reached_by())
    assert table.returncode == 0
    assert "2 suppliers as of 2026-11-01" in table.stdout
    for one in answer["moves"]:
        assert f"{one['score']['from']:.2f} -> {one['score']['to']:.2f}" in table.stdout
        assert one["by"] in table.stdout


@pytest.mark.parametrize("side", ["--from", "--to"])
def test_a_wrong_policy_is_told_as_by_check(tmp_path: Path, side: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(WRONG)
    checked = run("policy", "check", str(file))
    other = "--to" if side == "--from" else "--from"
    wrong = run(
        "policy", "backtest", side, str(file), other, "packaged", "--as-of", "2026-11-01",
        "--data-dir", str(tmp_path),
    )  # fmt: skip
    assert (wrong.returncode, wrong.stderr, wrong.stdout) == (2, checked.stderr, "")


@pytest.fixture(scope="module")
def filled(new_database: Callable[[], ClickHouse]) -> ClickHouse:
    made = new_database()
    migrate(made, NOT_SYNCED)
    store(made, told_events())
    return made


@pytest.fixture
def client(filled: ClickHouse, tmp_path: Path) -> Iterator[httpx.Client]:
    """Serve the route, and return a client with a key of the programme."""
    keys = KeyStore(tmp_path / "keys.json")
    key = keys.create(Role.PROGRAMME, "operator")
    app, port, router = FastAPI(), free_port(), APIRouter()
    install(app)
    add_backtest(router, keys, filled, Turns(1, "backtest"))
    app.include_router(router)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as made:
        yield made
    server.should_exit = True
    thread.join(10)


def ask(client: httpx.Client, **changes: Any) -> httpx.Response:
    return documented(client.post("/v1/backtest", json=BODY | changes))


def test_progress_by_lines_then_the_result(client: httpx.Client, filled: ClickHouse) -> None:
    before = contents(filled)
    answer = ask(client)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *steps, last = [json.loads(line) for line in answer.text.splitlines()]
    assert last["finished"] is True
    assert len(last["result"]["month_ends"]) == 3
    assert {step["stage"].split()[0] for step in steps} == {"folding", "reading"}
    assert all(step["done"] <= step["total"] for step in steps)
    assert contents(filled) == before


def test_bad_requests_are_refused(client: httpx.Client, tmp_path: Path) -> None:
    wrong = ask(client, to=WRONG)
    assert wrong.status_code == 422
    assert "'to' is not a usable policy" in wrong.json()["detail"]
    assert "tolerances.late_days: must be" in wrong.json()["detail"]
    assert ask(client, **{"from": "version ="}).status_code == 422
    for changes in ({"months": 0}, {"as_of": "soon"}, {"to": None}, {"more": 1}):
        answer = ask(client, **changes)
        assert (answer.status_code, next(iter(changes)) in answer.text) == (400, True)
    assert client.post("/v1/backtest", content=b"{").status_code == 400
    assert client.post("/v1/backtest", content=b" " * 5_000_000).status_code == 413
    buyers = KeyStore(tmp_path / "keys.json").create(Role.BUYER, "B1")
    for key, status in ((buyers, 403), ("no key", 401)):
        refused = client.post("/v1/backtest", headers={"Authorization": f"Bearer {key}"})
        assert refused.status_code == status


class Slow:
    """A backtest that reports progress for 5 min, until `progress` raises BacktestError."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def __call__(self, *_: Any, progress: OnProgress, **__: Any) -> dict[str, Any]:
        try:
            for _at in range(15_000):
                progress("waiting", 0, 1)
                time.sleep(0.02)
        except BacktestError:
            self.stopped.set()
            raise
        return {}


def test_one_at_a_time_and_none_for_a_caller_who_hung_up(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        slow = Slow()
        patch.setattr(backtest_api, "backtest", slow)
        with client.stream("POST", "/v1/backtest", json=BODY) as answer:
            assert next(answer.iter_lines())
            assert ask(client).status_code == 409
            assert not slow.stopped.is_set()
        assert slow.stopped.wait(10)
    time.sleep(0.2)
    assert ask(client).status_code == 200


def test_a_failure_on_the_way_is_told(
    client: httpx.Client, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> dict[str, Any]:
        raise BacktestError("the facts were rebuilt meanwhile")

    monkeypatch.setattr(backtest_api, "backtest", fail)
    assert json.loads(ask(client).text) == {
        "finished": False, "error": "the facts were rebuilt meanwhile",
    }  # fmt: skip
    key = client.headers["Authorization"].removeprefix("Bearer ")
    done = backtest(later, "--url", str(client.base_url), "--key", key)
    assert (done.returncode, "the facts were rebuilt meanwhile" in done.stderr) == (1, True)
