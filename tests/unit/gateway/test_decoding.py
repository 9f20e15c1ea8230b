"""Decoding at the gateway: bounded, fair between keys, raising only declared errors."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.catalogue import Role
from schemas.validation import MAX_VALUES, Accepted, NotParseable, Rejected, Sender
from services.gateway.cloudevents import BATCHED, LINES, STRUCTURED, Limits
from services.gateway.decoding import (
    SMALL_BYTES,
    Decoder,
    Judged,
    NoRoom,
    Room,
    decode_steps,
)
from services.gateway.unpacking import MOST_MEMBERS, TooLarge, UnsupportedMediaType, unpack
from tests.integration.bad_events import order

DECLARED = (NotParseable, TooLarge, UnsupportedMediaType)
LIMITS = Limits(body_bytes=100_000, events=50)
SENDER = Sender("AHM", (Role.BUYER,))
MARK = b"\xef\xbb\xbf"
GOOD = order("good").json.encode()
TYPES = (STRUCTURED, BATCHED, *LINES, "application/json")


def judged(
    content_type: str,
    body: bytes,
    encoding: str = "",
    limits: Limits = LIMITS,
    more: Mapping[str, str] = MappingProxyType({}),
) -> list[Judged]:
    headers = {"content-type": content_type, "content-encoding": encoding, **more}
    steps = decode_steps(headers, body, limits, SENDER)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return list(end.value)


def bare(body: bytes) -> bytes:
    """Compress to deflate without zlib's header, as some clients do."""
    pack = zlib.compressobj(wbits=-15)
    return pack.compress(body) + pack.flush()


PIECES = st.sampled_from(
    [b"", b" ", b"\n", b"\r\n", b"\x0b", MARK, MARK + MARK, b"\xff\xfe", b"\xff", b"{", b"}", b"[",
     b"]", b"[]", b"{}", b",", b"null", b"NaN", b"1e999", b"9" * 5000, b'"', b'"\\ud800"', b"\x00",
     b'{"id":1,"id":2}', b"[" * 300, b'{"a":' * 300, GOOD, MARK + GOOD, GOOD[:-1], GOOD + GOOD]
) | st.binary(max_size=12)  # fmt: skip
BODIES = (
    st.lists(PIECES, max_size=8).map(b"\n".join)
    | st.lists(PIECES, max_size=8).map(b"".join)
    | st.lists(PIECES, max_size=8).map(lambda pieces: b"[" + b",".join(pieces) + b"]")
)
ENCODED = st.one_of(
    BODIES.map(lambda body: ("", body)),
    BODIES.map(lambda body: ("gzip", gzip.compress(body))),
    BODIES.map(lambda body: ("gzip", gzip.compress(body)[:-3])),
    BODIES.map(lambda body: ("gzip", gzip.compress(body) + body)),
    BODIES.map(lambda body: ("deflate", zlib.compress(body))),
    BODIES.map(lambda body: ("deflate", bare(body) + body[:1])),
    st.tuples(st.sampled_from(["gzip", "deflate", "br", "identity", "gzip, gzip"]), BODIES),
)


@given(
    st.sampled_from([*TYPES, "", "text/csv", "application/json; charset=utf-16"]),
    ENCODED,
    st.dictionaries(st.sampled_from(["ce-id", "ce-data", "ce-", "ce-time"]), st.text(max_size=9)),
)
@example(LINES[0], ("", MARK), {})
@example(LINES[0], ("", MARK + b" \r\n"), {})
@example(BATCHED, ("gzip", gzip.compress(MARK + b"[]")), {})
def test_any_body_gives_verdicts_or_a_declared_error(
    content_type: str, encoded: tuple[str, bytes], headers: Mapping[str, str]
) -> None:
    encoding, body = encoded
    try:
        found = judged(content_type, body, encoding, more=headers)
    except DECLARED as error:
        assert str(error)
    else:
        for one in found:
            assert isinstance(one, Accepted) or one.faults


@given(st.lists(PIECES.filter(lambda piece: b"\n" not in piece), max_size=12))
@example([MARK])
@example([MARK, MARK + GOOD])
def test_a_bad_line_affects_no_other_line(pieces: list[bytes]) -> None:
    try:
        found = judged(LINES[0], b"\n".join([*pieces, GOOD]))
    except TooLarge:
        return
    good = [place for place, one in enumerate(found) if isinstance(one, Accepted)]
    assert len(found) - 1 in good
    assert len(found) <= len(pieces) + 1


@given(
    st.lists(st.sampled_from([b"{}", b"[]", b"null", b'{"id":1,"id":2}', b"NaN", GOOD]), min_size=1)
)
def test_events_of_a_batch_are_judged_as_each_one_alone(events: list[bytes]) -> None:
    events = events[: LIMITS.events]
    batch = judged(BATCHED, b"[" + b" ,\n".join(events) + b"] ")
    assert batch == [
        # Each one as a batch of one: alone, `[]` would be taken for an empty batch.
        judged(BATCHED, b"[" + event + b"]")[0]
        for event in events
    ]
    assert [isinstance(one, Accepted) for one in batch] == [event == GOOD for event in events]


@given(st.lists(st.binary(max_size=400), max_size=6))
@example([b""] * MOST_MEMBERS)
@example([b"x" * 70_000, b"", b"y"])
def test_concatenated_gzip_files_unpack_as_one(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    assert unpack("GZip ", b"".join(map(gzip.compress, parts)), 100_000) == whole
    assert unpack("deflate", zlib.compress(whole), 100_000) == whole
    assert unpack("deflate", bare(whole), 100_000) == whole


BLANKS = (b"", b" ", MARK, MARK + b" \r\n", b"\n" + MARK + b"\n", MARK + b"\x0b")


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("content_type", LINES)
def test_a_body_of_blank_lines_has_no_events(content_type: str, blank: bytes) -> None:
    assert judged(content_type, blank) == []
    assert judged(content_type, gzip.compress(blank), "gzip", more={"ce-id": "1"}) == []


@pytest.mark.parametrize("body", [b"[]", b" [\n] ", MARK + b"[]"])
@pytest.mark.parametrize("content_type", [BATCHED, "application/json"])
def test_an_empty_array_has_no_events(content_type: str, body: bytes) -> None:
    assert judged(content_type, body) == []


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("content_type", sorted(set(TYPES) - set(LINES)))
def test_a_byte_order_mark_alone_is_an_empty_body(content_type: str, blank: bytes) -> None:
    for headers in ({}, {"ce-id": "1"}):
        for encoding, body in (("", blank), ("gzip", gzip.compress(blank))):
            with pytest.raises(NotParseable, match="the body is empty"):
                judged(content_type, body, encoding, more=headers)


def test_a_byte_order_mark_before_any_line_is_ignored() -> None:
    found = judged(LINES[0], MARK + b"\n".join([MARK + GOOD, GOOD, MARK + b" " + GOOD]))
    assert all(isinstance(one, Accepted) for one in found)
    assert len(set(found)) == 1
    for content_type, body in ((STRUCTURED, GOOD), (BATCHED, b"[%b]" % GOOD)):
        assert judged(content_type, MARK + body) == found[:1]


@pytest.mark.parametrize(
    ("encoding", "body", "message"),
    [
        ("gzip", gzip.compress(b"", mtime=0) * (MOST_MEMBERS + 1), "more than 1000 gzip files"),
        ("gzip", gzip.compress(b"", mtime=0) * 500_000, "more than 1000 gzip files"),
        ("gzip", gzip.compress(b" " * 100_001, mtime=0), "unpacks to more than 100000 bytes"),
        ("gzip", gzip.compress(b" " * 60_000, mtime=0) * 2, "unpacks to more than 100000 bytes"),
        ("deflate", zlib.compress(b" " * 100_001), "unpacks to more than 100000 bytes"),
        ("deflate", bare(b" " * 100_001), "unpacks to more than 100000 bytes"),
    ],
    ids=range(6),
)
def test_a_body_that_unpacks_to_too_much_is_refused(
    encoding: str, body: bytes, message: str
) -> None:
    with pytest.raises(TooLarge, match=message):
        unpack(encoding, body, 100_000)


@pytest.mark.parametrize(
    ("encoding", "body", "message"),
    [
        ("deflate", zlib.compress(b"x") + b"y", "continues after the end"),
        ("deflate", b"", "ends too early"),
        ("deflate", zlib.compress(b"x")[:-1], "ends too early"),
        ("gzip", gzip.compress(b"x", mtime=0) + b"\x00", "ends too early|not gzip"),
    ],
)
def test_a_body_that_is_packed_wrongly_is_refused(encoding: str, body: bytes, message: str) -> None:
    with pytest.raises(NotParseable, match=message):
        unpack(encoding, body, 100_000)


def test_a_body_with_more_values_than_events_can_have_is_not_parsed() -> None:
    wide = b"[" + b",".join([b"{}"] * 60_000) + b"]"
    roomy = Limits(body_bytes=1_000_000, events=50)
    for content_type, body in ((BATCHED, wide), (LINES[0], wide), (LINES[0], wide + b"\n" + GOOD)):
        with pytest.raises(TooLarge, match="more than 12500 JSON values"):
            judged(content_type, body)
    event = GOOD.replace(b'"A"', b"[" + b",".join([b"1"] * MAX_VALUES) + b"]")
    (one,) = judged(STRUCTURED, event, limits=roomy)
    assert isinstance(one, Rejected)
    assert "entries" in one.faults[0].message


def test_only_the_first_thousand_faults_are_named() -> None:
    bad = b'{"type":"id.rantai.order.placed.v1","data":{"lines":[%b]}}' % b",".join([b"{}"] * 60)
    found = judged(LINES[0], b"\n".join([bad] * 50))
    counts = [len(one.faults) for one in found if isinstance(one, Rejected)]
    assert counts[:20] == [50] * 20
    assert set(counts[20:]) == {1}
    last = found[-1]
    assert isinstance(last, Rejected)
    assert "too many to name" in last.faults[0].message


def body_of(events: int) -> bytes:
    return b"\n".join(order(str(number)).json.encode() for number in range(events))


HEADERS = {"content-type": LINES[0]}
WIDE = Limits(body_bytes=10_000_000, events=10_000)


@pytest.mark.anyio
async def test_keys_take_turns_and_each_has_one_body_decoded_at_a_time() -> None:
    room = Room(10**9, 10**9)
    turns: list[float] = []
    decoder = Decoder(WIDE, room, turns.append)
    ended: list[tuple[str, int]] = []

    async def send(key: str, body: bytes) -> None:
        with room.held(key) as held:
            found = await decoder.judged(HEADERS, body, SENDER, key, held)
        assert all(isinstance(one, Accepted) for one in found)
        ended.append((key, len(turns)))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(send("slow", body_of(2000)))
        await asyncio.sleep(0)
        tasks.create_task(send("quick", body_of(400)))
    assert [key for key, _ in ended] == ["quick", *["slow"] * 8]
    # One body of a key at a time: its others stay undecoded in memory.
    each = (len(turns) - 3) / 8
    assert ended[0][1] <= 8
    assert ended[1][1] <= 2 * each


@pytest.mark.anyio
async def test_only_a_small_uncompressed_body_is_decoded_without_a_turn() -> None:
    room = Room(10**9, 10**9)
    turns: list[float] = []
    decoder = Decoder(WIDE, room, turns.append)

    async def turns_of(body: bytes, **headers: str) -> int:
        turns.clear()
        with room.held("a") as held:
            await decoder.judged(HEADERS | headers, body, SENDER, "a", held)
        return len(turns)

    assert await turns_of(GOOD) == 0
    assert await turns_of(body_of(40)) == 0
    assert await turns_of(body_of(60)) == 1
    assert await turns_of(gzip.compress(GOOD), **{"content-encoding": "gzip"}) == 1
    assert await turns_of(GOOD + b" " * SMALL_BYTES) == 1
    assert await turns_of(b"[" + b"1," * 5000 + b"1]") == 1
    assert await turns_of(body_of(1000)) >= 5


@pytest.mark.anyio
async def test_a_compressed_body_needs_room_for_its_unpacked_size() -> None:
    room = Room(2_000_000, 3_000_000)
    decoder = Decoder(WIDE, room)
    packed = gzip.compress(body_of(4000))

    async def send() -> None:
        with room.held("a") as held:
            await decoder.judged(HEADERS | {"content-encoding": "gzip"}, packed, SENDER, "a", held)

    await send()
    with room.held("a") as other:
        other.at_least(1_500_000)
        with pytest.raises(NoRoom) as full:
            await send()
        assert full.value.own


def test_room_is_bounded_per_key_and_in_total() -> None:
    room = Room(each=200_000, everybody=300_000)
    with room.held("a") as first, room.held("a") as second, room.held("b") as third:
        first.at_least(190_000)
        with pytest.raises(NoRoom) as full:
            second.at_least(SMALL_BYTES + 1)
        assert (full.value.own, full.value.most) == (True, 200_000)
        second.at_least(SMALL_BYTES)  # A small body needs no room.
        with pytest.raises(NoRoom) as full:
            third.at_least(120_000)
        assert (full.value.own, full.value.most) == (False, 300_000)
        third.at_least(100_000)
        third.at_least(90_000)  # Room does not shrink.
        assert third.size == 100_000
    with room.held("c") as alone:
        alone.at_least(10**9)  # The only body always has room.


def test_the_attributes_in_headers_are_bounded_too() -> None:
    headers = {f"ce-x{number}": "%41" * 20 for number in range(600)}
    (one,) = judged("application/json", b"{}", more=headers)
    assert isinstance(one, Rejected)
    assert "attributes" in one.faults[0].message
    assert json.dumps([fault.as_json() for fault in one.faults])
