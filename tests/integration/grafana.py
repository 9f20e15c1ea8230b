"""Expand the queries of a dashboard as Grafana does: fill in its variables and macros.

The macros are those of the official ClickHouse plugin 4.x; the formats of variables are Grafana's.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
CLICKHOUSE, PROMETHEUS = "grafana-clickhouse-datasource", "prometheus"
ALL = ("$__all",)
ZONE = ZoneInfo("Asia/Jakarta")
Choices = Mapping[str, Sequence[str]]


def dashboards() -> dict[str, dict[str, Any]]:
    """Return every provisioned dashboard by its uid."""
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("dashboards/*.json"))]
    return {one["uid"]: one for one in found}


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of a dashboard, also those inside rows, without the rows themselves."""
    found: list[dict[str, Any]] = []
    for one in dashboard["panels"]:
        if one["type"] == "row":
            found += one.get("panels") or []
        else:
            found.append(one)
    return found


def variables(dashboard: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the variables of a dashboard by name."""
    return {one["name"]: one for one in dashboard["templating"]["list"]}


@dataclass(frozen=True)
class Asked:
    """One query of a panel or variable.

    `dashboard` is its uid, `place` the panel's title or the variable's name, `type` the type of the
    panel, and `kind` the query type of the ClickHouse plugin.
    """

    dashboard: str
    place: str
    type: str
    text: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.place}"


def queries(source: str) -> Iterator[Asked]:
    """Yield every query to data sources of a type."""
    for uid, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                if target["datasource"]["type"] == source:
                    text = target["rawSql"] if source == CLICKHOUSE else target["expr"]
                    kind = target.get("queryType", "")
                    yield Asked(uid, panel["title"], panel["type"], text, kind)
        for name, variable in variables(dashboard).items():
            if variable["type"] == "query" and variable["datasource"]["type"] == source:
                yield Asked(uid, f"variable {name}", "variable", variable["query"])


@dataclass(frozen=True)
class Period:
    """The period that is chosen in the time picker."""

    start: datetime
    end: datetime

    @classmethod
    def days(cls, as_of: date, days: int) -> "Period":
        """Return the period `now-<days>d/d` to `now/d` for a day."""
        midnight = datetime(as_of.year, as_of.month, as_of.day, tzinfo=ZONE)
        return cls(midnight - timedelta(days=days), midnight + timedelta(hours=23, minutes=59))


def expand(text: str, choices: Choices, period: Period, custom_all: str = "''") -> str:
    """Return a query as Grafana sends it.

    `choices` holds the chosen values of each variable, ALL for the choice "All", which becomes
    `custom_all`. Raises AssertionError if a variable or macro is left.
    """
    text = re.sub(
        r"\$\{(\w+)(?::(\w+))?\}",
        lambda found: _formatted(choices[found[1]], found[2] or "", custom_all),
        text,
    )
    for macro, value in _macros(period).items():
        text = re.sub(macro, value, text)
    assert "$" not in text, text
    return text


def _formatted(values: Sequence[str], form: str, custom_all: str) -> str:
    if tuple(values) == ALL:
        return custom_all  # Grafana inserts the value of "All" as it is, whatever the format.
    if form == "singlequote":
        return ",".join("'" + value.replace("'", "\\'") + "'" for value in values)
    assert form in ("", "raw", "text"), form
    return ",".join(values)


def _macros(period: Period) -> dict[str, str]:
    start, end = int(period.start.timestamp()), int(period.end.timestamp())
    since, until = f"toDateTime({start})", f"toDateTime({end})"
    first = f"toDate('{period.start.astimezone(ZoneInfo('UTC')):%Y-%m-%d}')"
    last = f"toDate('{period.end.astimezone(ZoneInfo('UTC')):%Y-%m-%d}')"
    return {
        r"\$__fromTime_ms\b": f"fromUnixTimestamp64Milli({start * 1000})",
        r"\$__toTime_ms\b": f"fromUnixTimestamp64Milli({end * 1000})",
        r"\$__fromTime\b": since,
        r"\$__toTime\b": until,
        r"\$__timeFilter\(([^)]*)\)": rf"\1 >= {since} AND \1 <= {until}",
        r"\$__dateFilter\(([^)]*)\)": rf"\1 >= {first} AND \1 <= {last}",
        r"\$__timeInterval\(([^)]*)\)": r"toStartOfInterval(toDateTime(\1), INTERVAL 3600 second)",
        r"\$__interval_s\b": "3600",
        r"\$__rate_interval\b": "1m",
        r"\$__interval\b": "15s",
        r"\$__range\b": "6h",
    }
