"""Files of events: each event is passed on as it is written, and a bad one affects no other."""

import io
from collections.abc import Iterable

import pytest

from services.formats.event_files import (
    FileEvent,
    events_of_json,
    events_of_lines,
    events_of_stream,
)
from services.formats.rows import FileError, RefusedDocument


def bodies(found: Iterable[FileEvent | RefusedDocument]) -> list[bytes]:
    return [each.body for each in found if isinstance(each, FileEvent)]


def test_an_array_is_cut_into_events_as_they_are_written() -> None:
    text = b'\xef\xbb\xbf [ {"id": "a",\n "n": 1.10000000000000000001}\r\n, {"id":"b","t":"\\n"}]\n'
    found = list(events_of_json(text))
    assert bodies(found) == [
        b'{"id": "a",  "n": 1.10000000000000000001}',
        b'{"id":"b","t":"\\n"}',
    ]
    assert [(each.row, each.event_id) for each in found if isinstance(each, FileEvent)] == [
        (1, "a"),
        (2, "b"),
    ]


def test_one_event_and_an_empty_array() -> None:
    assert bodies(events_of_json(b'{"id":"a"}\n')) == [b'{"id":"a"}']
    assert list(events_of_json(b" [ ] ")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'[{"id":1},]', "line 1, column 11"),
        (b'[{"id":1}\n{"id":2}]', "line 2, column 1: a comma"),
        (b'{"id":1}\n{"id":2}', ".ndjson"),
        (b'[{"id":1}', "comma or ]"),
        (b"[] x", "more follows"),
        (b"", "not JSON"),
        (b'"\xff"', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_invalid_json_is_refused_with_its_place(text: bytes, problem: str) -> None:
    with pytest.raises(FileError, match=problem):
        list(events_of_json(text))


def test_a_bad_line_affects_no_other() -> None:
    lines = [
        b'\xef\xbb\xbf{"id":"a"}\r\n',
        b"\n",
        b"{oops\n",
        b"[1]\n",
        b'{"id":"b","id":"c"}',
        b'{"id":"d"}',
    ]
    found = list(events_of_lines(lines))
    assert bodies(found) == [b'{"id":"a"}', b'{"id":"d"}']
    refused = [each.faults[0] for each in found if isinstance(each, RefusedDocument)]
    assert [(fault.row, fault.column) for fault in refused] == [(3, ""), (4, ""), (5, "/id")]
    assert refused[0].value == "{oops"


def test_a_stream_is_json_or_lines() -> None:
    assert len(bodies(events_of_stream(io.BytesIO(b'{"id":"a"}\n{"id":"b"}\n')))) == 2
    assert len(bodies(events_of_stream(io.BytesIO(b'[{"id":"a"},\n{"id":"b"}]\n')))) == 2
    assert len(bodies(events_of_stream(io.BytesIO(b'{\n"id":"a"\n}\n')))) == 1
    with pytest.raises(FileError):
        list(events_of_stream(io.BytesIO(b'[{"id":"a"},\n{"id":"b"}\n')))


def test_errors_show_the_value_at_their_pointer() -> None:
    event = FileEvent(7, b'{"id":"a","data":{"a/b":[{"q":-1}],"x":null}}', "a")
    pointers = ["/data/a~1b/0/q", "/data/a~1b/0", "/data/none", "/id/x", "", "/data/a~1b/9"]
    located = event.located([(pointer, "wrong") for pointer in pointers])
    assert [fault.value for fault in located] == ["-1", "", "", "", "", ""]
    assert [fault.column for fault in located] == pointers
    assert {fault.row for fault in located} == {7}


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("blank", [b"", b" \n", MARK, MARK + b" \r\n", MARK + b"\n" + MARK])
def test_a_byte_order_mark_alone_is_no_event(blank: bytes) -> None:
    assert list(events_of_lines(blank.splitlines(keepends=True))) == []
    assert list(events_of_stream(io.BytesIO(blank))) == []
    with pytest.raises(FileError, match="not JSON"):
        list(events_of_json(blank))


def test_a_byte_order_mark_before_any_line_is_no_part_of_its_event() -> None:
    joined = (MARK + b'{"id":"a"}\n') * 2 + MARK + b" \n" + MARK + b'{"id":"b"}'
    for found in (events_of_lines(io.BytesIO(joined)), events_of_stream(io.BytesIO(joined))):
        assert bodies(found) == [b'{"id":"a"}', b'{"id":"a"}', b'{"id":"b"}']


def test_a_number_of_any_length_is_passed_on_as_it_is_written() -> None:
    text = b'{"id":"a","n":%b}' % (b"9" * 5000)
    assert bodies(events_of_json(b"[%b]" % text)) == [text]
