"""Generates the table of metrics in deploy/prometheus/README.md from their declarations."""

from collections.abc import Sequence

from prometheus_client.metrics import MetricWrapperBase

from services.telemetry import metrics
from services.telemetry.series import SERIES


def as_table() -> str:
    """Return every metric as a Markdown table: name, type, labels, meaning."""
    rows = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            family = next(iter(one.describe()))
            total = "_total" if family.type == "counter" else ""
            labels = one._labelnames
            rows.append(_row(family.name + total, family.type, labels, family.documentation))
    rows += [_row(one.name, "gauge", one.labels, one.meaning) for one in SERIES]
    return "\n".join(rows)


def _row(name: str, kind: str, labels: Sequence[str], meaning: str) -> str:
    listed = ", ".join(f"`{label}`" for label in labels)
    return f"| `{name}` | {kind} | {listed} | {meaning} |"


if __name__ == "__main__":
    print(as_table())
