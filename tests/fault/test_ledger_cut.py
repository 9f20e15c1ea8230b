"""A batch interrupted between the ledger and its views: the next process completes it, once."""

import random
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.processor.ledger_sink import LedgerSink
from services.processor.rejections import Rejections
from services.processor.streams import StreamRecord
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable
from services.store.ledger import Ledger, LedgerRecord
from services.store.migrate import migrations
from services.store.rebuild import rebuild
from tests.conftest import NOT_SYNCED
from tests.fault.doubles import FakeProducer
from tests.reference.cases import Event, confirm, order, receive
from tests.reference.histories import history
from tests.support.storing import contents, empty, record, row

EVENTS = history(random.Random(5), suppliers=2, buyers=1, lines=12, start=date(2026, 1, 1), days=40)
VIEWS = ("receipt_lines_of_events", "order_versions_of_events")


class CutClickHouse:
    """A store in which an insert into the ledger is interrupted, and then raises `error`.

    The interruption comes before the materialised views `views` (default: all) or, if `mark` is
    set, after them and before the batch is marked complete.
    """

    def __init__(
        self,
        clickhouse: ClickHouse,
        error: Exception,
        views: Sequence[str] | None = None,
        mark: bool = False,
    ) -> None:
        self._clickhouse, self._error, self._mark = clickhouse, error, mark
        self._views = views

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clickhouse, name)

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        if self._mark:
            self._clickhouse.insert_json_lines(table, lines)
            return
        views = self._views or [
            f"{table}_of_events" for made in migrations() for table in made.filled
        ]
        for view in views:
            self._clickhouse.command(f"DETACH TABLE {view}")
        try:
            self._clickhouse.insert_json_lines(table, lines)
        finally:
            for view in views:
                self._clickhouse.command(f"ATTACH TABLE {view}")
        raise self._error

    def insert_rows(self, *_: Any) -> None:
        raise self._error


AWAY = StoreUnavailable("Code: 210. DB::Exception: Connection reset")


def rows(events: Sequence[Event]) -> list[LedgerRecord]:
    return [row(event, offset) for offset, event in enumerate(events)]


@pytest.fixture(scope="module")
def uncut(own_clickhouse: ClickHouse) -> dict[str, list[tuple[Any, ...]]]:
    """Return the contents of the derived tables after an append without interruption."""
    empty(own_clickhouse)
    Ledger(own_clickhouse).append(rows(EVENTS), uuid4())
    return contents(own_clickhouse)


@pytest.fixture
def whole(
    own_clickhouse: ClickHouse, uncut: dict[str, list[tuple[Any, ...]]]
) -> dict[str, list[tuple[Any, ...]]]:
    """Empty the store; return what the derived tables must hold in the end: see `uncut`."""
    empty(own_clickhouse)
    return uncut


CUTS: dict[str, Callable[[ClickHouse], CutClickHouse]] = {
    "before all views": lambda store: CutClickHouse(store, AWAY),
    "between the views": lambda store: CutClickHouse(store, AWAY, VIEWS),
    "before the mark": lambda store: CutClickHouse(store, AWAY, mark=True),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("by", ["the same batch", "another process", "a restart"])
def test_an_interrupted_batch_is_completed(
    own_clickhouse: ClickHouse, whole: dict[str, list[tuple[Any, ...]]], cut: str, by: str
) -> None:
    batch = uuid4()
    with pytest.raises(StoreUnavailable):
        Ledger(CUTS[cut](own_clickhouse)).append(rows(EVENTS), batch)  # type: ignore[arg-type]
    assert (contents(own_clickhouse) == whole) is (cut == "before the mark")
    ledger = Ledger(own_clickhouse)
    if by == "a restart":
        assert ledger.repair() == 1
        assert ledger.append(rows(EVENTS), uuid4()).stored == 0
    else:
        done = ledger.append(rows(EVENTS), batch if by == "the same batch" else uuid4())
        assert (done.stored, done.resent, done.conflicts) == (len(EVENTS), 0, [])
    assert contents(own_clickhouse) == whole
    # Also after a merge, which keeps the first of two rows with the same key.
    own_clickhouse.command("OPTIMIZE TABLE events FINAL")
    assert ledger.repair() == 0
    ids = own_clickhouse.rows("SELECT count() AS n FROM events FINAL")[0]["n"]
    assert ids == len(EVENTS)


def test_part_of_an_interrupted_batch_is_completed_together_with_new_events(
    own_clickhouse: ClickHouse, whole: dict[str, list[tuple[Any, ...]]]
) -> None:
    half = len(EVENTS) // 2
    with pytest.raises(StoreUnavailable):
        Ledger(CutClickHouse(own_clickhouse, AWAY)).append(  # type: ignore[arg-type]
            rows(EVENTS[:half]), uuid4()
        )
    done = Ledger(own_clickhouse).append(rows(EVENTS), uuid4())
    assert (done.stored, done.resent) == (len(EVENTS), 0)
    assert contents(own_clickhouse) == whole


@pytest.mark.parametrize("by", ["the same process", "another process", "a restart"])
def test_what_was_inserted_and_not_finished_is_finished(
    own_clickhouse: ClickHouse, whole: dict[str, list[tuple[Any, ...]]], by: str
) -> None:
    third = len(EVENTS) // 3
    ledger = Ledger(own_clickhouse)
    assert ledger.insert(rows(EVENTS[:third]), uuid4()).stored == third
    # A copy of an unfinished event is still a copy: it is neither stored again nor completed.
    again = ledger.insert(rows(EVENTS[: 2 * third]), uuid4())
    assert (again.stored, again.resent) == (third, third)
    assert own_clickhouse.rows("SELECT * FROM batches") == []
    if by == "a restart":
        ledger = Ledger(own_clickhouse)
        assert ledger.repair() == 2
    elif by == "another process":
        ledger = Ledger(own_clickhouse)
    assert ledger.append(rows(EVENTS), uuid4()).stored == (
        len(EVENTS) if by == "another process" else len(EVENTS) - 2 * third
    )
    assert contents(own_clickhouse) == whole
    assert ledger.repair() == 0


def bad(event: Event, text: bytes = b"rubbish") -> StreamRecord:
    """Return the record of an event with `text` in place of its time of receipt.

    The gateway would refuse it.
    """
    good = record(event)
    at = good.value.index(b'"received_at":"') if good.value else 0
    value = (good.value or b"")[: at + 15] + text + (good.value or b"")[at + 40 :]
    return StreamRecord(good.topic, 0, 500, good.timestamp, value, good.headers)


async def _written(clickhouse: ClickHouse, records: Sequence[StreamRecord]) -> FakeProducer:
    producer = FakeProducer()
    sink = LedgerSink(Ledger(clickhouse), Rejections(producer))
    await sink.write(records)
    await sink.finish()
    return producer


@pytest.mark.anyio
async def test_a_row_that_a_view_refuses_is_refused_alone(own_clickhouse: ClickHouse) -> None:
    empty(own_clickhouse)
    good = [receive("03-20", 1, no=f"R{at}", id=f"r-{at}") for at in range(30)]
    records = [record(event, at) for at, event in enumerate(good)]
    records.insert(17, bad(receive("03-20", 1, no="BAD", id="r-bad")))
    producer = await _written(own_clickhouse, records)
    refused = [published.headers for published in producer.published]
    assert refused == [(("reason", b"store"),)]
    assert b"r-bad" in producer.published[0].value
    stored = {found["id"] for found in own_clickhouse.rows("SELECT id FROM events")}
    assert stored == {event["id"] for event in good}
    before = contents(own_clickhouse)
    assert len(before["receipt_lines"]) == 30
    assert Ledger(own_clickhouse).repair() == 0
    rebuild(own_clickhouse, NOT_SYNCED)
    assert contents(own_clickhouse) == before


@pytest.mark.anyio
async def test_an_interrupted_batch_with_a_bad_row_does_not_stop_the_next_start(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    good = [receive("03-20", 1, no=f"R{at}", id=f"s-{at}") for at in range(5)]
    broken = bad(receive("03-20", 1, no="BAD", id="s-bad"))
    records = [*(record(event, at) for at, event in enumerate(good)), broken]
    cut = Ledger(CutClickHouse(own_clickhouse, AWAY))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        await LedgerSink(cut, Rejections(FakeProducer())).write(records)
    whole = order("03-01", 1, "03-20", id="s-whole")
    with pytest.raises(StoreUnavailable):
        cut.append([row(whole)], uuid4())
    # Only one of the two batches can be derived. The other is dropped: its offsets were never
    # committed, so its records are read again.
    assert Ledger(own_clickhouse).repair() == 1
    assert Ledger(own_clickhouse).repair() == 0
    assert len(contents(own_clickhouse)["order_versions"]) == 1
    producer = await _written(own_clickhouse, records)
    assert len(producer.published) == 1
    assert len(contents(own_clickhouse)["receipt_lines"]) == 5


def test_a_fault_of_the_store_is_not_blamed_on_a_row(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    ledger, batch = Ledger(own_clickhouse), uuid4()
    own_clickhouse.command("RENAME TABLE order_versions TO away")
    try:
        with pytest.raises(StoreUnavailable):
            ledger.append(rows(EVENTS), batch)
    finally:
        own_clickhouse.command("RENAME TABLE away TO order_versions")
    assert ledger.append(rows(EVENTS), batch).stored == len(EVENTS)
    assert len(contents(own_clickhouse)["order_versions"]) > 10


@pytest.mark.anyio
async def test_a_conflict_is_reported_and_the_first_event_stands(
    own_clickhouse: ClickHouse,
) -> None:
    empty(own_clickhouse)
    first, other = (order("03-01", quantity, "03-20", id="same") for quantity in (5, 9))
    # Within one batch, in a later batch, and against an interrupted batch.
    producer = await _written(own_clickhouse, [record(first), record(other, 1), record(first, 2)])
    assert [dict(one.headers)["reason"] for one in producer.published] == [b"conflict"]
    producer = await _written(own_clickhouse, [record(other, 3)])
    assert len(producer.published) == 1
    assert b"it stands" in producer.published[0].value
    versions = own_clickhouse.rows("SELECT quantity FROM order_versions FINAL")
    assert [int(version["quantity"]) for version in versions] == [5]
    with pytest.raises(StoreUnavailable):
        cut = CutClickHouse(own_clickhouse, AWAY)
        Ledger(cut).append([row(confirm("03-02", "accepted") | {"id": "cut"})], uuid4())  # type: ignore[arg-type]
    rejected = confirm("03-02", "rejected") | {"id": "cut"}
    assert len(Ledger(own_clickhouse).append([row(rejected)], uuid4()).conflicts) == 1


@pytest.mark.parametrize("name", ["batch", "content", "precedence", "sender", "xyz"])
def test_an_extension_may_have_the_name_of_a_column(own_clickhouse: ClickHouse, name: str) -> None:
    empty(own_clickhouse)
    placed = order("03-01", "0.300000", "03-20", id="e1") | {name: "7"}
    placed["data"]["lines"][0]["description"] = 'says "batch": "x"'
    assert Ledger(own_clickhouse).append([row(placed)], uuid4()).stored == 1
    assert Ledger(own_clickhouse).append([row(placed)], uuid4()).resent == 1
    (found,) = own_clickhouse.rows("SELECT sender, content, data FROM events")
    assert (found["sender"], found["content"]) == ("B1", row(placed).content)
    (version,) = own_clickhouse.rows("SELECT description FROM order_versions")
    assert version["description"] == 'says "batch": "x"'


@pytest.mark.parametrize("value", [b"", b"{}", b"null", b'{"id"', b'"batch": [', b'["batch"]'])
def test_a_value_that_is_no_event_is_refused_and_leaves_nothing(
    own_clickhouse: ClickHouse, value: bytes
) -> None:
    empty(own_clickhouse)
    one = LedgerRecord("/erp/B1/x", "x", "00", value, "rantai.orders", 0, 0, 1_767_225_600_000)
    with pytest.raises(StoreRefused):
        Ledger(own_clickhouse).append([one], uuid4())
    assert own_clickhouse.rows("SELECT id FROM events") == []


@pytest.mark.parametrize(
    "name", ["it's", 'a "b"', "\\", "\\'", "--x", "/* y", "$keys", "%(keys)s", "{keys:String}", "é"]
)
def test_a_key_may_hold_any_text(own_clickhouse: ClickHouse, name: str) -> None:
    empty(own_clickhouse)
    event = order("03-01", "1", "03-20", id=name)
    other = order("03-01", "1", "03-20", id="beside")
    ledger = Ledger(own_clickhouse)
    assert ledger.append([row(event)], uuid4()).stored == 1
    again = ledger.append([row(other), row(event)], uuid4())
    assert (again.stored, again.resent) == (1, 1)
