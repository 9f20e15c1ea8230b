"""The dashboard of one supplier: figures with intervals, order lines, and a link to its page."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana import overview, parts
from deploy.grafana.parts import Board, Panel
from deploy.grafana.sql import sql

STATUSES = ("all", "late", "short", "open", "overdue", "rejected")


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    status = (
        builders.CustomVariable("status")
        .label("Lines")
        .values(",".join(STATUSES))
        .options([models.VariableOption(one == "all", one, one) for one in STATUSES])
        .current(models.VariableOption(selected=True, text="all", value="all"))
    )
    return (
        Board.named(
            "supplier",
            "Supplier",
            "One supplier: figures with intervals, order lines, and its scorecard page.",
        )
        .reading_the_store()
        .choosing("buyer", "cluster", "supplier", one="supplier")
        .with_variable(status)
        .with_variable(builders.ConstantVariable("scorecards_url").value(parts.SCORECARDS))
        .link(
            builders.DashboardLink("The page that the supplier reads")
            .type(models.DashboardLinkType.LINK)
            .url("${scorecards_url}/suppliers/${supplier}")
            .target_blank(True)
        )
        .with_row(builders.Row("${supplier:text}"))
        .with_panel(_standing())
        .with_panel(_times())
        .with_panel(overview.all_figures())
        .with_panel(_otif())
        .with_panel(_by_buyer())
        .with_panel(overview.trend(24))
        .with_row(builders.Row("Order lines"))
        .with_panel(_lines())
    )


def _standing() -> Panel:
    return parts.rows(
        "How it stands (all buyers)",
        f"Score, grade of the day, published grade, and the gates that hold it. {parts.ALL_BUYERS}",
        sql("standing"),
        16,
        6,
    )


def _times() -> Panel:
    return parts.rows(
        "Times and load (all buyers)",
        f"Medians and percentiles, which can't be added up. {parts.ALL_BUYERS}",
        sql("times"),
        8,
        6,
    )


def _otif() -> Panel:
    return parts.over_time(
        "On time in full, with its interval",
        f"In 95 of 100 cases the true ratio lies between low and high. {parts.MONTHLY}",
        sql("otif_with_interval"),
        parts.PERCENT,
    ).height(11)


def _by_buyer() -> Panel:
    return parts.rows(
        "By buyer",
        f"Figures of each buyer's own orders, with numerators and denominators. {parts.HELD}",
        sql("by_buyer"),
    )


def _lines() -> Panel:
    return parts.rows(
        "Line explorer",
        "Order lines as known on the last day of the period, latest due date first. Late: judged "
        "in the period, not complete in time. Short: judged and not filled. Open: still to be "
        "delivered. Overdue: open after the due date. Rejected: a lot was rejected in the period.",
        sql("lines"),
        height=14,
    )
