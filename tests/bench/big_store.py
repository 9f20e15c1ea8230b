"""Makes a store with many suppliers: the simulator's stories, copied by SQL under other names.

`python -m tests.bench.big_store --path DIR --events N` simulates the 24 months before `UNTIL` once
for each of a few seeds and validates the events as the gateway does. It then copies them inside the
store with `numbers()`: each copy of a supplier becomes one of 2,000 suppliers, and its three buyers
become three of 20. A hash of the story and the number of the copy decides which stories a copy
leaves out, so that about N events remain.

So the mix of events, the sizes of orders and what goes wrong are the simulator's. The number of
events of a supplier depends on N, its months look alike, and the same call makes the same store.
Events are inserted into the ledger, and the views fill the typed tables. Rows of `touched` are past
their time to live, as in a store that grew for years.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console

from services.readiness.rules import DEFAULT_RULES
from services.simulator import history
from services.store.client import ClickHouse
from services.store.folding import fold_all
from services.store.migrate import Placement, migrate
from tests.support.storing import accepted

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 730
SUPPLIERS = 2000
BUYERS = 20
SEEDS = (11, 12, 13, 14, 15)
BATCH = UUID(int=20261101)
MEMORY = 8 * 10**9

Progress = Callable[[str], None]

_COLUMNS = (
    "supplier UInt32, old_supplier String, buyer UInt32, old_buyer String, story String, "
    "once UInt8, source String, id String, type String, time DateTime64(6, 'UTC'), "
    "subject String, sender String, data String, topic String"
)
_COPY = """
INSERT INTO events (
    source, id, type, time, subject, traceparent, sender, data, content, accepted_at, kafka_topic,
    kafka_partition, kafka_offset, batch, stored_at)
SELECT
    renamed(source) AS new_source,
    concat(id, '.', leftPad(toString(copy), 3, '0')),
    type,
    time,
    renamed(subject),
    '',
    renamed(sender),
    renamed(data) AS new_data,
    lower(hex(SHA256(new_data))),
    time + 1,
    topic,
    supplier % 6,
    rowNumberInAllBlocks(),
    {batch:UUID},
    toDateTime64('2020-01-01 00:00:00', 6, 'UTC')
FROM
(
    SELECT
        *,
        number AS copy,
        concat('IKM-', leftPad(toString(
            intDiv(copy * {suppliers_told:UInt32} + supplier, {stories_each:UInt32})
        ), 4, '0')) AS new_supplier,
        concat('PT-', leftPad(toString(
            (cityHash64(new_supplier) + buyer) % {buyers:UInt32}), 2, '0')) AS new_buyer
    FROM told
    CROSS JOIN numbers({first:UInt32}, {count:UInt32}) AS copies
    WHERE if(
        once,
        (copy * {suppliers_told:UInt32} + supplier) % {stories_each:UInt32} = 0,
        cityHash64(story, copy) % 1000000 < {kept:UInt32})
)
"""
_RENAMED = "replaceAll(replaceAll({0}, old_supplier, new_supplier), old_buyer, new_buyer)"


def make(clickhouse: ClickHouse, events: int, progress: Progress) -> dict[str, Any]:
    """Fill an empty store with about `events` events and fold them.

    `progress` is called with a text at each step. Return the number of events and the seconds of
    each step.
    """
    migrate(clickhouse, Placement(fsync=False))
    # No facts are folded yet; the row is put back once all are.
    clickhouse.command("TRUNCATE TABLE folded_rules")
    began = time.perf_counter()
    _fill(clickhouse, events, progress)
    filled = time.perf_counter()
    progress("folding")
    fold_all(
        clickhouse,
        DEFAULT_RULES,
        lambda name, done, of: progress(f"folding: {name} ({done} of {of})"),
    )
    folded = time.perf_counter()
    clickhouse.insert_rows(
        "folded_rules", ["rules", "description"], [[DEFAULT_RULES.id, DEFAULT_RULES.description]]
    )
    clickhouse.insert_rows("batches", ["batch", "rows"], [[BATCH, _count(clickhouse)]])
    return {
        "events": _count(clickhouse),
        "fill_seconds": filled - began,
        "fold_seconds": folded - filled,
    }


def _count(clickhouse: ClickHouse) -> int:
    return int(clickhouse.rows("SELECT count() AS events FROM events")[0]["events"])


def _fill(clickhouse: ClickHouse, events: int, progress: Progress) -> None:
    rows: list[list[Any]] = []
    suppliers: dict[str, int] = {}
    for seed in SEEDS:
        progress(f"simulating the stories of seed {seed}")
        rows += _rows(seed, suppliers)
    clickhouse.command(f"CREATE OR REPLACE TABLE told ({_COLUMNS}) ENGINE = MergeTree ORDER BY id")
    names = [column.split()[0] for column in _COLUMNS.replace(", 'UTC'", "").split(", ")]
    clickhouse.insert_rows("told", names, rows)
    assert SUPPLIERS % len(suppliers) == 0, len(suppliers)
    turns = SUPPLIERS // len(suppliers)
    once = sum(row[5] for row in rows)
    stories = len(rows) - once
    wanted = events - turns * once
    assert wanted > 0, f"{SUPPLIERS} suppliers have {turns * once} events before their first order"
    each = math.ceil(wanted / (turns * stories))
    copies = turns * each
    text = _COPY
    for column in ("source", "subject", "sender", "data"):
        text = text.replace(f"renamed({column})", _RENAMED.format(column))
    for copy in range(copies):
        progress(f"copying: {copy} of {copies}")
        clickhouse.command(
            text,
            parameters={
                "batch": BATCH,
                "suppliers_told": len(suppliers),
                "stories_each": each,
                "buyers": BUYERS,
                "kept": round(1_000_000 * wanted / (copies * stories)),
                "first": copy,
                "count": 1,
            },
            settings={"parallel_view_processing": 1, "max_memory_usage": MEMORY},
        )
    clickhouse.command("DROP TABLE told")


def _rows(seed: int, suppliers: dict[str, int]) -> Iterator[list[Any]]:
    """Yield the rows of `told` for one seed.

    `suppliers` numbers the suppliers: the same supplier under another seed gets another number.
    """
    buyers: dict[str, int] = {}
    for one in history(seed, UNTIL, DAYS):
        event = accepted(one.event)
        body = json.loads(event.value)
        data = body["data"]
        if data.get("role") == "buyer":
            continue
        supplier = event.supplier_id
        buyer = data.get("buyer_id", "")
        number = suppliers.setdefault(f"{seed} {supplier}", len(suppliers))
        # Certificates and assessments are kept once for each supplier; other events belong to the
        # story of an order.
        story, dot, _ = event.id.rpartition(".")
        once = int(
            not event.type.startswith(
                ("id.rantai.order.", "id.rantai.delivery.", "id.rantai.quality.", "id.rantai.line.")
            )
        )
        yield [
            number,
            supplier,
            buyers.setdefault(buyer, len(buyers)) if buyer else 0,
            # What SQL replaces with the new buyer: without a buyer, a text that no event contains.
            buyer or "-no buyer-",
            f"{seed} {story if dot else event.id}",
            once,
            event.source,
            f"{seed}.{event.id}",
            event.type,
            datetime.fromisoformat(body["time"]).astimezone(UTC),
            body.get("subject", ""),
            event.sender,
            json.dumps(data, separators=(",", ":"), ensure_ascii=False),
            event.topic,
        ]


def main() -> None:
    """Make a store and print one JSON line: the number of events and how long each step took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", type=Path, required=True)
    parser.add_argument("--events", type=int, required=True)
    arguments = parser.parse_args()
    console = Console(stderr=True)
    clickhouse = ClickHouse(path=arguments.path)
    with console.status("making a store") as status:
        made = make(clickhouse, arguments.events, status.update)
    clickhouse.close()
    print(json.dumps(made))


if __name__ == "__main__":
    main()
