"""Grafana's user in the store can read its views and nothing else, within limits.

The engine itself reads `deploy/clickhouse/users.d/rantai_grafana.xml`. A session of the embedded
engine always belongs to the user `default`, so the test renames Grafana's entry to that. It also
lowers the limit on memory, which is too high to be reached here, and changes nothing else.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.store.migrate import migrations
from tests.integration import as_owner
from tests.integration.grafana import ALL, CLICKHOUSE, Period, expand, queries

ROOT = Path(__file__).parents[2]
USERS = ROOT / "deploy" / "clickhouse" / "users.d" / "rantai_grafana.xml"
VIEWS = ROOT / "services" / "store" / "views"
DENIED, READONLY, ROWS, TIME, MEMORY, BOUND = 497, 164, 396, 159, 241, 452
EVERYBODY = {
    "buyer": ALL, "cluster": ALL, "supplier": ALL, "zone": ["Asia/Jakarta"], "status": ["all"],
    "figure": ["otif"],
}  # fmt: skip
CONFIG = """
<clickhouse><users_config>{folder}/users.xml</users_config></clickhouse>
"""
FULL = """
        <{name}>
            <password></password><networks><ip>::/0</ip></networks>
            <profile>default</profile><quota>default</quota>
            <access_management>1</access_management>
        </{name}>"""
BASE = """
<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>{users}</users>
</clickhouse>
"""


def configure(folder: Path, users: str, extra: str = "") -> Path:
    """Write a server's configuration into a folder. `extra` is a file for users.d."""
    (folder / "users.d").mkdir(parents=True)
    (folder / "config.xml").write_text(CONFIG.format(folder=folder))
    (folder / "users.xml").write_text(BASE.format(users=users))
    if extra:
        (folder / "users.d" / "rantai_grafana.xml").write_text(extra)
    return folder


def run(folder: Path, module: str, store: Path, given: str = "") -> str:
    """Run a module in the folder of a configuration; return its output. `given` is its input."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "RANTAI_GRAFANA_CLICKHOUSE_PASSWORD": "",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", module, str(store)],
        cwd=folder, env=environment, input=given, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@dataclass(frozen=True)
class Grafana:
    """A store that is queried as Grafana's user. `folder` holds the configuration."""

    folder: Path
    store: Path

    def ask(self, *statements: str) -> list[dict[str, Any]]:
        """Return `{"rows": ...}` or `{"code": ...}` for each statement."""
        answer = run(
            self.folder, "tests.integration.as_user", self.store, json.dumps(list(statements))
        )
        found: list[dict[str, Any]] = json.loads(answer.splitlines()[-1])
        return found

    def codes(self, *statements: str) -> dict[str, int | None]:
        """Return the error code of each statement, None if it succeeded."""
        return {
            statement: answer.get("code")
            for statement, answer in zip(statements, self.ask(*statements), strict=True)
        }


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    folder = tmp_path_factory.mktemp("server")
    store = folder / "store"
    owner = configure(folder / "owner", FULL.format(name="default") + FULL.format(name="rantai"))
    run(owner, "tests.integration.as_owner", store)
    entry = USERS.read_text()
    assert entry.count("2000000000") == 1
    own_name = "<rantai_grafana>\n            <password"
    assert own_name in entry
    head, users = entry.split("<users>")
    users = users.replace("<rantai_grafana>", "<default>").replace(
        "</rantai_grafana>", "</default>"
    )
    entry = head.replace("2000000000", "200000000") + "<users>" + users
    yield Grafana(configure(folder / "grafana", FULL.format(name="rantai"), entry), store)


def test_it_sees_what_the_dashboards_ask(grafana: Grafana) -> None:
    period = Period.days(as_owner.UNTIL.date(), as_owner.DAYS)
    texts = {str(one): expand(one.text, EVERYBODY, period) for one in queries(CLICKHOUSE)}
    answers = dict(zip(texts, grafana.ask(*texts.values()), strict=True))
    assert {name: answer for name, answer in answers.items() if "code" in answer} == {}
    assert sum(bool(answer["rows"]) for answer in answers.values()) > 30
    assert as_owner.PRICE[:5] not in json.dumps(answers)


def test_it_sees_no_table_and_no_other_view(grafana: Grafana) -> None:
    tables = [table for one in migrations() for table in one.text.split() if table in _TABLES]
    assert len(set(tables)) > 20
    statements = [f"SELECT * FROM {table} LIMIT 1" for table in sorted(set(tables))]
    statements += [
        "SELECT * FROM counted_parts(rules = 1, suppliers = [], buyers = [], families = ['value'], "
        "capacity_days = 1, concentration_days = 1, spans = [(today(), 1)])",
        "SELECT * FROM policy_in_force",
        "SELECT * FROM registered",
        "SELECT * FROM migrations",
        "SELECT scorecard FROM fresh_standings(policy = 1, rules = 1, as_of = today(), "
        "suppliers = [])",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM file('/etc/passwd', 'CSV', 'a String')",
        "SELECT * FROM remote('127.0.0.1', 'rantai', 'events')",
    ]
    codes = grafana.codes(*statements)
    assert {s: code for s, code in codes.items() if code not in (DENIED, READONLY)} == {}
    (seen,) = grafana.ask("SELECT name FROM system.tables WHERE database = 'rantai'")
    assert all(name.startswith("grafana_") for (name,) in seen["rows"])
    assert len(seen["rows"]) == len(list(VIEWS.glob("*_grafana_*.sql")))


_TABLES = {
    table
    for one in migrations()
    for line in one.text.splitlines()
    if line.startswith("CREATE TABLE IF NOT EXISTS ")
    for table in [line.split()[5]]
}


def test_it_writes_nothing_and_changes_no_bound(grafana: Grafana) -> None:
    codes = grafana.codes(
        "INSERT INTO events (id) VALUES ('x')",
        "CREATE TABLE mine (a Int8) ENGINE = Memory",
        "CREATE OR REPLACE VIEW grafana_policy AS SELECT 1",
        "DROP VIEW grafana_policy",
        "DROP TABLE events",
        "TRUNCATE TABLE events",
        "ALTER TABLE events DELETE WHERE 1",
        "CREATE USER other",
        "SET readonly = 0",
        "SET max_memory_usage = 0",
        "SET max_memory_usage_for_user = 0",
        "SET max_result_rows = 0",
        "SET max_result_bytes = 0",
        "SET max_rows_to_read = 0",
        "SET read_overflow_mode = 'break'",
    )
    assert {s: code for s, code in codes.items() if code not in (DENIED, READONLY, BOUND)} == {}
    (still,) = grafana.ask("SELECT count() FROM grafana_policy")
    assert still["rows"] == [[1]]


def test_rows_time_and_memory_are_bounded(grafana: Grafana) -> None:
    def product(times: int) -> str:
        return ", ".join(f"grafana_kpis AS k{n}" for n in range(times))

    codes = grafana.codes(
        f"SELECT k0.kpi FROM {product(5)}",
        f"SELECT count() FROM {product(9)} WHERE k0.place + k8.place > 1 "
        "SETTINGS max_execution_time = 1",
        f"SELECT length(groupArray(concat(k0.meaning, k1.meaning, k2.meaning))) FROM {product(6)}",
        "SELECT 1 SETTINGS max_execution_time = 5",
        "SELECT 1 SETTINGS max_execution_time = 500",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS max_memory_usage = 0",
    )
    assert list(codes.values()) == [ROWS, TIME, MEMORY, None, BOUND, BOUND, BOUND]


def test_no_view_of_grafana_names_what_something_costs() -> None:
    texts = {path.name: path.read_text().lower() for path in VIEWS.glob("*_grafana_*.sql")}
    assert len(texts) >= 11
    for name, text in texts.items():
        said = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
        for word in ("price", "currency", "'value'", "concentration_days = {", "amount"):
            if word == "'value'" and name in ("56_grafana_evaluations.sql", "60_grafana_times.sql"):
                continue  # The `value` of a score, and of five named figures: none is a price.
            assert word not in said, (name, word)
        assert "definer = current_user sql security definer" in said, name
