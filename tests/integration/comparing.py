"""Holding the API's figures against the reference implementation, to the last digit."""

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
"""Requests under way: more than one, as there is more than one reader."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What figures are asked for: every combination; each buyer's, and those of all buyers."""

    suppliers: Sequence[str]
    buyers: Sequence[str]
    dates: Sequence[date]
    windows: Sequence[int]

    def combinations(self) -> Iterator[tuple[str, str | None, date, int]]:
        """Return every combination."""
        return product(self.suppliers, (None, *self.buyers), self.dates, self.windows)

    @property
    def figures(self) -> int:
        """How many figures are compared when all of them are."""
        return len(FIGURES) * sum(1 for _ in self.combinations())


def compare(url: str, key: str, events: list[dict[str, Any]], asked: Asked) -> int:
    """Compare every combination; return how many figures were compared."""
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
            kpis = json.loads(answer.text, parse_float=Decimal)["kpis"]
            return _same(kpis, scorecard(events, supplier, as_of, window, buyer), combination)

        return sum(pool.map(one, asked.combinations()))


def _shown(got: Decimal | int, want: Fraction) -> bool:
    """Return whether a number is shown exactly, or, where it has no end, to 30 digits."""
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
