"""CSV to rows: byte-order marks, encodings, damage confined to one row, headers that do not fit."""

import codecs
import io

import pytest

from services.formats.csv_rows import csv_rows
from services.formats.mapping import FileFormat, FileMapping
from services.formats.mapping_file import parse_mapping
from services.formats.rows import BrokenRow, FileError, FileRow

MAPPING = """
mapping = 1
sender = "S"
source = "/erp/{sender}/x"
[constants]
buyer = "S"
[columns.order_no]
from = "PO"
[columns.name]
from = "Name"
[columns.at]
from = "At"
kind = "time"
[[events]]
type = "id.rantai.quality.complaint_closed.v1"
id = "c/{order_no}"
time = "at"
data = { buyer_id = "buyer", supplier_id = "name", complaint_no = "order_no", closed_at = "at" }
"""


def mapping(**file: object) -> FileMapping:
    return parse_mapping(MAPPING).model_copy(update={"file": FileFormat.model_validate(file)})


def rows(content: bytes | str, **file: object) -> list[FileRow | BrokenRow]:
    data = content.encode() if isinstance(content, str) else content
    return list(csv_rows(io.BytesIO(data), mapping(**file)))


def good(found: list[FileRow | BrokenRow]) -> list[tuple[int, str]]:
    return [(row.number, str(row.cells["PO"])) for row in found if isinstance(row, FileRow)]


def broken(found: list[FileRow | BrokenRow]) -> list[BrokenRow]:
    return [row for row in found if isinstance(row, BrokenRow)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("mapped", ["utf-8", "cp1252"])
def test_a_byte_order_mark_overrides_the_encoding_of_the_mapping(
    encoding: str, mapped: str
) -> None:
    text = "PO,Name,At\n1,Ketut,x\n" if encoding == "utf-8" else "PO,Name,At\n1,Kétut,x\n"
    found = rows(text.encode(encoding), encoding=mapped)
    assert isinstance(found[0], FileRow)
    assert found[0].cells["Name"] in ("Ketut", "Kétut")
    assert list(found[0].cells) == ["PO", "Name", "At"]


def test_the_mapping_names_the_encoding_of_a_file_without_mark() -> None:
    data = "PO,Name,At\n1,Kétut,x\n".encode("cp1252")
    row = rows(data, encoding="cp1252")[0]
    assert isinstance(row, FileRow) and row.cells["Name"] == "Kétut"


def test_bytes_of_another_encoding_break_their_row_only() -> None:
    found = rows(b"PO,Name,At\n1,a,x\n2,K\xe9tut,x\n3,c,x\n")
    assert good(found) == [(2, "1"), (4, "3")]
    fault = broken(found)[0].fault
    assert (fault.row, fault.column, fault.value) == (3, "Name", "K\ufffdtut")
    assert "file.encoding" in fault.message


def test_a_utf_16_file_cut_in_the_middle_says_so() -> None:
    data = "PO,Name,At\n1,a,x\n".encode("utf-16")[:-1]
    with pytest.raises(FileError, match=r"file\.encoding"):
        rows(data)


def test_rows_are_numbered_by_the_line_on_which_they_begin() -> None:
    text = 'PO,Name,At\r\n1,"two\r\nlines",x\r\n\r\n,,\r\n2,b,x'
    found = rows(text)
    assert good(found) == [(2, "1"), (6, "2")]
    assert isinstance(found[0], FileRow) and found[0].cells["Name"] == "two\r\nlines"


def test_old_line_ends_other_delimiters_titles_and_short_rows() -> None:
    assert good(rows("PO;Name;At\r1;'a;b';x\r", delimiter=";", quote="'")) == [(2, "1")]
    assert good(rows("Report\n\nPO,Name,At\n1,a,x\n", skip_rows=2)) == [(4, "1")]
    assert good(rows("1,a,x\n2,b,x\n", names=["PO", "Name", "At"])) == [(1, "1"), (2, "2")]
    assert good(rows("PO,Name,At\n1,a\n", short_rows="fill")) == [(2, "1")]
    assert good(rows("PO,Name,At\n1,a,x,,\n")) == [(2, "1")]


def test_a_row_with_too_many_or_too_few_cells_is_broken_alone() -> None:
    found = rows("PO,Name,At\n1,a,x\n2,b,c,x\n3,c\n4,d,x\n")
    assert good(found) == [(2, "1"), (5, "4")]
    assert [row.fault.row for row in broken(found)] == [3, 4]
    assert broken(found)[0].guess["PO"] == "2"
    assert "4 cells where the header has 3" in broken(found)[0].fault.message


def test_a_quote_that_never_closes_breaks_its_row_only() -> None:
    found = rows('PO,Name,At\n1,a,x\n2,"b,x\n3,c,x\n4,"d",x\n5,e,x\n')
    assert good(found) == [(2, "1"), (4, "3"), (5, "4"), (6, "5")]
    assert [row.fault.row for row in broken(found)] == [3]
    assert broken(found)[0].guess["PO"] == "2"


def test_a_quote_open_to_the_end_of_a_long_file_breaks_its_row_only() -> None:
    behind = "".join(f"{number},b,x\n" for number in range(3, 30_003))
    found = rows('PO,Name,At\n1,a,x\n2,"b,x\n' + behind)
    assert len(good(found)) == 30_001
    assert "never closed" in broken(found)[0].fault.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no header"),
        ("\n\n", "no header"),
        ("PO,Nmae,At\n", "no column 'Name'.*did you mean 'Nmae'"),
        ("PO;Name;At\n", "file.delimiter"),
        ("PO,Name,At,PO\n", "'PO' 2 times"),
        ('PO,"Name\n', "header"),
    ],
)
def test_a_header_that_does_not_fit_says_what_to_do(text: str, problem: str) -> None:
    with pytest.raises(FileError, match=problem):
        rows(text)


MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("blank", ["", " ", "\n", " \r\n", "\ufeff", "\ufeff\n"])
def test_a_byte_order_mark_alone_is_an_empty_file(encoding: str, blank: str) -> None:
    with pytest.raises(FileError, match="is empty"):
        rows(MARKS[encoding] + blank.encode(encoding))


@pytest.mark.parametrize("encoding", MARKS)
def test_a_byte_order_mark_before_any_line_is_no_part_of_its_cells(encoding: str) -> None:
    text = '\ufeffPO,Name,At\n1,a,x\n\ufeff2,b,x\n\ufeff"3",c,x\n'
    assert good(rows(MARKS[encoding] + text.encode(encoding))) == [(2, "1"), (3, "2"), (4, "3")]


def test_a_file_that_opens_a_quote_on_every_line_is_refused_soon() -> None:
    with pytest.raises(FileError, match="too many quotes that are never closed"):
        rows("PO,Name,At\n" + 'x","y\n' * 30_000)
