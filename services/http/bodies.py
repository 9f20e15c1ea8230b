"""Reads request bodies, bounded in size and time."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request

from services.http.service import Problem

_DRAIN_BYTES: Final = 512 * 1024 * 1024
"""How much of a refused body is read before the answer is sent in any case."""

_SECONDS: Final = 60


async def body_of(
    request: Request,
    most_bytes: int,
    advice: str,
    grown: Callable[[int], None] = lambda size: None,
) -> bytes:
    """Return the body of a request. Called by each route that reads one.

    `advice`: ends the text of the 413: what to do about a body of more than `most_bytes`. `grown`
    is called with the size read so far after each part, and may raise to refuse the body. The rest
    of a refused body is read and dropped: a client that is still sending would see its connection
    reset instead of the answer.

    Raises Problem 400 if the client disconnects, 408 if the body takes too long and 413 if it is
    too large; and what `grown` raises.
    """
    kept = bytearray()
    size = 0
    refused: Exception | None = None
    try:
        async with asyncio.timeout(_SECONDS):
            async for part in request.stream():
                size += len(part)
                if refused is None:
                    refused = _refusal(size, most_bytes, advice, grown)
                    if refused is None:
                        kept += part
                    else:
                        kept.clear()
                if size > _DRAIN_BYTES:
                    break
    except ClientDisconnect:
        # Nobody reads this answer; without it, log and metrics would show an internal error.
        raise Problem(400, "the client disconnected before the body was complete") from None
    except TimeoutError:
        raise Problem(408, f"the body took longer than {_SECONDS} s") from None
    if refused is not None:
        raise refused
    return bytes(kept)


def _refusal(
    size: int, most_bytes: int, advice: str, grown: Callable[[int], None]
) -> Exception | None:
    if size > most_bytes:
        return Problem(413, f"the body is larger than {most_bytes} bytes; {advice}")
    try:
        grown(size)
    except Exception as error:
        return error
    return None
