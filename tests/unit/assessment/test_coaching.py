"""Effects of coaching against the reference: before, after, and beside uncoached suppliers."""

import random
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from services.assessment.coaching_effects import CoachingEffect, coaching_effects
from services.assessment.figure_store import FigureStore
from services.readiness.figures import Figure
from services.readiness.kpis import SCORABLE
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from tests.reference.all_figures import all_figures
from tests.reference.cases import Event
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.support.storing import empty, store_in_batches

START, DAYS = date(2026, 1, 1), 300
SUPPLIERS, BUYERS = supplier_ids(9), buyer_ids(2)
COACHED = {
    SUPPLIERS[0]: [START + timedelta(days=120), START + timedelta(days=150)],
    SUPPLIERS[1]: [START + timedelta(days=40), START + timedelta(days=200)],
    SUPPLIERS[2]: [START + timedelta(days=270)],
    SUPPLIERS[3]: [START + timedelta(days=160)],
}
WITHOUT_CLUSTER = SUPPLIERS[3]
END = START + timedelta(days=DAYS)


def coach(supplier: str, held_on: date, topic: str = "5r") -> Event:
    return {
        "specversion": "1.0",
        "id": f"coach-{supplier}-{held_on}-{topic}",
        "source": "/erp/PROGRAMME/desk",
        "type": "id.rantai.partner.coached.v1",
        "time": f"{held_on}T09:00:00+07:00",
        "data": {
            "supplier_id": supplier,
            "coach": "Ibu Sari",
            "held_on": held_on.isoformat(),
            "topic": topic,
        },
    }


@pytest.fixture(scope="module")
def coached(own_clickhouse: ClickHouse) -> tuple[FigureStore, list[Event]]:
    """Return a store and its events: four of nine suppliers were coached, one has no cluster."""
    empty(own_clickhouse)
    rng = random.Random(11)
    events = [
        event
        for event in history(rng, suppliers=9, buyers=2, lines=420, start=START, days=DAYS)
        if event["type"] != "id.rantai.partner.coached.v1"
    ]
    for event in events:
        if event["data"].get("partner_id") == WITHOUT_CLUSTER:
            event["data"].pop("cluster")
    for supplier, days in COACHED.items():
        events += [
            coach(supplier, day, topic) for day, topic in zip(days, ("5r", "finance"), strict=False)
        ]
    store_in_batches(own_clickhouse, rng, shuffled(rng, events))
    return FigureStore(own_clickhouse, DEFAULT_POLICY), events


def clusters(events: list[Event]) -> dict[str, str]:
    """Return the registered cluster of each supplier, '' if it has none."""
    found: dict[str, tuple[Any, str]] = {}
    for event in events:
        if event["type"] == "id.rantai.partner.registered.v1":
            key = (event["time"], event["id"])
            data = event["data"]
            if (
                data["role"] == "supplier"
                and key > found.get(data["partner_id"], (("", ""), ""))[0]
            ):
                found[data["partner_id"]] = (key, data.get("cluster", ""))
    return {name: cluster for name, (_, cluster) in found.items()}


def pooled(
    events: list[Event], suppliers: list[str], as_of: date, days: int, buyer: str | None
) -> dict[str, tuple[Fraction, Fraction]]:
    """Return the reference's figures of a group: its members' sums as (numerator, denominator)."""
    sums = {key: (Fraction(0), Fraction(0)) for key in SCORABLE}
    for supplier in suppliers:
        found = all_figures(events, supplier, as_of, days, buyer)
        for key, (top, bottom) in sums.items():
            one = found.ratio(key)
            sums[key] = (top + one.numerator, bottom + one.denominator)
    return sums


def pair(figure: Figure) -> tuple[Fraction, Fraction]:
    return Fraction(figure.numerator), Fraction(figure.denominator)


def far(got: tuple[Fraction, ...], expected: tuple[Fraction, ...]) -> bool:
    """Return whether figures differ by more than the store's cut after 18 decimals explains.

    Pieces in dozens are infinite decimals.
    """
    return any(abs(a - b) > Fraction(1, 10**15) for a, b in zip(got, expected, strict=True))


def same(effect: CoachingEffect, events: list[Event], as_of: date, buyer: str | None) -> None:
    """Compare an effect with the reference: all four figures of every key."""
    of = clusters(events)
    cluster = of[effect.supplier_id]
    until = min(effect.held_on + timedelta(days=90), as_of)
    beside = [
        name
        for name in SUPPLIERS
        if cluster and of[name] == cluster and all(day >= until for day in COACHED.get(name, []))
    ]
    assert (effect.cluster, effect.after_on) == (cluster, until)
    assert effect.after_days == (until - effect.held_on).days
    assert effect.uncoached == len(beside)
    for suppliers, names in (
        ([effect.supplier_id], ("before", "after")),
        (beside, ("uncoached_before", "uncoached_after")),
    ):
        before = pooled(events, suppliers, effect.held_on, 90, buyer)
        after = pooled(events, suppliers, until, effect.after_days, buyer)
        for name, expected in zip(names, (before, after), strict=True):
            got = {key: pair(getattr(change, name)) for key, change in effect.figures.items()}
            assert got.keys() == expected.keys()
            differs = {key: (got[key], one) for key, one in expected.items() if far(got[key], one)}
            assert not differs, (effect.supplier_id, name)


@pytest.mark.parametrize("buyer", [None, BUYERS[0]])
@pytest.mark.parametrize("as_of", [END, START + timedelta(days=165)])
def test_effects_equal_the_reference(
    coached: tuple[FigureStore, list[Event]], as_of: date, buyer: str | None
) -> None:
    store, events = coached
    found = coaching_effects(store, START, as_of, buyers=[buyer] if buyer else [])
    held = {name: min(days) for name, days in COACHED.items() if min(days) < as_of}
    assert {one.supplier_id: one.held_on for one in found} == held
    for one in found:
        same(one, events, as_of, buyer)
    assert any(change.before.denominator for one in found for change in one.figures.values())
    assert any(one.uncoached for one in found)


def test_the_first_session_of_the_period_counts_and_the_time_after_it_ends_at_as_of(
    coached: tuple[FigureStore, list[Event]],
) -> None:
    store, events = coached
    since = START + timedelta(days=130)
    found = {one.supplier_id: one for one in coaching_effects(store, since, END)}
    assert found[SUPPLIERS[0]].held_on == COACHED[SUPPLIERS[0]][1]
    assert (found[SUPPLIERS[0]].topic, found[SUPPLIERS[0]].sessions) == ("finance", 1)
    assert found[SUPPLIERS[2]].after_days == 30
    assert found[WITHOUT_CLUSTER].uncoached == 0
    for one in found.values():
        same(one, events, END, None)


def test_effects_of_one_cluster_and_of_one_supplier(
    coached: tuple[FigureStore, list[Event]],
) -> None:
    store, events = coached
    of = clusters(events)
    logam = coaching_effects(store, START, END, clusters=["logam"])
    assert {one.supplier_id for one in logam} == {n for n in COACHED if of[n] == "logam"} != set()
    (one,) = coaching_effects(store, START, END, suppliers=[SUPPLIERS[1]])
    same(one, events, END, None)
    assert coaching_effects(store, END, END) == []
