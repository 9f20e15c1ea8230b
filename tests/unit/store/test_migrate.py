"""Migrations: run twice, interrupted anywhere, and on an older store with events."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest

from services.readiness.rules import DEFAULT_RULES
from services.store import ledger
from services.store import migrate as module
from services.store.client import ClickHouse, StoreUnavailable
from services.store.derived_tables import fill_table
from services.store.folding import FACT_TABLES
from services.store.migrate import Migration, Placement, migrate, migrations, statements
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.reference.histories import history
from tests.support.storing import contents, store

NewDatabase = Callable[[], ClickHouse]
EVENTS = history(random.Random(7), suppliers=2, buyers=2, lines=15, start=date(2026, 1, 1), days=50)
NAMES = [migration.name for migration in migrations()]
AWAY = StoreUnavailable("Code: 210. DB::Exception: Connection refused")


def objects(clickhouse: ClickHouse) -> dict[str, str]:
    """Return the CREATE statement of every table and view of a database, by name."""
    rows = clickhouse.rows(
        "SELECT name, create_table_query AS made FROM system.tables "
        "WHERE database = {database:String}",
        {"database": clickhouse.database},
    )
    return {row["name"]: row["made"].replace(clickhouse.database, "DB") for row in rows}


@pytest.fixture(scope="module")
def fresh(new_database: NewDatabase) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Return objects and derived rows of a store that was migrated without interruption."""
    made = new_database()
    assert migrate(made, NOT_SYNCED) == NAMES
    store(made, EVENTS)
    return objects(made), contents(made)


def test_a_second_run_does_nothing(own_clickhouse: ClickHouse) -> None:
    before = objects(own_clickhouse)
    assert migrate(own_clickhouse, NOT_SYNCED) == []
    assert objects(own_clickhouse) == before


@contextmanager
def ending_after(clickhouse: ClickHouse, commands: int) -> Iterator[None]:
    """Make the store unavailable after this number of statements."""
    left, command = commands, clickhouse.command

    def limited(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise AWAY
        return command(*arguments, **options)

    with patch.object(clickhouse, "command", limited):
        yield


@pytest.mark.parametrize("after", [0, 2, 11, 24])
def test_an_interrupted_migration_is_completed_by_running_it_again(
    new_database: NewDatabase, fresh: tuple[dict[str, str], Any], after: int
) -> None:
    clickhouse = new_database()
    with ending_after(clickhouse, after), pytest.raises(StoreUnavailable):
        migrate(clickhouse, NOT_SYNCED)
    migrate(clickhouse, NOT_SYNCED)
    assert objects(clickhouse) == fresh[0]
    store(clickhouse, EVENTS)
    assert contents(clickhouse) == fresh[1]


@pytest.fixture
def older(new_database: NewDatabase) -> ClickHouse:
    """Return a store with events, migrated by an older version."""
    clickhouse = new_database()
    of_then = migrations()[:3]
    with (
        patch.object(module, "migrations", lambda: of_then),
        patch.object(module, "replace_views"),
        patch.object(module, "ensure_folded"),
    ):
        assert migrate(clickhouse, NOT_SYNCED) == NAMES[:3]
    with patch.object(ledger, "fold"):
        store(clickhouse, EVENTS)
    return clickhouse


def test_tables_of_a_later_version_are_filled_from_the_ledger(
    older: ClickHouse, fresh: tuple[dict[str, str], dict[str, list[Any]]]
) -> None:
    steps: list[tuple[str, int, int]] = []
    assert migrate(older, NOT_SYNCED, lambda *step: steps.append(step)) == NAMES[3:]
    assert contents(older) == fresh[1]
    assert len(contents(older)["inspections"]) > 3
    tables = [table for migration in migrations()[3:] for table in migration.filled]
    filling = steps[: len(tables)]
    assert filling == [(table, at, len(tables)) for at, table in enumerate(tables)]
    assert [name for name, _, _ in steps[len(tables) :]][:2] == ["receipts", "returns"]
    assert migrate(older, NOT_SYNCED) == []
    assert contents(older) == fresh[1]


def test_a_store_of_the_first_edition_is_filled_and_folded_again(
    new_database: NewDatabase, fresh: tuple[dict[str, str], dict[str, list[Any]]]
) -> None:
    """Its derived tables lack the unit, and its tables of facts have other columns."""
    clickhouse = new_database()
    of_then = [one for one in migrations() if one.number < 12]
    with (
        patch.object(module, "migrations", lambda: of_then),
        patch.object(module, "replace_views"),
        patch.object(module, "ensure_folded"),
    ):
        migrate(clickhouse, NOT_SYNCED)
    with patch.object(ledger, "fold"):
        store(clickhouse, EVENTS)
    for table in ("despatch_lines", "receipt_lines", "reversal_lines", "return_lines"):
        clickhouse.command(f"ALTER TABLE {table} DROP COLUMN uom")
    clickhouse.command("ALTER TABLE inspections DROP COLUMN uom")
    for table in FACT_TABLES[:4]:
        clickhouse.command(f"CREATE TABLE {table} (rules UInt64) ENGINE = MergeTree ORDER BY rules")
    clickhouse.command(
        "CREATE TABLE folded_rules (rules UInt64, description String) "
        "ENGINE = ReplacingMergeTree ORDER BY rules"
    )
    clickhouse.command(f"INSERT INTO folded_rules VALUES ({DEFAULT_RULES.id}, 'of then')")
    steps: list[str] = []
    assert migrate(clickhouse, NOT_SYNCED, lambda name, *_: steps.append(name)) == NAMES[11:]
    assert {"receipt_lines", "lines", "complaint_parts"} <= set(steps)
    assert contents(clickhouse) == fresh[1]
    assert objects(clickhouse) == fresh[0]


def test_an_interrupted_filling_is_done_again(
    older: ClickHouse, fresh: tuple[dict[str, str], dict[str, list[Any]]]
) -> None:
    done: list[str] = []

    def limited(clickhouse: ClickHouse, table: str) -> None:
        if len(done) == 8:
            raise AWAY
        done.append(table)
        fill_table(clickhouse, table)

    with patch.object(module, "fill_table", limited), pytest.raises(StoreUnavailable):
        migrate(older, NOT_SYNCED)
    numbers = {row["number"] for row in older.rows("SELECT number FROM migrations")}
    assert numbers == {1, 2, 3, 4}
    assert migrate(older, NOT_SYNCED) == NAMES[4:]
    assert contents(older) == fresh[1]
    assert objects(older) == fresh[0]


@pytest.mark.parametrize("after", [0, 1, 9, 60])
def test_an_interrupted_rebuild_is_completed_by_the_next_start(
    new_database: NewDatabase,
    fresh: tuple[dict[str, str], dict[str, list[Any]]],
    after: int,
) -> None:
    clickhouse = new_database()
    migrate(clickhouse, NOT_SYNCED)
    store(clickhouse, EVENTS)
    with ending_after(clickhouse, after), pytest.raises(StoreUnavailable):
        rebuild(clickhouse, NOT_SYNCED)
    migrate(clickhouse, NOT_SYNCED)
    assert objects(clickhouse) == fresh[0]
    assert contents(clickhouse) == fresh[1]


def test_a_rebuild_reports_progress_and_repairs_derived_tables(
    new_database: NewDatabase, fresh: tuple[dict[str, str], dict[str, list[Any]]]
) -> None:
    clickhouse = new_database()
    migrate(clickhouse, NOT_SYNCED)
    store(clickhouse, EVENTS)
    clickhouse.command("TRUNCATE TABLE receipt_lines")
    clickhouse.command("INSERT INTO inspections (supplier_id, inspection_no) VALUES ('X', 'X')")
    clickhouse.command("DROP VIEW complaints_of_events")
    steps: list[tuple[str, int, int]] = []
    tables = {table for made in migrations() if made.derived for table in made.tables}
    assert rebuild(clickhouse, NOT_SYNCED, lambda *step: steps.append(step)) == len(tables)
    assert contents(clickhouse) == fresh[1]
    filled = [table for made in migrations() for table in made.filled]
    filling, folding = steps[: len(filled)], steps[len(filled) :]
    assert filling == [(table, done, len(filled)) for done, table in enumerate(filled)]
    assert [done for _, done, _ in folding] == list(range(len(folding)))
    assert {total for _, _, total in folding} == {len(folding)}


def test_statements_end_with_a_semicolon_at_the_end_of_a_line() -> None:
    text = "-- a; comment;\nSELECT ';x', 1;\n\n  -- another\nSELECT\n  2\n;\n"
    assert statements(text) == ["SELECT ';x', 1", "SELECT\n  2"]


def test_on_a_cluster_every_object_is_created_on_every_node() -> None:
    placement = Placement(cluster="main")
    for migration in migrations():
        for statement in migration.statements():
            made = placement.fill(statement)
            assert "ON CLUSTER 'main'" in made
            assert "$" not in made
            assert ("ReplacingMergeTree" in made) == ("ReplicatedReplacingMergeTree" in made)
            plain = Placement().fill(statement)
            assert "CLUSTER" not in plain
            assert "Replicated" not in plain


def kinds_of_parts(clickhouse: ClickHouse) -> set[tuple[str, str]]:
    """Return the storage types of the active parts, as pairs of table and type."""
    rows = clickhouse.rows(
        "SELECT DISTINCT table, part_storage_type AS kind FROM system.parts "
        "WHERE active AND database = {database:String}",
        {"database": clickhouse.database},
    )
    return {(row["table"], row["kind"]) for row in rows}


def test_an_insert_writes_one_file_to_each_derived_table(own_clickhouse: ClickHouse) -> None:
    packed = {(table, "Packed") for one in migrations() for table in one.filled}
    store(own_clickhouse, EVENTS)
    kept = kinds_of_parts(own_clickhouse)
    assert packed <= kept
    assert {(table, "Full") for table, _ in packed}.isdisjoint(kept)
    assert {("events", "Full"), ("batches", "Full")} <= kept
    assert {("events", "Packed"), ("batches", "Packed")}.isdisjoint(kept)
    # The same holds for tables that a rebuild created.
    rebuild(own_clickhouse, NOT_SYNCED)
    store(own_clickhouse, [{**event, "id": f"{event['id']}-again"} for event in EVENTS])
    assert packed <= kinds_of_parts(own_clickhouse)


def every_table(migration: Migration) -> list[str]:
    """Return the tables that a migration creates, durable ones included."""
    return re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+) ", migration.text, re.MULTILINE)


def test_a_migration_knows_its_derived_tables_and_their_engines_allow_repeats() -> None:
    known = {table for migration in migrations() for table in migration.tables}
    for migration in migrations():
        altered = set(re.findall(r"^ALTER TABLE (\w+) ", migration.text, re.MULTILINE))
        assert altered <= {table for one in migrations() for table in every_table(one)}
        # A rebuild must create and alter again every derived table that is altered.
        assert migration.derived == bool(migration.tables or altered & known)
        made = [s for s in migration.statements() if s.startswith("CREATE TABLE")]
        if migration.derived:
            assert len(made) == len(migration.tables)
            for statement, table in zip(made, migration.tables, strict=True):
                assert statement.startswith(f"CREATE TABLE IF NOT EXISTS {table} ")
                # Deriving twice must change nothing but marks: these are sums of random numbers,
                # and any other number will do.
                kinds = r"\$replacing(\((version|computed_at|newest)\))?\n|\$summing\(mark\)\n"
                assert re.search(kinds, statement)
