"""Hostile requests: each must be answered 4xx or disconnected in bounded time, harming nobody.

They use the key of a partner that sends nothing else; no event of that partner may be stored.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx

from schemas.catalogue import Role
from tests.soak.life import order_of
from tests.soak.raw import CLOSED, at_once, head, raw, slowly
from tests.soak.world import World

PARTNER: Final = "HOSTILE"
LONGEST_SECONDS: Final = 90
"""Longer than the 60 s after which the server gives up on a slow body."""

_MOST: Final = 10 * 1024 * 1024
_STRUCTURED: Final = "application/cloudevents+json"
_BATCH: Final = "application/cloudevents-batch+json"
_LINES: Final = "application/x-ndjson"
_TYPES: Final = (_STRUCTURED, _BATCH, _LINES, "application/json")
_CROWD: Final = 8
_EMPTY_BATCHES: Final = ("newlines", "byte_order_mark_alone")
"""A body without any line is an empty batch, which is answered 202 and stores nothing."""

Statuses = list[int | str]
Send = Callable[["Enemy"], Awaitable[Statuses]]
BODIES: Final[dict[str, Send]] = {}


def hostile(send: Send) -> Send:
    """Register a hostile request under the name of its function."""
    BODIES[send.__name__] = send
    return send


@dataclass(frozen=True, slots=True)
class Enemy:
    """The client that sends hostile requests."""

    url: str
    key: str
    http: httpx.AsyncClient

    async def post(self, body: bytes, kind: str = _BATCH, **headers: str) -> int | str:
        """POST a body of events."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"authorization": f"Bearer {self.key}", "content-type": kind, **named}
        return await self.ask("POST", "/v1/events", content=body, headers=sent)

    async def ask(self, method: str, address: str, **options: Any) -> int | str:
        """Send a request; return its status, or CLOSED. Raises TimeoutError if no answer comes."""
        try:
            return (await self.http.request(method, address, **options)).status_code
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.TransportError:
            return CLOSED


@cache
def _empty_members() -> bytes:
    return gzip.compress(b"", 9, mtime=0) * (_MOST // 20)


@cache
def _bomb() -> bytes:
    pack = zlib.compressobj(1, wbits=31)
    zeros = bytes(1024 * 1024)
    return b"".join(pack.compress(zeros) for _ in range(500)) + pack.flush()


def _order() -> bytes:
    return json.dumps(order_of(PARTNER)).encode()


@hostile
async def gzip_of_empty_members(enemy: Enemy) -> Statuses:
    """10 MB of gzip members, half a million of them, each empty."""
    return [await enemy.post(_empty_members(), content_encoding="gzip")]


@hostile
async def eight_of_them_at_once(enemy: Enemy) -> Statuses:
    """The body of `gzip_of_empty_members` on eight connections."""
    posts = [enemy.post(_empty_members(), content_encoding="gzip") for _ in range(_CROWD)]
    return list(await asyncio.gather(*posts))


@hostile
async def gzip_bomb(enemy: Enemy) -> Statuses:
    """500 MB of zeros, compressed to half a megabyte."""
    # In a thread: the event loop measures the answers of other requests.
    bomb = await asyncio.to_thread(_bomb)
    return [await enemy.post(bomb, kind, content_encoding="gzip") for kind in _TYPES]


@hostile
async def gzip_cut_off(enemy: Enemy) -> Statuses:
    """A body that ends inside a gzip member."""
    body = gzip.compress(b"[" + _order() + b"]")
    return [await enemy.post(body[:at], content_encoding="gzip") for at in (1, 9, len(body) - 9)]


@hostile
async def gzip_that_is_none(enemy: Enemy) -> Statuses:
    """A content encoding that the body does not have, and unknown ones."""
    named = ("gzip", "deflate", "br", "zstd", "gzip, gzip", "x" * 1000)
    return [await enemy.post(b"[]" * 5000, content_encoding=one) for one in named]


@hostile
async def deep_nesting(enemy: Enemy) -> Statuses:
    """Megabytes of brackets."""
    deep = b"[" * (_MOST // 2) + b"]" * (_MOST // 2)
    objects = b'{"a":' * (_MOST // 6) + b"1" + b"}" * (_MOST // 6)
    return [await enemy.post(body, kind) for body in (deep, objects) for kind in _TYPES[:2]]


@hostile
async def millions_of_numbers(enemy: Enemy) -> Statuses:
    """Five million elements of two bytes."""
    return [await enemy.post(b"[" + b"1," * (_MOST // 2 - 8) + b"1]")]


@hostile
async def millions_of_objects(enemy: Enemy) -> Statuses:
    """Millions of empty objects, in an array and in lines."""
    array = b"[" + b"{}," * (_MOST // 3 - 8) + b"{}]"
    return [await enemy.post(array), await enemy.post(b"{}\n" * (_MOST // 3), _LINES)]


@hostile
async def many_keys(enemy: Enemy) -> Statuses:
    """One object with 900,000 names."""
    names = ",".join(f'"{number:x}":0' for number in range(900_000))
    return [await enemy.post(f"{{{names}}}".encode()[:_MOST], _STRUCTURED)]


@hostile
async def newlines(enemy: Enemy) -> Statuses:
    """10 MB of empty lines."""
    return [await enemy.post(b"\n" * _MOST, _LINES), await enemy.post(b"\r\n" * 999, _LINES)]


@hostile
async def byte_order_mark_alone(enemy: Enemy) -> Statuses:
    """One or more byte order marks with nothing after them."""
    bodies = (b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 3, b"\xff\xfe", b"\xef\xbb\xbf\n\n")
    return [await enemy.post(body, kind) for body in bodies for kind in _TYPES]


@hostile
async def duplicate_keys(enemy: Enemy) -> Statuses:
    """An event with two ids."""
    body = _order().replace(b'"id":', b'"id": "1", "id":', 1)
    return [await enemy.post(body, _STRUCTURED), await enemy.post(b"[" + body + b"]")]


@hostile
async def huge_numbers(enemy: Enemy) -> Statuses:
    """Quantities with thousands or millions of digits, huge exponents, or NaN."""
    numbers = (b"9" * 5000, b"1e999999999", b"-1e-999999999", b"9" * 4_000_000, b"NaN")
    bodies = [_order().replace(b"500", number, 1) for number in numbers]
    return [await enemy.post(body, _STRUCTURED) for body in bodies]


@hostile
async def lone_surrogates(enemy: Enemy) -> Statuses:
    """Escapes of surrogates that form no character."""
    bodies = [_order().replace(b"BRKT-0042", half, 1) for half in (b"\\ud800", b"\\udc00\\ud800")]
    return [await enemy.post(body, _STRUCTURED) for body in bodies]


@hostile
async def nul_bytes(enemy: Enemy) -> Statuses:
    """Megabytes of NUL; one NUL inside a text; one inside a header."""
    within = _order().replace(b"BRKT", b"B\x00KT", 1)
    line = head(enemy.key, content_type="a\x00b", content_length="2") + b"[]"
    return [
        await enemy.post(bytes(_MOST)),
        await enemy.post(within, _STRUCTURED),
        await raw(enemy.url, at_once(line)),
    ]


@hostile
async def wrong_charset(enemy: Enemy) -> Statuses:
    """Text in other encodings, whether the charset says so or not."""
    text = _order().decode()
    return [
        await enemy.post(text.encode("utf-16"), _STRUCTURED),
        await enemy.post(text.encode("utf-32"), f"{_STRUCTURED}; charset=utf-8"),
        await enemy.post(text.encode(), f"{_STRUCTURED}; charset=latin-1"),
        await enemy.post(text.replace("BRKT", "BÉKT").encode("latin-1"), _STRUCTURED),
    ]


@hostile
async def too_many_events(enemy: Enemy) -> Statuses:
    """10,001 good events: one more than a request may hold."""
    order = order_of(PARTNER)
    events = [json.dumps({**order, "id": str(number)}) for number in range(10_001)]
    array = f"[{','.join(events)}]".encode()
    return [await enemy.post(array), await enemy.post("\n".join(events).encode(), _LINES)]


@hostile
async def more_bytes_than_said(enemy: Enemy) -> Statuses:
    """A Content-Length shorter than the body."""
    body = _order()
    parts = at_once(head(enemy.key, content_type=_STRUCTURED, content_length="40"), body)
    return [await raw(enemy.url, parts)]


@hostile
async def fewer_bytes_than_said(enemy: Enemy) -> Statuses:
    """A client that disconnects in the middle of its body, ten times; and invalid lengths."""
    begun = head(enemy.key, content_type=_STRUCTURED, content_length="5000000") + bytes(1000)
    gone = [await raw(enemy.url, at_once(begun), give_up=True) for _ in range(10)]
    lengths = ("-1", "9" * 40, "ten", "0x10")
    heads = [head(enemy.key, content_type=_BATCH, content_length=one) for one in lengths]
    return [*gone, *[await raw(enemy.url, at_once(one, b"[]")) for one in heads]]


@hostile
async def slow_body(enemy: Enemy) -> Statuses:
    """One byte per second."""
    begun = head(enemy.key, content_type=_BATCH, content_length="5")
    return [await raw(enemy.url, slowly([begun, *(b"[" for _ in range(5))], 1))]


@hostile
async def trickle_of_chunks(enemy: Enemy) -> Statuses:
    """Thousands of chunks of one byte, and a chunk with an invalid length."""
    begun = head(enemy.key, content_type=_BATCH, transfer_encoding="chunked")
    chunks = slowly([begun, *(b"1\r\n[\r\n" for _ in range(3000)), b"0\r\n\r\n"], 0.001)
    return [
        await raw(enemy.url, chunks),
        await raw(enemy.url, at_once(begun, b"ZZ\r\n[\r\n")),
    ]


@hostile
async def headers_of_100_kb(enemy: Enemy) -> Statuses:
    """One header of 100 kB, and thousands of short ones."""
    many = {f"x-{number}": "y" for number in range(8000)}
    return [
        await raw(enemy.url, at_once(head(enemy.key, x_long="y" * 100_000, content_length="0"))),
        await raw(enemy.url, at_once(head(enemy.key, **many, content_length="0"))),
    ]


@hostile
async def huge_form(enemy: Enemy) -> Statuses:
    """Forms of 10 MB, of 100,000 fields, and of invalid bytes, sent to pages."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    bodies = (b"key=" + b"x" * _MOST, b"a=1&" * 100_000, b"%ff=%fe&key=\x00")
    return [await enemy.ask("POST", "/sign-in", content=body, headers=kind) for body in bodies] + [
        await enemy.ask("POST", "/links", content=bodies[0], headers=kind)
    ]


@hostile
async def long_query(enemy: Enemy) -> Statuses:
    """Addresses with 50 kB in the query or path, or with 5,000 parameters."""
    bearer = {"authorization": f"Bearer {enemy.key}"}
    long = "x" * 50_000
    addresses = (
        f"/v1/suppliers?cluster=a&limit={long}",
        f"/v1/suppliers/{long}/scorecard",
        f"/v1/suppliers/S1/scorecard?as_of={long}",
        "/v1/suppliers/S1/scorecard?" + "&".join(f"a{n}={n}" for n in range(5000)),
    )
    return [await enemy.ask("GET", address, headers=bearer) for address in addresses]


@hostile
async def garbage_in_their_place(enemy: Enemy) -> Statuses:
    """Garbage in place of keys, cookies, link tokens and verification codes."""
    statuses: Statuses = []
    for text in ("x", "rtk_" + "0" * 12 + "_" + "A" * 43, "é'\"; --", "A" * 8000, ".", "%00"):
        encoded = text.encode()
        bearer, cookie = b"Bearer " + encoded, b"rantai_session=" + encoded
        place = "".join(f"%{byte:02x}" for byte in encoded[:2000])
        statuses += [
            await enemy.ask("GET", "/v1/suppliers", headers={b"authorization": bearer}),
            await enemy.ask("POST", "/v1/events", headers={b"authorization": bearer}),
            await enemy.ask("GET", "/suppliers/S1", headers={b"cookie": cookie}),
            await enemy.ask("GET", f"/s/{place}"),
            await enemy.ask("GET", f"/verify/{place}"),
        ]
    return statuses


async def hostility(world: World) -> None:
    """Send every hostile request, in random order, and repeat while time is left."""
    key = await world.new_key(Role.BUYER, PARTNER)
    rng = world.plan.rng("hostile")
    names = [name for name in BODIES if name not in world.plan.without]
    every = min(30.0, world.plan.seconds * 0.7 / len(names))
    async with httpx.AsyncClient(base_url=world.up.url, timeout=LONGEST_SECONDS) as http:
        enemy = Enemy(world.up.url, key, http)
        while world.time_left:
            rng.shuffle(names)
            for name in names:
                await attack(world, enemy, name)
                # The first pass is always completed, even if a slow machine takes too long.
                if world.time_left:
                    await asyncio.sleep(every)
                elif world.hostile_sent.issuperset(names):
                    return


async def attack(world: World, enemy: Enemy, name: str) -> None:
    """Send one hostile request and check its answers."""
    world.hostile_sent.add(name)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            statuses = await BODIES[name](enemy)
    except TimeoutError:
        world.checks.fail("hostile bodies are refused", f"{name}: no answer in bounded time")
        return
    except OSError as error:
        statuses = [CLOSED if isinstance(error, ConnectionError) else repr(error)]
    for status in statuses:
        world.traffic.count("hostile", status, name)
        # While a fault is under way the server may answer 503.
        later = status == 503 and world.faulty
        if name in _EMPTY_BATCHES and status == 202:
            continue
        if not later and status != CLOSED and not 400 <= int(status) < 500:
            world.checks.fail("hostile bodies are refused", f"{name}: {statuses}")
    world.counts["hostile bodies"] += 1
