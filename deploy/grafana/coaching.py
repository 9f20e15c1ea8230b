"""The dashboard of coaching effects: coached suppliers beside uncoached ones of their cluster."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana import parts
from deploy.grafana.parts import Board, Panel
from deploy.grafana.sql import sql

_MEANING = (
    "Before: the 90 days up to a supplier's first coaching in the period. After: the 90 days from "
    "it on, or as many as have passed. Uncoached: suppliers of the same cluster that were not "
    "coached until then, added up over the same days. It shows what happened, not why."
)


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    return (
        Board.named(
            "coaching",
            "Coaching effect",
            "Coached suppliers before and after, beside the uncoached of the same cluster.",
        )
        .time("now-1y/d", "now/d")
        .reading_the_store()
        .choosing("buyer", "cluster", "supplier", "figure", one="figure")
        .with_panel(_coached())
        .with_panel(_together())
        .with_panel(_each())
        .with_panel(_sessions())
    )


def _coached() -> Panel:
    return (
        parts.number(
            "Coached suppliers", "Suppliers with a coaching in the period.", sql("coached")
        )
        .span(6)
        .height(10)
    )


def _together() -> Panel:
    return parts.rows(
        "All coached together, every figure",
        f"Numerators and denominators of the coached are added; never their ratios. {_MEANING}",
        sql("coached_together"),
        18,
        10,
    )


def _each() -> Panel:
    return parts.with_overrides(
        parts.rows(
            "Each coached supplier, beside the uncoached: ${figure:text}",
            _MEANING,
            sql("coached_each"),
            height=12,
        ),
        parts.TO_SUPPLIER,
        parts.TO_CLUSTER,
    )


def _sessions() -> Panel:
    return parts.over_time(
        "First coachings by month",
        "How many suppliers had their first coaching of the period in each month, by topic.",
        sql("coachings_by_month"),
        parts.COUNT,
        24,
    )
