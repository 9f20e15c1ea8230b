"""Figures in words: the true reason where a figure has no value."""

from typing import Any

import pytest

from services.readiness.policy import DEFAULT_POLICY
from services.text import figure_words
from services.text.language import LANGUAGES


def sentence(key: str, **values: Any) -> tuple[str, bool]:
    """Return the sentence about a figure of a card with these values only, and if it is known."""
    kpis: dict[str, Any] = {name: {"value": value} for name, value in values.items()}
    kpis.setdefault("capacity_load", {"value": None, "processes": {}})
    words = figure_words.figure_in_words(LANGUAGES["en"], {"kpis": kpis}, DEFAULT_POLICY, key).said
    return words.sentence, words.known


@pytest.mark.parametrize(
    ("usual", "expected"),
    [
        (None, "told from 5 completed lines on"),
        (0, "every order was complete on the day it was placed"),
    ],
)
def test_the_reason_why_lead_times_have_no_variation(usual: int | None, expected: str) -> None:
    found = sentence("lead_time_cv", lead_time_cv=None, lead_time_days_p50=usual)
    assert found == (expected, False)


def test_the_reason_why_capacity_has_no_load() -> None:
    expected = "no capacity is declared that names items and a quantity, in a unit of their orders"
    assert sentence("capacity_load") == (expected, False)
