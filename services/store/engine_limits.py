"""How much memory the engine in this process may take, and how much of it one read.

Its server settings are in `engine.xml`, each with its reason. What is here depends on the machine:
the ceiling that the engine made of it is divided among readers. A ClickHouse of its own has its own
configuration (`deploy/clickhouse`).
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from clickhouse_connect.driver.client import Client

_READERS_SHARE: Final = 8
"""The engine's ceiling divided by this is what one read may take: as many readers as have clients
leave room for the sink's insert and fold."""

_LEAST_OF_A_READ: Final = 192 * 1024 * 1024
"""Also on the smallest machine: there readers may reach the ceiling together, and give way."""

OPTIONS: Final[Mapping[str, Any]] = {
    "config-file": str(files("services.store") / "engine.xml"),
    # Where the engine is at its ceiling it ends the statement that took most beyond what it was
    # promised. 0: this is never one of ours that writes; readers say otherwise below.
    "memory_overcommit_ratio_denominator": 0,
    "memory_overcommit_ratio_denominator_for_user": 0,
}
"""With what the engine is opened, by every client alike."""


def read_limits(client: Client) -> dict[str, Any]:
    """Return the settings of a statement that only reads, as bytes. Blocks."""
    ceiling = client.command(
        "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    )
    most = max(int(str(ceiling)) // _READERS_SHARE, _LEAST_OF_A_READ)
    return {
        "max_memory_usage": most,
        # The less it was promised, the sooner it is the one that gives way.
        "memory_overcommit_ratio_denominator": most // 4,
    }


def is_too_large(message: str) -> bool:
    """Return whether a statement was refused for its own need, not for that of all together."""
    return "memory limit exceeded" in message and "(total)" not in message
