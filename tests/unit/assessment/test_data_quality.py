"""Findings: each kind names its document, and there is none where data is right or put right."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from services.assessment.data_quality import FIGURES, KINDS, DataQuality, FindingPage, Scope
from services.assessment.figure_store import FigureStore
from services.processor import finding_notes
from services.processor.finding_notes import FindingRecorder
from services.readiness.policy import DEFAULT_POLICY
from services.readiness.rules import DEFAULT_RULES
from services.scorecards.quality_api import finding
from services.store.client import ClickHouse
from services.store.folding import FACT_TABLES
from services.store.ledger import Ledger, LedgerRecord
from services.text import quality_words
from services.text.figure_words import TITLES
from services.text.language import INDONESIAN, LANGUAGES
from tests.reference.cases import (
    Event,
    answer,
    at,
    cancel,
    complain,
    confirm,
    despatch,
    event,
    inspect,
    order,
    receive,
    reverse,
    send_back,
)
from tests.support.storing import empty, row, store

T = date(2026, 11, 1)


@pytest.fixture
def clickhouse(own_clickhouse: ClickHouse) -> ClickHouse:
    """Return an empty store that says it is folded under the default rules."""
    empty(own_clickhouse)
    in_force = [[DEFAULT_RULES.id, DEFAULT_RULES.description]]
    own_clickhouse.insert_rows("folded_rules", ["rules", "description"], in_force)
    return own_clickhouse


def quality(clickhouse: ClickHouse) -> DataQuality:
    return DataQuality(FigureStore(clickhouse, DEFAULT_POLICY))


def found(clickhouse: ClickHouse, kind: str, as_of: date = T, limit: int = 9) -> FindingPage:
    """Return the findings of a kind for buyer B1."""
    return quality(clickhouse).of_kind(kind, Scope(as_of, ["B1"]), limit)


def placed(day: str, wanted: str, uom: str | None = None, line: str = "10", **more: str) -> Event:
    """Return an order of 10, in a unit if one is given."""
    one = order(day, 10, wanted, line, **more)
    if uom:
        one["data"]["lines"][0]["uom"] = uom
    return one


def goods(order_no: str, line: str = "10", quantity: int = 10, uom: str = "") -> list[Event]:
    named: Event = {"order_no": order_no, "line_no": line, "quantity": quantity}
    return [named | ({"uom": uom} if uom else {})]


def lot(day: str, no: str, rejected: int, receipt: str, **more: str) -> Event:
    """Return an inspection of a lot of a receipt."""
    one = inspect(day, rejected, "rejected", no)
    one["data"] |= {"receipt_no": receipt} | more
    return one


def corrected(wrong: Event, **changes: object) -> Event:
    """Return a document as it is sent again a day later, with some fields changed."""
    later = (datetime.fromisoformat(wrong["time"]) + timedelta(days=1)).isoformat()
    return {**wrong, "id": f"{wrong['id']}-2", "time": later, "data": wrong["data"] | changes}


@dataclass(frozen=True)
class Case:
    """Wrong events, the finding they lead to, and the events that put it right.

    `names`: document, number, order_no and line_no of the finding. `says`: a part of its message.
    """

    kind: str
    wrong: list[Event]
    names: tuple[str, str, str, str]
    says: str
    right: list[Event]


FINE = [
    placed("03-01", "03-20", "H87"),
    confirm("03-02", "accepted", "03-21"),
    despatch("03-18", "D1", lines=goods("P", uom="H87")),
    receive("03-19", 10, no="R1", despatch_no="D1"),
    lot("03-20", "Q1", 2, "R1", uom="DZN") | {"id": "q1"},
    send_back("03-25", 1),
    receive("03-26", 1),
    complain("03-26", "K1", order_no="P", line_no="10"),
]
FINE[4]["data"]["quantity_rejected"] = "0.5"

_CONFLICT = placed("03-01", "03-20", "H87")
_WEIGHED = receive("03-19", 10, no="R1", lines=goods("P", uom="KGM"))
_COUNTED = receive("03-19", 10, no="R1", lines=goods("P", uom="H87"))
_ORPHAN = receive("03-19", 10, no="R1", lines=goods("P", quantity=3, uom="DZN"))
_FAR = receive("03-19", 10, no="R1", received_at="2025-03-19T10:00:00+07:00")
_YEAR = receive("02-19", 10, no="R1", received_at="2025-02-19T10:00:00+07:00")
_LOT, _AGAIN = lot("03-20", "Q1", 8, "R1"), lot("03-21", "Q2", 4, "R1")
_CASES = [
    Case(
        "number_reused",
        [
            placed("01-02", "01-20"),
            placed("06-01", "06-20", order_no="P2"),
            receive("01-19", 10, no="R1"),
            receive("06-19", 10, no="R1", lines=goods("P2")),
        ],
        ("receipt", "R1", "", ""),
        "on 19 Jan 2026 and again on 19 Jun 2026",
        [receive("01-19", 10, no="2025/R1", sent="06-21")],
    ),
    Case(
        "number_reused",
        [
            despatch("01-19", "D1"),
            despatch("06-19", "D1", lines=goods("P2")),
        ],
        ("despatch", "D1", "", ""),
        "P / 10",
        [despatch("06-21", "D1-A")],
    ),
    Case(
        "unit_conflict",
        [_CONFLICT, placed("03-02", "03-20", "KGM", revision=1)],  # type: ignore[arg-type]
        ("order", "", "P", "10"),
        "10 is in kg, and the order line is in pieces",
        [placed("03-03", "03-20", "DZN", revision=2)],  # type: ignore[arg-type]
    ),
    Case(
        "unit_conflict",
        [placed("03-01", "03-20", "H87"), _WEIGHED],
        ("receipt", "R1", "P", "10"),
        "10 is in kg",
        [corrected(_WEIGHED, lines=goods("P", uom="DZN"))],
    ),
    Case(
        "unit_missing",
        [placed("03-01", "03-20"), _COUNTED],
        ("receipt", "R1", "P", "10"),
        "The document is in pieces",
        [placed("03-22", "03-20", "H87", revision=1)],  # type: ignore[arg-type]
    ),
    Case(
        "receipt_far",
        [placed("03-01", "03-20"), _FAR],
        ("receipt", "R1", "P", "10"),
        "Received on 19 Mar 2025, 366 days from the due date",
        [corrected(_FAR, received_at=at("03-19"))],
    ),
    Case(
        "orphan_receipt",
        [_ORPHAN],
        ("receipt", "R1", "P", "10"),
        "3 dozens came on 19 Mar 2026",
        [placed("03-01", "03-20")],
    ),
    Case(
        "overdue_long",
        [placed("03-01", "03-20"), receive("03-19", 4)],
        ("order", "", "P", "10"),
        "6 of 10 missing since 20 Mar 2026, 226 days overdue",
        [cancel("10-01", "buyer")],
    ),
    Case(
        "inspection_over",
        [placed("03-01", "03-20", "DZN"), receive("03-19", 10, no="R1"), _LOT, _AGAIN],
        ("inspection", "Q2", "P", "10"),
        "12 dozens of receipt R1 are rejected, of which 10 dozens are left: 2 dozens too many",
        [corrected(_AGAIN, quantity_rejected=2)],
    ),
    Case(
        "inspection_unknown",
        [placed("03-01", "03-20"), _LOT],
        ("inspection", "Q1", "P", "10"),
        "It names receipt R1, which has no such line, and rejects 8.",
        [receive("03-19", 10, no="R1")],
    ),
    Case(
        "order_split",
        [placed("03-01", "03-20"), placed("03-02", "03-20", supplier_id="S2")],
        ("order", "", "P", ""),
        "S1, S2",
        [cancel("03-03", "buyer", supplier_id="S2")],
    ),
    Case(
        "confirmation_slip",
        [placed("03-01", "03-20"), confirm("03-02", "accepted", "02-21")],
        ("confirmation", "", "P", "10"),
        "Confirmed on 2 Mar 2026 for 21 Feb 2026; the order asks for 20 Mar 2026",
        [placed("03-03", "03-25", revision=1)],  # type: ignore[arg-type]
    ),
    Case(
        "complaint_apart",
        [complain("03-02", "K1", order_no="NONE")],
        ("complaint", "K1", "NONE", ""),
        "never answered",
        [answer("03-04", "K1", "containment")],
    ),
]


@pytest.mark.parametrize("case", _CASES, ids=[f"{one.kind} {one.names[0]}" for one in _CASES])
def test_a_finding_names_its_document_until_it_is_put_right(
    clickhouse: ClickHouse, case: Case
) -> None:
    store(clickhouse, case.wrong)
    part = found(clickhouse, case.kind)
    assert part.total == len(part.rows) == 1, part
    (one,) = part.rows
    named = tuple(one[name] for name in ("document", "number", "order_no", "line_no"))
    assert named == case.names
    shown = finding(case.kind, one)
    assert case.says in shown["message"]
    ids = {event["id"] for event in case.wrong}
    assert shown["events"]
    assert {event["id"] for event in shown["events"]} <= ids
    before = one["since"] - timedelta(days=1)
    assert found(clickhouse, case.kind, before).total == 0
    assert quality(clickhouse).of_kind(case.kind, Scope(T, ["B2"]), 9).total == 0
    assert quality(clickhouse).of_kind(case.kind, Scope(T, [], ["S9"]), 9).total == 0
    reader = quality(clickhouse)
    for _ in range(2):
        reader.note(case.kind, T)
    assert reader.put_right(KINDS, Scope(T), 9).total == 0
    store(clickhouse, case.right)
    assert found(clickhouse, case.kind).total == 0
    for _ in range(2):
        reader.note(case.kind, T)
    gone = reader.put_right([case.kind], Scope(T, ["B1"]), 9)
    assert (gone.total, len(gone.rows)) == (1, 1)
    (noted,) = gone.rows
    assert (noted["kind"], noted["gone_on"]) == (case.kind, T)
    assert {key: noted[key] for key in one if key != "total"} == {
        key: value for key, value in one.items() if key != "total"
    }
    for nothing in (Scope(T, ["B2"]), Scope(T, [], ["S9"]), Scope(T - timedelta(days=1))):
        assert reader.put_right(KINDS, nothing, 9).total == 0


def test_a_finding_that_occurs_again_is_not_put_right(clickhouse: ClickHouse) -> None:
    reader = quality(clickhouse)
    put_right = []
    for sent in (placed("03-01", "03-20"), receive("03-19", 10, no="R1"), reverse("03-25", "R1")):
        store(clickhouse, [sent])
        reader.note("overdue_long", T)
        put_right.append(reader.put_right(KINDS, Scope(T), 9).total)
    assert put_right == [0, 1, 0]


def test_nothing_counts_as_put_right_during_a_rebuild_of_the_facts(clickhouse: ClickHouse) -> None:
    reader = quality(clickhouse)
    store(clickhouse, [receive("10-01", 4, no="R1", lines=_other())])
    reader.note("orphan_receipt", T)
    for table in (*FACT_TABLES, "folded_rules"):
        clickhouse.command(f"TRUNCATE TABLE {table}")
    reader.note("orphan_receipt", T)
    assert reader.put_right(KINDS, Scope(T), 9).total == 0


def test_a_finding_too_old_to_be_shown_was_not_put_right(clickhouse: ClickHouse) -> None:
    reader = quality(clickhouse)
    store(clickhouse, [placed("03-20", "03-20"), receive("03-10", 10)])
    reader.note("retroactive", date(2026, 4, 1))
    assert found(clickhouse, "retroactive", date(2026, 4, 1)).total == 1
    later = date(2026, 3, 20) + timedelta(days=180)
    reader.note("retroactive", later)
    assert reader.put_right(KINDS, Scope(later), 9).total == 0


@pytest.mark.anyio
async def test_a_process_records_findings_only_during_its_term(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding_notes, "_REST", 0)
    term: list[int | None] = [None]
    run = FindingRecorder(lambda: quality(clickhouse), lambda: term[0], DEFAULT_POLICY, 0.1)
    task = asyncio.create_task(run.run())
    reader, today = quality(clickhouse), Scope(datetime.now(UTC).date() + timedelta(days=1))
    store(clickhouse, [receive("10-01", 4, no="R1", lines=_other())])
    await asyncio.sleep(0.5)
    assert clickhouse.rows("SELECT 1 FROM kept_findings") == []
    term[0] = 1
    async with asyncio.timeout(60):
        while not clickhouse.rows("SELECT 1 FROM kept_findings"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        right = placed("09-01", "10-01")
        right["data"]["order_no"] = "OTHER"
        store(clickhouse, [right])
        while not reader.put_right(KINDS, today, 9).total:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await run.stop()
        await task


def _other() -> list[dict[str, object]]:
    return [{"order_no": "OTHER", "line_no": "10", "quantity": 4}]


def test_correct_data_has_no_findings(clickhouse: ClickHouse) -> None:
    store(clickhouse, FINE)
    counts = quality(clickhouse).counts(Scope(T))
    assert {kind for kind, count in counts.items() if count} == set()
    assert tuple(counts) == KINDS


def test_retroactive_orders_are_shown_as_long_as_the_window_of_their_figure(
    clickhouse: ClickHouse,
) -> None:
    early = receive("10-01", 10, no="R1")
    store(clickhouse, [early, placed("10-05", "10-20"), placed("10-06", "10-02", order_no="P2")])
    part = found(clickhouse, "retroactive")
    messages = {one["order_no"]: finding(part.kind, one)["message"] for one in part.rows}
    assert messages.keys() == {"P", "P2"}
    assert "its goods came on 1 Oct 2026 already" in messages["P"]
    assert "Ordered on 6 Oct 2026 for 2 Oct 2026" in messages["P2"]
    assert found(clickhouse, "retroactive", date(2027, 4, 2)).total == 2
    assert found(clickhouse, "retroactive", date(2027, 4, 4)).total == 0


def test_a_number_sent_again_soon_or_with_a_line_in_common_is_the_same_document(
    clickhouse: ClickHouse,
) -> None:
    both = [*goods("P"), *goods("P2")]
    store(
        clickhouse,
        [
            receive("01-19", 10, no="R1"),
            receive("06-19", 10, no="R1", lines=both, received_at=at("01-19")),
            receive("03-01", 10, no="R2"),
            receive("03-05", 10, no="R2", lines=goods("P2")),
            complain("01-02", "K1"),
            complain("08-02", "K1"),
        ],
    )
    assert found(clickhouse, "number_reused").total == 0


def test_a_number_used_again_in_a_history_sent_at_once_is_found(clickhouse: ClickHouse) -> None:
    store(clickhouse, [_YEAR, corrected(_YEAR, lines=goods("P2"), received_at=at("02-19"))])
    (one,) = found(clickhouse, "number_reused").rows
    assert "on 19 Feb 2025 and again on 19 Feb 2026" in finding("number_reused", one)["message"]


def test_a_receipt_is_shown_as_orphan_after_a_week_and_never_if_it_is_reversed(
    clickhouse: ClickHouse,
) -> None:
    store(clickhouse, [receive("03-19", 10, no="R1"), receive("03-19", 5, no="R2")])
    store(clickhouse, [reverse("03-20", "R2")])
    assert found(clickhouse, "orphan_receipt", date(2026, 3, 26)).total == 0
    part = found(clickhouse, "orphan_receipt", date(2026, 3, 27))
    assert [one["number"] for one in part.rows] == ["R1"]


def test_a_rejection_of_a_wholly_reversed_receipt_is_found(clickhouse: ClickHouse) -> None:
    store(clickhouse, [placed("03-01", "03-20"), receive("03-19", 10, no="R1"), _LOT])
    assert found(clickhouse, "inspection_over").total == 0
    store(clickhouse, [reverse("03-22", "R1")])
    (one,) = found(clickhouse, "inspection_over").rows
    assert one["facts"]["received"] == "0"
    assert Decimal(one["facts"]["over"]) == 8


def redated(records: Iterable[LedgerRecord], old: bytes, new: bytes) -> list[LedgerRecord]:
    """Return records with another date, also one in the future, which validation refuses."""
    return [one._replace(value=one.value.replace(old, new)) for one in records]


def test_stored_instants_in_the_future_are_found(clickhouse: ClickHouse) -> None:
    mistimed = event("delivery.reversed", "03-18", receipt_no="R1", id="mistimed")
    misdated = receive("03-19", 10, no="R1", received_at="2026-03-17T10:00:00+07:00")
    records = [
        *redated([row(mistimed)], b"2026-03-18", b"2062-03-18"),
        *redated([row(misdated, 1)], b"2026-03-17", b"2063-03-17"),
    ]
    Ledger(clickhouse).append([row(placed("03-01", "03-20"), 2), *records], uuid4())
    today = datetime.now(UTC).date() + timedelta(days=1)
    part = found(clickhouse, "future_instant", today)
    shown = {one["document"]: finding(part.kind, one) for one in part.rows}
    assert shown.keys() == {"event", "receipt"}
    assert shown["event"]["document"]["number"] == "mistimed"
    assert shown["event"]["message"].startswith("time says 18 Mar 2062")
    assert shown["receipt"]["message"].startswith("received_at says 17 Mar 2063")
    assert shown["receipt"]["events"] == [{"source": "/erp/B1/sap", "id": misdated["id"]}]
    assert quality(clickhouse).of_kind("future_instant", Scope(today, ["B2"]), 9).total == 0
    store(clickhouse, [corrected(misdated)])
    assert [one["document"] for one in found(clickhouse, "future_instant", today).rows] == ["event"]


def accepted_on(days: Iterable[int], until: date) -> list[LedgerRecord]:
    """Return one event for each number of days before `until`, accepted on that day."""
    records = []
    for place, days_before in enumerate(days):
        day = until - timedelta(days=days_before)
        noon = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
        one = row(receive("03-19", 1), place)
        records.append(one._replace(timestamp=int(noon.timestamp() * 1000)))
    return records


@pytest.mark.parametrize(
    ("days", "silent"),
    [
        ([day for day in range(8, 36) if day % 7 not in (0, 1)], True),  # Each working day.
        (range(7, 35), False),  # Each day until a week ago.
        (range(8, 36, 3), False),  # Only every third day.
        ([8], False),  # A whole history, sent at once.
        (range(181, 210), False),  # Stopped long ago.
    ],
)
def test_a_sender_is_silent_after_a_week_if_it_sent_on_most_days_before(
    clickhouse: ClickHouse, days: Iterable[int], silent: bool
) -> None:
    Ledger(clickhouse).append(accepted_on(days, T), uuid4())
    part = found(clickhouse, "silent_sender")
    assert bool(part.total) is silent
    for one in part.rows:
        shown = finding(part.kind, one)
        assert shown["buyer_id"] == "B1"
        assert shown["document"] == {"type": "sender", "number": "B1"}
        assert shown["message"].startswith("Nothing came since 23 Oct 2026, 9 days ago")
    assert quality(clickhouse).of_kind("silent_sender", Scope(T, ["B2"]), 9).total == 0


def refuse(clickhouse: ClickHouse, number: str, sender: str, reason: str) -> None:
    """Store a rejected record."""
    at_noon = datetime(2026, 10, 1, 5, tzinfo=UTC)
    columns = ("id", "sender", "reason", "errors", "event_source", "event_id", "rejected_at")
    errors = '[{"pointer": "/data/lines/0/unit_price", "message": "must be under 98765"}]'
    values = (number, sender, reason, errors, f"/erp/{sender}/sap", "e1", at_noon)
    clickhouse.insert_rows("rejected", columns, [values])


def test_a_refused_record_is_a_finding_of_its_sender(clickhouse: ClickHouse) -> None:
    refuse(clickhouse, "r1", "B1", "invalid")
    refuse(clickhouse, "r2", "B1", "conflict")
    refuse(clickhouse, "r3", "B2", "invalid")
    (refused,) = found(clickhouse, "refused").rows
    (conflict,) = found(clickhouse, "conflict").rows
    assert (refused["number"], conflict["number"]) == ("r1", "r2")
    shown = finding("refused", refused)
    assert "refused (invalid) at /data/lines/0/unit_price" in shown["message"]
    assert "98765" not in str(shown)
    assert shown["buyer_id"] == "B1"
    assert quality(clickhouse).of_kind("refused", Scope(T), 9).total == 2
    assert quality(clickhouse).of_kind("refused", Scope(T, [], ["S1"]), 9).total == 0


def test_a_page_of_all_kinds_continues_where_the_one_before_ended(clickhouse: ClickHouse) -> None:
    store(clickhouse, [receive("03-19", 1, no=f"R{n}") for n in range(5)])
    refuse(clickhouse, "r1", "B1", "invalid")
    refuse(clickhouse, "r2", "B1", "conflict")
    scope, read = Scope(T, ["B1"]), quality(clickhouse)
    whole = [row for one in read.parts(KINDS, scope, 50) for row in one.rows]
    assert [row["document"] for row in whole] == ["record"] * 2 + ["receipt"] * 5
    pages = []
    for offset in range(0, 9, 3):
        parts = list(read.parts(KINDS, scope, 3, offset))
        assert sum(one.total for one in parts) == 7
        pages += [row for one in parts for row in one.rows]
    assert [row["number"] for row in pages] == [row["number"] for row in whole]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_words_and_figures(kind: str) -> None:
    words = quality_words.WORDS[kind]
    texts = (words.title, words.message, words.why, words.remedy)
    translated = LANGUAGES[INDONESIAN].translations.gettext
    assert all(translated(one) not in ("", one) for one in texts)
    assert set(FIGURES[kind]) <= TITLES.keys()
