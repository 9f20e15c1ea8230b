"""Raw HTTP requests, for what no client library would send."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from urllib.parse import urlsplit

CLOSED = "closed"
"""In place of a status: the server closed the connection without an answer."""


async def raw(url: str, parts: AsyncIterator[bytes], *, give_up: bool = False) -> int | str:
    """Write parts to a new connection; return the status of the answer, or CLOSED.

    `give_up`: disconnect once everything is written, without waiting for an answer.
    """
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        with suppress(ConnectionError):
            async for part in parts:
                writer.write(part)
                await writer.drain()
            if give_up:
                return CLOSED
        with suppress(ConnectionError):
            line = await reader.readline()
            if line:
                return int(line.split()[1])
        return CLOSED
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def head(key: str, **headers: str) -> bytes:
    """Return the head of a `POST /v1/events` with further headers (`_` stands for `-`)."""
    lines = [
        "POST /v1/events HTTP/1.1",
        "host: 127.0.0.1",
        f"authorization: Bearer {key}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def at_once(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield parts without a pause."""
    for part in parts:
        yield part


async def slowly(parts: Iterable[bytes], seconds: float) -> AsyncIterator[bytes]:
    """Yield parts with a pause of `seconds` after each."""
    for part in parts:
        yield part
        await asyncio.sleep(seconds)
