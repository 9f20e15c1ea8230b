"""Settlement: what became of events, before, during and after they are stored."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from schemas.validation import Fault
from services.operations.rejected import RejectedEvents
from services.operations.settlement import EventToSettle, SettlementRequest, settlement
from services.processor.rejections import Refusal
from services.store.client import ClickHouse
from services.store.ledger import Ledger
from services.store.migrate import migrate
from tests.conftest import NOT_SYNCED
from tests.reference.cases import Event, order
from tests.support.storing import accepted, row


@pytest.fixture(scope="module")
def clickhouse(new_database: Callable[[], ClickHouse]) -> ClickHouse:
    """Return an empty store."""
    made = new_database()
    migrate(made, NOT_SYNCED)
    return made


def asked(event: Event) -> EventToSettle:
    found = accepted(event)
    return EventToSettle(found.source, found.id, found.content.hex())


def placed(name: str, quantity: int = 5) -> Event:
    return order("09-01", quantity, "09-20", id=name, order_no=name, buyer_id="AHM")


def settled(
    clickhouse: ClickHouse, *events: Event, since: datetime | None = None
) -> dict[str, Any]:
    return settlement(clickhouse, SettlementRequest([asked(event) for event in events], since))


def test_an_event_is_stored_once_all_tables_have_it(clickhouse: ClickHouse) -> None:
    ledger = Ledger(clickhouse)
    event, other = placed("S1"), placed("S1", 6)
    nothing = {"stored": 0, "conflicts": [], "rejected": [], "pending": []}
    assert settled(clickhouse) == nothing
    assert settled(clickhouse, event, other) == nothing | {"pending": [0, 1]}
    ledger.insert([row(event, 0)], uuid4())
    # The ledger decides at once which event stands, but it counts only when its batch is complete.
    assert settled(clickhouse, event, other) == nothing | {"pending": [0], "conflicts": [1]}
    ledger.finish()
    assert settled(clickhouse, event, other) == nothing | {"stored": 1, "conflicts": [1]}


def test_what_the_store_refused_is_told_until_it_was_sent_in_again(clickhouse: ClickHouse) -> None:
    event = placed("R1")
    record = row(event, 1)
    refusal = Refusal.of_row(record, "store", [Fault("/data", "does not fit")])
    clickhouse.insert_json_lines("rejected", json.dumps(refusal.as_json()).encode())
    told = [{"index": 0, "errors": [{"pointer": "/data", "message": "does not fit"}]}]
    now = datetime.now(UTC)
    for since in (None, now - timedelta(hours=1)):
        assert settled(clickhouse, event, since=since)["rejected"] == told
    later = settled(clickhouse, event, since=now + timedelta(hours=1))
    assert (later["rejected"], later["pending"]) == ([], [0])
    RejectedEvents(clickhouse).mark_resolved(refusal.id)
    assert settled(clickhouse, event)["pending"] == [0]


def test_an_old_conflict_says_nothing_of_what_is_stored(clickhouse: ClickHouse) -> None:
    event, other = placed("C1"), placed("C1", 6)
    refusal = Refusal.of_row(row(other, 2), "conflict", [Fault("/id", "stands")])
    clickhouse.insert_json_lines("rejected", json.dumps(refusal.as_json()).encode())
    assert settled(clickhouse, event)["pending"] == [0]
    Ledger(clickhouse).append([row(event, 3)], uuid4())
    answer = settled(clickhouse, event, other, event)
    assert (answer["stored"], answer["conflicts"]) == (2, [1])
