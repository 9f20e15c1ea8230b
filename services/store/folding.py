"""Folding events into facts, and facts into parts of figures: batch by batch, or the whole ledger.

A fact is computed from all of its events, in whatever order they arrived, and replaces the fact
before it: folding twice, or folding the whole ledger again, gives the same result. One fact serves
every T, because it holds the state of the line after each of its events.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from random import getrandbits
from string import Template
from typing import Any, Final
from uuid import UUID

from services.readiness.rules import DEFAULT_RULES, Rules
from services.store.client import ClickHouse
from services.store.sql_files import sql

OnProgress = Callable[[str, int, int], None]
FACT_TABLES: Final = (
    "receipt_facts", "return_facts", "order_line_facts", "figure_parts", "fold_marks",
)  # fmt: skip

_DOCUMENTS_A_TURN: Final = 50_000
_SIDE_BY_SIDE: Final = 2
"""Statements that one fold runs in parallel; the pool's other clients insert and refuse."""

_EVENTS_A_PART: Final = 1_000_000
_NUMBERS: Final = {
    "receipt": "receipt_no",
    "return": "return_no",
    "order": "order_no",
    "despatch": "despatch_no",
    "inspection": "inspection_no",
    "complaint": "complaint_no",
}
_STATEMENTS: Final = {
    # In this order: lines are computed from receipts and returns, parts from lines and receipts.
    "receipts": "receipt",
    "returns": "return",
    "lines": "order",
    "line_parts": "order",
    "receipt_parts": "receipt",
    "inspection_parts": "inspection",
    "complaint_parts": "complaint",
}
"""Statements in `sql/facts/`, each with the kind of document by whose number it selects."""

_STEPS: Final = (
    (("receipts",), ("returns",)),
    (("lines", "line_parts"), ("receipt_parts",), ("inspection_parts",), ("complaint_parts",)),
)
"""Groups of statements that may run in parallel; each step reads what the step before wrote."""

_CONCERNING: Final = ("order", "despatch", "receipt", "return", "inspection")
"""Kinds of documents that change the facts of others: an order those of its receipts, a receipt
those of its inspections."""

_EVENT: Final = """Tuple(
    at DateTime64(6, \\'UTC\\'), kind UInt8, revision UInt32,
    time DateTime64(6, \\'UTC\\'), id String, source String, quantity Decimal(38, 6),
    date Nullable(Date32), unit_price Nullable(Decimal(38, 6)), price_scale Decimal(38, 6),
    currency Nullable(String), item_no String, uom String, status String, off UInt8,
    conflict UInt8)"""
_ASKED: Final = """Tuple(
    item_no String, quantity Decimal(38, 6), unit_price Nullable(Decimal(38, 6)),
    price_scale Decimal(38, 6), currency String, requested Date32)"""
_STATE: Final = f"""Tuple(
    version Tuple(UInt32, DateTime64(6, \\'UTC\\'), String, String), asked {_ASKED},
    quantity Decimal(38, 6), requested Date32, due Date32, due_set_by Tuple(String, String),
    confirmed UInt8, rejected UInt8, cancelled_by String,
    cancelled_at DateTime64(6, \\'UTC\\'), any_cancellation UInt8, most Decimal(38, 6),
    effect String)"""
_STEP: Final = """Tuple(
    day Date32, due Date32, requested Date32, quantity Decimal(38, 6), most Decimal(38, 6),
    out String, cancelled_by String, any_cancellation UInt8,
    unit_price Nullable(Decimal(38, 6)), price_scale Decimal(38, 6), currency String,
    item_no String, uom String, revision UInt32, confirmed UInt8,
    due_set_by Tuple(source String, id String), effect String)"""
_PART: Final = """Tuple(
    family String, label String, day Date32, since Date32, until Date32, a Decimal(38, 6),
    b Decimal(38, 6), c Decimal(38, 6), d Decimal(38, 6), e Decimal(38, 6), f Decimal(38, 6),
    g Decimal(38, 6))"""


def fold(clickhouse: ClickHouse, rules: Rules, batches: Sequence[UUID]) -> None:
    """Fold every document that these batches touch. Raises StoreUnavailable, StoreRefused."""
    parameters = {"batches": list(batches)}
    counts = _documents(clickhouse, parameters)
    if not counts:
        return
    for kind in _CONCERNING:
        if kind not in counts:
            continue
        statement = Template(sql(f"concerned_by_{kind}")).substitute(which=_touched(kind))
        clickhouse.command(statement, parameters={**parameters, "batch": min(batches)})
        counts = _documents(clickhouse, parameters)
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="fold") as threads:
        for step in _STEPS:
            turns = [
                threads.submit(_fold_documents, clickhouse, rules, parameters, names, turn)
                for names in step
                for turn in _turns(counts.get(_STATEMENTS[names[0]], 0))
            ]
            wait(turns)
            for turn in turns:
                turn.result()
    # Last: a standing computed under the new mark must have read the new facts.
    clickhouse.command(
        sql("mark_touched"), parameters={**parameters, "rules": rules.id, "mark": getrandbits(63)}
    )


def _documents(clickhouse: ClickHouse, parameters: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of touched documents by kind; a document may be counted several times."""
    return {row["kind"]: row["documents"] for row in clickhouse.rows(sql("touched"), parameters)}


def _turns(documents: int) -> list[str]:
    """Return conditions on the document number that split the documents into bounded chunks."""
    count = -(-documents // _DOCUMENTS_A_TURN)
    if count == 1:
        return [""]
    return [f" AND cityHash64(number) % {count} = {turn}" for turn in range(count)]


def _fold_documents(
    clickhouse: ClickHouse,
    rules: Rules,
    parameters: Mapping[str, Any],
    names: Sequence[str],
    turn: str,
) -> None:
    """Run statements for the touched documents of one kind, one statement after the other."""
    which = _touched(_STATEMENTS[names[0]], turn)
    for name in names:
        _insert(clickhouse, rules, name, which, parameters)


def _touched(kind: str, turn: str = "") -> str:
    """Return, as SQL, the condition that the given batches touched a document."""
    return (
        f"(supplier_id, buyer_id, {_NUMBERS[kind]}) IN ("  # noqa: S608
        "SELECT supplier_id, buyer_id, number FROM touched "
        f"WHERE batch IN {{batches:Array(UUID)}} AND kind = '{kind}'{turn})"
    )


def fold_all(clickhouse: ClickHouse, rules: Rules, progress: OnProgress | None = None) -> None:
    """Fold the whole ledger by these rules, one group of suppliers at a time.

    `progress` is called with the statement's name, the steps done and the steps in total.
    """
    events = clickhouse.rows("SELECT count() AS events FROM events")[0]["events"]
    parts = -(-events // _EVENTS_A_PART)
    for part in range(parts):
        some = f"cityHash64(supplier_id) % {parts} = {part}"
        for at, name in enumerate(_STATEMENTS):
            if progress is not None:
                progress(name, part * len(_STATEMENTS) + at, parts * len(_STATEMENTS))
            _insert(clickhouse, rules, name, some)
    _mark_all(clickhouse, rules)


def ensure_folded(
    clickhouse: ClickHouse, rules: Rules = DEFAULT_RULES, progress: OnProgress | None = None
) -> bool:
    """Fold the whole ledger unless it is folded by these rules; return whether it was necessary.

    Facts of other rules are dropped, because batches only update the facts of these rules.
    """
    known = {row["rules"] for row in clickhouse.rows("SELECT rules FROM folded_rules FINAL")}
    if rules.id in known:
        if not clickhouse.rows("SELECT 1 FROM fold_marks LIMIT 1"):
            _mark_all(clickhouse, rules)  # facts written by a release that had no marks
        return False
    fold_all(clickhouse, rules, progress)
    clickhouse.insert_rows(
        "folded_rules", ["rules", "description"], [[rules.id, rules.description]]
    )
    for other in known:
        table = clickhouse.stored("folded_rules")
        clickhouse.command(f"DELETE FROM {table} WHERE rules = {other}")  # noqa: S608
        drop_facts(clickhouse, other)
    return True


def _mark_all(clickhouse: ClickHouse, rules: Rules) -> None:
    clickhouse.command(sql("mark_all"), parameters={"rules": rules.id, "mark": getrandbits(63)})


def drop_facts(clickhouse: ClickHouse, rules_id: int) -> None:
    """Drop all facts that were folded by the rules of this id."""
    for table in FACT_TABLES:
        clickhouse.command(f"ALTER TABLE {clickhouse.stored(table)} DROP PARTITION {rules_id}")


def _insert(
    clickhouse: ClickHouse,
    rules: Rules,
    name: str,
    which: str,
    batches: Mapping[str, Any] | None = None,
) -> None:
    for zone, buyers in _zones(rules):
        text = Template(sql(name)).substitute(
            which=f"{which}{buyers}",
            **_texts(),
            tolerance=tolerance_index(rules, "item_no"),
            tolerance_in_force=tolerance_index(rules, "states[-1].asked.item_no"),
        )
        parameters = {**rule_parameters(rules), **(batches or {}), "zone": zone}
        clickhouse.command(text, parameters=parameters)


def rule_parameters(rules: Rules) -> dict[str, Any]:
    """Return the query parameters of a statement that applies the rules."""
    return {
        "rules": rules.id,
        "notice_days": rules.notice_days,
        "confirmation_hours": rules.confirmation_hours,
        "complaint_days": list(rules.complaint_days),
        "tolerance_keys": [f"{row[0]}\n{row[1]}" for row in rules.tolerances],
        "early_days": [row[2] for row in rules.tolerances],
        "late_days": [row[3] for row in rules.tolerances],
        "under": [row[4] for row in rules.tolerances],
        "over": [row[5] for row in rules.tolerances],
    }


def _zones(rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield each zone with the condition on its buyers: one statement reads dates in one zone."""
    if not rules.sites:
        yield rules.zone, ""
        return
    yield rules.zone, f" AND buyer_id NOT IN ({_quoted(buyer for buyer, _ in rules.sites)})"
    for zone in sorted({zone for _, zone in rules.sites}):
        there = (buyer for buyer, of in rules.sites if of == zone)
        yield zone, f" AND buyer_id IN ({_quoted(there)})"


def tolerance_index(rules: Rules, item: str) -> str:
    """Return, as SQL, the index of a line's tolerances in the arrays of `rule_parameters`.

    `item` is the SQL expression of the line's item number.
    """
    return "1" if len(rules.tolerances) == 1 else tolerance_index_of_any_rules(item)


def tolerance_index_of_any_rules(item: str) -> str:
    """Return the same for rules that are not known yet, as when a view is created.

    The most specific entry applies: buyer and item, then buyer, then item, then the default.
    """
    keys = "{tolerance_keys:Array(String)}"
    tried = (
        f"concat(buyer_id, '\\n', {item})",
        "concat(buyer_id, '\\n')",
        f"concat('\\n', {item})",
    )
    places = ", ".join(f"indexOf({keys}, {key})" for key in tried)
    return f"arrayFirst(place -> place > 0, [{places}, 1])"


def _quoted(names: Iterable[str]) -> str:
    # Partner ids hold only letters, digits and `._-`, so they need no escaping.
    return ", ".join(f"'{name}'" for name in names)


@cache
def _texts() -> Mapping[str, str]:
    """Return what the statements in `sql/facts/` share: tuple types and the units of lines."""
    return {
        "event": _EVENT,
        "asked": _ASKED,
        "state": _STATE,
        "step": _STEP,
        "part": _PART,
        "units_of_lines": sql("units_of_lines").rstrip(),
    }
