"""The building blocks of dashboards: data sources, variables, queries, panels, links.

Dashboards refer to data sources by a variable, so that they contain no data source's id. If "All"
is chosen for a variable, it is `['']` in a statement, which the views take as no restriction.
"""

from typing import Any, Final, Self

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.sql import sql

Panel = Builder[models.Panel]
CLICKHOUSE: Final = models.DataSourceRef("grafana-clickhouse-datasource", "${clickhouse}")
PROMETHEUS: Final = models.DataSourceRef("prometheus", "${prometheus}")
ZONE: Final = "Asia/Jakarta"
"""The time zone in which a period is chosen: that of the sites in the packaged policy."""

SCORECARDS: Final = "http://127.0.0.1:8081"
"""Where Compose publishes the pages. Dashboards link there: change it if yours are elsewhere."""

HELD: Final = "Figures cover the period from its first day up to, but without, its last day."
MONTHLY: Final = "Each point covers the 180 days before the first of a month."
ALL_BUYERS: Final = (
    "Over all buyers and 180 days, as last computed, for the day on which the period ends; only "
    "today and month ends are kept."
)
PERCENT, DAYS, COUNT, SECONDS, BYTES = "percentunit", "d", "short", "s", "bytes"


class ClickHouseQuery(variants.Dataquery):
    """A statement for the official ClickHouse plugin; the SDK has no builder for it."""

    def __init__(self, statement: str, kind: str) -> None:
        self.ref_id: str | None = None
        self.statement, self.kind = statement, kind

    def to_json(self) -> dict[str, Any]:
        """Return the query as the plugin (4.x) stores it."""
        return {
            "datasource": CLICKHOUSE.to_json(),
            "editorType": "sql",
            "format": 0 if self.kind == "timeseries" else 1,
            "queryType": self.kind,
            "rawSql": self.statement,
            "refId": self.ref_id or "A",
        }


class Rows(Builder[variants.Dataquery]):
    """A query that returns the rows of a table."""

    kind = "table"

    def __init__(self, statement: str) -> None:
        self._statement = statement

    def build(self) -> ClickHouseQuery:
        """Return the query for the SDK."""
        return ClickHouseQuery(self._statement, self.kind)


class Series(Rows):
    """A query that returns `time`, at most one text column, and numbers."""

    kind = "timeseries"


class Board(builders.Dashboard):
    """A dashboard with the settings that all of them share."""

    @classmethod
    def named(cls, uid: str, title: str, description: str) -> Self:
        """Return a new dashboard: read-only, of the last 180 days, with links to the others."""
        return (
            cls(title)
            .uid(f"rantai-{uid}")
            .description(description)
            .tags(["rantai"])
            .timezone(ZONE)
            .time("now-180d/d", "now/d")
            .readonly()
            .link(
                builders.DashboardLink("Rantai")
                .type(models.DashboardLinkType.DASHBOARDS)
                .tags(["rantai"])
                .as_dropdown(True)
                .keep_time(True)
                .include_vars(True)
            )
        )

    def reading_the_store(self) -> Self:
        """Add the variables of the store's data source and of the zone in which days begin."""
        return self.with_variable(
            builders.DatasourceVariable("clickhouse").label("Store").type(CLICKHOUSE.type_val or "")
        ).with_variable(store_variable("zone").hide(models.VariableHide.HIDE_VARIABLE))

    def choosing(self, *names: str, one: str = "") -> Self:
        """Add variables of these names. One value of `one` is chosen, several of the others."""
        board = self
        for name in names:
            made = store_variable(name)
            board = board.with_variable(made if name == one else _many(made))
        return board


_LABELS: Final = {
    "buyer": "Buyer",
    "cluster": "Cluster",
    "supplier": "Supplier",
    "figure": "Figure",
    "zone": "Zone",
}


def store_variable(name: str) -> builders.QueryVariable:
    """Return a variable whose values come from the store; of two columns the second is shown."""
    return (
        builders.QueryVariable(name)
        .label(_LABELS[name])
        .datasource(CLICKHOUSE)
        .query(sql(name))
        .refresh(models.VariableRefresh.ON_DASHBOARD_LOAD)
    )


def _many(variable: builders.QueryVariable) -> builders.QueryVariable:
    return (
        variable.multi(True)
        .include_all(True)
        .all_value("''")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def number(title: str, meaning: str, statement: str, unit: str = COUNT) -> stat.Panel:
    """Return a panel with one number, from the store."""
    return (
        stat.Panel()
        .title(title)
        .description(meaning)
        .datasource(CLICKHOUSE)
        .with_target(Rows(statement))
        .unit(unit)
        .no_value("nothing to judge by")
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/"))
        .span(4)
        .height(4)
    )


def rows(title: str, meaning: str, statement: str, width: int = 24, height: int = 9) -> table.Panel:
    """Return a panel with a table, from the store."""
    return (
        table.Panel()
        .title(title)
        .description(meaning)
        .datasource(CLICKHOUSE)
        .with_target(Rows(statement))
        .filterable(True)
        .span(width)
        .height(height)
    )


def over_time(
    title: str, meaning: str, statement: str, unit: str, width: int = 12
) -> timeseries.Panel:
    """Return a panel with lines over time, from the store."""
    return (
        timeseries.Panel()
        .title(title)
        .description(meaning)
        .datasource(CLICKHOUSE)
        .with_target(Series(statement))
        .unit(unit)
        .span(width)
        .height(8)
    )


def measured(
    title: str, meaning: str, unit: str, *queries: tuple[str, str], width: int = 12
) -> timeseries.Panel:
    """Return a panel of PromQL queries, each with the legend of its lines."""
    panel = timeseries.Panel().title(title).description(meaning).datasource(PROMETHEUS)
    for expression, legend in queries:
        panel = panel.with_target(
            prometheus.Dataquery().expr(expression).legend_format(legend).datasource(PROMETHEUS)
        )
    return panel.unit(unit).span(width).height(8)


def unit_of(*columns: str, unit: str) -> list[tuple[str, list[models.DynamicConfigValue]]]:
    """Return overrides that show these columns of a table in a unit."""
    return [(name, [models.DynamicConfigValue("unit", unit)]) for name in columns]


def linked(column: str, title: str, url: str) -> tuple[str, list[models.DynamicConfigValue]]:
    """Return an override that turns the cells of a column into links."""
    return column, [models.DynamicConfigValue("links", [{"title": title, "url": url}])]


def with_overrides(
    panel: table.Panel, *overrides: tuple[str, list[models.DynamicConfigValue]]
) -> table.Panel:
    """Return a table panel with these overrides of its columns."""
    for name, properties in overrides:
        panel = panel.override_by_name(name, properties)
    return panel


TO_SUPPLIER: Final = linked(
    "Supplier",
    "Open the supplier",
    "/d/rantai-supplier?var-supplier=${__value.raw}&${__url_time_range}",
)
TO_CLUSTER: Final = linked(
    "Cluster",
    "Open the cluster",
    "/d/rantai-cluster?var-cluster=${__value.raw}&${__url_time_range}",
)
