"""Requests to a running Rantai as one of its partners: to post events, and to read what is stored.

A request that is answered with a status of 500 or more fails the test, and so does an answer that
is not as the OpenAPI document says.
"""

from collections.abc import Iterable
from typing import Any

import httpx

from schemas.catalogue import Role
from services.access.keys import KeyStore
from tests.integration.process import Up
from tests.support.documented import documented

AS_OF = "2026-04-01"


class Asking:
    """An HTTP client of a running Rantai, with a key for each partner that sends requests."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.keys: dict[str, str] = {}
        self.http = httpx.Client(base_url=up.url, timeout=60)
        self._store = KeyStore(up.data_dir / "keys.json")
        for role, partner in (
            (Role.BUYER, "AHM"),
            (Role.BUYER, "TMMIN"),
            (Role.SUPPLIER, "IKM-1"),
            (Role.PROGRAMME, "YDBA"),
        ):
            self.new_key(role, partner)

    def new_key(self, role: Role, partner: str) -> str:
        """Create a key, which replaces the one that this client used for the partner."""
        self.keys[partner] = self._store.create(role, partner)
        return self.keys[partner]

    def revoke(self, key: str) -> None:
        """Revoke a key."""
        self._store.revoke(key.split("_")[1])

    def post(
        self, headers: dict[str, str], body: bytes | Iterable[bytes], partner: str = "AHM"
    ) -> httpx.Response:
        """Post a body to the gateway."""
        sent = {"authorization": f"Bearer {self.keys[partner]}", **headers}
        answer = self.http.post("/v1/events", headers=sent, content=body)
        assert answer.status_code < 500, answer.text
        return documented(answer)

    def get(self, path: str, partner: str = "YDBA", **parameters: Any) -> httpx.Response:
        """Send a GET request."""
        headers = {"authorization": f"Bearer {self.keys[partner]}"}
        answer = self.http.get(path, params=parameters, headers=headers)
        assert answer.status_code < 500, answer.text
        return documented(answer)

    def lines(self, supplier: str) -> list[dict[str, Any]]:
        """Return the stored order lines of a supplier, none if the supplier is unknown."""
        answer = self.get(f"/v1/suppliers/{supplier}/lines", as_of=AS_OF, limit=10_000)
        if answer.status_code == 404:
            return []
        assert answer.status_code == 200, answer.text
        lines: list[dict[str, Any]] = answer.json()["lines"]
        return lines

    def counted(self) -> dict[str, int]:
        """Return the totals of the reconciliation. Fails if an event is missing."""
        answer = self.get("/v1/reconciliation").json()
        assert answer["missing"] == 0, answer["missing_events"]
        total: dict[str, int] = answer["total"]
        assert total["accepted"] == total["stored"] + total["rejected"]
        return total

    def orders(self, supplier: str) -> list[str]:
        """Return the order numbers of a supplier's stored lines, sorted."""
        return sorted(line["order_no"] for line in self.lines(supplier))


def accepted(answer: httpx.Response, count: int = 1) -> None:
    """Assert that all `count` events of a request were accepted."""
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"accepted": count, "rejected": []}


def problem(answer: httpx.Response, status: int, part: str) -> None:
    """Assert that a request was refused as a whole, with `part` in the problem's detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert part in answer.json()["detail"], answer.text
