"""The dashboard of one cluster: pooled figures, members, and capacity against demand."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana import overview, parts
from deploy.grafana.parts import Board, Panel
from deploy.grafana.sql import sql


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    return (
        Board.named(
            "cluster",
            "Cluster",
            "One cluster: pooled figures, members, and declared capacity against demand.",
        )
        .reading_the_store()
        .choosing("buyer", "cluster", "supplier", one="cluster")
        .with_row(builders.Row("${cluster}: figures of its suppliers together"))
        .with_panel(overview.all_figures())
        .with_panel(overview.trend())
        .with_row(builders.Row("Capacity against demand"))
        .with_panel(_by_process())
        .with_panel(_by_supplier())
        .with_row(builders.Row("Members"))
        .with_panel(_figures_of_members())
        .with_panel(overview.grades())
        .with_panel(overview.grades_by_month())
        .with_panel(overview.members("Members, by score"))
    )


_DEMAND = (
    "Demand: what is still to be delivered of order lines due within 30 days, including overdue "
    "ones. Capacity: as declared for a month. Load: 100 % = full."
)


def _by_process() -> Panel:
    return parts.with_overrides(
        parts.rows(
            "By process",
            f"Sums over all members; units are not mixed. {_DEMAND}",
            sql("capacity_by_process"),
            12,
        ),
        *parts.unit_of("Load", unit=parts.PERCENT),
    )


def _by_supplier() -> Panel:
    return parts.with_overrides(
        parts.rows(
            "By supplier and process",
            f"Highest load first. {_DEMAND}",
            sql("capacity_by_supplier"),
            12,
        ),
        parts.TO_SUPPLIER,
        *parts.unit_of("Load", unit=parts.PERCENT),
    )


def _figures_of_members() -> Panel:
    shares = ("On time in full %", "Lots accepted %", "Answered in time %")
    return parts.with_overrides(
        parts.rows(
            "Figures of each member",
            f"Each share with its numerator and denominator. {parts.HELD}",
            sql("figures_of_members"),
        ),
        parts.TO_SUPPLIER,
        *parts.unit_of(*shares, unit=parts.PERCENT),
    )
