"""Every metric of the pipeline, declared once with its meaning.

Labels are bounded: topics, partitions, reasons and event types; never ids of partners or events.
What the exporter takes from the store is in `series`.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from schemas.catalogue import CATALOGUE

ACCEPTED: Final = Counter(
    "rantai_events_accepted", "Events that the gateway or the processor took as valid.", ["type"]
)
REJECTED: Final = Counter(
    "rantai_events_rejected",
    "Events refused, by where (gateway, inbound, ledger) and why (invalid, forbidden, conflict, "
    "store).",
    ["stage", "reason"],
)
STORED: Final = Counter("rantai_events_stored", "Events that the ledger took for the first time.")
RESENT: Final = Counter(
    "rantai_events_resent", "Events that the ledger had already: sent twice, or read twice."
)
INSERT_SECONDS: Final = Histogram(
    "rantai_ledger_insert_seconds",
    "Time of one batch from look-up to inserted, in the store.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FOLD_SECONDS: Final = Histogram(
    "rantai_ledger_fold_seconds",
    "Time to fold what one or more inserted batches concern into facts, and to complete them.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BATCH_ROWS: Final = Histogram(
    "rantai_ledger_batch_rows",
    "Events of one batch.",
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000),
)
RETRIES: Final = Counter(
    "rantai_ledger_retries", "Batches tried again because the store was not available."
)
OFFSET_LAG: Final = Gauge(
    "rantai_offset_lag_records",
    "Records between the last committed offset and the log's end.",
    ["topic", "partition"],
)
END_TO_END: Final = Gauge(
    "rantai_newest_stored_event_age_seconds",
    "From acceptance to being queryable, for the newest stored event.",
)
EVALUATED: Final = Counter(
    "rantai_suppliers_evaluated", "Suppliers judged anew because something about them changed."
)
FROZEN: Final = Counter("rantai_evaluations_frozen", "Month-end evaluations frozen.")
ANNOUNCED: Final = Counter(
    "rantai_readiness_announced", "Changes of a published grade or stage told on rantai.readiness."
)
PART_RESTARTS: Final = Counter(
    "rantai_part_restarts",
    "Parts of a process that failed and were started anew in it, by part.",
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
    "Requests that read and were answered 429, by whose places were taken: those of a key, a link, "
    "an address, or of all readers.",
    ["reason"],
)
READS_WAITED: Final = Histogram(
    "rantai_reads_waited_seconds",
    "Time that a piece of reading waited for its turn at a reader's thread.",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REBUILD_STEPS: Final = Gauge(
    "rantai_rebuild_steps",
    "Steps of the part of a rebuild under way (tables, then facts); 0 where none is.",
)
REBUILD_LEFT: Final = Gauge(
    "rantai_rebuild_left_steps", "Steps of that part which are still to do; 0 where none is."
)

for _whose in ("key", "all"):
    BODIES_REFUSED.labels(_whose)

# A series that appears with its first event is no increase to Prometheus: a burst of refusals
# would begin at its height, and the alert on their share would not see it.
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
