"""Every metric of the pipeline, declared once with its meaning.

Labels are bounded: topics, partitions, reasons and event types; never ids of partners or events.
What the exporter reads from the store is declared in `series`.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from schemas.catalogue import CATALOGUE

ACCEPTED: Final = Counter(
    "rantai_events_accepted", "Events that the gateway or the processor judged valid.", ["type"]
)
REJECTED: Final = Counter(
    "rantai_events_rejected",
    "Events refused, by where (gateway, inbound, ledger) and why (invalid, forbidden, conflict, "
    "store).",
    ["stage", "reason"],
)
STORED: Final = Counter("rantai_events_stored", "Events that the ledger stored for the first time.")
RESENT: Final = Counter(
    "rantai_events_resent", "Events that the ledger already had: sent twice, or read twice."
)
INSERT_SECONDS: Final = Histogram(
    "rantai_ledger_insert_seconds",
    "Time to look up and insert one batch in the store.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FOLD_SECONDS: Final = Histogram(
    "rantai_ledger_fold_seconds",
    "Time to fold what one or more inserted batches touch into facts, and to complete the batches.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BATCH_ROWS: Final = Histogram(
    "rantai_ledger_batch_rows",
    "Events of one batch.",
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000),
)
RETRIES: Final = Counter(
    "rantai_ledger_retries", "Batches retried because the store was not available."
)
OFFSET_LAG: Final = Gauge(
    "rantai_offset_lag_records",
    "Records between the last committed offset and the end of the partition.",
    ["topic", "partition"],
)
END_TO_END: Final = Gauge(
    "rantai_newest_stored_event_age_seconds",
    "Time from acceptance until queryable, for the newest stored event.",
)
EVALUATED: Final = Counter(
    "rantai_suppliers_evaluated", "Suppliers evaluated again because their facts changed."
)
FROZEN: Final = Counter("rantai_evaluations_frozen", "Month-end evaluations frozen.")
ANNOUNCED: Final = Counter(
    "rantai_readiness_announced",
    "Changes of a published grade or stage announced on rantai.readiness.",
)
PART_RESTARTS: Final = Counter(
    "rantai_part_restarts",
    "Restarts of a failed part inside its process, by part.",
    ["part"],
)
REQUEST_SECONDS: Final = Histogram(
    "rantai_http_request_seconds",
    "Time to answer a request, by route and status.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BODIES_REFUSED: Final = Counter(
    "rantai_bodies_refused",
    "Bodies answered 429 because too many bytes were in memory: of the key, or of all keys.",
    ["whose"],
)
DECODING_WAITED: Final = Histogram(
    "rantai_decoding_waited_seconds",
    "Time that a piece of a large or packed body waited for its key's turn at the decoder.",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
READS_REFUSED: Final = Counter(
    "rantai_reads_refused",
    "Read requests answered 429, by whose places were taken: those of a key, a link, an address, "
    "or of all readers together.",
    ["reason"],
)
READS_WAITED: Final = Histogram(
    "rantai_reads_waited_seconds",
    "Time that a piece of work of a read request waited for a reader's thread.",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REBUILD_STEPS: Final = Gauge(
    "rantai_rebuild_steps",
    "Steps in the current phase of a rebuild (tables, then facts); 0 if no rebuild is running.",
)
REBUILD_LEFT: Final = Gauge(
    "rantai_rebuild_left_steps",
    "Steps left in the current phase of a rebuild; 0 if none is running.",
)

for _whose in ("key", "all"):
    BODIES_REFUSED.labels(_whose)

# Prometheus sees no increase in a series that appears with its first event: a burst of refusals
# would start at its full height, and the alert on the refused share would miss it.
for _type in CATALOGUE:
    ACCEPTED.labels(_type)
for _stage, _reasons in {
    "gateway": ("invalid", "forbidden"),
    "inbound": ("invalid", "forbidden"),
    "ledger": ("invalid", "conflict", "store"),
}.items():
    for _reason in _reasons:
        REJECTED.labels(_stage, _reason)
for _reason in ("key", "link", "address", "all"):
    READS_REFUSED.labels(_reason)
