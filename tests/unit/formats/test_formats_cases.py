"""Files that look like real exports, each with the outcome that a careful user expects."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, parse, validate
from services.formats.csv_rows import csv_rows
from services.formats.mapping import FileMapping
from services.formats.mapping_file import MappingError, load_mapping, parse_mapping
from services.formats.rows import CellFault, FileError, RefusedDocument
from services.formats.rows_to_events import MappedEvent, RowsToEvents

CASES = Path(__file__).parents[4] / "shared" / "data" / "cases"
CSV = CASES / "csv"
CONTINUED = CASES / "10-continuation-rows-make-half-an-order"
DAMAGED = CASES / "11-what-a-spreadsheet-did-to-numbers"

AFTER_ALL = datetime(2027, 1, 31, tzinfo=UTC)
"""The time of acceptance: receipts in the files, up to December 2026, must not be in the future."""

pytestmark = pytest.mark.skipif(not CASES.exists(), reason=f"{CASES} is missing")


def convert(path: Path, mapping: FileMapping) -> tuple[list[MappedEvent], list[CellFault]]:
    with path.open("rb") as stream:
        found = list(RowsToEvents(mapping).convert(csv_rows(stream, mapping)))
    events = [each for each in found if isinstance(each, MappedEvent)]
    return events, [f for each in found if isinstance(each, RefusedDocument) for f in each.faults]


def documents(events: list[MappedEvent], buyer: str = "BRK") -> list[Any]:
    """Return the documents of some events, all of which the contract must accept."""
    sender = Sender(buyer, (Role.BUYER,))
    outcomes = [validate(parse(each.body), sender, now=AFTER_ALL) for each in events]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    return [each.event["data"] for each in events]


def changed(path: Path, old: str, new: str) -> FileMapping:
    """Load a mapping with one part of its text replaced."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    return parse_mapping(text.replace(old, new, 1))


def test_a_plain_export() -> None:
    events, faults = convert(CSV / "base.csv", load_mapping(CSV / "base.toml"))
    assert (len(documents(events)), faults) == (7, [])


def test_continuation_rows_hold_the_order_back_and_can_be_filled() -> None:
    mapping = CONTINUED / "mapping.toml"
    events, faults = convert(CONTINUED / "first.csv", load_mapping(mapping))
    assert events == []
    assert {(fault.row, fault.column) for fault in faults} == {(3, "PO")}
    delimiter = 'delimiter = ";"'
    filled = changed(mapping, delimiter, f'{delimiter}\nfill_down = ["PO", "Vendor", "Ordered"]')
    order, receipt = documents(convert(CONTINUED / "first.csv", filled)[0], "AHM")
    assert [line["line_no"] for line in order["lines"]] == ["10", "20"]
    assert [line["line_no"] for line in receipt["lines"]] == ["10"]
    # The file that was repaired by hand gives the same documents.
    fixed = documents(convert(CONTINUED / "fixed.csv", load_mapping(mapping))[0], "AHM")
    assert fixed == [order, receipt]


def test_what_a_spreadsheet_damaged_is_refused_by_row_and_column() -> None:
    events, faults = convert(DAMAGED / "damaged.csv", load_mapping(DAMAGED / "mapping.toml"))
    assert [each.event_id for each in events] == []
    assert {(fault.row, fault.column) for fault in faults} >= {
        (2, "PO"), (3, "PO"), (3, "GR"), (4, "PO"), (5, "PO"), (5, "GR"),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["partial", "readme_partial"])
def test_partial_deliveries(name: str) -> None:
    mapping = load_mapping(CSV / f"{name.removesuffix('_partial')}.toml")
    events, faults = convert(CSV / f"{name}.csv", mapping)
    assert faults == []
    order, *receipts = documents(events, mapping.sender)
    assert [line["line_no"] for line in order["lines"]] == ["10", "20"]
    assert len(receipts) == 2


def test_a_digest_beside_a_time_that_does_not_move_is_refused() -> None:
    with pytest.raises(MappingError, match="chance") as caught:
        load_mapping(CSV / "digest.toml")
    assert len(caught.value.problems) == 2
    # Without the digest, the correction has the same id with other content: it is reported as a
    # conflict.
    text = (CSV / "digest.toml").read_text(encoding="utf-8").replace("/{digest}", "")
    first, second = (convert(CSV / f"d{n}.csv", parse_mapping(text))[0] for n in (1, 2))
    assert [each.event_id for each in first] == [each.event_id for each in second]
    assert first[1].body != second[1].body


def test_a_column_name_that_occurs_twice_can_be_replaced_as_the_error_says() -> None:
    text = (CSV / "dup_header.toml").read_text(encoding="utf-8")
    orders = text.partition("[columns.receipt_no]")[0] + "[[events]]" + text.split("[[events]]")[1]
    with pytest.raises(FileError, match="'Item' 2 times") as caught:
        convert(CSV / "dup_header.csv", parse_mapping(orders))
    # The settings that the error proposes must work.
    advice = str(caught.value).rpartition("of the mapping: ")[2].replace(" with ", "\n")
    own = orders.replace("[constants]", f"[file]\n{advice}\n[constants]")
    own = own.replace(
        'from = "Item"\nkind = "code"\n[columns.q', 'from = "Item 2"\nkind = "code"\n[columns.q'
    )
    events, faults = convert(CSV / "dup_header.csv", parse_mapping(own))
    assert faults == []
    (order,) = documents(events)
    assert (order["lines"][0]["line_no"], order["lines"][0]["item_no"]) == ("10", "X")


def test_a_row_of_another_partner_is_refused_with_advice() -> None:
    (event,), _ = convert(CSV / "multi_buyer.csv", load_mapping(CSV / "multi_buyer.toml"))
    (fault,) = event.located([("/type", "may not be sent by this buyer")])
    assert (fault.row, fault.column, fault.value) == (2, "plant", "PLANT1")
    assert "BRK" in fault.message and "leave_out" in fault.message


def test_rows_that_meet_no_condition_are_counted() -> None:
    converter = RowsToEvents(load_mapping(CSV / "only_never.toml"))
    with (CSV / "base.csv").open("rb") as stream:
        rows = csv_rows(stream, load_mapping(CSV / "only_never.toml"))
        assert list(converter.convert(rows)) == []
    assert (converter.counts.rows, converter.counts.unfit) == (5, 5)


def test_a_point_that_may_separate_thousands_must_be_explained() -> None:
    events, faults = convert(CSV / "thousands_dot.csv", load_mapping(CSV / "base.toml"))
    assert {(fault.row, fault.column, fault.value) for fault in faults} == {(5, "qty", "1.200")}
    assert len(events) == 5
    separators = '[defaults]\ndecimal = ","\nthousands = "."\n[constants]'
    indonesian = changed(CSV / "base.toml", "[constants]", separators)
    data = documents(convert(CSV / "thousands_dot.csv", indonesian)[0])
    assert [each["lines"][0]["quantity"] for each in data if each.get("order_no") == "B3"] == [
        "1200"
    ]


def test_utf_16_without_a_mark_says_what_to_set() -> None:
    path = CSV / "utf16le_nobom.csv"
    with pytest.raises(FileError, match='encoding = "utf-16-le"'):
        convert(path, load_mapping(CSV / "base.toml"))
    mapping = changed(
        CSV / "base.toml", "[constants]", '[file]\nencoding = "utf-16-le"\n[constants]'
    )
    plain = convert(CSV / "base.csv", load_mapping(CSV / "base.toml"))[0]
    assert [each.body for each in convert(path, mapping)[0]] == [each.body for each in plain]
