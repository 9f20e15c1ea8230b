"""Holding the API's figures against the reference implementation, to the last digit."""

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
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


def compare(
    url: str,
    key: str,
    events: list[dict[str, Any]],
    suppliers: Iterable[str],
    buyers: Iterable[str],
    dates: Iterable[date],
    windows: Iterable[int],
) -> int:
    """Compare every combination; return how many figures were compared."""
    compared = 0
    dates, windows, buyers = list(dates), list(windows), [None, *buyers]
    with httpx.Client(base_url=url, timeout=60) as client:
        for supplier in suppliers:
            for buyer in buyers:
                for as_of in dates:
                    for window in windows:
                        asked = {"as_of": as_of.isoformat(), "window_days": str(window)}
                        if buyer is not None:
                            asked["buyer_id"] = buyer
                        answer = client.get(
                            f"/v1/suppliers/{supplier}/scorecard",
                            params=asked,
                            headers={"authorization": f"Bearer {key}"},
                        )
                        assert answer.status_code == 200, answer.text
                        kpis = json.loads(answer.text, parse_float=Decimal)["kpis"]
                        expected = scorecard(events, supplier, as_of, window, buyer)
                        compared += _same(kpis, expected, (supplier, buyer, as_of, window))
    return compared


def _same(kpis: dict[str, Any], expected: dict[str, Any], where: object) -> int:
    for name in FIGURES:
        got, want = kpis[name], expected[name]
        assert Fraction(got["numerator"]) == want.numerator, (where, name, got, want)
        assert Fraction(got["denominator"]) == want.denominator, (where, name, got, want)
        if want.value is None:
            assert got["value"] is None, (where, name, got, want)
        else:
            assert float(got["value"]) == float(want.value), (where, name, got, want)
    return len(FIGURES)
