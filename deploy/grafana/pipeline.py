"""The dashboard of the pipeline: whether events are accepted, stored and judged, and how fast.

Several exporters report the same values of the store: queries take their maximum, never their sum.
"""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana import parts
from deploy.grafana.parts import BYTES, COUNT, PERCENT, SECONDS, Board, measured


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    board = (
        Board.named(
            "pipeline",
            "Pipeline",
            "Events from the sender to the store, as Prometheus measured it.",
        )
        .time("now-6h", "now")
        .with_variable(
            builders.DatasourceVariable("prometheus")
            .label("Metrics")
            .type(parts.PROMETHEUS.type_val or "")
        )
        .with_row(builders.Row("Coming in"))
    )
    for panel in _PANELS[:5]:
        board = board.with_panel(panel)
    board = board.with_row(builders.Row("Being stored"))
    for panel in _PANELS[5:11]:
        board = board.with_panel(panel)
    board = board.with_row(builders.Row("Being judged and shown"))
    for panel in _PANELS[11:]:
        board = board.with_panel(panel)
    return board


_RATE = "[$__rate_interval]"
_INSERTS = f"sum by (le) (rate(rantai_ledger_insert_seconds_bucket{_RATE}))"
_PANELS = (
    measured(
        "Accepted", "Valid events per second, by type.", "eps",
        (f"sum by (type) (rate(rantai_events_accepted_total{_RATE}))", "{{type}}"),
    ),
    measured(
        "Rejected", "Refused events per second, by stage and reason; each can be repaired.", "eps",
        (f"sum by (stage, reason) (rate(rantai_events_rejected_total{_RATE}))",
         "{{stage}}: {{reason}}"),
    ),
    measured(
        "Share refused", "Refused events as a share of all received; 100 % = all.", PERCENT,
        (f"sum(rate(rantai_events_rejected_total{_RATE})) / (sum(rate(rantai_events_rejected_total"
         f"{_RATE})) + sum(rate(rantai_events_accepted_total{_RATE})))", "refused"),
    ),
    measured(
        "Refused and waiting", "Refused records, neither replayed nor dismissed, by reason.", COUNT,
        ("max by (reason) (rantai_rejected_waiting_events)", "{{reason}}"),
    ),
    measured(
        "Data quality", "Documents that look wrong, over all buyers, by kind of finding; "
        "/programme/data-quality lists them and says what to send.", COUNT,
        ("max by (kind) (rantai_data_quality_findings)", "{{kind}}"), width=24,
    ),
    measured(
        "Stored", "Events that the ledger got per second: for the first time, and again.", "eps",
        (f"sum(rate(rantai_events_stored_total{_RATE}))", "first time"),
        (f"sum(rate(rantai_events_resent_total{_RATE}))", "again"),
    ),
    measured(
        "Lag", "Records on each topic that the processor has not stored yet.", COUNT,
        ("max by (topic) (rantai_topic_lag_records)", "{{topic}}"),
    ),
    measured(
        "Age of the newest stored event", "Time since the broker accepted it: rises when no "
        "event arrives, or none is stored.", SECONDS,
        ("time() - max(rantai_newest_stored_event_accepted_timestamp_seconds)", "age"),
    ),
    measured(
        "Time of an insert", "Of a batch, from look-up to insert: half and 99 of 100 are faster.",
        SECONDS,
        (f"histogram_quantile(0.5, {_INSERTS})", "half"),
        (f"histogram_quantile(0.99, {_INSERTS})", "99 of 100"),
    ),
    measured(
        "Tried again", "Batches that the store did not take at once, in the last hour.", COUNT,
        ("sum(increase(rantai_ledger_retries_total[1h]))", "batches"),
    ),
    measured(
        "Missing", "Accepted events that two reconciliations in a row found neither stored nor "
        "refused. Anything over 0 is an alarm.", COUNT,
        ("max(rantai_reconcile_missing_events)", "events"),
    ),
    measured(
        "Size of the store", "Tables on disk, and free space.", BYTES,
        ("max(rantai_store_size_bytes)", "tables"),
        ("min(rantai_store_free_bytes)", "free"),
    ),
    measured(
        "Standings behind", "Suppliers whose displayed standing is stale: their newest events are "
        "not in it, or it is yesterday's.", COUNT,
        ("max(rantai_readiness_behind_suppliers)", "suppliers"),
    ),
    measured(
        "Exporter", "1 if the last look into the store succeeded; and the age of that look.", COUNT,
        ("min(rantai_exporter_up)", "up"),
        ("max(rantai_exporter_look_age_seconds)", "age (s)"),
    ),
    measured(
        "Silent senders", "Time since the newest event of each sender was accepted.", SECONDS,
        ("time() - max by (sender) (rantai_sender_newest_event_timestamp_seconds)", "{{sender}}"),
    ),
    measured(
        "Answers", "How long 95 of 100 requests take, by route.", SECONDS,
        (f"histogram_quantile(0.95, sum by (le, route) (rate(rantai_http_request_seconds_bucket"
         f"{_RATE})))", "{{route}}"),
    ),
    measured(
        "Published grades", "Suppliers by published grade, over all clusters.", COUNT,
        ("sum by (grade) (max by (cluster, grade) (rantai_cluster_grade_suppliers))", "{{grade}}"),
    ),
    measured(
        "On time in full by cluster", "Numerators over denominators of the last 180 days.", PERCENT,
        ("max by (cluster) (rantai_cluster_figure_numerator{kpi=\"otif\"}) / max by (cluster) "
         "(rantai_cluster_figure_denominator{kpi=\"otif\"})", "{{cluster}}"),
    ),
)  # fmt: skip
