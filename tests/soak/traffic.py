"""The HTTP requests of a soak: counted by status, timed, and server errors kept."""

import asyncio
import time
from collections import Counter
from typing import Any, Final

import httpx

from tests.integration.feeding import Event

PATIENCE_SECONDS: Final = 300
"""How long a sender retries what was not acknowledged."""

_TIMEOUT: Final = httpx.Timeout(60, pool=None)
_CONNECTIONS: Final = 250


class Traffic:
    """Sends requests to one Rantai and records the answers.

    `statuses` counts answers by kind of request and status, `single_seconds` has the duration of
    each accepted POST of one event, `server_faults` the answers of 500 and above except 503.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: Counter[tuple[str, str]] = Counter()
        self.single_seconds: list[float] = []
        self.server_faults: list[str] = []
        self.http = self.client()

    def client(self) -> httpx.AsyncClient:
        """Return a new client with its own cookies."""
        limits = httpx.Limits(max_connections=_CONNECTIONS)
        return httpx.AsyncClient(base_url=self.url, timeout=_TIMEOUT, limits=limits)

    def count(self, kind: str, status: int | str, about: str = "") -> None:
        """Count an answer; keep it if it is a fault of the server."""
        self.statuses[kind, str(status)] += 1
        if isinstance(status, int) and status >= 500 and status != 503:
            self.server_faults.append(f"{kind}: {status} {about}"[:500])

    async def ask(
        self,
        kind: str,
        method: str,
        address: str,
        client: httpx.AsyncClient | None = None,
        **options: Any,
    ) -> httpx.Response | None:
        """Send a request and count its answer; return None if the connection was lost."""
        try:
            answer = await (client or self.http).request(method, address, **options)
        except httpx.TransportError as error:
            self.count(kind, type(error).__name__)
            return None
        self.count(kind, answer.status_code, f"{method} {address[:200]} {answer.text[:200]}")
        return answer

    async def send(
        self, headers: dict[str, str], body: bytes, events: list[Event]
    ) -> httpx.Response | None:
        """POST events as an ERP does, retrying lost connections, 429 and 503; None after 300 s."""
        kind = "single POST" if len(events) == 1 else "batch POST"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            began = time.monotonic()
            answer = await self.ask(kind, "POST", "/v1/events", content=body, headers=headers)
            if answer is None:
                await asyncio.sleep(0.5)
            elif answer.status_code in (429, 503):
                await asyncio.sleep(float(answer.headers.get("retry-after", "1")))
            else:
                if len(events) == 1 and answer.status_code == 202:
                    self.single_seconds.append(time.monotonic() - began)
                return answer
        return None
