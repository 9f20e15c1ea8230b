"""The story of an order line shows for each event what the fold of the line made of it."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import count
from typing import Any

import pytest

from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.supplier_reader import SupplierReader
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.text.language import LANGUAGES
from services.web.supplier.line_at import line_at
from services.web.supplier.story_effects import LineStory, inspected_before
from services.web.supplier.story_line import StoryLine
from services.web.supplier.story_words import StoryEntry, story_entries
from tests.reference.cases import (
    Event,
    cancel,
    confirm,
    event,
    goods,
    inspect,
    order,
    receive,
    reverse,
    send_back,
)
from tests.support.storing import store

EN = LANGUAGES["en"]
AS_OF = date(2026, 6, 1)
NAMES = count()
SAME = "Does not count: asks for the same again: changes nothing"
CONFLICT = "Does not count: its unit does not convert into that of the line: counts in nothing"


def stored(clickhouse: ClickHouse, events: Sequence[Event]) -> tuple[ScorecardReader, str]:
    """Store events under a new supplier; return a reader of scorecards, and the supplier's id."""
    supplier = f"STORY-{next(NAMES)}"
    store(
        clickhouse,
        [
            one | {"id": f"{supplier}-{at:02}", "data": one["data"] | {"supplier_id": supplier}}
            for at, one in enumerate(events)
        ],
    )
    return ScorecardReader(clickhouse, DEFAULT_POLICY), supplier


def story(
    clickhouse: ClickHouse, events: Sequence[Event]
) -> tuple[LineStory, dict[str, StoryEntry]]:
    """Return the story of line 10 and its events in words, by their position in two digits."""
    reader, supplier = stored(clickhouse, events)
    reading, key = SupplierReader(reader), ("B1", "P", "10")
    line = StoryLine(reading.folds(supplier, [key])[key], supplier, "B1", {}, AS_OF, DEFAULT_POLICY)
    rows = reading.told(supplier, key)
    return LineStory(line, rows), {
        one.id.rsplit("-", 1)[1]: one for one in story_entries(EN, rows, line)
    }


def words(one: StoryEntry) -> str:
    """Return an event as the page shows it: its details, then its effect."""
    does = one.effect
    if one.counts is not None:
        does = f"{'Counts' if one.counts else 'Does not count'}: {does}"
    return "; ".join((*one.details, does))


def without_line(day: str) -> Event:
    """Return an event that sends order P again with line 20 instead of line 10."""
    return order(day, 5, "03-25", line="20")


def in_unit(one: Event, uom: str) -> Event:
    """Return a document with this unit on every line."""
    lines = [line | {"uom": uom} for line in one["data"]["lines"]]
    return one | {"data": one["data"] | {"lines": lines}}


def of_supplier(one: Event) -> Event:
    """Return an event as the supplier itself sends it."""
    return one | {"source": "/erp/S1/test"}


CASES: dict[str, tuple[list[Event], int, str]] = {
    "declined, then sent again word for word": (
        [order("03-01", 100, "03-20"), confirm("03-02", "rejected"), order("03-03", 100, "03-20")],
        2,
        SAME,
    ),
    "brought back by another quantity": (
        [order("03-01", 100, "03-20"), confirm("03-02", "rejected"), order("03-03", 90, "03-20")],
        2,
        "Counts: brings the line back; quantity now 90",
    ),
    "brought back for a day that has passed": (
        [order("03-01", 100, "03-20"), confirm("03-02", "rejected"), order("03-25", 90, "03-21")],
        2,
        "Does not count: asks for a date before its own: does not bring the line back",
    ),
    "sent again without the line": (
        [order("03-01", 100, "03-20"), without_line("03-03")],
        1,
        "Counts: calls the line off: nothing is asked for any more",
    ),
    "sent again without the line when it is too late": (
        [order("03-01", 100, "03-20"), without_line("03-25")],
        1,
        "Does not count: came after the due date: kept, but judges nothing",
    ),
    "nothing asked for": (
        [order("03-01", 100, "03-20"), order("03-03", 0, "03-20", revision=1)],
        1,
        "Counts: calls the line off: nothing is asked for any more",
    ),
    "an older version": (
        [
            order("03-01", 100, "03-20"),
            order("03-02", 90, "03-20", revision=2),
            order("03-03", 80, "03-20", revision=1),
        ],
        2,
        "Does not count: an older version than the one in force: changes nothing",
    ),
    "a unit of another kind": (
        [
            in_unit(order("03-01", 100, "03-20"), "KGM"),
            in_unit(order("03-02", 90, "03-20", revision=1), "PR"),
        ],
        1,
        CONFLICT,
    ),
    "its own unit, and the line's": (
        [
            in_unit(order("03-01", 24, "03-20"), "H87"),
            in_unit(order("03-02", 3, "03-20", revision=1), "DZN"),
        ],
        1,
        "3 dozens, wanted on 20 Mar 2026; Counts: quantity now 36 pieces",
    ),
    "short notice, taken in part": (
        [order("03-01", 100, "03-20"), order("03-19", 150, "03-20", revision=1)],
        1,
        "Counts: short notice: the higher quantity does not count",
    ),
    "closed short": (
        [order("03-01", 100, "03-20"), receive("03-10", 40), cancel("03-12", "buyer")],
        2,
        "Counts: calls off what is still open: the quantity is now what had come, 40",
    ),
    "called off before anything came": (
        [order("03-01", 100, "03-20"), cancel("03-12", "buyer")],
        1,
        "Counts: takes the line out of the figures: nothing had come",
    ),
    "called off when all had come": (
        [order("03-01", 100, "03-20"), receive("03-10", 100), cancel("03-12", "buyer")],
        2,
        "nothing was, the quantity stays 100",
    ),
    "goods before the order": (
        [order("03-05", 100, "03-20"), receive("03-01", 100)],
        0,
        "Does not count: not judged: goods had come before the order was written",
    ),
    "a day that had passed": (
        [order("03-05", 100, "03-01")],
        0,
        "Does not count: not judged: the day asked for had passed already",
    ),
    "confirmed by the buyer": (
        [order("03-01", 100, "03-20"), confirm("03-02", "accepted", "03-22")],
        1,
        "for 22 Mar 2026; entered by the buyer for the supplier; "
        "Counts: sets the due date: 22 Mar 2026",
    ),
    "a slip of the pen": (
        [order("03-01", 100, "03-20"), confirm("03-05", "changed", "03-02")],
        1,
        "Counts: sets the due date: 20 Mar 2026; "
        "the date given is a slip of the pen: the day asked for counts",
    ),
    "a receipt replaced by time, not by arrival": (
        [
            order("03-01", 100, "03-20"),
            receive("03-10", 90, no="R", sent="03-12"),
            receive("03-10", 80, no="R", sent="03-11"),
        ],
        2,
        "Does not count: replaced by the version of 12 Mar 2026 at 10:00 WIB",
    ),
    "a reversal of a version that was replaced": (
        [
            order("03-01", 100, "03-20"),
            receive("03-10", 90, no="R"),
            reverse("03-11", "R", 10),
            receive("03-10", 90, no="R", sent="03-12"),
        ],
        2,
        "Does not count: takes only from the version of 10 Mar 2026 at 10:00 WIB, "
        "which that of 12 Mar 2026 at 10:00 WIB replaced",
    ),
    "a second reversal of all": (
        [
            order("03-01", 100, "03-20"),
            receive("03-10", 90, no="R"),
            reverse("03-11", "R"),
            reverse("03-12", "R", 5),
        ],
        3,
        "Does not count: nothing was left that it could take back",
    ),
    "a receipt that was taken back": (
        [order("03-01", 100, "03-20"), receive("03-10", 90, no="R"), reverse("03-11", "R")],
        1,
        "Does not count: nothing is left of it after corrections: it never was",
    ),
    "a receipt in another unit": (
        [
            in_unit(order("03-01", 24, "03-20"), "H87"),
            in_unit(receive("03-20", 2), "DZN"),
        ],
        1,
        "2 dozens; Counts: in time",
    ),
    "a receipt in a unit of another kind": (
        [in_unit(order("03-01", 24, "03-20"), "H87"), in_unit(receive("03-20", 2), "KGM")],
        1,
        "2 kg; " + CONFLICT,
    ),
    "an inspection that was withdrawn": (
        [
            order("03-01", 100, "03-20"),
            event(
                "quality.inspected", "03-21", inspection_no="Q",
                inspected_at="2026-03-21T10:00:00Z", order_no="P", line_no="10",
                quantity_inspected=0, quantity_rejected=0,
                disposition="accepted",
            ),
        ],
        1,
        "Does not count: of a quantity of 0: it never was",
    ),
}  # fmt: skip
"""By name: events, the position of one of them, and the end of that event's words."""


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_shown_with_its_effect(own_clickhouse: ClickHouse, name: str) -> None:
    events, place, expected = CASES[name]
    _, found = story(own_clickhouse, events)
    assert words(found[f"{place:02}"]).endswith(expected)


@pytest.mark.parametrize("name", CASES)
def test_every_event_of_a_line_is_in_its_story(own_clickhouse: ClickHouse, name: str) -> None:
    events, _, _ = CASES[name]
    _, found = story(own_clickhouse, events)
    assert set(found) == {f"{at:02}" for at in range(len(events))}


@pytest.mark.parametrize(
    ("events", "count_then"),
    [
        # The figures agree with the story about a line that was sent again.
        (CASES["declined, then sent again word for word"][0], 0),
        (CASES["brought back by another quantity"][0], 1),
        (CASES["sent again without the line"][0], 0),
        (CASES["called off before anything came"][0], 0),
        (CASES["closed short"][0], 1),
        (CASES["goods before the order"][0], 0),
    ],
)
def test_figures_count_the_line_as_its_story_says(
    own_clickhouse: ClickHouse, events: list[Event], count_then: int
) -> None:
    reader, supplier = stored(own_clickhouse, events)
    figures = reader.assessor.assessed(Selection(AS_OF, 180, [supplier]))[supplier].figures
    lines = (
        1 if any(one["data"].get("lines", [{}])[0].get("line_no") == "20" for one in events) else 0
    )
    assert figures["otif"].as_json()["denominator"] == count_then + lines


def test_a_suppliers_own_confirmation_is_not_shown_as_entered_by_the_buyer(
    own_clickhouse: ClickHouse,
) -> None:
    _, found = story(
        own_clickhouse,
        [order("03-01", 100, "03-20"), of_supplier(confirm("03-02", "accepted", "03-22"))],
    )
    assert "entered by the buyer" not in words(found["01"])


def test_sums_are_in_the_unit_of_the_line(own_clickhouse: ClickHouse) -> None:
    lot = inspect("03-21", 1, "rejected", no="Q1")
    dozens = lot | {
        "data": lot["data"] | {"quantity_inspected": 2, "quantity_rejected": 1, "uom": "DZN"}
    }
    events = [
        in_unit(order("03-01", 100, "03-20"), "H87"),
        in_unit(receive("03-20", 2), "DZN"),
        receive("03-20", 12),
        dozens,
        inspect("03-22", 3, "rejected", no="Q2"),
        send_back("03-23", 6),
    ]
    line_story, found = story(own_clickhouse, events)
    assert words(found["03"]).startswith("lot rejected; 1 of 2 dozens rejected")
    assert inspected_before(line_story, AS_OF) == (Fraction(74), Fraction(15), True)
    assert inspected_before(line_story, date(2026, 3, 22)) == (Fraction(24), Fraction(12), True)
    assert line_story.line.fold is not None
    line = line_at(line_story.line.fold, AS_OF, DEFAULT_POLICY)
    assert line is not None
    assert (line["received"], line["returned"]) == (36, 6)
    # Goods that came at the same instant are added in one step.
    assert line["in_the_house"] == [(date(2026, 3, 20), 36), (date(2026, 3, 23), 30)]
    reader = ScorecardReader(own_clickhouse, DEFAULT_POLICY)
    (row,) = reader.store.lines(Selection(AS_OF, 180, [line_story.line.supplier_id]), "any", 10, 0)
    assert (row["quantity_inspected"], row["quantity_rejected"]) == (74, 15)


def test_a_document_in_two_units_is_shown_in_both(own_clickhouse: ClickHouse) -> None:
    two: dict[str, Any] = receive("03-20", 5)
    first, second = goods(2, 5)
    two["data"]["lines"] = [first | {"uom": "DZN"}, second | {"uom": "H87"}]
    _, found = story(own_clickhouse, [in_unit(order("03-01", 29, "03-20"), "H87"), two])
    assert words(found["01"]) == "2 dozens + 5 pieces; Counts: in time"
