"""Every series that the exporter gets from a look into the store, declared once with its meaning.

They are created again at each look, so whatever has left the store leaves the metrics too. Labels
are bounded: clusters, regions, buyers, senders and assessors by a maximum number, with the rest
under `(other)`; suppliers by watching only a few. `(none)` = belongs to none.
"""

from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily

OTHER: Final = "(other)"
NONE: Final = "(none)"


@dataclass(frozen=True, slots=True)
class Series:
    """A gauge: its name, what it means, and its labels."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()

    def family(self) -> GaugeMetricFamily:
        """Return the series as a Prometheus metric family without values."""
        return GaugeMetricFamily(self.name, self.meaning, labels=self.labels)


UP: Final = Series(
    "rantai_exporter_up",
    "1 if the last look into the store succeeded and is recent, 0 if it failed or is late.",
)
LOOK_AGE: Final = Series(
    "rantai_exporter_look_age_seconds",
    "Time since the last successful look began, or since the exporter started.",
)
LOOK_SECONDS: Final = Series(
    "rantai_exporter_look_seconds", "How long the store took to answer the last successful look."
)

CLUSTER_GRADES: Final = Series(
    "rantai_cluster_grade_suppliers",
    "Suppliers of a cluster by their published grade; none = no grade is published.",
    ("cluster", "grade"),
)
REGION_GRADES: Final = Series(
    "rantai_region_grade_suppliers",
    "Suppliers of a region (the province of their registration) by their published grade.",
    ("region", "grade"),
)
BUYER_GRADES: Final = Series(
    "rantai_buyer_grade_suppliers",
    "Suppliers of a buyer by their published grade, which takes in all of their buyers.",
    ("buyer", "grade"),
)
CLUSTER_STAGES: Final = Series(
    "rantai_cluster_stage_suppliers",
    "Suppliers of a cluster by their stage of independence in an assessor's opinion.",
    ("cluster", "assessor", "stage"),
)
REGION_STAGES: Final = Series(
    "rantai_region_stage_suppliers",
    "Suppliers of a region by their stage of independence in an assessor's opinion.",
    ("region", "assessor", "stage"),
)
BUYER_STAGES: Final = Series(
    "rantai_buyer_stage_suppliers",
    "Suppliers of a buyer by their stage of independence in an assessor's opinion.",
    ("buyer", "assessor", "stage"),
)
CLUSTER_MOVES: Final = Series(
    "rantai_cluster_moved_suppliers",
    "Suppliers of a cluster whose published grade differs from the one at the previous month end.",
    ("cluster", "from_grade", "to_grade"),
)
CLUSTER_NUMERATOR: Final = Series(
    "rantai_cluster_figure_numerator",
    "Numerator of a cluster's figure over the last 180 days; sum first, then divide.",
    ("cluster", "kpi"),
)
CLUSTER_DENOMINATOR: Final = Series(
    "rantai_cluster_figure_denominator",
    "Denominator of a cluster's figure over the last 180 days; sum first, then divide.",
    ("cluster", "kpi"),
)
CLUSTER_CASES: Final = Series(
    "rantai_cluster_cases",
    "A cluster's figures that are counts: line stops, open complaints, overdue lines and more.",
    ("cluster", "kpi"),
)
CLUSTER_LOAD: Final = Series(
    "rantai_cluster_capacity_load_max_ratio",
    "Highest capacity load of a cluster's suppliers: orders over declared capacity, 1 = full.",
    ("cluster",),
)
CLUSTER_EXPIRING: Final = Series(
    "rantai_cluster_expiring_certificates",
    "Certificates of a cluster's suppliers that expire within 30 days and are not renewed.",
    ("cluster",),
)
CLUSTER_EXPIRED: Final = Series(
    "rantai_cluster_expired_certificates",
    "Certificates of a cluster's suppliers that have expired and are not renewed.",
    ("cluster",),
)

SUPPLIER_STANDING: Final = Series(
    "rantai_supplier_standing_info",
    "1 for each watched supplier: its grade, its published grade, and the published grade at the "
    "previous month end.",
    ("supplier", "cluster", "grade", "published", "before"),
)
SUPPLIER_SCORE: Final = Series(
    "rantai_supplier_score_points", "Performance score, 0 to 100; it may be provisional.",
    ("supplier",),
)  # fmt: skip
SUPPLIER_NUMERATOR: Final = Series(
    "rantai_supplier_figure_numerator",
    "Numerator of a supplier's figure over the last 180 days.",
    ("supplier", "kpi"),
)
SUPPLIER_DENOMINATOR: Final = Series(
    "rantai_supplier_figure_denominator",
    "Denominator of a supplier's figure over the last 180 days.",
    ("supplier", "kpi"),
)
SUPPLIER_CASES: Final = Series(
    "rantai_supplier_cases", "A supplier's figures that are counts.", ("supplier", "kpi")
)
SUPPLIER_LOAD: Final = Series(
    "rantai_supplier_capacity_load_ratio",
    "Highest load of a supplier's processes: orders over declared capacity, 1 = full.",
    ("supplier",),
)
SUPPLIER_CERTIFICATE: Final = Series(
    "rantai_supplier_certificate_end_timestamp_seconds",
    "End of the last valid day, in the sites' zone, of the supplier's certificate that expires "
    "next or expired last (Unix time).",
    ("supplier", "certificate"),
)

STALE_SUPPLIERS: Final = Series(
    "rantai_readiness_behind_suppliers",
    "Suppliers whose displayed standing is stale: of an earlier day, or without the newest events.",
)
STALE_AGE: Final = Series(
    "rantai_readiness_behind_age_seconds",
    "Longest time that a supplier has been seen with a stale standing; 0 if there is none.",
)
LEDGER_EVENTS: Final = Series(
    "rantai_ledger_events",
    "Rows of the ledger; an event that was stored twice counts twice until ClickHouse merges it.",
)
NEWEST_STORED: Final = Series(
    "rantai_newest_stored_event_accepted_timestamp_seconds",
    "When the broker accepted the newest stored event (Unix time).",
)
SENDER_NEWEST: Final = Series(
    "rantai_sender_newest_event_timestamp_seconds",
    "When the broker accepted the newest stored event of a sender (Unix time).",
    ("sender",),
)
OPEN_REJECTIONS: Final = Series(
    "rantai_rejected_waiting_events",
    "Refused records that were neither replayed nor dismissed, by reason.",
    ("reason",),
)
DATA_QUALITY: Final = Series(
    "rantai_data_quality_findings",
    "Findings of data quality over all buyers, by kind; see GET /v1/data-quality.",
    ("kind",),
)
STORE_BYTES: Final = Series("rantai_store_size_bytes", "Size of the store's tables on disk.")
STORE_MEMORY: Final = Series(
    "rantai_store_memory_bytes",
    "Memory held by the store's engine; the embedded engine's is part of the process's memory.",
)
STORE_FREE: Final = Series(
    "rantai_store_free_bytes",
    "Free space on the store's disk; if there are several, on the fullest.",
)
STORE_TOTAL: Final = Series(
    "rantai_store_disk_bytes", "Size of the store's disk; if there are several, of the fullest."
)
TOPIC_LAG: Final = Series(
    "rantai_topic_lag_records",
    "Records of a topic after the offsets that its consumers committed, as the broker reports.",
    ("topic",),
)
BROKER_UP: Final = Series(
    "rantai_exporter_broker_up", "1 if the exporter could read the broker's offsets, else 0."
)
MISSING: Final = Series(
    "rantai_reconcile_missing_events",
    "Accepted events that two consecutive reconciliations found neither stored nor refused.",
)
MISSING_AGE: Final = Series(
    "rantai_reconcile_age_seconds",
    "Time since the last completed reconciliation, or since the exporter started.",
)

SERIES: Final = tuple(one for one in globals().values() if isinstance(one, Series))
"""All series, in the order in which they are declared."""
