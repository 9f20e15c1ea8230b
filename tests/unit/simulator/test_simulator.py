"""Simulated events: valid, reproducible, and realistic enough to show differences."""

import json
from collections import Counter
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

import pytest

from schemas.catalogue import CATALOGUE, Role
from schemas.moments import MAX_AHEAD
from schemas.validation import Rejected, Sender, parse, validate
from services.simulator import SimulatedEvent, history, live, participants
from services.simulator.clusters import CLUSTERS
from services.simulator.companies import BUYERS, PROGRAMME, SUPPLIERS, Character, Weakness
from services.simulator.worktime import SITE

SEED = 7
UNTIL = datetime(2026, 11, 22, 9, 30, tzinfo=SITE)
INSTANT_FIELDS = ("received_at", "inspected_at", "opened_at", "answered_at", "closed_at")


@pytest.fixture(scope="module")
def year() -> list[SimulatedEvent]:
    return history(SEED, UNTIL)


@pytest.fixture(scope="module")
def afterwards() -> list[SimulatedEvent]:
    return list(islice(live(SEED, UNTIL), 4000))


def kind(event: SimulatedEvent) -> str:
    name: str = event.event["type"]
    return name.removeprefix("id.rantai.").removesuffix(".v1")


def name(event: SimulatedEvent) -> tuple[str, str]:
    return event.event["source"], event.event["id"]


def refused(
    events: list[SimulatedEvent], last: datetime = UNTIL
) -> list[tuple[dict[str, Any], Rejected]]:
    """Validate events as the gateway does, from JSON text with their sender; return the refused.

    `last`: an event with a later time is refused.
    """
    found = []
    for event in events:
        sender = Sender(event.sender, (event.role,))
        judged = validate(parse(json.dumps(event.event).encode()), sender, now=last - MAX_AHEAD)
        if isinstance(judged, Rejected):
            found.append((event.event, judged))
    return found


def test_there_are_3_buyers_and_40_ikm_of_all_characters_in_4_clusters() -> None:
    assert len(BUYERS) == 3
    assert len(SUPPLIERS) == 40
    assert Counter(supplier.cluster.name for supplier in SUPPLIERS) == {
        "ceper-casting": 10,
        "bekasi-stamping": 10,
        "soloraya-machining": 10,
        "tangerang-plastics": 10,
    }
    for cluster in CLUSTERS:
        members = [supplier for supplier in SUPPLIERS if supplier.cluster is cluster]
        assert {supplier.character for supplier in members} == set(Character)
    for field in ("id", "name", "licence_no", "number"):
        assert len({getattr(supplier, field) for supplier in SUPPLIERS}) == 40
    assert all(1 <= len(supplier.buyers) <= 3 for supplier in SUPPLIERS)
    assert len(participants()) == 44


@pytest.mark.parametrize("year_end", [date(2026, 11, 22), date(2027, 6, 1), date(2030, 2, 28)])
def test_in_any_year_some_suppliers_improve_and_some_get_worse(year_end: date) -> None:
    assert {supplier.trend(year_end) for supplier in SUPPLIERS} == {-1, 0, 1}


def test_a_year_is_some_15000_to_20000_events_of_every_type(year: list[SimulatedEvent]) -> None:
    assert 15_000 <= len(year) <= 20_000
    assert {event.event["type"] for event in year} == set(CATALOGUE)


@pytest.mark.parametrize("seed", [1, 2026])
def test_every_type_occurs_whatever_the_seed(seed: int) -> None:
    events = history(seed, UNTIL)
    assert 15_000 <= len(events) <= 20_000
    assert {event.event["type"] for event in events} == set(CATALOGUE)


def test_complaints_of_every_severity_occur(year: list[SimulatedEvent]) -> None:
    opened = [event for event in year if kind(event) == "quality.complaint_opened"]
    severities = Counter(event.event["data"]["severity"] for event in opened)
    assert set(severities) == {"minor", "major", "line_stop", "safety"}
    assert severities["line_stop"] < len(opened) / 10


def test_every_event_passes_validation_with_its_sender(
    year: list[SimulatedEvent], afterwards: list[SimulatedEvent]
) -> None:
    assert refused(year) == []
    assert refused(afterwards, datetime.fromisoformat(afterwards[-1].event["time"])) == []


def test_events_come_from_a_sender_of_the_right_role_and_its_own_source(
    year: list[SimulatedEvent], afterwards: list[SimulatedEvent]
) -> None:
    sent_by_suppliers = {
        "order.confirmed",
        "delivery.despatched",
        "quality.complaint_answered",
        "line.disputed",
        "partner.capacity_declared",
    }
    for event in [*year, *afterwards]:
        expected = Role.BUYER
        if kind(event) in sent_by_suppliers:
            expected = Role.SUPPLIER
        elif kind(event).startswith("partner."):
            expected = Role.PROGRAMME
        assert event.role is expected is participants()[event.sender]
        assert event.event["source"] == f"/erp/{event.sender}/sim"
    assert {event.sender for event in year} == set(participants())
    assert PROGRAMME in participants()


def test_history_is_reproducible_and_has_no_duplicates(year: list[SimulatedEvent]) -> None:
    assert history(SEED, UNTIL) == year
    assert len({name(event) for event in year}) == len(year)
    assert history(SEED + 1, UNTIL, 10) != history(SEED, UNTIL, 10)


def test_history_is_in_order_of_time_and_ends_before_until(year: list[SimulatedEvent]) -> None:
    times = [event.time for event in year]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[-1] < UNTIL
    assert times[0].date() >= UNTIL.date() - timedelta(days=365)
    assert UNTIL - times[-1] < timedelta(days=2)


def test_the_history_of_tomorrow_contains_that_of_today(year: list[SimulatedEvent]) -> None:
    today = {name(event): event for event in history(SEED, UNTIL, 30)}
    tomorrow = {name(event): event for event in history(SEED, UNTIL + timedelta(days=1), 31)}
    assert today.items() <= tomorrow.items()
    assert len(tomorrow) > len(today)
    placed = [event for event in today.values() if kind(event) == "order.placed"]
    assert placed
    assert all(event in year for event in placed)


def test_business_is_done_in_working_time(year: list[SimulatedEvent]) -> None:
    for event in year:
        texts = [event.event["data"].get(field) for field in INSTANT_FIELDS]
        for text in [event.event["time"], *filter(None, texts)]:
            at = datetime.fromisoformat(text)
            assert text.endswith("+07:00")
            assert at.weekday() < 6, event
            assert time(7, 30) <= at.time() <= time(17, 30), event


def test_numbers_are_exact(year: list[SimulatedEvent], afterwards: list[SimulatedEvent]) -> None:
    def floats(value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(floats, value.values()))
        return any(map(floats, value)) if isinstance(value, list) else isinstance(value, float)

    assert not any(floats(event.event) for event in [*year, *afterwards])
    quantities = [
        Decimal(line["quantity"])
        for event in year
        if kind(event).startswith("delivery.")
        for line in event.event["data"].get("lines", [])
    ]
    assert min(quantities) > 0
    assert any(quantity % 1 for quantity in quantities)


def test_every_receipt_has_its_order_in_the_year(year: list[SimulatedEvent]) -> None:
    placed: set[tuple[str, str, str, str]] = set()
    for event in year:
        data = event.event["data"]
        if kind(event) in ("order.placed", "delivery.received"):
            for line in data["lines"]:
                number = line.get("order_no", data.get("order_no"))
                key = data["buyer_id"], data["supplier_id"], number, line["line_no"]
                if kind(event) == "order.placed":
                    placed.add(key)
                else:
                    assert key in placed


def test_document_numbers_belong_to_one_document(
    year: list[SimulatedEvent], afterwards: list[SimulatedEvent]
) -> None:
    seen: set[tuple[str, ...]] = set()
    for event in [*year, *afterwards]:
        data = event.event["data"]
        for field, issued_by in (
            ("receipt_no", "delivery.received"),
            ("despatch_no", "delivery.despatched"),
            ("inspection_no", "quality.inspected"),
            ("complaint_no", "quality.complaint_opened"),
            ("order_no", "order.placed"),
        ):
            if kind(event) == issued_by:
                key = (field, data["buyer_id"], data["supplier_id"], data[field])
                assert key not in seen
                seen.add(key)


def test_good_suppliers_do_better_than_bad_ones(year: list[SimulatedEvent]) -> None:
    characters = {supplier.id: supplier.character for supplier in SUPPLIERS}
    accepted: Counter[Character] = Counter()
    inspected: Counter[Character] = Counter()
    complaints: Counter[Character] = Counter()
    orders: Counter[Character] = Counter()
    confirmed: Counter[Character] = Counter()
    for event in year:
        data = event.event["data"]
        character = characters.get(data.get("supplier_id", ""))
        if character is None:
            continue
        inspected[character] += kind(event) == "quality.inspected"
        accepted[character] += data.get("disposition") == "accepted"
        complaints[character] += kind(event) == "quality.complaint_opened"
        orders[character] += kind(event) == "order.placed"
        confirmed[character] += kind(event) == "order.confirmed"
    good, middling, bad = Character
    assert accepted[good] / inspected[good] > 0.97
    assert 0.97 > accepted[middling] / inspected[middling] > 0.88
    assert accepted[bad] / inspected[bad] < 0.85
    rates = [complaints[each] / orders[each] for each in Character]
    assert rates == sorted(rates)
    assert rates[2] > 10 * rates[0]
    answered = [confirmed[each] / orders[each] for each in Character]
    assert answered[0] > answered[2] + 0.1


def test_drifting_skill_shows_in_the_deliveries(year: list[SimulatedEvent]) -> None:
    rising = {supplier.id for supplier in SUPPLIERS if supplier.trend(UNTIL.date()) == 1}
    half = UNTIL - timedelta(days=182)
    inspections = [
        event
        for event in year
        if kind(event) == "quality.inspected" and event.event["data"]["supplier_id"] in rising
    ]

    def share(part: list[SimulatedEvent]) -> float:
        accepted = [e for e in part if e.event["data"]["disposition"] == "accepted"]
        return len(accepted) / len(part)

    before = share([event for event in inspections if event.time < half])
    assert share([event for event in inspections if event.time >= half]) > before
    for supplier in SUPPLIERS:
        for skill in Weakness:
            assert 0 <= supplier.skill(skill, UNTIL.date()) <= 1


def test_live_events_have_the_time_of_sending() -> None:
    ticks = [UNTIL + timedelta(seconds=3 * number) for number in range(600)]
    clock = iter(ticks)
    events = list(islice(live(SEED, UNTIL, clock=lambda: next(clock)), 600))
    assert [event.time for event in events] == ticks
    for event in events:
        for field in INSTANT_FIELDS:
            assert event.event["data"].get(field, event.event["time"]) == event.event["time"]
        if kind(event) == "order.placed":
            for line in event.event["data"]["lines"]:
                due = date.fromisoformat(line["requested_date"])
                assert timedelta(0) <= due - UNTIL.date() <= timedelta(days=6)


def test_live_events_continue_the_history(
    year: list[SimulatedEvent], afterwards: list[SimulatedEvent]
) -> None:
    old_orders = {e.event["data"]["order_no"] for e in year if kind(e) == "order.placed"}
    receipts = [event for event in afterwards[:600] if kind(event) == "delivery.received"]
    named = {line["order_no"] for e in receipts for line in e.event["data"]["lines"]}
    assert named & old_orders
    assert named - old_orders
    assert len({name(event) for event in [*year, *afterwards]}) == len(year) + len(afterwards)
    shares = Counter(kind(event) for event in afterwards)
    assert len(shares) > 12
    assert 0.08 < shares["order.placed"] / len(afterwards) < 0.2


def test_live_events_of_an_order_come_after_its_placing(
    year: list[SimulatedEvent], afterwards: list[SimulatedEvent]
) -> None:
    placed = {e.event["data"]["order_no"] for e in year if kind(e) == "order.placed"}
    despatched: set[tuple[str, str]] = set()
    for event in afterwards:
        data = event.event["data"]
        if kind(event) == "order.placed":
            placed.add(data["order_no"])
            continue
        numbers = [data["order_no"]] if "order_no" in data else []
        numbers += [line["order_no"] for line in data.get("lines") or [] if "order_no" in line]
        assert all(number in placed for number in numbers)
        if kind(event) == "delivery.despatched":
            despatched.add((data["supplier_id"], data["despatch_no"]))
    assert despatched


def test_live_late_deliveries_come_after_their_due_date() -> None:
    later = UNTIL + timedelta(days=12)
    ticks = [*(UNTIL + timedelta(seconds=number) for number in range(2000)), *[later] * 2000]
    clock = iter(ticks)
    requested: dict[tuple[str, str], date] = {}
    late = Counter[bool]()
    for event in islice(live(SEED, UNTIL, clock=lambda: next(clock)), len(ticks)):
        data = event.event["data"]
        if kind(event) == "order.placed" and event.time < later:
            requested.update(
                ((data["order_no"], line["line_no"]), date.fromisoformat(line["requested_date"]))
                for line in data["lines"]
            )
        if kind(event) == "delivery.received":
            for line in data["lines"]:
                due = requested.get((line["order_no"], line["line_no"]))
                if due is not None:
                    late[event.time.date() > due] += 1
    assert late[False] > 300
    assert 10 < late[True] < late[False] / 2
