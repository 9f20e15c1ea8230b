"""The embedded engine stays within its limits; readers never take the memory of the sink."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from services.assessment import grade_history, standings
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.standings import Standings
from services.readiness.policy import DEFAULT_POLICY
from services.store import engine_limits
from services.store.client import ClickHouse, ReadTooLarge, StoreUnavailable
from services.store.ledger import Ledger
from tests.reference.cases import order
from tests.support.storing import empty, row, store
from tests.unit.assessment.test_standings import DATES

ALL_CACHES = 256 * 1024 * 1024
"""The most bytes of all caches together, including any that a later version adds."""

CONFIGURATION = ElementTree.parse(engine_limits.OPTIONS["config-file"]).getroot()
HUNGRY = "SELECT length(groupArray(number)) AS n FROM numbers(1000000000)"


def in_force(clickhouse: ClickHouse, table: str) -> dict[str, str]:
    rows = clickhouse.rows(f"SELECT name, value FROM system.{table}")
    return {row["name"]: row["value"] for row in rows}


def test_every_limit_is_in_force(clickhouse: ClickHouse) -> None:
    server = in_force(clickhouse, "server_settings")
    for one in CONFIGURATION:
        if one.tag == "merge_tree":
            tables = in_force(clickhouse, "merge_tree_settings")
            assert {inner.tag: tables[inner.tag] for inner in one} == {
                inner.tag: inner.text for inner in one
            }
        else:
            # A cache that the engine has not created has a size of 0.
            assert server[one.tag] in (one.text, "0"), one.tag


def test_all_caches_together_are_small(clickhouse: ClickHouse) -> None:
    sizes = {
        name: int(value)
        for name, value in in_force(clickhouse, "server_settings").items()
        if name.endswith(("cache_size", "cache_size_bytes", "cache_max_size"))
    }
    assert len(sizes) > 15
    assert sum(sizes.values()) <= ALL_CACHES, sizes


def test_the_engine_leaves_half_of_the_machine(clickhouse: ClickHouse) -> None:
    ceiling = int(in_force(clickhouse, "server_settings")["max_server_memory_usage"])
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < ceiling <= machine // 2
    query = "SELECT toUInt64(getSetting('max_memory_usage')) AS most"
    (read,) = clickhouse.rows(query)
    least = engine_limits._LEAST_OF_A_READ
    assert 0 < read["most"] <= max(ceiling // 8, least)
    # Only the ceiling limits a write, and a write is never killed to free memory for others.
    assert clickhouse.command(query) == 0
    assert clickhouse.command("SELECT getSetting('memory_overcommit_ratio_denominator')") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux does")
def test_removing_many_dead_parts_leaves_no_threads_behind(own_clickhouse: ClickHouse) -> None:
    run, deadline = own_clickhouse.command, time.monotonic() + 60
    run("CREATE TABLE many (n UInt64) ENGINE = MergeTree ORDER BY n PARTITION BY n")
    run("INSERT INTO many SELECT number FROM numbers(90)")
    run("INSERT INTO many SELECT number + 100 FROM numbers(90)")
    before = threads()
    run("TRUNCATE TABLE many")
    left = "SELECT count() AS n FROM system.parts WHERE table = 'many'"
    while own_clickhouse.rows(left)[0]["n"] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert threads() < before + 50
    run("DROP TABLE many SYNC")


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_a_read_that_is_too_large_fails_with_advice(clickhouse: ClickHouse) -> None:
    with pytest.raises(ReadTooLarge, match=r"^this needs more memory .* ask for less"):
        clickhouse.rows(HUNGRY, settings={"max_memory_usage": 50_000_000})


def test_a_read_that_fails_because_of_other_queries_is_not_too_large() -> None:
    message = (
        "Code: 241. DB::Exception: {} memory limit exceeded: would use 1.00 GiB, maximum: 1 GiB"
    )
    assert engine_limits.is_too_large(message.format("Query"))
    assert not engine_limits.is_too_large(message.format("(total)"))


@pytest.fixture
def hungry_readers(own_clickhouse: ClickHouse) -> Iterator[list[Exception | None]]:
    """Run two readers that keep asking for too much; return the list of their answers."""
    answers: list[Exception | None] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                own_clickhouse.rows(HUNGRY, settings={"max_memory_usage": 200_000_000})
                answers.append(None)
            except StoreUnavailable as error:
                answers.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    yield answers
    stop.set()
    for reader in readers:
        reader.join(60)


def test_inserts_go_on_while_reads_are_refused(
    own_clickhouse: ClickHouse, hungry_readers: list[Exception | None]
) -> None:
    empty(own_clickhouse)
    ledger, before, events = Ledger(own_clickhouse), len(hungry_readers), 0
    while len(hungry_readers) < before + 4 or events < 3:
        events += 1
        ledger.append([row(order("03-01", 10, "03-20", order_no=f"P{events}"), events)], uuid4())
    assert own_clickhouse.rows("SELECT count() AS n FROM order_line_facts FINAL") == [{"n": events}]
    assert all(isinstance(answer, ReadTooLarge) for answer in hungry_readers)


def test_caches_stay_bounded_whatever_readers_ask_for(
    own_clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    most_bytes, most_ends = 10_000, 8
    monkeypatch.setattr(standings, "_ANSWERS_BYTES", most_bytes)
    monkeypatch.setattr(grade_history, "_REMEMBERED_ENDS", most_ends)
    empty(own_clickhouse)
    store(own_clickhouse, [order("03-01", 10, "03-20")])
    kept = Standings(own_clickhouse, DEFAULT_POLICY)
    answers = [
        kept.scorecard("S1", Selection(day, WINDOW_DAYS - less, ["S1"]))
        for less in range(6)
        for day in DATES
    ]
    assert sum(map(len, answers)) > most_bytes
    assert most_bytes // 2 < kept._answers.heavy <= most_bytes
    assert 0 < kept.assessor.history._memory.heavy <= most_ends


def test_the_cache_of_known_suppliers_stays_bounded(
    own_clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.assessment.scorecard_reader._KNOWN", 2)
    empty(own_clickhouse)
    store(own_clickhouse, [order("03-01", 10, "03-20", supplier_id=f"S{n}") for n in range(4)])
    reader = ScorecardReader(own_clickhouse, DEFAULT_POLICY)
    for _ in range(2):
        assert [reader.knows(f"S{n}") for n in range(5)] == [True, True, True, True, False]
        assert reader._known.heavy == 2
