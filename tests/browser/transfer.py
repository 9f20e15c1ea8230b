"""Counts what a page loads over the network, and describes a slow network."""

from typing import Any, Final

from playwright.sync_api import Page

SLOW_3G: Final = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 400 * 1000 / 8,
    "uploadThroughput": 400 * 1000 / 8,
}
"""Slow 3G as Lighthouse simulates it: a round trip of 400 ms, 400 kbit/s."""


class Transfer:
    """Counts the requests of a page and the bytes that came over the network, headers included."""

    def __init__(self, page: Page) -> None:
        self.bytes, self.requests = 0, 0
        self._over_the_wire: set[str] = set()
        self.session = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        self.session.on("Network.responseReceived", self._received)
        self.session.on("Network.loadingFinished", self._finished)

    def _received(self, event: Any) -> None:
        if event["response"]["url"].startswith("http"):
            self._over_the_wire.add(event["requestId"])

    def _finished(self, event: Any) -> None:
        if event["requestId"] in self._over_the_wire:
            self.bytes += event["encodedDataLength"]
            self.requests += 1
