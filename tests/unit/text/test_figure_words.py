"""Figures in words: where there is no value, the true reason why."""

from typing import Any

import pytest

from services.readiness.policy import DEFAULT_POLICY
from services.text import figure_words
from services.text.language import LANGUAGES


def sentence(key: str, **values: Any) -> tuple[str, bool]:
    """Tell a figure of a card that has these values and no others."""
    kpis: dict[str, Any] = {name: {"value": value} for name, value in values.items()}
    kpis.setdefault("capacity_load", {"value": None, "processes": {}})
    said = figure_words.figure_in_words(LANGUAGES["en"], {"kpis": kpis}, DEFAULT_POLICY, key).said
    return said.sentence, said.known


@pytest.mark.parametrize(
    ("usual", "expected"),
    [
        (None, "told from 5 completed lines on"),
        (0, "every order was complete on the day it was placed"),
    ],
)
def test_why_nothing_is_said_of_how_steady_lead_times_are(usual: int | None, expected: str) -> None:
    told = sentence("lead_time_cv", lead_time_cv=None, lead_time_days_p50=usual)
    assert told == (expected, False)


def test_why_nothing_is_said_of_capacity() -> None:
    expected = "no capacity is declared that names items and a quantity, in a unit of their orders"
    assert sentence("capacity_load") == (expected, False)
