"""Memory limits of the embedded engine: how much it may use, and how much of that one read.

The engine's server settings are in `engine.xml`, each with its reason. The limits here depend on
the machine: the engine derives a memory ceiling from it, which is divided among readers. A separate
ClickHouse server has its own configuration (`deploy/clickhouse`).
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from clickhouse_connect.driver.client import Client

_READERS_SHARE: Final = 8
"""One read may use the engine's ceiling divided by this: when every read client is busy, there is
still room for the sink's insert and fold."""

_LEAST_OF_A_READ: Final = 192 * 1024 * 1024
"""The least that one read may use, in bytes. On a very small machine readers may then reach the
ceiling together; in that case the engine ends a read."""

OPTIONS: Final[Mapping[str, Any]] = {
    "config-file": str(files("services.store") / "engine.xml"),
    # At its ceiling the engine ends the statement that exceeds its guaranteed memory by the largest
    # factor. 0 exempts a statement, so that a write is never ended; reads set a value below.
    "memory_overcommit_ratio_denominator": 0,
    "memory_overcommit_ratio_denominator_for_user": 0,
}
"""Options with which every client opens the engine."""


def read_limits(client: Client) -> dict[str, Any]:
    """Return the memory settings of a read-only statement, in bytes. Blocks."""
    ceiling = client.command(
        "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    )
    most = max(int(str(ceiling)) // _READERS_SHARE, _LEAST_OF_A_READ)
    return {
        "max_memory_usage": most,
        # The smaller the guaranteed memory, the sooner the engine picks this statement to end.
        "memory_overcommit_ratio_denominator": most // 4,
    }


def is_too_large(message: str) -> bool:
    """Return whether a statement exceeded its own memory limit, not that of the whole engine."""
    return "memory limit exceeded" in message and "(total)" not in message
