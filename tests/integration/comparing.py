"""Compare the API's figures with the reference implementation, exactly."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import httpx

from tests.reference.figures import scorecard
from tests.support.documented import documented

FIGURES = (
    "otif",
    "otif_requested",
    "on_time_quantity",
    "fill_rate",
    "mean_days_late",
    "ppm",
    "lot_acceptance",
)

_AT_ONCE = 3
"""Concurrent requests: more than one, as several readers ask at once in production."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The scorecards to compare: every combination, for each buyer and for all buyers together."""

    suppliers: Sequence[str]
    buyers: Sequence[str]
    dates: Sequence[date]
    windows: Sequence[int]

    def combinations(self) -> Iterator[tuple[str, str | None, date, int]]:
        """Return every (supplier, buyer or None for all, T, window in days)."""
        return product(self.suppliers, (None, *self.buyers), self.dates, self.windows)

    @property
    def figures(self) -> int:
        """The number of figures in all combinations."""
        return len(FIGURES) * sum(1 for _ in self.combinations())


def compare(url: str, key: str, events: list[dict[str, Any]], asked: Asked) -> int:
    """Compare the figures of every combination; return how many were compared.

    `key` is an API key that may read all suppliers. `events` are those that were sent.
    """
    with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(_AT_ONCE) as pool:

        def one(combination: tuple[str, str | None, date, int]) -> int:
            supplier, buyer, as_of, window = combination
            parameters = {"as_of": as_of.isoformat(), "window_days": str(window)}
            if buyer is not None:
                parameters["buyer_id"] = buyer
            answer = client.get(
                f"/v1/suppliers/{supplier}/scorecard",
                params=parameters,
                headers={"authorization": f"Bearer {key}"},
            )
            assert answer.status_code == 200, answer.text
            kpis = json.loads(documented(answer).text, parse_float=Decimal)["kpis"]
            return _same(kpis, scorecard(events, supplier, as_of, window, buyer), combination)

        return sum(pool.map(one, asked.combinations()))


def _shown(got: Decimal | int, want: Fraction) -> bool:
    """Return whether a number is exact or, if its decimals do not end, right to 30 digits."""
    return abs(Fraction(got) - want) <= abs(want) / 10**29


def _same(kpis: dict[str, Any], expected: dict[str, Any], where: object) -> int:
    for name in FIGURES:
        got, want = kpis[name], expected[name]
        assert _shown(got["numerator"], want.numerator), (where, name, got, want)
        assert _shown(got["denominator"], want.denominator), (where, name, got, want)
        if want.value is None:
            assert got["value"] is None, (where, name, got, want)
        else:
            assert float(got["value"]) == float(want.value), (where, name, got, want)
    return len(FIGURES)
