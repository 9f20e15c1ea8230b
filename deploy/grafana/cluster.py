"""One cluster: its pooled figures, its members, and what they can make against what is ordered."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana import overview, parts
from deploy.grafana.parts import Board, Panel
from deploy.grafana.sql import sql


def dashboard() -> builders.Dashboard:
    """Return it."""
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
    "Demand: what is still to come of order lines due within 30 days, what is overdue included. "
    "Capacity: what was declared for a month. Load 100 % = full."
)


def _by_process() -> Panel:
    return parts.shown(
        parts.rows(
            "By process",
            f"Sums over all members; units are not mixed. {_DEMAND}",
            sql("capacity_by_process"),
            12,
        ),
        *parts.unit_of("Load", unit=parts.PERCENT),
    )


def _by_supplier() -> Panel:
    return parts.shown(
        parts.rows(
            "By supplier and process",
            f"The fullest first. {_DEMAND}",
            sql("capacity_by_supplier"),
            12,
        ),
        parts.TO_SUPPLIER,
        *parts.unit_of("Load", unit=parts.PERCENT),
    )


def _figures_of_members() -> Panel:
    shares = ("On time in full %", "Lots accepted %", "Answered in time %")
    return parts.shown(
        parts.rows(
            "Figures of each member",
            f"With what each is made of. {parts.HELD}",
            sql("figures_of_members"),
        ),
        parts.TO_SUPPLIER,
        *parts.unit_of(*shares, unit=parts.PERCENT),
    )
