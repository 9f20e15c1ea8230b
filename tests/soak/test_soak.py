"""The short form of the soak: about a minute, with everything that happens in the long form."""

import asyncio
from pathlib import Path

import pytest

from tests.soak.soak import soak
from tests.soak.world import Plan


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan("embedded", 1.1, 20261128, 2), id="embedded"),
        pytest.param(Plan("kafka", 1.5, 20261129, 1), id="kafka", marks=pytest.mark.kafka),
    ],
)
def test_it_stays_up_and_loses_nothing(plan: Plan, tmp_path: Path) -> None:
    report = asyncio.run(soak(plan, tmp_path))
    report.print()
    assert report.passed, report.as_json()
