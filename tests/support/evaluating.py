"""Helpers for tests of evaluations: a store with evaluators, histories, and scorecards."""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import simplejson

from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import WINDOW_DAYS, FigureStore, Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.standings import Standings
from services.processor import evaluator
from services.processor.announcer import Announcer
from services.processor.evaluator import Evaluator, Waits
from services.readiness.month_ends import month_ends
from services.readiness.policy import DEFAULT_POLICY, Policy
from services.store.client import ClickHouse
from tests.fault.doubles import FakeProducer
from tests.reference.cases import (
    Event,
    order,
    receive,
)
from tests.reference.histories import history, shuffled, supplier_ids
from tests.support.storing import empty

JAKARTA = ZoneInfo("Asia/Jakarta")
START, DAYS = date(2026, 1, 2), 200
SUPPLIERS = supplier_ids(2)
LAST = date(2026, 7, 1)
ENDS = [date(2026, month, 1) for month in range(2, 8)]
PARTS = ("kpis", "score", "grade", "stage")
MOST_TURNS = 40

Card = Mapping[str, Any]


@dataclass
class Clock:
    """Stands in for `time`: it advances only when a test sets `now`."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Bench:
    """A store and its evaluators, which run one after the other, as processes do."""

    clickhouse: ClickHouse
    clock: Clock
    producer: FakeProducer = field(default_factory=FakeProducer)

    def __post_init__(self) -> None:
        self.store = EvaluationStore(self.clickhouse)

    def evaluator(
        self,
        *,
        quiet: float = 0,
        grace: float = 0,
        policy: Policy = DEFAULT_POLICY,
        store: EvaluationStore | None = None,
    ) -> Evaluator:
        """Return an evaluator with nothing cached, as after a start."""
        store = store or self.store
        announcer = Announcer(store, self.producer, "127.0.0.1:1", policy)
        standings = Standings(self.clickhouse, policy)
        return Evaluator(standings, store, announcer, Waits(1, quiet, grace))

    async def turn(self, evaluator: Evaluator, at: date | datetime) -> int:
        """Take turns, one second apart, until nothing is left to do; return how much was done."""
        moment = at if isinstance(at, datetime) else datetime.combine(at, time(12), JAKARTA)
        done = await evaluator.turn(moment)
        for _ in range(MOST_TURNS):
            self.clock.now += 1
            more = await evaluator.turn(moment)
            done += more
            if not more:
                return done
        raise AssertionError("the evaluator finds work in every turn: it never finishes")

    def rows(self) -> list[dict[str, Any]]:
        """Return every row of the frozen evaluations, also those that do not stand."""
        return self.clickhouse.rows("SELECT * FROM evaluations ORDER BY supplier_id, as_of")

    def ends(self, name: str = "S1") -> list[date]:
        """Return the month ends of a supplier's frozen rows, one entry per row."""
        return [row["as_of"] for row in self.rows() if row["supplier_id"] == name]

    def told(self, name: str = "S1") -> list[tuple[str | None, str | None]]:
        """Return the announced changes of a supplier's published grade, as (from, to)."""
        events = [json.loads(record.value)["data"] for record in self.producer.published]
        changed = [event["changed"] for event in events if event["supplier_id"] == name]
        return [(one["from"], one["to"]) for one in changed if one["what"] == "published_grade"]


def emptied(clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Empty the store and return a bench on it, with a clock that the evaluator reads."""
    empty(clickhouse)
    clock = Clock()
    monkeypatch.setattr(evaluator, "time", clock)
    return Bench(clickhouse, clock)


def ends_of(bench: Bench) -> dict[str, list[date]]:
    """Return every month end of each supplier, from its first day up to LAST."""
    firsts = FigureStore(bench.clickhouse, DEFAULT_POLICY).first_days(Selection(LAST, WINDOW_DAYS))
    return {name: month_ends(first, LAST) for name, first in firsts.items()}


def told_of(seed: int = 12) -> list[Event]:
    """Return a history in which grades differ between suppliers and change over time."""
    rng = random.Random(seed)
    events = history(rng, suppliers=2, buyers=1, lines=130, start=START, days=DAYS, calm=0.97)
    return shuffled(rng, events, resend=0)


def calm(months: Iterable[int], days: Iterable[int] = (3, 8, 15, 23)) -> list[Event]:
    """Return orders of S1 that are delivered on time, on the given days and months of 2026."""
    return [
        one
        for month in months
        for day in days
        for one in (
            order(
                f"{month:02}-{day:02}", 10, f"{month:02}-{day + 2:02}", order_no=f"P{month}-{day}"
            ),
            received(month, day + 2),
        )
    ]


def received(month: int, day: int, **more: Any) -> Event:
    line = {"order_no": f"P{month}-{day - 2}", "line_no": "10", "quantity": 10}
    return receive(f"{month:02}-{day:02}", no=f"R{month}-{day}", lines=[line], **more)


def cards(clickhouse: ClickHouse, days_of: Mapping[str, Iterable[date]]) -> dict[Any, Card]:
    """Return the present scorecard of each supplier at each date, each computed on its own."""
    reader = ScorecardReader(clickhouse, DEFAULT_POLICY)
    found: dict[Any, Card] = {}
    for name, days in days_of.items():
        for day in days:
            selection = Selection(day, WINDOW_DAYS, [name])
            card = simplejson.loads(reader.scorecard(name, selection), use_decimal=True)
            found[name, day] = {part: card[part] for part in PARTS}
    return found


def differences(then: Card, now: Card) -> Card | None:
    """Return how two scorecards differ, in the form of `restated`; None if they are equal."""
    figures = {
        key: {"frozen": then["kpis"][key], "now": now["kpis"][key]}
        for key in then["kpis"]
        if then["kpis"][key] != now["kpis"][key]
    }
    others = {
        part: {"frozen": then[part], "now": now[part]}
        for part in PARTS[1:]
        if then[part] != now[part]
    }
    if not figures and not others:
        return None
    return {"policy_version": DEFAULT_POLICY.version, "edition": 2, "kpis": figures, **others}
