"""Backtests a policy: which suppliers it would have moved over the stored history.

A policy is compared with another policy, or with frozen evaluations. Those may be of an earlier
edition of the figures, which can't be computed again.

A policy with other weights, points or grade thresholds only needs the sums that are stored. If a
policy has other rules than those in force, the whole ledger is folded by its rules into the same
tables, under a rules id of its own, and these trial facts are always dropped at the end. Trial
facts are not updated while events arrive: new events count only under the rules in force.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from hashlib import sha256
from string import Template
from typing import Any, Final

from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import WINDOW_DAYS
from services.readiness.grading import (
    DIRECTIONS,
    FROZEN,
    Graded,
    GradedStanding,
    Grader,
    Move,
    direction,
    move,
    standings,
)
from services.readiness.month_ends import last_month_ends, month_ends
from services.readiness.policy import Policy
from services.readiness.rules import EDITION, Rules
from services.readiness.score import Score
from services.readiness.sums import FigureSums
from services.store.client import ClickHouse
from services.store.folding import FACT_TABLES, drop_facts, fold_all
from services.store.sharding import LOCAL
from services.store.sql_files import sql
from services.store.sql_texts import GRADE_FAMILIES, counted_parts, spans

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the current step, how much of it is done, and the total. An exception
that it raises ends the backtest, which still drops its trial facts."""

_SUPPLIERS_A_QUERY: Final = 100
_DAYS_A_QUERY: Final = 30
_MARK: Final = 0xBAC7
"""The lowest 16 bits of every trial rules id: finds the facts that a killed process left behind."""

_BEGINNINGS: Final = """
SELECT supplier_id, min(arrayMin(arrayConcat(parts.since, [toDate32('2299-12-31')]))) AS first
FROM figure_parts
WHERE rules IN {rules:Array(UInt64)}
GROUP BY supplier_id
ORDER BY supplier_id
"""
_STORED: Final = """
SELECT DISTINCT toUInt64(partition) AS rules
FROM system.parts
WHERE active AND database = {database:String} AND table IN {tables:Array(String)}
"""


class BacktestError(RuntimeError):
    """A backtest is not possible at the moment; the message says what to do."""


class Trial(Rules):
    """Rules that are not in force: no process uses the facts under their id but the backtest."""

    @property
    def id(self) -> int:
        """The rules id of the facts that are folded by these rules."""
        digest = sha256(f"on trial: {self.description}".encode()).digest()
        return int.from_bytes(digest[:6]) << 16 | _MARK


@dataclass(frozen=True, slots=True)
class PolicySide:
    """A policy of the comparison, its grader, and the rules of the facts that it grades."""

    policy: Policy
    rules: Rules
    grader: Grader


@dataclass(slots=True)
class BacktestOutcome:
    """What differs at one date.

    `grades` and `published`: how many suppliers moved in which direction, by the grade of the day
    and by the published grade. `editions`: those of the frozen evaluations that were compared.
    """

    grades: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    moves: list[Move] = field(default_factory=list)
    editions: set[int] = field(default_factory=set)

    def add(self, supplier_id: str, old: GradedStanding, new: GradedStanding) -> None:
        """Count a supplier, and keep its move if it moves."""
        self.grades[direction(old.grade, new.grade)] += 1
        self.published[direction(old.published, new.published)] += 1
        found = move(supplier_id, old, new)
        if found is not None:
            self.moves.append(found)

    def as_json(self) -> dict[str, Any]:
        """Return the counts of every direction, and the moves."""
        return {
            "summary": {
                "grade": {name: self.grades[name] for name in DIRECTIONS},
                "published": {name: self.published[name] for name in DIRECTIONS},
            },
            "moves": [one.as_json() for one in self.moves],
        }


def backtest(  # noqa: PLR0913 - the inputs of a backtest
    clickhouse: ClickHouse,
    old: Policy | None,
    new: Policy,
    as_of: date,
    *,
    months: int = 24,
    progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Return, as JSON, which suppliers stand differently under `new` than under `old`.

    Compares them at `as_of` and at each of the last `months` month ends up to it. `old` = None
    compares with frozen evaluations: then only suppliers with an evaluation of the day count, and
    `as_of` must be a day with frozen evaluations.

    Blocks, and may take long, as the whole ledger may have to be folded. Raises BacktestError,
    StoreUnavailable, StoreRefused, and what `progress` raises.
    """
    tell = progress or (lambda *_: None)
    ends = last_month_ends(months, as_of)
    outcomes = {day: BacktestOutcome() for day in (*ends, as_of)}
    if old is None:
        _require_frozen(clickhouse, as_of)
    with sides_with_facts(clickhouse, (new,) if old is None else (old, new), tell) as sides:
        suppliers = _compare(clickhouse, sides, outcomes, tell)
    editions = {"from": sorted(outcomes[as_of].editions) or [EDITION], "to": EDITION}
    return {
        "as_of": as_of.isoformat(),
        "window_days": WINDOW_DAYS,
        "from": FROZEN if old is None else old.version,
        "to": new.version,
        "editions": editions,
        "suppliers": suppliers,
        **outcomes[as_of].as_json(),
        "month_ends": [{"as_of": day.isoformat(), **outcomes[day].as_json()} for day in ends],
    }


@contextmanager
def sides_with_facts(
    clickhouse: ClickHouse, policies: Sequence[Policy], tell: OnProgress
) -> Iterator[list[PolicySide]]:
    """Yield each policy with rules that have facts: those in force, or trial rules folded for it.

    The trial facts are dropped on exit. Raises BacktestError if a rebuild is under way on entry, or
    took place before the exit.
    """
    known = _in_force(clickhouse)
    if not known:
        raise BacktestError("the facts are being rebuilt; try again when that is done")
    sides = [PolicySide(policy, _rules_of(policy, known), Grader(policy)) for policy in policies]
    trials = {side.rules.id: side.rules for side in sides if isinstance(side.rules, Trial)}
    for left in _stored(clickhouse):
        if left not in known and left & 0xFFFF == _MARK:
            drop_facts(clickhouse, left)
    try:
        for rules in trials.values():
            fold_all(clickhouse, rules, lambda name, *of: tell(f"folding {name}", *of))
        there = _stored(clickhouse) & {side.rules.id for side in sides}
        yield sides
        if _in_force(clickhouse) != known or not there <= _stored(clickhouse):
            raise BacktestError("the facts were rebuilt meanwhile; run the backtest again")
    finally:
        for rules_id in trials:
            drop_facts(clickhouse, rules_id)


def _rules_of(policy: Policy, known: Mapping[int, Any]) -> Rules:
    rules = Rules.of(policy)
    return rules if rules.id in known else Trial.of(policy)


def _in_force(clickhouse: ClickHouse) -> dict[int, Any]:
    """Return the ids of the rules in force, each with when the ledger was last folded by them."""
    rows = clickhouse.rows("SELECT rules, folded_at FROM folded_rules FINAL")
    return {row["rules"]: row["folded_at"] for row in rows}


def _stored(clickhouse: ClickHouse) -> set[int]:
    """Return the ids of all rules that have facts in the store."""
    tables = [name for table in FACT_TABLES for name in (table, f"{table}{LOCAL}")]
    parameters = {"database": clickhouse.database, "tables": tables}
    return {row["rules"] for row in clickhouse.rows(_STORED, parameters)}


def _compare(
    clickhouse: ClickHouse,
    sides: Sequence[PolicySide],
    outcomes: Mapping[date, BacktestOutcome],
    tell: OnProgress,
) -> int:
    """Grade all suppliers in portions, and add them to `outcomes`; return how many there are.

    If there is only one side, it is compared with frozen evaluations.
    """
    parameters = {"rules": list({side.rules.id for side in sides})}
    begins = {row["supplier_id"]: row["first"] for row in clickhouse.rows(_BEGINNINGS, parameters)}
    names = list(begins)
    for start in range(0, len(names), _SUPPLIERS_A_QUERY):
        tell("reading", start, len(names))
        some = names[start : start + _SUPPLIERS_A_QUERY]
        first = min(begins[name] for name in some)
        days = sorted({*month_ends(first, max(outcomes)), *outcomes})
        found = _graded(clickhouse, sides, some, days)
        frozen = _frozen(clickhouse, sides[0], some, outcomes) if len(sides) == 1 else {}
        for name in some:
            *old, new = (
                standings(side.policy, grades, list(outcomes))
                for side, grades in zip(sides, found[name], strict=True)
            )
            before = old[0] if old else frozen.get(name, {})
            for day, standing in before.items():
                outcomes[day].add(name, standing, new[day])
    tell("reading", len(names), len(names))
    return len(names)


def _require_frozen(clickhouse: ClickHouse, as_of: date) -> None:
    newest = clickhouse.rows(sql("newest_evaluation"), {"day": as_of})
    if not newest:
        raise BacktestError(
            f"no evaluation is frozen up to {as_of}: evaluations are frozen at month ends"
        )
    if newest[0]["as_of"] != as_of:
        raise BacktestError(
            f"no evaluation is frozen as of {as_of}; the newest before is as of "
            f"{newest[0]['as_of']}: ask for that day"
        )


def _frozen(
    clickhouse: ClickHouse,
    side: PolicySide,
    suppliers: Sequence[str],
    outcomes: Mapping[date, BacktestOutcome],
) -> dict[str, dict[date, GradedStanding]]:
    """Return the frozen standings of suppliers, and note their editions in `outcomes`.

    Score and grades are the frozen ones; what each figure added to the score is computed from its
    frozen value under the policy of `side`.
    """
    found: dict[str, dict[date, GradedStanding]] = {}
    for one in EvaluationStore(clickhouse).frozen_at(suppliers, list(outcomes)):
        kpis, score, grade = (one.scorecard[part] for part in ("kpis", "score", "grade"))
        values = {
            key: None if (value := kpis.get(key, {}).get("value")) is None else Fraction(value)
            for key in side.policy.scales
        }
        whole = None if score["value"] is None else Fraction(score["value"])
        found.setdefault(one.supplier_id, {})[one.as_of] = GradedStanding(
            Score(whole, {}, side.grader.scorer.keys(values)), grade["value"], grade["published"]
        )
        outcomes[one.as_of].editions.add(one.edition)
    return found


def _graded(
    clickhouse: ClickHouse,
    sides: Sequence[PolicySide],
    suppliers: Sequence[str],
    days: Sequence[date],
) -> dict[str, list[dict[date, Graded]]]:
    """Grade suppliers under each side on every day; sides with the same rules share one read."""
    found: dict[str, list[dict[date, Graded]]] = {name: [{} for _ in sides] for name in suppliers}
    rules = {side.rules.id: side.rules for side in sides}
    for start in range(0, len(days), _DAYS_A_QUERY):
        some = days[start : start + _DAYS_A_QUERY]
        for rules_id in rules:
            rows = _rows(clickhouse, rules_id, suppliers, some)
            for name, day, sums in _sums(rows, suppliers, some):
                values = sums.scored()
                for at, side in enumerate(sides):
                    if side.rules.id == rules_id:
                        found[name][at][day] = side.grader.contributed(sums, values)
    return found


def _sums(
    rows: Iterable[Mapping[str, Any]], suppliers: Sequence[str], days: Sequence[date]
) -> Iterator[tuple[str, date, FigureSums]]:
    held: dict[tuple[str, date], list[Mapping[str, Any]]] = {}
    for row in rows:
        held.setdefault((row["supplier_id"], row["as_of"]), []).append(row)
    for name in suppliers:
        for day in days:
            yield name, day, FigureSums.of(day, held.pop((name, day), ()))


def _rows(
    clickhouse: ClickHouse, rules_id: int, suppliers: Sequence[str], days: Sequence[date]
) -> list[dict[str, Any]]:
    return clickhouse.rows(
        Template(sql("grade_sums")).substitute(counted_parts=counted_parts(GRADE_FAMILIES)),
        {
            "suppliers": list(suppliers),
            "buyers": [],
            "rules": rules_id,
            "spans": spans(days, WINDOW_DAYS),
            # Grades need neither the backlog nor the value received.
            "capacity_days": 0,
            "concentration_days": 0,
        },
    )
