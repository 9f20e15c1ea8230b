"""The engine as the only node of a cluster: Distributed tables over one shard, in this process.

What this engine cannot do is removed from the statements. There is no Keeper, so there are no
replicated tables and no queue of statements for other nodes. There is no second shard: it would
need the native protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# The engine treats a shard as local if host and port are its own; nothing listens on that port.
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
    """A cluster of one node, called `name` in its statements."""

    name: str

    def configuration(self, path: str) -> str:
        """Write the configuration file beside the data folder `path`; return the file's path."""
        file = Path(f"{path}.xml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_CONFIGURATION.format(name=self.name))
        return str(file)

    def on_one_node(self, sql: bytes) -> bytes:
        """Return a statement without ON CLUSTER and without replicated engines."""
        here = sql.replace(b" ON CLUSTER '%b'" % self.name.encode(), b"")
        return _REPLICATED.sub(b"ENGINE = ", here)
