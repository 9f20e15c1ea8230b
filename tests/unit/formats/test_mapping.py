"""Mapping files: mistakes are found before the first row is read, with their place in the TOML."""

from pathlib import Path

import pytest

from services.formats.mapping_file import MappingError, load_mapping, parse_mapping

GOOD = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/sap"
[constants]
buyer = "AHM"
[columns.supplier]
from = "Vendor"
kind = "identifier"
[columns.order_no]
from = "PO"
kind = "code"
[columns.line_no]
from = "Item"
kind = "code"
[columns.quantity]
from = "Qty"
kind = "decimal"
[columns.due]
from = "Due"
kind = "date"
[columns.made_at]
from = "Made"
kind = "time"
[[events]]
type = "id.rantai.order.placed.v1"
id = "order/{order_no}"
time = "made_at"
group_by = ["order_no"]
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
order_no = "order_no"
[[events.data.lines]]
line_no = "line_no"
item_no = "line_no"
quantity = "quantity"
requested_date = "due"
"""
SECOND = """
[[events]]
type = "id.rantai.quality.complaint_closed.v1"
id = "{ID}"
time = "made_at"
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
complaint_no = "order_no"
closed_at = "made_at"
"""


def test_a_valid_mapping_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_mapping(path).event_source == "/erp/AHM/sap"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("mapping = 1", "mapping = 2", r"mapping: .*1"),
        ("mapping = 1\n", "", "mapping: is required"),
        ("mapping = 1", "mapping = = 1", "is not TOML: .*line 2"),
        ('"/erp/{sender}/sap"', '"/erp/XYZ/sap"', "source: names XYZ"),
        ('"/erp/{sender}/sap"', '"sap"', "source: write /erp/"),
        ('from = "PO"', 'form = "PO"', r"columns\.order_no: unknown setting 'form'; .*from"),
        ('from = "PO"\n', "", r"columns\.order_no: needs 'from'"),
        (
            'kind = "decimal"',
            'kind = "number"',
            r"columns\.quantity: is of an unknown kind; .*decimal",
        ),
        (
            'kind = "decimal"',
            'kind = "decimal"\nslug = true',
            r"columns\.quantity: unknown setting 'slug'",
        ),
        ('kind = "decimal"', 'kind = "decimal"\nthousands = "."', r"columns\.quantity: .*same"),
        (
            'kind = "date"',
            'kind = "date"\nformats = ["%d"]',
            r"columns\.due\.formats\[1\]: date format",
        ),
        ('kind = "date"', 'kind = "date"\nformats = []', r"columns\.due\.formats"),
        (
            'kind = "time"',
            'kind = "time"\nzone = "Jakarta"',
            r"columns\.made_at\.zone: unknown zone",
        ),
        ("[columns.due]", "[columns.Due]", r"columns\.Due"),
        ("[constants]", "[constants]\nsupplier = 'x'", r"constants\.supplier: is also a column"),
        ("[constants]", "[constants]\ndigest = 'x'", "digest: has a meaning of its own"),
        (
            "[constants]",
            "[file]\nencoding = 'utf-9'\n[constants]",
            r"file\.encoding: unknown encoding",
        ),
        (
            "[constants]",
            "[file]\nencoding = 'rot13'\n[constants]",
            r"file\.encoding: unknown encoding",
        ),
        ("[constants]", "[file]\ndelimiter = '||'\n[constants]", r"file\.delimiter"),
        (
            "[constants]",
            "[file]\nnames = ['PO']\n[constants]",
            r"columns\.supplier\.from: 'Vendor' is not in file",
        ),
        ("[constants]", "[defaults]\nthousands = '.'\n[constants]", r"defaults\.thousands"),
        (
            "order.placed.v1",
            "order.placed",
            r"events\[1\]\.type: .*did you mean 'id\.rantai\.order\.placed\.v1'",
        ),
        ('id = "order/{order_no}"', 'id = "order"', r"events\[1\]\.id: names no value"),
        (
            'id = "order/{order_no}"',
            'id = "o/{buyer}"',
            r"events\[1\]\.id: is the same for every row",
        ),
        (
            'id = "order/{order_no}"',
            'id = "{order_no}{buyer}"',
            r"events\[1\]\.id: has two values side",
        ),
        ('id = "order/{order_no}"', 'id = "{order_no"', r"events\[1\]\.id: has a brace"),
        (
            'id = "order/{order_no}"',
            'id = "{order_nr}"',
            r"events\[1\]\.id: 'order_nr'.*'order_no'",
        ),
        ('id = "order/{order_no}"', 'id = "{order_no}/{line_no}"', r"not in group_by"),
        ('id = "order/{order_no}"', 'id = "{order_no}/{row}"', r"not in group_by"),
        ('time = "made_at"', 'time = "due"', r"events\[1\]\.time: 'due' must be of kind 'time'"),
        ('time = "made_at"', 'time = "made"', r"events\[1\]\.time: 'made' is not a value"),
        ('group_by = ["order_no"]', 'group_by = ["po"]', r"events\[1\]\.group_by: 'po'"),
        ('buyer_id = "buyer"', 'buyer = "buyer"', r"data\.buyer: is not a field .*buyer_id"),
        ('buyer_id = "buyer"\n', "", r"data\.buyer_id: is required"),
        (
            'buyer_id = "buyer"',
            'buyer_id = "byer"',
            r"data\.buyer_id: 'byer' is not a value.*'buyer'",
        ),
        ('buyer_id = "buyer"', 'buyer_id = ["buyer"]', r"data\.buyer_id: is one value"),
        (
            'requested_date = "due"',
            'requested_date = "made_at"',
            r"lines\[1\]\.requested_date: .*kind 'date'",
        ),
        ('requested_date = "due"\n', "", r"lines\[1\]\.requested_date: is required"),
        ('quantity = "quantity"', 'qty = "quantity"', r"lines\[1\]\.qty: is not a field"),
        ("[[events.data.lines]]", "[events.data.lines]", r"data\.lines: is a list"),
        (
            "[[events]]",
            "[[leave_out]]\ncolumn = 'PO'\n[[events]]",
            r"leave_out\[1\]: needs exactly one",
        ),
        (
            "[[events]]",
            "[[leave_out]]\ncolumn = 'P'\nmatches = '('\n[[events]]",
            r"not a regular expression",
        ),
        (
            "[[events]]",
            "[columns.x]\nearliest_of = ['due', 'made_at']\n[[events]]",
            "not all of kind date",
        ),
        (
            "[[events]]",
            "[columns.x]\nfirst_of = ['due', 'y']\n[[events]]",
            r"columns\.x: 'y' is not a value",
        ),
        ("[[events]]", "[columns.x]\nfirst_of = ['due', 'x']\n[[events]]", "refers to itself"),
        (
            "[[events]]",
            "[columns.x]\ntemplate = '{y}'\n[columns.y]\nfirst_of = ['x', 'due']\n[[events]]",
            "itself",
        ),
        (
            "[[events]]",
            "[columns.x]\nfrom = 'A'\ntemplate = '{due}'\n[[events]]",
            "both 'from' and 'template'",
        ),
        ("[[events]]", "[columns.x]\nfrom = 'A'\nunlisted = 'keep'\n[[events]]", "'unlisted'"),
    ],
)
def test_every_problem_is_named_with_its_place(old: str, new: str, problem: str) -> None:
    assert old in GOOD
    with pytest.raises(MappingError, match=problem) as caught:
        parse_mapping(GOOD.replace(old, new, 1))
    assert caught.value.problems


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('sender = "AHM"', 'sender = "A H"', "sender: must be your partner id: 1 to 64 of"),
        ('sender = "AHM"', "sender = 5", "sender: must be your partner id"),
        ("mapping = 1", "mapping = 2", "mapping: must be 1"),
        ("mapping = 1", "mapping = 1\nfill_down = []", "the file: unknown setting 'fill_down'"),
        ("[constants]", "[file]\nskip_rows = -1\n[constants]", "file.skip_rows: must be 0 or more"),
        ("[constants]", "[file]\nquote = ''\n[constants]", "file.quote: must be one character"),
        ("[constants]", "[defaults]\ndecimal = 'ab'\n[constants]", "must be one character, or"),
        ("[constants]", "[defaults]\nat = 'noon'\n[constants]", "must be a time of day"),
        ('buyer = "AHM"', "buyer = 1.5", "constants.buyer: must be a text in quotes or a whole"),
        ("[columns.due]", "[columns.Due]", "columns.Due: must be a name of a-z, 0-9 and _"),
        ('from = "PO"', "from = 5", "columns.order_no.from: must be a text in quotes"),
        ('kind = "decimal"', 'kind = "decimal"\nplaces = 9', "places: must be 6 or less"),
        ('kind = "decimal"', 'kind = "decimal"\nabsolute = "x"', "must be true or false"),
        ('["order_no"]', '"order_no"', "events[1].group_by: must be a list"),
        ('["order_no"]', "[]\ntime_across_rows = 'max'", "'same', 'earliest' or 'latest'"),
        ("[[events]]", "[columns.x]\nfirst_of = ['due']\n[[events]]", "must have 2 or more"),
        ("[[events]]", "[events]", "events: must be a list"),
        (
            "[[events]]",
            "[[leave_out]]\ncolumn = 'P'\nmatches = '(a'\n[[events]]",
            "not a regular expression from character 1 on",
        ),
        ("mapping = 1", "mapping = 1\nmapping = 1", "is not TOML: line 3, column 12"),
    ],
)
def test_no_problem_is_described_in_a_librarys_words(old: str, new: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(GOOD.replace(old, new, 1))
    (problem,) = caught.value.problems
    assert message in problem
    foreign = ("String", "Input", "Tuple", "pattern '", "Cannot", "missing )", "expected")
    assert not [word for word in foreign if word in problem]


def test_two_events_need_ids_of_their_own() -> None:
    with pytest.raises(MappingError, match=r"events\[2\]\.id: is the same as that of events\[1\]"):
        parse_mapping(GOOD + SECOND.replace("{ID}", "order/{order_no}"))
    parse_mapping(GOOD + SECOND.replace("{ID}", "closed/{order_no}"))


def test_all_problems_are_reported_at_once() -> None:
    bad = GOOD.replace('from = "PO"', 'form = "PO"').replace('from = "Qty"', 'form = "Qty"')
    with pytest.raises(MappingError) as caught:
        parse_mapping(bad, "orders.toml")
    assert len(caught.value.problems) == 2
    assert "orders.toml" in str(caught.value)


def test_a_file_that_is_not_usable_text(tmp_path: Path) -> None:
    path = tmp_path / "orders.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(MappingError, match="not UTF-8"):
        load_mapping(path)
    for text in (b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000):
        path.write_bytes(text)
        with pytest.raises(MappingError, match="is not a usable mapping"):
            load_mapping(path)
