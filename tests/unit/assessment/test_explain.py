"""Explained figures: the parts add up to the figure, and every part names its events."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

import pytest

from services.assessment.explanation import EXPLAINED, parts_of
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.figures import Figure, Load, Plain
from services.readiness.policy import DEFAULT_POLICY
from services.readiness.sums import AnyFigure, percentile, variation
from services.store.client import ClickHouse
from services.text.language import LANGUAGES
from services.web.supplier import reasons
from tests.reference.cases import Event, confirm, inspect, order, receive, send_back
from tests.reference.histories import buyer_ids, history, shuffled, supplier_ids
from tests.support.storing import empty, store, store_in_batches

START, DAYS = date(2026, 1, 1), 90
SUPPLIERS, BUYERS = supplier_ids(2), buyer_ids(2)
FINEST = Fraction(1, 10**11)
IN_TIME = "on time and in full"
NAMES = count()
DATES = [START + timedelta(days=days) for days in (45, 90, 120)]


@pytest.fixture(scope="module")
def reader(own_clickhouse: ClickHouse) -> ScorecardReader:
    """Return a reader of a store with a generated history."""
    empty(own_clickhouse)
    rng = random.Random(11)
    events = history(rng, suppliers=2, buyers=2, lines=110, start=START, days=DAYS)
    store_in_batches(own_clickhouse, rng, shuffled(rng, events))
    return ScorecardReader(own_clickhouse, DEFAULT_POLICY)


@pytest.fixture(scope="module")
def scorecards(reader: ScorecardReader) -> list[tuple[Selection, Mapping[str, AnyFigure]]]:
    """Return the figures of each supplier at each date, of all buyers and of one."""
    selections = [
        Selection(as_of, 60, [supplier], buyers)
        for supplier in SUPPLIERS
        for as_of in DATES
        for buyers in ([], BUYERS[:1])
    ]
    return [(one, reader.assessor.assessed(one)[one.suppliers[0]].figures) for one in selections]


def added(parts: list[dict[str, Any]], name: str) -> Fraction:
    return sum((Fraction(part[name]) for part in parts), Fraction(0))


def plain(kpi: str, parts: list[dict[str, Any]]) -> Any:
    """Return a figure that is not a ratio, computed from the values of its explained parts."""
    values = [part["value"] for part in parts]
    if kpi == "confirmation_hours_median":
        waited = sorted(float("inf") if one is None else one for one in values)
        if not waited:
            return None
        pair = waited[(len(waited) - 1) // 2], waited[len(waited) // 2]
        return None if pair[1] == float("inf") else sum(pair) / 2
    if kpi.startswith("lead_time"):
        rising = sorted(Decimal(one) for one in values) if len(values) >= 5 else []
        if kpi == "lead_time_cv":
            return variation(rising)
        share = Fraction(1, 2) if kpi.endswith("p50") else Fraction(9, 10)
        return percentile(rising, share)
    return sum(values)


@pytest.mark.parametrize("kpi", EXPLAINED)
def test_the_parts_add_up_to_the_figure(
    reader: ScorecardReader,
    scorecards: list[tuple[Selection, Mapping[str, AnyFigure]]],
    kpi: str,
) -> None:
    seen = 0
    for selection, figures in scorecards:
        figure = figures[kpi]
        parts = reader.explain(selection.suppliers[0], selection, kpi)["parts"]
        seen += len(parts)
        if isinstance(figure, Figure):
            for name, whole in (
                ("numerator", figure.numerator),
                ("denominator", figure.denominator),
            ):
                # A quantity in another unit may be an infinite decimal: each part is cut
                # off after more decimals than a quantity can have.
                assert abs(added(parts, name) - whole) < FINEST
        elif isinstance(figure, Load):
            for name, load in figure.processes.items():
                wanted = [
                    part["in_units_of_processes"] for part in parts if name in part["processes"]
                ]
                # Cut off, as above.
                assert abs(added(wanted, name) - load.numerator) < FINEST
        elif kpi == "buyer_concentration":
            squares = sum(part["share"] ** 2 for part in parts)
            assert squares == pytest.approx(figure.value or 0)
        elif isinstance(figure, Plain):
            assert plain(kpi, parts) == pytest.approx(figure.exact)
        for part in parts:
            assert part["reason"]
            assert kpi == "buyer_concentration" or part["events"]
    assert seen > 0


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([receive("03-20", 100)], IN_TIME),
        ([receive("03-20", 60)], "short: 60 of 100 by 2026-03-20"),
        ([receive("03-21", 100)], "short: 0 of 100 by 2026-03-20"),
        (
            [receive("03-10", 40), receive("03-20", 60)],
            "early: 40 on 2026-03-10, before 2026-03-13",
        ),
        (
            [receive("03-20", "106")],
            "over: 106 in the house on 2026-03-20, 105 at most",
        ),
        # Sent back before more came: never in the house together.
        ([receive("03-18", 60), send_back("03-19", 60), receive("03-20", 100)], IN_TIME),
        # Sent back after all had come: in the house together.
        (
            [receive("03-18", 60), receive("03-19", 60), send_back("03-20", 20)],
            "over: 120 in the house on 2026-03-19, 105 at most",
        ),
        ([receive("03-20", 100), receive("03-21", 100)], IN_TIME),
    ],
)
def test_a_part_has_the_reason_of_its_result(
    own_clickhouse: ClickHouse, events: list[dict[str, Any]], reason: str
) -> None:
    supplier = f"WHY-{next(NAMES)}"
    sent = [order("03-01", 100, "03-22"), confirm("03-02", "changed", "03-20"), *events]
    sent = [
        event | {"id": f"{supplier}-{at}", "data": event["data"] | {"supplier_id": supplier}}
        for at, event in enumerate(sent)
    ]
    store(own_clickhouse, sent)
    selection = Selection(date(2026, 4, 1), 180, [supplier])
    explained = ScorecardReader(own_clickhouse, DEFAULT_POLICY).explain(supplier, selection, "otif")
    (part,) = explained["parts"]
    assert part["reason"] == reason
    assert part["due_set_by"]["id"] == f"{supplier}-1"
    assert {event["id"] for event in part["events"]} == {event["id"] for event in sent}


def _about(supplier: str, events: list[Event]) -> list[Event]:
    """Return the events with another supplier and with ids of their own."""
    return [
        event | {"id": f"{supplier}-{at}", "data": event["data"] | {"supplier_id": supplier}}
        for at, event in enumerate(events)
    ]


def test_the_reason_says_how_much_of_an_inspection_counts(own_clickhouse: ClickHouse) -> None:
    supplier = f"LOT-{next(NAMES)}"
    lots = [
        inspect(day, rejected, "rejected", no=number)
        for day, rejected, number in (("03-21", 30, "Q1"), ("03-22", 30, "Q2"))
    ]
    of_receipt = [one | {"data": one["data"] | {"receipt_no": "R"}} for one in lots]
    pieces = order("03-01", 100, "03-22")
    pieces["data"]["lines"][0]["uom"] = "H87"
    store(
        own_clickhouse,
        _about(supplier, [pieces, receive("03-20", 40, no="R"), *of_receipt]),
    )
    selection = Selection(date(2026, 4, 1), 180, [supplier])
    reader = ScorecardReader(own_clickhouse, DEFAULT_POLICY)
    parts = reader.explain(supplier, selection, "ppm")["parts"]
    found = {part.get("inspection_no"): part["reason"] for part in parts}
    assert found["Q1"] == "30 rejected"
    assert found["Q2"] == "10 of 30 rejected count: no more is left of the receipt"
    on_page = [
        reasons.reason(
            LANGUAGES["en"],
            reasons.CountedPart("ppm", part, adds, None, selection.as_of),
            DEFAULT_POLICY,
        )
        for part, adds in parts_of(reader.store, selection, "ppm")
        if part["number"] == "Q2"
    ]
    assert on_page == [
        "30 rejected at inspection, of which 10 count: no more was left of the goods receipt"
    ]
    kinds = {
        part.get("inspection_no"): part["reason"]
        for part in reader.explain(supplier, selection, "lot_acceptance")["parts"]
    }
    assert kinds == {"Q1": "not accepted", "Q2": "not accepted"}


def test_the_reason_of_an_inspection_in_another_unit_is_in_the_unit_of_its_line(
    own_clickhouse: ClickHouse,
) -> None:
    supplier = f"LOT-{next(NAMES)}"
    pieces, lot = order("03-01", 100, "03-22"), inspect("03-21", 2, "rejected", no="Q1")
    pieces["data"]["lines"][0]["uom"] = "H87"
    lot["data"] |= {"uom": "DZN", "receipt_no": "R"}
    store(own_clickhouse, _about(supplier, [pieces, receive("03-20", 20, no="R"), lot]))
    selection = Selection(date(2026, 4, 1), 180, [supplier])
    parts = ScorecardReader(own_clickhouse, DEFAULT_POLICY).explain(supplier, selection, "ppm")[
        "parts"
    ]
    found = [part["reason"] for part in parts if "inspection_no" in part]
    assert found == ["20 of 24 rejected count: no more is left of the receipt"]
