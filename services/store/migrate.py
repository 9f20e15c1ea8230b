"""Migrations: forward only and numbered; every statement is safe to run again.

A file `migrations/NNNN_name.sql` is run once and recorded. Views that hold no data (`views/*.sql`)
are replaced at every start. A file marked `-- derived` creates tables that `rebuild` may drop; it
counts as applied only when those tables are filled with what the ledger already held.
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
from services.store.derived_tables import VIEW_SUFFIX, fill_table
from services.store.figure_sql import figure_texts
from services.store.folding import ensure_folded, tolerance_index_of_any_rules
from services.store.sharding import LOCAL, sharded
from services.store.sql_texts import view_texts
from services.store.sql_units import expand_units

_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)\b")
_VIEW: Final = re.compile(rf"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+){VIEW_SUFFIX}\b")
_APPLIED_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS migrations $on_cluster
(number UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = $replacing
ORDER BY number
"""

OnTableProgress = Callable[[str, int, int], None]
"""Called with the name of the derived table being filled, the tables done, and their total."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The shape of the store, as it is filled into the migrations.

    On one machine the tables are plain; on a cluster they are replicated, sharded by supplier, and
    created on every node. `fsync`: whether an insert into the ledger is synced to disk first.
    """

    cluster: str | None = None
    fsync: bool = True

    def statements(self, statement: str, database: str) -> list[str]:
        """Return the statements to run for this one; on a cluster there may be several."""
        parts = sharded(statement, self.cluster, database) if self.cluster else [statement]
        return [self.fill(part) for part in parts]

    def tables(self, table: str) -> list[str]:
        """Return the tables that hold a table: on a cluster the Distributed and the local one."""
        return [table, f"{table}{LOCAL}"] if self.cluster else [table]

    def fill(self, text: str) -> str:
        """Fill the placeholders of a statement: engines, `ON CLUSTER`, fsync and shared texts."""
        prefix = "Replicated" if self.cluster else ""
        filled = text.replace("$replacing(", f"{prefix}ReplacingMergeTree(")
        return Template(filled).safe_substitute(
            view_texts(tolerance_index_of_any_rules("item_no")) | figure_texts(),
            on_cluster=f"ON CLUSTER '{self.cluster}'" if self.cluster else "",
            replacing=f"{prefix}ReplacingMergeTree",
            summing=f"{prefix}SummingMergeTree",
            fsync=int(self.fsync),
        )


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of `migrations/`."""

    number: int
    name: str
    text: str

    @property
    def derived(self) -> bool:
        """Whether its tables can be dropped and filled again from the ledger."""
        return "\n-- derived\n" in self.text

    @property
    def tables(self) -> list[str]:
        """The derived tables that it creates."""
        return _TABLE.findall(self.text) if self.derived else []

    @property
    def filled(self) -> list[str]:
        """Those of its derived tables that a view fills; the others are filled by folding."""
        return _VIEW.findall(self.text) if self.derived else []

    def statements(self) -> list[str]:
        """Return its statements without whole-line comments."""
        return statements(self.text)


def statements(text: str) -> list[str]:
    """Split a file into statements without whole-line comments; only `;` at a line's end splits."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    parts = ("\n".join(lines) + "\n").split(";\n")
    return [part.strip() for part in parts if part.strip()]


def _sql_files(folder: str) -> list[Traversable]:
    found = (files("services.store") / folder).iterdir()
    return sorted((f for f in found if f.name.endswith(".sql")), key=lambda f: f.name)


def migrations() -> list[Migration]:
    """Return every migration, ordered by number."""
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
    """Bring a store to this version and its facts to these rules; return the migrations applied.

    A migration that was interrupted is run again from its start.
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
            # The view sees only events inserted after it; those in the ledger are filled in here.
            fill_table(clickhouse, table)
            filled += 1
        clickhouse.insert_rows(
            "migrations", ["number", "name"], [[migration.number, migration.name]]
        )
    replace_views(clickhouse, placement)
    ensure_folded(clickhouse, rules, progress)
    return [migration.name for migration in waiting]


def replace_views(clickhouse: ClickHouse, placement: Placement) -> None:
    """Create or replace the views that hold no data, in the order of their file names."""
    for file in _sql_files("views"):
        for statement in statements(expand_units(file.read_text())):
            _make(clickhouse, placement, statement)


def _make(clickhouse: ClickHouse, placement: Placement, statement: str) -> None:
    for part in placement.statements(statement, clickhouse.database):
        clickhouse.command(part)
