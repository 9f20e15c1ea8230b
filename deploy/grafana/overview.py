"""The dashboard of the programme: how all suppliers stand, in which cluster, and who moved."""

from grafana_foundation_sdk.builders import barchart
from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana import parts
from deploy.grafana.parts import Board, Panel
from deploy.grafana.sql import sql


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    board = (
        Board.named(
            "overview",
            "Programme overview",
            "All suppliers of the programme together: figures as sums over sums, grades, moves.",
        )
        .reading_the_store()
        .choosing("buyer", "cluster", "supplier")
        .with_row(builders.Row("Figures of the selection"))
        .with_panel(_count())
    )
    for kpi, title, unit in (
        ("otif", "On time in full", parts.PERCENT),
        ("lot_acceptance", "Lots accepted", parts.PERCENT),
        ("mean_days_late", "Days late, by quantity", parts.DAYS),
        ("ppm", "Rejects per million", parts.COUNT),
        ("overdue_lines", "Overdue order lines", parts.COUNT),
    ):
        board = board.with_panel(pooled_number(kpi, title, unit))
    return (
        board.with_panel(all_figures())
        .with_panel(trend())
        .with_row(builders.Row("Clusters"))
        .with_panel(_by_cluster())
        .with_row(builders.Row("Grades and stages"))
        .with_panel(grades())
        .with_panel(grades_by_month())
        .with_panel(_stages())
        .with_panel(_moved())
        .with_row(builders.Row("Suppliers"))
        .with_panel(members("Suppliers, by score"))
    )


def _count() -> Panel:
    return parts.number(
        "Suppliers",
        "How many suppliers are selected: those of the selected buyers, or all registered ones.",
        sql("suppliers_chosen"),
    )


def pooled_number(kpi: str, title: str, unit: str) -> Panel:
    """Return one figure of all selected suppliers together, as one number."""
    return parts.number(
        title,
        f"Of the whole selection: sum of numerators over sum of denominators. {parts.HELD}",
        sql("one_figure", kpi=kpi),
        unit,
    )


def all_figures(width: int = 12) -> Panel:
    """Return every figure with numerator, denominator and interval."""
    return parts.rows(
        "Every figure, with what it is made of",
        "Ratios are fractions of 1. Low and high: in 95 of 100 cases the true ratio lies between "
        f"them; with few lines they are far apart. {parts.HELD}",
        sql("all_figures"),
        width,
        11,
    )


def trend(width: int = 12) -> Panel:
    """Return the main ratios at month ends."""
    return parts.over_time(
        "Month by month",
        f"Ratios of the whole selection. {parts.MONTHLY}",
        sql("month_by_month"),
        parts.PERCENT,
        width,
    ).height(11)


def _by_cluster() -> Panel:
    shares = ("On time in full", "Quantity delivered", "Lots accepted", "Complaint steps in time")
    return parts.with_overrides(
        parts.rows(
            "Clusters side by side",
            f"Each cluster's figures are sums over sums of its suppliers. {parts.HELD}",
            sql("clusters"),
        ),
        parts.TO_CLUSTER,
        *parts.unit_of(*shares, unit=parts.PERCENT),
    )


def grades() -> Panel:
    """Return how many suppliers have each published grade."""
    return (
        barchart.Panel()
        .title("Published grades (all buyers)")
        .description(f"How many suppliers have each published grade. {parts.ALL_BUYERS}")
        .datasource(parts.CLICKHOUSE)
        .with_target(parts.Rows(sql("grades")))
        .unit(parts.COUNT)
        .span(8)
        .height(9)
    )


def grades_by_month() -> Panel:
    """Return the published grades of frozen month ends."""
    return parts.over_time(
        "Published grades at month ends (all buyers)",
        "How many suppliers had each published grade when the month end was frozen.",
        sql("grades_by_month"),
        parts.COUNT,
        8,
    ).height(9)


def _stages() -> Panel:
    return parts.rows(
        "Stage of independence, by assessor",
        "How many suppliers each assessor's latest assessment puts at each stage (kemandirian).",
        sql("stages"),
        8,
    )


def _moved() -> Panel:
    return parts.with_overrides(
        parts.rows(
            "Who moved since the month end before (all buyers)",
            "Suppliers whose published grade differs from that at the previous month end.",
            sql("moved"),
        ),
        parts.TO_SUPPLIER,
        parts.TO_CLUSTER,
    )


def members(title: str) -> Panel:
    """Return the selected suppliers, lowest score first."""
    return parts.with_overrides(
        parts.rows(
            title,
            "Lowest score first. At: the grade of the day; published: the grade that is shown. "
            f"Empty = too few lines to judge. {parts.ALL_BUYERS}",
            sql("members"),
            height=12,
        ),
        parts.TO_SUPPLIER,
        parts.TO_CLUSTER,
    )
