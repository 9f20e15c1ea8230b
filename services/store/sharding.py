"""Tables of a cluster: a shard holds the events of its suppliers, and all that is made of them.

The same migrations make a store on one machine and on a cluster. On a cluster every table `x` is
two: `x_local`, replicated, which holds a shard's rows, and `x`, a Distributed table of the same
columns under the name that every query uses. An event goes to the shard of its supplier, the
materialised views there fill that shard's tables, and facts are written by the same key: so all
rows with one sorting key meet on one shard, and FINAL, which replaces rows shard by shard, replaces
all of them.
"""

import re
from typing import Any, Final

LOCAL: Final = "_local"
"""What the name of the table that holds a shard's rows ends with."""

SETTINGS: Final[dict[str, Any]] = {
    # `IN (SELECT ...)` and JOIN over two Distributed tables are refused otherwise.
    "distributed_product_mode": "global",
    # Answered when the rows are on their shard, not when they wait to be sent there: what is
    # inserted is read back at once, and marked complete after that.
    "distributed_foreground_insert": 1,
    "parallel_distributed_insert_select": 0,
    # Everybody reads and writes the first living replica of a shard, whichever node is asked: what
    # one has written another reads, though replicas follow after a moment.
    "load_balancing": "in_order",
    "prefer_localhost_replica": 0,
    # An insert is done when most replicas have it (of two: both), so that the next in order can
    # take over. Short of replicas it is refused with a code that is tried again.
    "insert_quorum": "auto",
    "insert_quorum_timeout": 20_000,
    # All tables replace by key, so a block that comes twice is harmless; one that comes again after
    # its rows were deleted must not be swallowed as a duplicate.
    "insert_deduplicate": 0,
    # Below the client's own patience, so that a node that is away is named.
    "distributed_ddl_task_timeout": 50,
}
"""Settings of every query on a cluster; the figures are wrong without them."""

_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \$on_cluster\b")
_FILLING_VIEW: Final = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS \w+ \$on_cluster\s+TO ")
_SETTING: Final = re.compile(r"ALTER TABLE \w+ \$on_cluster\s+MODIFY SETTING ")
_COLUMN: Final = re.compile(r"ALTER TABLE \w+ \$on_cluster\s+ADD COLUMN IF NOT EXISTS ")
_DROP: Final = re.compile(r"DROP TABLE IF EXISTS \w+ \$on_cluster SYNC")
_AS_IT_IS: Final = ("CREATE OR REPLACE VIEW ", "CREATE VIEW ", "DROP VIEW IF EXISTS ")
_BY_SUPPLIER: Final = re.compile(r"^ +supplier_id ", re.MULTILINE)
_KEYS: Final = {
    # Of all documents only `partner.registered` names no supplier but a partner.
    "events": "if(JSONHas(data, 'supplier_id'), JSONExtractString(data, 'supplier_id'), "
    "JSONExtractString(data, 'partner_id'))",
    "partners": "partner_id",
    "batches": "batch",
    "rejected": "id",
    "migrations": "number",
    "folded_rules": "rules",
    "policies_in_force": "since",
    # Written by its view alone, on each shard for the events there: whoever asks takes the highest.
    "senders": "sender",
}


def sharded(statement: str, cluster: str, database: str) -> list[str]:
    """Return the statements that do on a cluster what one does on a single machine.

    `$on_cluster` and the engines are still to be filled in. Raises ValueError for a table whose
    shard is not said, and for a kind of statement that was not thought of here: run as it is it
    would do its work on the Distributed tables, or on one shard only.
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
        # Of how rows are kept: the Distributed table keeps none.
        return [statement.replace(" $on_cluster", f"{LOCAL} $on_cluster", 1)]
    if _COLUMN.match(statement) is not None or _DROP.fullmatch(statement) is not None:
        # The rows first: a Distributed table has no column that its shards have not.
        return [statement.replace(" $on_cluster", f"{LOCAL} $on_cluster", 1), statement]
    if statement.startswith(_AS_IT_IS):
        return [statement]
    raise ValueError(f"what becomes of this on a cluster? {statement[:100]}")


def _key(table: str, statement: str) -> str:
    if table in _KEYS:
        return _KEYS[table]
    if _BY_SUPPLIER.search(statement) is None:
        raise ValueError(f"say in services/store/sharding.py by what {table} is sharded")
    return "supplier_id"
