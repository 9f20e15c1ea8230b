"""Migrations: forward, numbered, each statement safe to run again.

A file `NNNN_name.sql` is run once and remembered. Views that hold no data (`views/*.sql`) are
replaced on every start. A file marked `-- derived` makes tables that `rebuild` may drop; it counts
as applied only when they hold what the ledger had before them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Final

from services.readiness.rules import DEFAULT_RULES, Rules
from services.store.client import ClickHouse
from services.store.derived_tables import VIEW_SUFFIX, fill
from services.store.folding import any_tolerance_place, ensure_folded
from services.store.sharding import LOCAL, sharded
from services.store.sql_texts import of_views
from services.store.sql_units import with_units

_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)\b")
_VIEW: Final = re.compile(rf"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+){VIEW_SUFFIX}\b")
_APPLIED_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS migrations $on_cluster
(number UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = $replacing
ORDER BY number
"""

OnTableProgress = Callable[[str, int, int], None]
"""Told the derived table at hand, how many are done, and how many there are to do."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What the store's shape puts into the migrations.

    On one machine the tables are plain; on a cluster they are replicated, sharded by supplier, and
    made on every node.
    """

    cluster: str | None = None
    fsync: bool = True

    def statements(self, statement: str, database: str) -> list[str]:
        """Return what a statement becomes: itself, or on a cluster what stands for it."""
        parts = sharded(statement, self.cluster, database) if self.cluster else [statement]
        return [self.fill(part) for part in parts]

    def tables(self, table: str) -> list[str]:
        """Return the names under which a table is kept."""
        return [table, f"{table}{LOCAL}"] if self.cluster else [table]

    def fill(self, text: str) -> str:
        """Put engine names and `ON CLUSTER` into a statement."""
        prefix = "Replicated" if self.cluster else ""
        filled = text.replace("$replacing(", f"{prefix}ReplacingMergeTree(")
        return Template(filled).safe_substitute(
            of_views(any_tolerance_place("item_no")),
            on_cluster=f"ON CLUSTER '{self.cluster}'" if self.cluster else "",
            replacing=f"{prefix}ReplacingMergeTree",
            summing=f"{prefix}SummingMergeTree",
            fsync=int(self.fsync),
        )


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def derived(self) -> bool:
        """Whether what it makes can be dropped and made again from the ledger."""
        return "\n-- derived\n" in self.text

    @property
    def tables(self) -> list[str]:
        """The derived tables that it makes."""
        return _TABLE.findall(self.text) if self.derived else []

    @property
    def filled(self) -> list[str]:
        """Those of them that a view fills from the ledger; the others are folded."""
        return _VIEW.findall(self.text) if self.derived else []

    def statements(self) -> list[str]:
        """Return its statements, without the comments that stand alone on a line."""
        return statements(self.text)


def statements(text: str) -> list[str]:
    """Split a file into statements; a `;` ends one only at a line's end."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    parts = ("\n".join(lines) + "\n").split(";\n")
    return [part.strip() for part in parts if part.strip()]


def _sql_files(folder: str) -> list[Traversable]:
    found = (files("services.store") / folder).iterdir()
    return sorted((f for f in found if f.name.endswith(".sql")), key=lambda f: f.name)


def migrations() -> list[Migration]:
    """Return every migration in the order of its number."""
    return [
        Migration(int(f.name[:4]), f.name.removesuffix(".sql"), f.read_text())
        for f in _sql_files("migrations")
    ]


def migrate(
    clickhouse: ClickHouse,
    placement: Placement | None = None,
    progress: OnTableProgress | None = None,
    rules: Rules = DEFAULT_RULES,
) -> list[str]:
    """Bring a store to this version, and its facts to these rules; return what was applied.

    Every statement may run again, so a migration cut off in its middle is simply run anew.
    """
    placement = placement or Placement()
    _make(clickhouse, placement, _APPLIED_TABLE)
    done = {row["number"] for row in clickhouse.rows("SELECT number FROM migrations")}
    waiting = [migration for migration in migrations() if migration.number not in done]
    filled, tables = 0, sum(len(migration.filled) for migration in waiting)
    for migration in waiting:
        for statement in migration.statements():
            _make(clickhouse, placement, statement)
        for table in migration.filled:
            if progress is not None:
                progress(table, filled, tables)
            # Its view sees the events to come; those that the ledger has already went past it.
            fill(clickhouse, table)
            filled += 1
        clickhouse.insert_rows(
            "migrations", ["number", "name"], [[migration.number, migration.name]]
        )
    replace_views(clickhouse, placement)
    ensure_folded(clickhouse, rules, progress)
    return [migration.name for migration in waiting]


def replace_views(clickhouse: ClickHouse, placement: Placement) -> None:
    """Make the views that hold no data, as this version has them, in the order of their names."""
    for file in _sql_files("views"):
        for statement in statements(with_units(file.read_text())):
            _make(clickhouse, placement, statement)


def _make(clickhouse: ClickHouse, placement: Placement, statement: str) -> None:
    for part in placement.statements(statement, clickhouse.database):
        clickhouse.command(part)
