"""Requests written byte by byte, for what no client library would send."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from urllib.parse import urlsplit

CLOSED = "closed"
"""The server hung up without an answer, which is one too."""


async def raw(url: str, parts: AsyncIterator[bytes], *, give_up: bool = False) -> int | str:
    """Write parts on a connection and return the status of the answer, or that it was closed.

    `give_up`: go away when all is written, as a client that is switched off.
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
    """Return the head of a POST of events with further headers (`_` stands for `-`)."""
    lines = [
        "POST /v1/events HTTP/1.1",
        "host: 127.0.0.1",
        f"authorization: Bearer {key}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def at_once(*parts: bytes) -> AsyncIterator[bytes]:
    """Give parts one after the other."""
    for part in parts:
        yield part


async def slowly(parts: Iterable[bytes], seconds: float) -> AsyncIterator[bytes]:
    """Give parts with a pause after each."""
    for part in parts:
        yield part
        await asyncio.sleep(seconds)
