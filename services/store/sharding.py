"""Tables on a cluster: each shard holds the events of its suppliers and everything derived of them.

The same migrations create a store on one machine and on a cluster. On a cluster every table `x`
becomes two: `x_local`, replicated, which holds the rows of a shard, and `x`, a Distributed table
with the same columns under the name that every query uses. An event goes to the shard of its
supplier, the materialised views there fill that shard's tables, and facts are sharded by the same
key. So all rows with the same sorting key are on one shard. FINAL replaces rows only within a
shard, and would otherwise miss some.
"""

import re
from typing import Any, Final

LOCAL: Final = "_local"
"""Suffix of the name of the table that holds a shard's rows."""

SETTINGS: Final[dict[str, Any]] = {
    # `IN (SELECT ...)` and JOIN over two Distributed tables are refused otherwise.
    "distributed_product_mode": "global",
    # An insert returns when its rows are on their shards, not when they are queued to be sent
    # there: a batch is read back at once to be folded, and then marked complete.
    "distributed_foreground_insert": 1,
    "parallel_distributed_insert_select": 0,
    # Every node reads and writes the first living replica of a shard. Replicas lag by a moment, so
    # otherwise a client could miss what another one has just written.
    "load_balancing": "in_order",
    "prefer_localhost_replica": 0,
    # An insert is done when a majority of the replicas has it (of two: both), so that the next
    # replica in order can take over. With too few replicas it fails with a retriable code.
    "insert_quorum": "auto",
    "insert_quorum_timeout": 20_000,
    # All tables replace rows by key, so inserting a block twice is harmless; a block inserted again
    # after its rows were deleted must not be dropped as a duplicate.
    "insert_deduplicate": 0,
    # Below the client's own time-out, so that the error names the node that is away.
    "distributed_ddl_task_timeout": 50,
}
"""Settings of every query on a cluster; without them figures are wrong."""

_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \$on_cluster\b")
_FILLING_VIEW: Final = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS \w+ \$on_cluster\s+TO ")
_SETTING: Final = re.compile(r"ALTER TABLE \w+ \$on_cluster\s+MODIFY SETTING ")
_COLUMN: Final = re.compile(r"ALTER TABLE \w+ \$on_cluster\s+ADD COLUMN IF NOT EXISTS ")
_DROP: Final = re.compile(r"DROP TABLE IF EXISTS \w+ \$on_cluster SYNC")
_AS_IT_IS: Final = ("CREATE OR REPLACE VIEW ", "CREATE VIEW ", "DROP VIEW IF EXISTS ")
_BY_SUPPLIER: Final = re.compile(r"^ +supplier_id ", re.MULTILINE)
_KEYS: Final = {
    # Only `partner.registered` names a partner instead of a supplier.
    "events": "if(JSONHas(data, 'supplier_id'), JSONExtractString(data, 'supplier_id'), "
    "JSONExtractString(data, 'partner_id'))",
    "partners": "partner_id",
    "batches": "batch",
    "rejected": "id",
    "migrations": "number",
    "folded_rules": "rules",
    "policies_in_force": "since",
    # Only the view writes it, on each shard for the events there: a query takes the maximum.
    "senders": "sender",
}


def sharded(statement: str, cluster: str, database: str) -> list[str]:
    """Return the statements that do on a cluster what this one does on a single machine.

    `$on_cluster` and the engines are still to be filled in. Raises ValueError for a table without a
    known sharding key, and for a kind of statement that is not handled here: run unchanged, it
    would act on the Distributed tables, or on one shard only.
    """
    table = _TABLE.match(statement)
    if table is not None:
        name = table[1]
        local = statement.replace(f"EXISTS {name} ", f"EXISTS {name}{LOCAL} ", 1)
        over = (
            f"CREATE TABLE IF NOT EXISTS {name} $on_cluster AS {name}{LOCAL}\n"
            f"ENGINE = Distributed('{cluster}', '{database}', '{name}{LOCAL}', "
            f"cityHash64({_key(name, statement)}))"
        )
        return [local, over]
    if _FILLING_VIEW.match(statement) is not None:
        filling = re.sub(r"\bTO (\w+) AS\b", rf"TO \1{LOCAL} AS", statement, count=1)
        return [re.sub(r"\bFROM events\b", f"FROM events{LOCAL}", filling)]
    if _SETTING.match(statement) is not None:
        # It says how rows are stored, and the Distributed table stores none.
        return [statement.replace(" $on_cluster", f"{LOCAL} $on_cluster", 1)]
    if _COLUMN.match(statement) is not None or _DROP.fullmatch(statement) is not None:
        # The local table first: a Distributed table must not have a column that its shards lack.
        return [statement.replace(" $on_cluster", f"{LOCAL} $on_cluster", 1), statement]
    if statement.startswith(_AS_IT_IS):
        return [statement]
    raise ValueError(
        "services/store/sharding.py does not know how to run this statement on a cluster: "
        f"{statement[:100]}"
    )


def _key(table: str, statement: str) -> str:
    if table in _KEYS:
        return _KEYS[table]
    if _BY_SUPPLIER.search(statement) is None:
        raise ValueError(
            f"table {table} has no supplier_id; name its sharding key in services/store/sharding.py"
        )
    return "supplier_id"
