"""The engine as the only node of a cluster: Distributed tables over one shard, in this process.

What it can't be is left out of the statements: there is no Keeper, so no replicated tables and no
queue of statements for other nodes, and no second shard, which would need the native protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# The engine takes a shard for its own where host and port are its own; nothing listens there.
_CONFIGURATION = """\
<clickhouse>
    <tcp_port>9000</tcp_port>
    <remote_servers>
        <{name}>
            <shard>
                <internal_replication>true</internal_replication>
                <replica><host>127.0.0.1</host><port>9000</port></replica>
            </shard>
        </{name}>
    </remote_servers>
    <macros><shard>1</shard><replica>1</replica></macros>
</clickhouse>
"""
_REPLICATED = re.compile(rb"ENGINE = Replicated(?=\w*MergeTree)")


@dataclass(frozen=True, slots=True)
class OneNodeCluster:
    """A cluster by its name."""

    name: str

    def configuration(self, path: str) -> str:
        """Writes the configuration beside the data, and says where."""
        file = Path(f"{path}.xml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_CONFIGURATION.format(name=self.name))
        return str(file)

    def on_one_node(self, sql: bytes) -> bytes:
        """Takes out what asks for further nodes."""
        here = sql.replace(b" ON CLUSTER '%b'" % self.name.encode(), b"")
        return _REPLICATED.sub(b"ENGINE = ", here)
