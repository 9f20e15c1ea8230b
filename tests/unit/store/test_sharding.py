"""On a cluster: how statements of migrations are rewritten; shards give the same figures.

Keeper, a second node and the queue of statements for all nodes are not available in this process.
tests/clickhouse_http/cluster.py says what is left out for that reason.
"""

import random
import re
from collections.abc import Callable, Iterator
from datetime import date
from importlib.resources import files
from uuid import UUID, uuid4

import pytest

from services.assessment.figure_store import Selection
from services.readiness.rules import DEFAULT_RULES
from services.store.client import ClickHouse, StoreRefused
from services.store.derived_tables import derive_batches, fill_table
from services.store.folding import drop_facts, ensure_folded
from services.store.ledger import Ledger
from services.store.migrate import Placement, migrate, migrations, replace_views, statements
from services.store.rebuild import rebuild
from services.store.sharding import LOCAL, SETTINGS, sharded
from services.store.sql_units import expand_units
from tests.conftest import NOT_SYNCED
from tests.integration.separate import ClickHouseProcess
from tests.reference.histories import buyer_ids, history, supplier_ids
from tests.support.storing import contents, row, store_in_batches
from tests.unit.assessment.test_figures_sql import same_scorecards

CLUSTER = Placement(cluster="main", fsync=False)
SUPPLIERS = supplier_ids(4)
EVENTS = history(random.Random(7), suppliers=4, buyers=2, lines=30, start=date(2026, 1, 1), days=60)
SELECTIONS = [
    Selection(date(2026, month, 17), 180, tuple(SUPPLIERS), buyers)
    for month in (2, 4)
    for buyers in ((), tuple(buyer_ids(1)))
]
NO_ZOOKEEPER = "Code: 225"

NewDatabase = Callable[[], ClickHouse]


@pytest.fixture(scope="module")
def whole(new_database: NewDatabase) -> ClickHouse:
    """Return a store on one machine with all events."""
    made = new_database()
    migrate(made, NOT_SYNCED)
    store_in_batches(made, random.Random(1), EVENTS)
    return made


def on_cluster() -> Iterator[str]:
    """Yield every statement that creates the store on a cluster."""
    views = (files("services.store") / "views").iterdir()
    texts = [one.text for one in migrations()] + [expand_units(file.read_text()) for file in views]
    for text in texts:
        for statement in statements(text):
            yield from CLUSTER.statements(statement, "rantai")


def test_the_engine_can_parse_every_statement(whole: ClickHouse) -> None:
    for statement in on_cluster():
        assert "$" not in statement
        assert "ON CLUSTER 'main'" in statement
        assert whole.rows(f"EXPLAIN AST {statement}")


def test_tables_are_distributed_and_views_fill_the_local_ones() -> None:
    made = list(on_cluster())
    for migration in migrations():
        for table in migration.tables:
            assert any(s.startswith(f"CREATE TABLE IF NOT EXISTS {table}{LOCAL} ") for s in made)
            over = [s for s in made if s.startswith(f"CREATE TABLE IF NOT EXISTS {table} ")]
            assert over
            assert all(f"Distributed('main', 'rantai', '{table}{LOCAL}', " in s for s in over)
        for table in migration.filled:
            making = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {table}_of_events "
            view = next(s for s in made if s.startswith(making))
            assert f"TO {table}{LOCAL} AS" in view
            assert f"FROM events{LOCAL}\n" in view


def test_settings_are_modified_on_local_tables() -> None:
    altered = [s for s in on_cluster() if s.startswith("ALTER ") and "MODIFY SETTING" in s]
    assert altered
    for statement in altered:
        assert re.match(rf"ALTER TABLE \w+{LOCAL} ON CLUSTER 'main'\s+MODIFY SETTING ", statement)


def test_a_column_is_added_to_the_local_and_then_to_the_distributed_table() -> None:
    added = [s for s in on_cluster() if s.startswith("ALTER ") and "ADD COLUMN" in s]
    tables = [s.split()[2] for s in added]
    assert tables[::2] == [f"{table}{LOCAL}" for table in tables[1::2]]


def test_the_local_table_is_dropped_before_the_distributed_one() -> None:
    dropped = [s.split()[4] for s in on_cluster() if s.startswith("DROP TABLE ")]
    assert dropped[::2] == [f"{table}{LOCAL}" for table in dropped[1::2]]


def test_a_statement_that_can_not_be_rewritten_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know how to run this"):
        sharded("ALTER TABLE events $on_cluster ADD COLUMN x String", "main", "rantai")
    with pytest.raises(ValueError, match="things has no supplier_id"):
        sharded("CREATE TABLE IF NOT EXISTS things $on_cluster\n(\n    x String\n)", "main", "r")


def test_an_event_and_the_rows_derived_from_it_are_on_one_shard(whole: ClickHouse) -> None:
    keys = {
        table: f"cityHash64({key})"
        for statement in on_cluster()
        for table, key in re.findall(r"'(\w+)_local', cityHash64\((.*)\)\)$", statement)
    }
    shards = {
        (one["source"], one["id"]): one["shard"]
        for one in whole.rows(f"SELECT source, id, {keys['events']} AS shard FROM events FINAL")
    }
    assert len(set(shards.values())) > len(
        SUPPLIERS
    )  # buyers and other registered partners have events too
    for made in (one for one in migrations() if one.derived and one.filled):
        for table in set(made.filled) - {"touched", "senders"}:
            rows = whole.rows(f"SELECT source, event_id, {keys[table]} AS shard FROM {table}")
            assert all(shards[one["source"], one["event_id"]] == one["shard"] for one in rows)


def test_figures_of_shards_are_those_of_one_machine(
    new_database: NewDatabase, whole: ClickHouse
) -> None:
    # Each shard has only the events of its own suppliers and folds them itself. A Merge table over
    # both reads them as a Distributed table does.
    shards = [new_database(), new_database()]
    held = []
    for number, shard in enumerate(shards):
        migrate(shard, NOT_SYNCED)
        some = [e for e in EVENTS if shard_of(e) == number]
        store_in_batches(shard, random.Random(1), some)
        held.append(len(some))
    assert min(held) > len(EVENTS) // 6
    over = new_database()
    either = "|".join(shard.database for shard in shards)
    tables = whole.rows(
        "SELECT name FROM system.tables WHERE database = {database:String} "
        "AND engine LIKE '%MergeTree'",
        {"database": shards[0].database},
    )
    for table in tables:
        name = table["name"]
        over.command(
            f"CREATE TABLE {name} AS {shards[0].database}.{name} "
            f"ENGINE = Merge(REGEXP('^({either})$'), '^{name}$')"
        )
    replace_views(over, NOT_SYNCED)
    for selection in SELECTIONS:
        same_scorecards(over, EVENTS, selection)


def shard_of(event: dict[str, object]) -> int:
    """Return the shard of an event: suppliers alternate, buyers are on the first one."""
    data = event["data"]
    assert isinstance(data, dict)
    partner = data.get("supplier_id") or data["partner_id"]
    return SUPPLIERS.index(partner) % 2 if partner in SUPPLIERS else 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Return the store of a cluster with one node, over HTTP."""
    server = ClickHouseProcess(tmp_path_factory.mktemp("cluster"), options=("--cluster", "main"))
    server.start()
    made = ClickHouse(url=server.url, cluster="main")
    yield made
    made.close()
    server.process.kill()


def test_the_arguments_of_replicated_engines_are_valid(cluster: ClickHouse) -> None:
    made = [s for s in on_cluster() if "ENGINE = Replicated" in s]
    for number, statement in enumerate(made):
        # On a cluster the statement comes with a UUID, from which the path in Keeper is made.
        alone = statement.replace("ON CLUSTER 'main'", f"UUID '{UUID(int=number + 1)}'")
        alone = alone.replace("ENGINE = ", "ENGINE=")  # which the tests' endpoint does not rewrite
        # Arguments are checked before Keeper is contacted: a wrong one gives another error.
        with pytest.raises(StoreRefused, match=NO_ZOOKEEPER):
            cluster.command(alone)
    assert len(made) == sum(one.text.count("\nCREATE TABLE ") for one in migrations())


def test_the_store_works_through_distributed_tables(cluster: ClickHouse, whole: ClickHouse) -> None:
    assert migrate(cluster, CLUSTER) == [one.name for one in migrations()]
    assert migrate(cluster, CLUSTER) == []
    store_in_batches(cluster, random.Random(1), EVENTS)
    kinds = cluster.rows("SELECT name, engine FROM system.tables WHERE database = 'rantai'")
    of = {one["name"]: one["engine"] for one in kinds}
    assert of["figure_parts"] == "Distributed"
    assert of[f"figure_parts{LOCAL}"] == "ReplacingMergeTree"
    assert contents(cluster) == contents(whole)
    for selection in SELECTIONS:
        same_scorecards(cluster, EVENTS, selection)
    tables = {table for one in migrations() for table in one.tables}
    assert rebuild(cluster, CLUSTER) == len(tables)
    assert contents(cluster) == contents(whole)

    # Statements that delete rows must reach the local tables.
    drop_facts(cluster, DEFAULT_RULES.id)
    assert contents(cluster)["figure_parts"] == []
    cluster.command(f"DELETE FROM {cluster.stored('folded_rules')} WHERE 1")
    assert ensure_folded(cluster)
    assert contents(cluster) == contents(whole)
    cluster.command(f"TRUNCATE TABLE {cluster.stored('order_versions')}")
    fill_table(cluster, "order_versions")
    assert contents(cluster) == contents(whole)


def test_on_a_cluster_an_incomplete_batch_is_derived_from_its_own_rows_only(
    cluster: ClickHouse,
) -> None:
    migrate(cluster, CLUSTER)
    ledger, cut = Ledger(cluster), uuid4()
    placed = [event for event in EVENTS if event["type"] == "id.rantai.order.placed.v1"][:6]
    later = [{**event, "id": f"{event['id']}-later"} for event in placed]
    ledger.append([row(event, 1) for event in later[:3]], cut)
    ledger.append([row(event, 1) for event in later[3:]], uuid4())
    cluster.command(f"TRUNCATE TABLE {cluster.stored('order_versions')}")
    derive_batches(cluster, [cut])
    ids = {one["event_id"] for one in cluster.rows("SELECT event_id FROM order_versions")}
    assert ids == {event["id"] for event in later[:3]}
    ledger._forget(cut)
    left = cluster.rows("SELECT id FROM events WHERE endsWith(id, '-later')")
    assert {one["id"] for one in left} == {event["id"] for event in later[3:]}


def test_the_engine_knows_the_settings(whole: ClickHouse) -> None:
    known = whole.rows("SELECT name FROM system.settings")
    assert set(SETTINGS) <= {one["name"] for one in known}
