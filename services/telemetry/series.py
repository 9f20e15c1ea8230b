"""Every series that the exporter takes from a look into the store, declared once with its meaning.

They are made anew at each look: what is no longer there is no longer shown. Labels are bounded:
clusters, regions, buyers, senders and assessors by a most, with the rest under `(other)`; suppliers
are the few that are watched. `(none)` = belongs to none.
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
        """Return it without a value."""
        return GaugeMetricFamily(self.name, self.meaning, labels=self.labels)


UP: Final = Series(
    "rantai_exporter_up",
    "1 where the last look into the store succeeded and is not old, 0 where it failed or is late.",
)
LOOK_AGE: Final = Series(
    "rantai_exporter_look_age_seconds", "Since the last successful look began, or since the start."
)
LOOK_SECONDS: Final = Series(
    "rantai_exporter_look_seconds", "How long the store took to answer the last successful look."
)

CLUSTER_GRADES: Final = Series(
    "rantai_cluster_grade_suppliers",
    "Suppliers of a cluster by their published grade; none = none is published.",
    ("cluster", "grade"),
)
REGION_GRADES: Final = Series(
    "rantai_region_grade_suppliers",
    "Suppliers of a region (the province of their registration) by their published grade.",
    ("region", "grade"),
)
BUYER_GRADES: Final = Series(
    "rantai_buyer_grade_suppliers",
    "Suppliers of a buyer by their published grade, which is over all their buyers.",
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
    "Suppliers of a cluster whose published grade is another than at the month end before.",
    ("cluster", "from_grade", "to_grade"),
)
CLUSTER_NUMERATOR: Final = Series(
    "rantai_cluster_figure_numerator",
    "Numerator of a cluster's figure over the last 180 days; add up, then divide.",
    ("cluster", "kpi"),
)
CLUSTER_DENOMINATOR: Final = Series(
    "rantai_cluster_figure_denominator",
    "Denominator of a cluster's figure over the last 180 days; add up, then divide.",
    ("cluster", "kpi"),
)
CLUSTER_CASES: Final = Series(
    "rantai_cluster_cases",
    "Figures of a cluster that are counts: line stops, open complaints, overdue lines and more.",
    ("cluster", "kpi"),
)
CLUSTER_LOAD: Final = Series(
    "rantai_cluster_capacity_load_max_ratio",
    "The highest capacity load of a cluster's suppliers: orders over declared capacity, 1 = full.",
    ("cluster",),
)
CLUSTER_EXPIRING: Final = Series(
    "rantai_cluster_expiring_certificates",
    "Certificates of a cluster's suppliers that end within 30 days and are not renewed.",
    ("cluster",),
)
CLUSTER_EXPIRED: Final = Series(
    "rantai_cluster_expired_certificates",
    "Certificates of a cluster's suppliers that have ended and are not renewed.",
    ("cluster",),
)

SUPPLIER_STANDING: Final = Series(
    "rantai_supplier_standing_info",
    "1 for each supplier that is watched: its grade, the one published, and that of the month end "
    "before.",
    ("supplier", "cluster", "grade", "published", "before"),
)
SUPPLIER_SCORE: Final = Series(
    "rantai_supplier_score_points", "Performance score, 0 to 100, also a provisional one.",
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
    "rantai_supplier_cases", "Figures of a supplier that are counts.", ("supplier", "kpi")
)
SUPPLIER_LOAD: Final = Series(
    "rantai_supplier_capacity_load_ratio",
    "The highest load of a supplier's processes: orders over declared capacity, 1 = full.",
    ("supplier",),
)
SUPPLIER_CERTIFICATE: Final = Series(
    "rantai_supplier_certificate_end_timestamp_seconds",
    "Last day (its end, at the sites) of the supplier's certificate that ends next or ended last.",
    ("supplier", "certificate"),
)

BEHIND: Final = Series(
    "rantai_readiness_behind_suppliers",
    "Suppliers shown as they stood before the newest events about them, or yesterday.",
)
BEHIND_AGE: Final = Series(
    "rantai_readiness_behind_age_seconds",
    "How long one of them was seen to stay behind, at most; 0 where none is.",
)
LEDGER_EVENTS: Final = Series(
    "rantai_ledger_events",
    "Events in the ledger, as rows of its parts: one stored twice counts twice until it is merged.",
)
NEWEST_STORED: Final = Series(
    "rantai_newest_stored_event_accepted_timestamp_seconds",
    "When the newest stored event had been accepted by the broker (Unix time).",
)
SENDER_NEWEST: Final = Series(
    "rantai_sender_newest_event_timestamp_seconds",
    "When the newest stored event of a sender had been accepted by the broker (Unix time).",
    ("sender",),
)
OPEN_REJECTIONS: Final = Series(
    "rantai_rejected_waiting_events",
    "Refused records in the store that nobody has replayed, by reason.",
    ("reason",),
)
DATA_QUALITY: Final = Series(
    "rantai_data_quality_findings",
    "What was sent and looks wrong, over all buyers, by kind of finding; see GET /v1/data-quality.",
    ("kind",),
)
STORE_BYTES: Final = Series("rantai_store_size_bytes", "Size of the store's tables on disk.")
STORE_MEMORY: Final = Series(
    "rantai_store_memory_bytes",
    "Memory that the store's engine holds; in one process with it, a part of the process's own.",
)
STORE_FREE: Final = Series(
    "rantai_store_free_bytes", "Room left on the store's disk, of several on the fullest."
)
STORE_TOTAL: Final = Series(
    "rantai_store_disk_bytes", "Size of the store's disk, of several of the fullest."
)
TOPIC_LAG: Final = Series(
    "rantai_topic_lag_records",
    "Records of a topic behind what its consumers committed, as the broker has it.",
    ("topic",),
)
BROKER_UP: Final = Series(
    "rantai_exporter_broker_up", "1 where the broker told the exporter its offsets, else 0."
)
MISSING: Final = Series(
    "rantai_reconcile_missing_events",
    "Accepted events that two reconciliations in a row found neither stored nor refused.",
)
MISSING_AGE: Final = Series(
    "rantai_reconcile_age_seconds",
    "Since the last reconciliation that came to its end, or since the start.",
)

SERIES: Final = tuple(one for one in globals().values() if isinstance(one, Series))
"""All of them, in this order."""
