-- The ledger: every event as it came, once. The truth from which every derived table is made.
-- durable
CREATE TABLE IF NOT EXISTS events $on_cluster
(
    source LowCardinality(String),
    id String,
    type LowCardinality(String),
    time DateTime64(6, 'UTC'),
    subject String,
    traceparent String,
    sender LowCardinality(String),
    data String CODEC(ZSTD(1)),
    content String COMMENT 'digest of type, time and data: tells a resend from a conflict',
    accepted_at DateTime64(3, 'UTC') COMMENT 'when the broker took it: never the event''s own time',
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    batch UUID COMMENT 'the insert that brought it; see batches',
    stored_at DateTime64(6, 'UTC') DEFAULT now64(6),
    -- Of two rows under one key the one stored first stands: the highest precedence survives a merge.
    precedence UInt64 MATERIALIZED 18446744073709551615 - toUInt64(toUnixTimestamp64Micro(stored_at))
)
ENGINE = $replacing(precedence)
ORDER BY (source, id)
SETTINGS fsync_after_insert = $fsync;

-- The inserts whose views are known to be complete: one that is missing is derived again on start.
CREATE TABLE IF NOT EXISTS batches $on_cluster
(
    batch UUID,
    rows UInt32,
    stored_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = $replacing
ORDER BY batch;

-- What was not taken, with its reasons, so that it can be repaired and replayed.
CREATE TABLE IF NOT EXISTS rejected $on_cluster
(
    id String COMMENT 'topic:partition:offset of the refused record, or the digest of a replay',
    sender LowCardinality(String),
    reason LowCardinality(String),
    errors String COMMENT 'JSON: [{"pointer", "message"}]',
    event_source String,
    event_id String,
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    accepted_at DateTime64(3, 'UTC'),
    rejected_at DateTime64(3, 'UTC'),
    value String CODEC(ZSTD(1)) COMMENT 'the record as it came',
    encoding LowCardinality(String) COMMENT 'utf-8, or base64 where the bytes are no text',
    replayed_at Nullable(DateTime64(3, 'UTC')),
    version UInt64 DEFAULT 0
)
ENGINE = $replacing(version)
ORDER BY id;
