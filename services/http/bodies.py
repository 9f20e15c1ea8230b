"""Bodies of requests: read once, bounded in size and time."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request

from services.http.service import Problem

_DRAIN_BYTES: Final = 512 * 1024 * 1024
_SECONDS: Final = 60


async def body_of(
    request: Request,
    most_bytes: int,
    advice: str,
    grown: Callable[[int], None] = lambda size: None,
) -> bytes:
    """Return a body of at most so many bytes. Called by each route that reads one.

    `advice`: what to do where it is larger. `grown` is told of each size it has grown to, and may
    raise to refuse the body. A refused body is read on without being kept: a client that is still
    sending would see its connection reset instead of the answer.

    Raises Problem 400, 408 and 413, and what `grown` raises.
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
        # Nobody reads this answer; log and metrics shall not tell of a fault of ours.
        raise Problem(400, "the client went away before the body was complete") from None
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
