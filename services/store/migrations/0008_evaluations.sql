-- What was said of a supplier, once and for all: durable beside the ledger.
-- durable
-- The scorecard of a month end as it was known when it was frozen: the first one stands.
CREATE TABLE IF NOT EXISTS evaluations $on_cluster
(
    supplier_id LowCardinality(String),
    as_of Date32 COMMENT 'the first of the month',
    policy_version String,
    events UInt64 COMMENT 'how many events the ledger held',
    accepted_until DateTime64(3, 'UTC') COMMENT 'when the newest of them was accepted',
    scorecard String CODEC(ZSTD(1)) COMMENT 'kpis, score, grade and stage, as JSON',
    frozen_at DateTime64(6, 'UTC') DEFAULT now64(6),
    precedence UInt64 MATERIALIZED 18446744073709551615 - toUInt64(toUnixTimestamp64Micro(frozen_at))
)
ENGINE = $replacing(precedence)
ORDER BY (supplier_id, as_of)
SETTINGS fsync_after_insert = $fsync;

-- What was announced on rantai.readiness: each change once. Written before it is published, and
-- again when it is known to be.
CREATE TABLE IF NOT EXISTS announcements $on_cluster
(
    supplier_id LowCardinality(String),
    number UInt32 COMMENT 'of this supplier, from 1',
    id String COMMENT 'of the event',
    event String CODEC(ZSTD(1)),
    state String COMMENT 'how the supplier stands after it, as JSON',
    published UInt8,
    written_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = $replacing(published)
ORDER BY (supplier_id, number)
SETTINGS fsync_after_insert = $fsync;
